/* wait.c - greenlets that wait for something other than a switch, and what ends
 * that. */
#include "thread.h"

#include <errno.h>

/* ---- waiting ----------------------------------------------------------------
 */

/* A switch to a greenlet that waits is a mistake of whoever made it. */
static int refuse_value(struct greenlet *me, const char *what)
{
	PyErr_Format(exc_invalid_switch,
		     "Invalid switch into a wait for %s: %R", what, me->value);
	Py_CLEAR(me->value);
	Py_CLEAR(me->kwargs);
	return -1;
}

/* What comes after the one that is raised now. */
static PyObject *next_pending(struct greenlet *me)
{
	PyObject *exc;

	if (!me->later)
		return NULL;
	exc = Py_NewRef(PyList_GET_ITEM(me->later, 0));
	if (PyList_GET_SIZE(me->later) == 1)
		Py_CLEAR(me->later);
	else if (PyList_SetSlice(me->later, 0, 1, NULL) < 0)
		PyErr_Clear();
	return exc;
}

int greenlet_raise(struct greenlet *me)
{
	PyObject *exc = me->pending;

	if (!exc)
		return 0;
	me->pending = next_pending(me);
	greenlet_raised(me);
	exception_raise(exc);
	return -1;
}

/* What the end of a park means: 1, 0, -1 as greenlet_wait; 2: park again. */
static int outcome(struct thread *t, struct greenlet *me, const char *what,
		   int err)
{
	if (greenlet_raise(me) < 0)
		return -1;
	if (me->value)
		return refuse_value(me, what);
	if (me->woken)
		return 1;
	if (err == ETIMEDOUT)
		return 0;
	if (err == EINTR)
		return PyErr_CheckSignals() < 0 ? -1 : 2;
	if (err == EDEADLK) {
		hub_set_loop_exit(t);
		return -1;
	}
	return 2;
}

/* The thread ends, and everybody with it: who waits again after that has been
 * said once does so for good. */
static int refuse_wait(struct thread *t, struct greenlet *me)
{
	if (!me->refused) {
		me->refused = true;
		PyErr_SetNone(exc_greenlet_exit);
		return -1;
	}
	for (;;) {
		if (!t->main->value)
			t->main->value = Py_NewRef(Py_None);
		ramet_host_wake_first(t->main->ramet);
		ramet_host_park("the end of its thread", RAMET_NEVER);
	}
}

int greenlet_may_wait(struct thread *t)
{
	if (t->current->is_hub) {
		PyErr_SetString(exc_blocking_switch_out,
				"Impossible to call blocking function in the "
				"event loop callback");
		return -1;
	}
	if (t->closing && t->current != t->main)
		return refuse_wait(t, t->current);
	return 0;
}

int greenlet_enter(struct thread *t)
{
	if (greenlet_may_wait(t) < 0 || greenlet_raise(t->current) < 0)
		return -1;
	Py_INCREF(t->current); /* nothing else may know of it meanwhile */
	return 0;
}

static int meaning(struct greenlet *me, const char *what, int err)
{
	if (err == 0)
		return 0;
	if (greenlet_raise(me) < 0)
		return -1;
	if (me->value)
		return refuse_value(me, what);
	if (err == EINTR)
		return PyErr_CheckSignals() < 0 ? -1 : 1;
	return err == ECANCELED;
}

int greenlet_leave(struct thread *t, const char *what, int err)
{
	struct greenlet *me = t->current;
	int end;

	greenlet_arrive(t);
	end = meaning(me, what, err);
	Py_DECREF(me);
	return end;
}

/* What it is for. */
struct reason {
	const char *what;
	const void *lock;
	const uint32_t *holder; /* of the lock */
	struct ramet *ends;     /* NULL: nobody's end is waited for */
};

static inline int park(const struct reason *why, int64_t when)
{
	if (why->holder)
		return ramet_host_park_lock(why->lock, why->holder, when);
	if (why->ends)
		return ramet_host_park_join(why->ends, when);
	return ramet_host_park(why->what, when);
}

/* A part of each caller, who knows its reason. */
__attribute__((always_inline)) static inline int wait_for(
	const struct reason *why, int64_t when)
{
	struct thread *t = thread_get();
	struct greenlet *me = t ? t->current : NULL;
	int end;

	if (!me)
		return -1;
	if (greenlet_may_wait(t) < 0)
		return -1;
	me->woken = false;
	Py_INCREF(me);
	do {
		int err = 0;

		if (!me->pending && GREENLET_AWAY(t, park(why, when)) < 0)
			err = errno;
		greenlet_arrive(t);
		end = outcome(t, me, why->what, err);
	} while (end == 2);
	Py_DECREF(me);
	return end;
}

int greenlet_wait(const char *what, int64_t when)
{
	const struct reason why = {.what = what};

	return wait_for(&why, when);
}

