/* transfer.c - switching to a greenlet by name. */
#include "transfer.h"

#include <errno.h>

static void drop(PyObject *value, PyObject *kwargs, PyObject *exc)
{
	Py_XDECREF(value);
	Py_XDECREF(kwargs);
	Py_XDECREF(exc);
}

/* As greenlet documents it: one argument is itself, several are a tuple, named
 * ones a dict.  Takes both. */
static PyObject *shape(PyObject *value, PyObject *kwargs)
{
	PyObject *one;

	if (kwargs && PyDict_GET_SIZE(kwargs) == 0)
		Py_CLEAR(kwargs);
	if (kwargs && PyTuple_GET_SIZE(value) == 0) {
		Py_DECREF(value);
		return kwargs;
	}
	if (kwargs) {
		one = PyTuple_Pack(2, value, kwargs);
		Py_DECREF(kwargs);
	} else if (PyTuple_GET_SIZE(value) == 1) {
		one = Py_NewRef(PyTuple_GET_ITEM(value, 0));
	} else {
		return value;
	}
	Py_DECREF(value);
	return one;
}

static PyObject *received(struct greenlet *me)
{
	PyObject *value = me->value;

	me->value = NULL;
	if (me->pending) {
		Py_XDECREF(value);
		greenlet_raise(me);
		return NULL;
	}
	return value ? value : PyTuple_New(0); /* the hub goes on by itself */
}

PyObject *transfer_fit(const struct greenlet *p, PyObject *value,
		       PyObject **exc)
{
	PyObject *args;

	if (!value || p->entered)
		return value;
	args = PyTuple_Pack(1, value);
	Py_DECREF(value);
	if (!args)
		*exc = exception_take();
	return args;
}

static int refuse_thread(const struct thread *home)
{
	PyErr_SetString(exc_greenlet_error,
			!home->closed ? "cannot switch to a different thread"
				      : "cannot switch to a different thread "
					"(which happens to have exited)");
	return -1;
}

/* `run` may be anything that attributes can be: its look-up runs code, which
 * may start the greenlet, or end it. */
static int start(struct thread *t, struct greenlet *g)
{
	PyObject *run = GET_ATTRIBUTE((PyObject *)g, "run");

	if (!run)
		return -1;
	if (g->phase != PHASE_NEW) {
		Py_DECREF(run);
		return 0;
	}
	Py_XSETREF(g->run, run);
	if (g->phase != PHASE_NEW) /* nor is the end of the one before quiet */
		return 0;
	greenlet_move(g, t);
	return greenlet_begin(g, g->run);
}

/* The same of one whose last reference that code may drop: a greenlet that
 * nobody else has is let go of at the next switch. */
static int start_held(struct thread *t, struct greenlet *g)
{
	int err;

	Py_INCREF(g);
	err = start(t, g);
	if (Py_REFCNT(g) > 1)
		Py_DECREF(g);
	else
		greenlet_let_go(t, g);
	return err;
}

int transfer_prepare(struct thread *t, struct greenlet **to)
{
	for (;;) {
		struct thread *home;

		while ((*to)->phase == PHASE_DEAD && (*to)->parent)
			*to = (*to)->parent;
		home = greenlet_home(*to);
		if (home != t || t->closed)
			return refuse_thread(home);
		if ((*to)->phase == PHASE_STARTED)
			return 0;
		if (start_held(t, *to) < 0)
			return -1;
	}
}

static inline bool is_running_in(const struct greenlet *g,
				 const struct thread *t)
{
	return g->phase == PHASE_STARTED && g->thread == t && !t->closed;
}

/* In front of a jump few functions may lie: see ramet__park_for. */
#define HOT static inline __attribute__((always_inline))

/* Nobody has switched here: why it runs.  Returns 0 if it is to wait on, or -1
 * with an exception. */
static int called_by_nobody(struct thread *t, int err)
{
	if (err == EINTR)
		return PyErr_CheckSignals();
	if (err != EDEADLK)
		return 0;
	hub_set_loop_exit(t);
	return -1;
}

/* Until somebody switches back, and `to`, if there is one, runs: returns 0, or
 * -1 with an exception. */
HOT int park(struct thread *t, struct greenlet *me, struct greenlet *to)
{
	static const char what[] = "a switch to it";
	int end = GREENLET_AWAY(t, to ? ramet_host_switch(to->ramet, what)
				      : ramet_host_park(what, RAMET_NEVER));

	for (;;) {
		int err = end < 0 ? errno : 0;

		greenlet_arrive(t);
		if (me->value || me->pending)
			return 0;
		if (called_by_nobody(t, err) < 0)
			return -1;
		end = GREENLET_AWAY(t, ramet_host_park(what, RAMET_NEVER));
	}
}

/* The hub does not wait for whom it has switched to: what it has called goes
 * on. */
static int jump_from_hub(struct thread *t, struct greenlet *to)
{
	if (!ramet_host_wake_first(to->ramet))
		greenlet_break_off(to);
	ramet_host_run(to->ramet);
	greenlet_arrive(t);
	return 0;
}

/* The hub runs when it has something to do, unless it is in a callback. */
static int leave_to_hub(struct thread *t, struct greenlet *hub)
{
	if (!ramet_host_waits_for(hub->ramet))
		ramet_host_wake_first(hub->ramet);
	return park(t, t->current, NULL);
}

/* In foreign C code nobody looks at what is pending. */
HOT int tell_detached(struct greenlet *to, PyObject *exc)
{
	return exc && to->detached ? greenlet_raise_soon(to, exc) : 0;
}

HOT PyObject *go(struct thread *t, struct greenlet *to, PyObject *value,
		 PyObject *kwargs, PyObject *exc)
{
	struct greenlet *me = t->current;
	int err;

	if (to->is_hub && to != me && !exc) {
		drop(value, kwargs, exc);
		err = leave_to_hub(t, to);
	} else {
		transfer_give(to, value, kwargs, exc);
		err = tell_detached(to, exc);
		if (err == 0 && to != me)
			err = me->is_hub ? jump_from_hub(t, to)
					 : park(t, me, to);
	}
	return err < 0 ? NULL : received(me);
}

PyObject *greenlet_transfer(struct greenlet *to, PyObject *value,
			    PyObject *kwargs, PyObject *exc)
{
	struct thread *t = thread_get();

	if (!t || (!is_running_in(to, t) && transfer_prepare(t, &to) < 0)) {
		drop(value, kwargs, exc);
		return NULL;
	}
	if (to->entered && value) {
		value = shape(value, kwargs);
		kwargs = NULL;
		if (!value) {
			drop(NULL, NULL, exc);
			return NULL;
		}
	}
	return go(t, to, value, kwargs, exc);
}

/* Not to one that runs already. */
static PyObject *send_slowly(struct greenlet *to, PyObject *value)
{
	struct thread *t = thread_get();
	PyObject *exc = NULL;

	if (!t || transfer_prepare(t, &to) < 0) {
		Py_DECREF(value);
		return NULL;
	}
	if (!to->entered && !(value = transfer_fit(to, value, &exc))) {
		exception_raise(exc);
		return NULL;
	}
	return go(t, to, value, NULL, NULL);
}

PyObject *greenlet_send(struct greenlet *to, PyObject *value)
{
	struct thread *t = this_thread;

	if (!t || !to->entered || !is_running_in(to, t))
		return send_slowly(to, value);
	return go(t, to, value, NULL, NULL);
}
