/* timeout_type.c - the type Timeout: its arguments, how it looks and compares,
 * and its methods. */
#include "timeout.h"

#include <structmember.h>

static PyObject *start(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (timeout_arm((struct timeout *)self) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *cancel(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (timeout_stop((struct timeout *)self) < 0)
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
	    timeout_arm((struct timeout *)made) < 0)
		Py_CLEAR(made);
	return made;
}

static PyObject *enter(PyObject *self, PyObject *unused)
{
	struct timeout *to = (struct timeout *)self;

	(void)unused;
	if (!to->timer.place && timeout_arm(to) < 0)
		return NULL;
	return Py_NewRef(self);
}

static PyObject *leave(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	struct timeout *to = (struct timeout *)self;

	if (timeout_stop(to) < 0)
		return NULL;
	return PyBool_FromLong(n > 1 && args[1] == self &&
			       to->exception == Py_False);
}

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
	{"_on_expiration", timeout_on_expiration, METH_VARARGS,
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

	timeout_type =
		(PyTypeObject *)PyType_FromSpecWithBases(&spec,
							 PyExc_BaseException);
	if (!timeout_type || timeout_expiry_ready() < 0 ||
	    watchdog_ready(module) < 0)
		return -1;
	return PyModule_AddObjectRef(module, "Timeout",
				     (PyObject *)timeout_type);
}
