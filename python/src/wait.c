/* wait.c - greenlets that wait for something other than a switch, and what ends
 * that. */
#include "green.h"

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

/* What the end of a park means: 1, 0, -1 as greenlet_wait; 2: park again. */
static int outcome(struct thread *t, struct greenlet *me, const char *what,
		   int err)
{
	if (me->pending) {
		exception_raise(me->pending);
		me->pending = NULL;
		return -1;
	}
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

int greenlet_wait(const char *what, int64_t when)
{
	struct thread *t = thread_get();
	struct greenlet *me = t ? t->current : NULL;
	int end;

	if (!me)
		return -1;
	if (me->is_hub) {
		PyErr_SetString(exc_blocking_switch_out,
				"Impossible to call blocking function in the "
				"event loop callback");
		return -1;
	}
	me->woken = false;
	Py_INCREF(me);
	do {
		int err = me->pending || ramet_host_park(what, when) == 0
				  ? 0
				  : errno;

		greenlet_arrive(t);
		end = outcome(t, me, what, err);
	} while (end == 2);
	Py_DECREF(me);
	return end;
}

/* ---- waking
 * ------------------------------------------------------------------ */

/* In g's loop, which may be in a greenlet without the GIL. */
static void on_call(struct ramet_host_call *call)
{
	struct greenlet *g =
		(struct greenlet *)((char *)call -
				    offsetof(struct greenlet, call));
	bool had = pystate_holds_gil(g->thread->ts);

	if (!had)
		PyEval_RestoreThread(g->thread->ts);
	g->posted = false;
	if (g->woken && g->ramet)
		ramet_host_wake(g->ramet);
	Py_DECREF(g);
	if (!had)
		PyEval_SaveThread();
}

static void wake_elsewhere(struct greenlet *g)
{
	if (g->posted || !g->thread || g->thread->closed || !g->ramet)
		return;
	g->posted = true;
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

int greenlet_throw_later(struct greenlet *g, PyObject *exc)
{
	if (g->phase == PHASE_DEAD)
		return 0;
	if (g->phase == PHASE_NEW && greenlet_begin(g) < 0)
		return -1;
	Py_XSETREF(g->pending, Py_NewRef(exc));
	if (!ramet_host_wake(g->ramet))
		ramet_host_end(g->ramet, ECANCELED);
	return 0;
}

/* ---- time
 * ---------------------------------------------------------------------- */

int greenlet_deadline(PyObject *seconds, int64_t *when)
{
	double s;

	*when = RAMET_NEVER;
	if (!seconds || seconds == Py_None)
		return 0;
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
