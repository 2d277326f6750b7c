/* spawned.c - Greenlet: one that the loop starts, with a result to wait for. */
#include "spawned.h"

PyTypeObject *spawned_type;
PyObject *spawned_callbacks;

/* ---- the end ------------------------------------------------------------- */

/* The arguments may be what keeps a lot alive. */
void spawned_drop_arguments(struct spawned *s)
{
	Py_CLEAR(s->function);
	Py_CLEAR(s->args);
	Py_CLEAR(s->kwargs);
}

static void report(struct spawned *s)
{
	s->ended = true;
	if (spawned_tell(s) < 0)
		PyErr_WriteUnraisable((PyObject *)s);
}

static void report_value(struct spawned *s, PyObject *value)
{
	Py_XSETREF(s->value, value);
	report(s);
}

/* Of the exception that is set. */
static void report_error(struct spawned *s)
{
	PyObject *exc = exception_take();

	if (PyObject_TypeCheck(exc, (PyTypeObject *)exc_greenlet_exit)) {
		report_value(s, exc);
		return;
	}
	Py_XSETREF(s->exception,
		   Py_NewRef(exc)); /* `run` may be called again */
	Py_XSETREF(s->traceback, PyException_GetTraceback(exc));
	exception_raise(exc);
	hub_handle_error((PyObject *)s);
	report(s);
}

/* ---- the beginning ------------------------------------------------------- */

PyObject *spawned_str_run, *spawned_str__run, *spawned_base_run,
	*spawned_base__run;

/* Whether type has its own `name`. */
bool spawned_overrides(PyTypeObject *type, PyObject *name, PyObject *base)
{
	return type != spawned_type && _PyType_Lookup(type, name) != base;
}

static PyObject *call_function(struct spawned *s)
{
	PyObject *self = (PyObject *)s, *function, *args, *kwargs, *result;

	if (s->function)
		function = Py_NewRef(s->function);
	else
		function = PyObject_GetAttr(self, spawned_str__run);
	if (!function)
		return NULL;
	args = s->args ? Py_NewRef(s->args) : PyTuple_New(0);
	kwargs = Py_XNewRef(s->kwargs);
	result = args ? PyObject_Call(function, args, kwargs) : NULL;
	Py_DECREF(function);
	Py_XDECREF(args);
	Py_XDECREF(kwargs);
	return result;
}

/* What the method `run` does unless a subclass has another. */
void spawned_run(struct spawned *s)
{
	PyObject *result = call_function(s);

	if (result)
		report_value(s, result);
	else
		report_error(s);
	spawned_drop_arguments(s);
}

static void run_overridden(struct spawned *s)
{
	PyObject *result =
		PyObject_CallMethodNoArgs((PyObject *)s, spawned_str_run);

	if (s->ended && result)
		Py_DECREF(result);
	else if (s->ended)
		hub_handle_error((PyObject *)s);
	else if (result)
		report_value(s, result);
	else
		report_error(s);
	spawned_drop_arguments(s);
}

/* What its ramet does. */
void spawned_body(struct greenlet *g)
{
	struct spawned *s = (struct spawned *)g;

	Py_CLEAR(g->value);
	Py_CLEAR(g->kwargs);
	if (s->ended) /* it was killed before this */
		return;
	s->begun = true;
	if (g->pending) {
		exception_raise(g->pending);
		g->pending = NULL;
		report_error(s);
		spawned_drop_arguments(s);
	} else if (spawned_overrides(Py_TYPE(s), spawned_str_run,
				     spawned_base_run)) {
		run_overridden(s);
	} else {
		spawned_run(s);
	}
}

static int tell_spawn(struct spawned *s)
{
	PyObject *all =
		spawned_callbacks ? PySequence_Tuple(spawned_callbacks) : NULL;

	if (!all)
		return spawned_callbacks ? -1 : 0;
	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(all); i++) {
		PyObject *r = PyObject_CallOneArg(PyTuple_GET_ITEM(all, i),
						  (PyObject *)s);

		if (!r) {
			Py_DECREF(all);
			return -1;
		}
		Py_DECREF(r);
	}
	Py_DECREF(all);
	return 0;
}

static int begin(struct spawned *s)
{
	struct greenlet *g = &s->greenlet;

	if (g->phase == PHASE_NEW && greenlet_begin(g, s->function) < 0)
		return -1;
	ramet_host_wake(g->ramet);
	return 0;
}

static int check_thread(const struct spawned *s)
{
	if (greenlet_is_ours(&s->greenlet))
		return 0;
	PyErr_SetString(exc_invalid_thread_use,
			"a greenlet is started by its own thread");
	return -1;
}

int spawned_start(struct spawned *s)
{
	if (s->started)
		return 0;
	if (check_thread(s) < 0)
		return -1;
	s->started = true;
	if ((!spawned_callbacks || tell_spawn(s) == 0) && begin(s) == 0)
		return 0;
	s->started = false;
	return -1;
}

/* ---- start later --------------------------------------------------------- */

static void on_start_time(struct hub_timer *timer)
{
	struct spawned *s = spawned_of_timer(timer);

	if (!s->ended && !s->greenlet.thread->closed && begin(s) < 0)
		hub_handle_error((PyObject *)s);
	Py_DECREF(s);
}

int spawned_start_at(struct spawned *s, int64_t when)
{
	if (s->started)
		return 0;
	if (check_thread(s) < 0)
		return -1;
	s->started = true;
	s->timer.fn = on_start_time;
	if ((spawned_callbacks && tell_spawn(s) < 0) ||
	    hub_timer_start(s->greenlet.thread, &s->timer, when) < 0) {
		s->started = false;
		return -1;
	}
	Py_INCREF(s);
	return 0;
}

static void cancel_start(struct spawned *s)
{
	if (!s->timer.place)
		return;
	hub_timer_stop(s->greenlet.thread, &s->timer);
	Py_DECREF(s); /* not the last: the caller has one */
}

/* ---- waiting for the end ------------------------------------------------- */

/* 1: it has ended; 0: time is over; -1: an exception. */
int spawned_await(struct spawned *s, int64_t when)
{
	struct thread *t = thread_get();
	struct link l = {.greenlet = t ? t->current : NULL};
	int err = 1;

	if (!t)
		return -1;
	if (s->ended)
		return 1;
	if (greenlet_may_wait(t) < 0)
		return -1;
	Py_INCREF(s);
	spawned_append(s, &l);
	while (l.at && err == 1)
		err = greenlet_wait_end(&s->greenlet, when);
	if (l.at)
		spawned_unlink(s, &l);
	Py_DECREF(s);
	return err;
}

/* ---- kill ---------------------------------------------------------------- */

/* It never runs, and has ended. */
void spawned_end_unbegun(struct spawned *s, PyObject *exc)
{
	cancel_start(s);
	s->started = true;
	exception_raise(Py_NewRef(exc));
	report_error(s);
	spawned_drop_arguments(s);
}

/* What is no exception becomes one there. */
static PyObject *to_raise(PyObject *exception)
{
	PyObject *exc = exception_make(exception, NULL, NULL);

	return exc || !PyErr_ExceptionMatches(PyExc_TypeError)
		       ? exc
		       : exception_take();
}

int spawned_kill(struct spawned *s, PyObject *exception)
{
	PyObject *exc;
	int err = 0;

	if (s->ended)
		return 0;
	exc = to_raise(exception);
	if (!exc)
		return -1;
	if (!s->begun)
		spawned_end_unbegun(s, exc);
	else
		err = greenlet_throw_any(&s->greenlet, exc);
	Py_DECREF(exc);
	return err;
}