int greenlet_wait_lock(const void *lock, const uint32_t *holder, int64_t when)
{
	const struct reason why = {.what = "a lock",
				   .lock = lock,
				   .holder = holder};

	return wait_for(&why, when);
}

int greenlet_wait_end(const struct greenlet *g, int64_t when)
{
	const struct reason why = {.what = "the end of a greenlet",
				   .ends = greenlet_is_ours(g) ? g->ramet
							       : NULL};

	return wait_for(&why, when);
}

/* ---- waking
 * ------------------------------------------------------------------ */

/* In g's loop, which may be in a greenlet without the GIL. */
static void on_call(struct ramet_host_call *call)
{
	struct greenlet *g =
		(struct greenlet *)((char *)call -
				    offsetof(struct greenlet, call));
	struct thread *t = g->thread;
	bool taken;

	if (t->closed)
		return;
	taken = thread_take_gil(t);
	g->posted = false;
	t->mails--;
	if (g->woken && g->ramet)
		ramet_host_wake(g->ramet);
	if (Py_REFCNT(g) > 1)
		Py_DECREF(g);
	else
		greenlet_let_go(t, g); /* its end may run anything */
	thread_give_gil(taken);
}

static void wake_elsewhere(struct greenlet *g)
{
	if (g->posted || !g->thread || g->thread->closed || !g->ramet)
		return;
	g->posted = true;
	g->thread->mails++;
	Py_INCREF(g);
	g->call.fn = on_call;
	ramet_host_post(g->ramet, &g->call);
}

void greenlet_wake(struct greenlet *g)
{
	g->woken = true;
	if (greenlet_is_ours(g))
		ramet_host_wake(g->ramet);
	else
		wake_elsewhere(g);
}

/* The list is never empty. */
static int add_later(struct greenlet *g, PyObject *exc)
{
	if (g->later)
		return PyList_Append(g->later, exc);
	g->later = PyList_New(1);
	if (!g->later)
		return -1;
	PyList_SET_ITEM(g->later, 0, Py_NewRef(exc));
	return 0;
}

static int set_pending(struct greenlet *g, PyObject *exc)
{
	if (g->detached && greenlet_raise_soon(g, exc) < 0)
		return -1;
	g->pending = Py_NewRef(exc);
	return 0;
}

int greenlet_throw_later(struct greenlet *g, PyObject *exc)
{
	if (g->phase == PHASE_DEAD)
		return 0;
	if (g->phase == PHASE_NEW && greenlet_begin(g, g->run) < 0)
		return -1;
	if (g->pending ? add_later(g, exc) < 0 : set_pending(g, exc) < 0)
		return -1;
	if (!ramet_host_wake(g->ramet))
		greenlet_break_off(g);
	return 0;
}

/* ---- from another thread
 */

struct remote {
	struct hub_call call;
	struct greenlet *greenlet; /* owned, as is the next */
	PyObject *exc;
};

static void remote_free(struct remote *r)
{
	Py_DECREF(r->greenlet);
	Py_DECREF(r->exc);
	PyMem_Free(r);
}

static void throw_remote(struct hub_call *call)
{
	struct remote *r = (struct remote *)call;

	if (!r->greenlet->thread->closed &&
	    greenlet_throw_later(r->greenlet, r->exc) < 0)
		hub_handle_error((PyObject *)r->greenlet);
	remote_free(r);
}

static int throw_elsewhere(struct greenlet *g, PyObject *exc)
{
	struct remote *r;

	if (!g->thread || g->thread->closed)
		return 0; /* it will never run again */
	r = PyMem_Calloc(1, sizeof *r);
	if (!r) {
		PyErr_NoMemory();
		return -1;
	}
	r->call.fn = throw_remote;
	r->greenlet = (struct greenlet *)Py_NewRef((PyObject *)g);
	r->exc = Py_NewRef(exc);
	if (hub_call(g->thread, &r->call) == 0)
		return 0;
	remote_free(r);
	return -1;
}

int greenlet_throw_any(struct greenlet *g, PyObject *exc)
{
	return greenlet_is_ours(g) ? greenlet_throw_later(g, exc)
				   : throw_elsewhere(g, exc);
}

/* ---- time
 * ---------------------------------------------------------------------- */

int greenlet_deadline(PyObject *seconds, int64_t *when)
{
	double s;

	*when = RAMET_NEVER;
	if (!seconds || seconds == Py_None)
		return 0;
	if (timeout_as_limit(seconds, &seconds, when)) {
		if (*when >= 0)
			return 0;
		*when = RAMET_NEVER;
		if (seconds == Py_None)
			return 0;
	}
	s = PyFloat_AsDouble(seconds);
	if (s == -1 && PyErr_Occurred())
		return -1;
	if (s != s) {
		PyErr_SetString(PyExc_ValueError, "the time is not a number");
		return -1;
	}
	if (s < 1e9) /* thirty years */
		*when = ramet_after(s > 0 ? (int64_t)(s * 1e9) : 0).ns;
	return 0;
}
