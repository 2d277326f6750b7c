/* sleep.c - sleep: others run for a time, or once. */
#include "spawned.h"

#include <time.h>

static int sleep_now(struct thread *t)
{
	struct greenlet *me = t->current;

	if (greenlet_may_wait(t) < 0)
		return -1;
	Py_INCREF(me);
	GREENLET_AWAY(t, ramet_yield());
	greenlet_arrive(t);
	Py_DECREF(me);
	return greenlet_raise(me);
}

/* A sleep that does not keep the loop alive. */
struct nap {
	struct hub_timer timer;
	struct greenlet *greenlet;
};

static void on_nap_end(struct hub_timer *timer)
{
	greenlet_wake(((struct nap *)timer)->greenlet);
}

static int sleep_without_ref(struct thread *t, int64_t when)
{
	struct nap nap = {.greenlet = t->current};
	int end = 1;

	nap.timer.fn = on_nap_end;
	nap.timer.unref = nap.timer.lent = true;
	if (greenlet_may_wait(t) < 0)
		return -1;
	if (hub_timer_start(t, &nap.timer, when) < 0)
		return -1;
	while (nap.timer.place && end == 1)
		end = greenlet_wait("its sleep to end", RAMET_NEVER);
	hub_timer_stop(t, &nap.timer);
	return end;
}

/* Nobody else runs meanwhile: a debugger waits in a trace function for what its
 * user wants. */
static int sleep_in_trace(int64_t when)
{
	int64_t rest;

	while ((rest = when - ramet_now()) > 0) {
		struct timespec time = {rest / 1000000000, rest % 1000000000};
		PyThreadState *ts = PyEval_SaveThread();
		int err = nanosleep(&time, NULL);

		PyEval_RestoreThread(ts);
		if (err < 0 && PyErr_CheckSignals() < 0)
			return -1;
	}
	return 0;
}

/* Without a look at the clock. */
static bool is_no_time(PyObject *seconds)
{
	if (!seconds)
		return true;
	if (PyLong_CheckExact(seconds))
		return PyObject_IsTrue(seconds) == 0;
	return PyFloat_CheckExact(seconds) && PyFloat_AS_DOUBLE(seconds) == 0;
}

static PyObject *sleep_(PyObject *module, PyObject *const *args, Py_ssize_t n,
			PyObject *names)
{
	static const char *const known[] = {"seconds", "ref"};
	PyObject *values[2] = {NULL, NULL};
	struct thread *t = thread_get();
	int64_t when = 0;
	int ref, end;

	(void)module;
	if (!t || spawned_parse(args, n, names, known, values, 2) < 0)
		return NULL;
	if (!is_no_time(values[0]) && greenlet_deadline(values[0], &when) < 0)
		return NULL;
	ref = values[1] ? PyObject_IsTrue(values[1]) : 1;
	if (ref < 0)
		return NULL;
	if (when <= 0 || when <= ramet_now())
		end = sleep_now(t);
	else if (pystate_is_tracing(t->ts))
		end = sleep_in_trace(when);
	else if (ref)
		end = greenlet_wait("its sleep to end", when);
	else
		end = sleep_without_ref(t, when);
	if (end < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"sleep", FAST(sleep_), METH_FASTCALL | METH_KEYWORDS,
	 "sleep($module, /, seconds=0, ref=True)\n--\n\n"
	 "Let others run for that time.  ref=False: who waits for the\n"
	 "end of all work does not wait for this."},
	{NULL, NULL, 0, NULL},
};

int sleep_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
