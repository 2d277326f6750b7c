/* timeout.c - Timeout: an exception that is raised, in the greenlet that
 * started it, after a time. */
#include "timeout.h"

#include <structmember.h>

struct timeout {
	PyBaseExceptionObject base;
	PyObject *seconds, *exception; /* owned; NULL: None */
	struct greenlet *greenlet;     /* owned; whose it is, while armed */
	struct thread *thread;         /* the same */
	struct hub_timer timer;
};

static PyTypeObject *timeout_type;
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

/* _on_expiration(greenlet, exception): for subclasses to override. */
static PyObject *on_expiration(PyObject *self, PyObject *args)
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

static int stop(struct timeout *to)
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

static int arm(struct timeout *to)
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

static PyObject *start(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (arm((struct timeout *)self) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *cancel(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (stop((struct timeout *)self) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *start_new(PyObject *class, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"timeout", (char *)"exception",
				(char *)"ref", (char *)"_one_shot", NULL};
	PyObject *timeout = Py_None, *exception = Py_None, *made;
	int ref = 1, once = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOpp:start_new", names,
					 &timeout, &exception, &ref, &once))
		return NULL;
	if (PyObject_TypeCheck(timeout, timeout_type))
		made = Py_NewRef(timeout);
	else
		made = PyObject_CallFunction(class, "OOO", timeout, exception,
					     ref ? Py_True : Py_False);
	if (!made || !PyObject_TypeCheck(made, timeout_type))
		return made;
	if (!((struct timeout *)made)->timer.place &&
	    arm((struct timeout *)made) < 0)
		Py_CLEAR(made);
	return made;
}

static PyObject *enter(PyObject *self, PyObject *unused)
{
	struct timeout *to = (struct timeout *)self;

	(void)unused;
	if (!to->timer.place && arm(to) < 0)
		return NULL;
	return Py_NewRef(self);
}

static PyObject *leave(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	struct timeout *to = (struct timeout *)self;

	if (stop(to) < 0)
		return NULL;
	return PyBool_FromLong(n > 1 && args[1] == self &&
			       to->exception == Py_False);
}

/* ---- attributes ---------------------------------------------------------- */

static PyObject *get_pending(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct timeout *)self)->timer.place != 0);
}

static PyObject *str(PyObject *self)
{
	struct timeout *to = (struct timeout *)self;
	PyObject *e = to->exception;
	PyObject *one;
	const char *s;
	int same;

	if (!to->seconds || to->seconds == Py_None)
		return PyUnicode_FromString("");
	one = PyLong_FromLong(1);
	same = one ? PyObject_RichCompareBool(to->seconds, one, Py_EQ) : -1;
	Py_XDECREF(one);
	if (same < 0)
		return NULL;
	s = same ? "" : "s";
	if (!e || e == Py_None)
		return PyUnicode_FromFormat("%S second%s", to->seconds, s);
	if (e == Py_False)
		return PyUnicode_FromFormat("%S second%s (silent)", to->seconds,
					    s);
	return PyUnicode_FromFormat("%S second%s: %S", to->seconds, s, e);
}

static PyObject *repr(PyObject *self)
{
	struct timeout *to = (struct timeout *)self;
	PyObject *seconds = to->seconds ? to->seconds : Py_None;
	const char *name = strrchr(Py_TYPE(self)->tp_name, '.');
	const char *pending = to->timer.place ? " pending" : "";

	name = name ? name + 1 : Py_TYPE(self)->tp_name;
	if (to->exception && to->exception != Py_None)
		return PyUnicode_FromFormat("<%s at %p seconds=%S%s "
					    "exception=%R>",
					    name, self, seconds, pending,
					    to->exception);
	return PyUnicode_FromFormat("<%s at %p seconds=%S%s>", name, self,
				    seconds, pending);
}

/* By its seconds with numbers, so that it can be passed for one. */
static PyObject *compare(PyObject *self, PyObject *other, int op)
{
	struct timeout *to = (struct timeout *)self;
	PyObject *seconds = to->seconds;

	if (op == Py_EQ || op == Py_NE || !PyNumber_Check(other))
		Py_RETURN_NOTIMPLEMENTED;
	if (!seconds || seconds == Py_None)
		return PyBool_FromLong(op == Py_GT || op == Py_GE);
	return PyObject_RichCompare(seconds, other, op);
}

