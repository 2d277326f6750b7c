/* hub_join.c - hub.join: the main greenlet waits until the loop has nothing to
 * do any more. */
#include "hub.h"

#include <errno.h>

/* Its own time limit must not keep the loop alive. */
struct join_limit {
	struct hub_timer timer;
	struct greenlet *main;
};

static void on_join_limit(struct hub_timer *timer)
{
	struct join_limit *l = (struct join_limit *)timer;

	ramet_host_end(l->main->ramet, ETIMEDOUT);
}

static int start_limit(struct thread *t, struct join_limit *l, int64_t when)
{
	*l = (struct join_limit){.main = t->main};
	l->timer.fn = on_join_limit;
	l->timer.unref = l->timer.lent = true;
	return when == RAMET_NEVER ? 0 : hub_timer_start(t, &l->timer, when);
}

/* 0: until nothing is left to do; 1: the time is over. */
static int join_loop(struct thread *t, struct hub *h, int64_t when)
{
	struct greenlet *me = t->current;
	struct join_limit limit;
	int err;

	if (start_limit(t, &limit, when) < 0)
		return -1;
	h->joined = true;
	do {
		err = me->pending || ramet_host_park("the end of the loop",
						     RAMET_NEVER) == 0
			      ? 0
			      : errno;
		greenlet_arrive(t);
		if (greenlet_raise(me) < 0 ||
		    (err == EINTR && PyErr_CheckSignals() < 0))
			err = -1;
	} while (err == 0 || err == EINTR || err == ECANCELED);
	h->joined = false;
	hub_timer_stop(t, &limit.timer);
	if (err < 0)
		return -1;
	return err == ETIMEDOUT;
}

PyObject *hub_join(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"timeout", NULL};
	struct thread *t = ((struct greenlet *)self)->thread;
	PyObject *timeout = NULL;
	int64_t when;
	int over;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:join", names,
					 &timeout) ||
	    greenlet_deadline(timeout, &when) < 0)
		return NULL;
	if (t != this_thread || t->current != t->main) {
		PyErr_SetString(PyExc_AssertionError,
				"only possible from the MAIN greenlet");
		return NULL;
	}
	if ((struct greenlet *)self != t->hub)
		Py_RETURN_TRUE;
	over = join_loop(t, t->hub_state, when);
	return over < 0 ? NULL : PyBool_FromLong(!over);
}
