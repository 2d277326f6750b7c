/* timeout.c - Timeout: an exception that is raised, in the greenlet that
 * started it, after a time. */
#include "timeout.h"

PyTypeObject *timeout_type;
static PyObject *str_on_expiration, *default_on_expiration;

static struct timeout *of_timer(struct hub_timer *timer)
{
	return (struct timeout *)((char *)timer -
				  offsetof(struct timeout, timer));
}

bool timeout_as_limit(PyObject *o, PyObject **seconds, int64_t *when)
{
	struct timeout *to = (struct timeout *)o;

	if (!PyObject_TypeCheck(o, timeout_type))
		return false;
	*seconds = to->seconds ? to->seconds : Py_None;
	*when = to->timer.place ? to->timer.when : -1;
	return true;
}

/* ---- expiry -------------------------------------------------------------- */

static bool has_own_exception(const struct timeout *to)
{
	PyObject *e = to->exception;

	return e && e != Py_None && e != Py_False && !PyUnicode_Check(e);
}

/* What is raised: itself, or what it was given. */
static PyObject *make_exception(struct timeout *to)
{
	return has_own_exception(to) ? exception_make(to->exception, NULL, NULL)
				     : Py_NewRef((PyObject *)to);
}

PyObject *timeout_raise(PyObject *seconds)
{
	PyObject *exc;

	if (seconds && PyObject_TypeCheck(seconds, timeout_type))
		exc = make_exception((struct timeout *)seconds);
	else
		exc = seconds ? PyObject_CallOneArg((PyObject *)timeout_type,
						    seconds)
			      : PyObject_CallNoArgs((PyObject *)timeout_type);
	if (exc)
		exception_raise(exc);
	return NULL;
}

/* The reference that being armed is. */
static void let_go(struct timeout *to)
{
	to->thread->timeouts--;
	Py_CLEAR(to->greenlet); /* which uses the thread */
	Py_DECREF(to);
}

static bool has_own_expiration(struct timeout *to)
{
	return Py_TYPE(to) != timeout_type &&
	       _PyType_Lookup(Py_TYPE(to), str_on_expiration) !=
		       default_on_expiration;
}

static int expire_by_hook(struct timeout *to, struct greenlet *g)
{
	PyObject *exception =
		has_own_exception(to) ? to->exception : (PyObject *)to;
	PyObject *result =
		PyObject_CallMethodObjArgs((PyObject *)to, str_on_expiration,
					   (PyObject *)g, exception, NULL);

	Py_XDECREF(result);
	return result ? 0 : -1;
}

static int throw_at(struct greenlet *g, PyObject *exc)
{
	int err = exc ? greenlet_throw_later(g, exc) : -1;

	Py_XDECREF(exc);
	return err;
}

/* In the hub. */
static void on_time(struct hub_timer *timer)
{
	struct timeout *to = of_timer(timer);
	struct greenlet *g = to->greenlet;
	int err = 0;

	if (to->thread->closed)
		err = 0;
	else if (has_own_expiration(to))
		err = expire_by_hook(to, g);
	else
		err = throw_at(g, make_exception(to));
	if (err < 0)
		hub_handle_error((PyObject *)to);
	let_go(to);
}

PyObject *timeout_overdue(struct thread *t, struct greenlet *g, int64_t now)
{
	struct hub *h = t->hub_state;
	struct timeout *first = NULL;
	PyObject *exc;

	for (size_t i = 1; i <= h->timer_count; i++) {
		struct hub_timer *timer = h->timers[i];

		if (timer->fn == on_time && timer->when <= now &&
		    of_timer(timer)->greenlet == g &&
		    !has_own_expiration(of_timer(timer)) &&
		    (!first || timer->when < first->timer.when))
			first = of_timer(timer);
	}
	if (!first)
		return NULL;
	hub_timer_stop(t, &first->timer);
	exc = make_exception(first);
	if (!exc)
		exc = exception_take();
	let_go(first);
	return exc;
}

PyObject *timeout_on_expiration(PyObject *self, PyObject *args)
{
	PyObject *g, *exception;

	if (!PyArg_ParseTuple(args, "O!O:_on_expiration", greenlet_type, &g,
			      &exception))
		return NULL;
	(void)self;
	if (throw_at((struct greenlet *)g,
		     exception_make(exception, NULL, NULL)) < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* ---- start and stop ------------------------------------------------------ */

int timeout_stop(struct timeout *to)
{
	if (!to->timer.place)
		return 0;
	if (to->thread != this_thread) {
		PyErr_SetString(exc_invalid_thread_use,
				"a Timeout is cancelled by its own thread");
		return -1;
	}
	hub_timer_stop(to->thread, &to->timer);
	let_go(to);
	return 0;
}

int timeout_arm(struct timeout *to)
{
	struct thread *t = thread_get();
	int64_t when;

	if (!t)
		return -1;
	if (to->timer.place) {
		PyErr_Format(PyExc_AssertionError,
			     "%R is already started; to restart it, cancel it "
			     "first",
			     (PyObject *)to);
		return -1;
	}
	if (!to->seconds || to->seconds == Py_None)
		return 0;
	if (greenlet_deadline(to->seconds, &when) < 0)
		return -1;
	to->timer.fn = on_time;
	if (hub_timer_start(t, &to->timer, when) < 0)
		return -1;
	to->thread = t;
	to->greenlet = (struct greenlet *)Py_NewRef((PyObject *)t->current);
	Py_INCREF(to);
	t->timeouts++;
	watchdog_expect(t, when);
	return 0;
}

int timeout_expiry_ready(void)
{
	str_on_expiration = PyUnicode_InternFromString("_on_expiration");
	if (!str_on_expiration)
		return -1;
	default_on_expiration = _PyType_Lookup(timeout_type, str_on_expiration);
	return 0;
}