static Py_hash_t hash(PyObject *self)
{
	return (Py_hash_t)((uintptr_t)self >> 4);
}

/* ---- the type ------------------------------------------------------------ */

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"seconds",   (char *)"exception",
				(char *)"ref",       (char *)"priority",
				(char *)"_one_shot", NULL};
	struct timeout *to = (struct timeout *)self;
	PyObject *seconds = Py_None, *exception = Py_None, *priority, *none;
	int ref = 1, once = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOpOp:Timeout", names,
					 &seconds, &exception, &ref, &priority,
					 &once))
		return -1;
	none = PyTuple_New(0);
	if (!none)
		return -1;
	Py_XSETREF(to->base.args, none);
	Py_XSETREF(to->seconds, Py_NewRef(seconds));
	Py_XSETREF(to->exception, Py_NewRef(exception));
	if (!to->timer.place)
		to->timer.unref = !ref;
	return 0;
}

static PyTypeObject *base_type(void)
{
	return (PyTypeObject *)PyExc_BaseException;
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
	struct timeout *to = (struct timeout *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(to->seconds);
	Py_VISIT(to->exception);
	Py_VISIT((PyObject *)to->greenlet);
	return base_type()->tp_traverse(self, visit, arg);
}

/* One that is armed is alive. */
static int clear(PyObject *self)
{
	struct timeout *to = (struct timeout *)self;

	Py_CLEAR(to->seconds);
	Py_CLEAR(to->exception);
	return base_type()->tp_clear(self);
}

static void dealloc(PyObject *self)
{
	struct timeout *to = (struct timeout *)self;
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	Py_CLEAR(to->seconds);
	Py_CLEAR(to->exception);
	PyObject_GC_Track(self);
	base_type()->tp_dealloc(self);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
	{"start", start, METH_NOARGS,
	 "start($self, /)\n--\n\n"
	 "Raise it in the caller after its time."},
	{"start_new", (PyCFunction)(void (*)(void))start_new,
	 METH_VARARGS | METH_KEYWORDS | METH_CLASS,
	 "start_new($type, /, timeout=None, exception=None, "
	 "ref=True)\n--\n\n"
	 "A Timeout that is started; `timeout` may be one."},
	{"cancel", cancel, METH_NOARGS,
	 "cancel($self, /)\n--\n\n"
	 "Do not raise it."},
	{"close", cancel, METH_NOARGS,
	 "close($self, /)\n--\n\n"
	 "Do not raise it."},
	{"_on_expiration", on_expiration, METH_VARARGS,
	 "_on_expiration($self, greenlet, exception, /)\n--\n\n"
	 "Its time is over."},
	{"__enter__", enter, METH_NOARGS, NULL},
	{"__exit__", (PyCFunction)(void (*)(void))leave, METH_FASTCALL, NULL},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"pending", get_pending, NULL, "Whether it is to be raised.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
	{"seconds", T_OBJECT, offsetof(struct timeout, seconds), 0,
	 "After how long it is raised; None: never"},
	{"exception", T_OBJECT, offsetof(struct timeout, exception), 0,
	 "What is raised instead; a text for it; False: nothing"},
	{NULL, 0, 0, 0, NULL},
};

int timeout_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc,
		 (char *)"Timeout(seconds=None, exception=None, ref=True, "
			 "priority=-1, _one_shot=False)\n--\n\n"
			 "Raised in the greenlet that starts it, after that "
			 "time."},
		{Py_tp_init, init},
		{Py_tp_dealloc, dealloc},
		{Py_tp_traverse, traverse},
		{Py_tp_clear, clear},
		{Py_tp_str, str},
		{Py_tp_repr, repr},
		{Py_tp_richcompare, compare},
		{Py_tp_hash, hash},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{Py_tp_members, members},
		{0, NULL},
	};
	static PyType_Spec spec = {"gevent.timeout.Timeout",
				   sizeof(struct timeout), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};

	str_on_expiration = PyUnicode_InternFromString("_on_expiration");
	timeout_type =
		(PyTypeObject *)PyType_FromSpecWithBases(&spec,
							 PyExc_BaseException);
	if (!str_on_expiration || !timeout_type)
		return -1;
	default_on_expiration = _PyType_Lookup(timeout_type, str_on_expiration);
	if (watchdog_ready(module) < 0)
		return -1;
	return PyModule_AddObjectRef(module, "Timeout",
				     (PyObject *)timeout_type);
}
