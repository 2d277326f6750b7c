/* waiter.c - Waiter: hands one value, or an error, to the greenlet that asks
 * for it, now or later. */
#include "green.h"

#include <structmember.h>

struct waiter {
	PyObject_HEAD PyObject *weakrefs;
	PyObject *hub;             /* owned */
	PyObject *value, *exc;     /* owned; neither: nothing has come */
	struct greenlet *greenlet; /* in get(); not owned */
};

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"hub", NULL};
	struct waiter *w = (struct waiter *)self;
	PyObject *hub = Py_None;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:Waiter", names,
					 &hub))
		return -1;
	if (hub == Py_None) {
		struct thread *t = thread_get();

		hub = t ? (PyObject *)hub_get(t) : NULL;
		if (!hub)
			return -1;
	}
	Py_XSETREF(w->hub, Py_NewRef(hub));
	return 0;
}

static void deliver(struct waiter *w, PyObject *value, PyObject *exc)
{
	Py_XSETREF(w->value, value);
	Py_XSETREF(w->exc, exc);
	if (w->greenlet)
		greenlet_wake(w->greenlet);
}

static PyObject *switch_(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	if (n > 1) {
		PyErr_SetString(PyExc_TypeError,
				"switch() takes at most one value");
		return NULL;
	}
	deliver((struct waiter *)self, Py_NewRef(n ? args[0] : Py_None), NULL);
	Py_RETURN_NONE;
}

static PyObject *switch_args(PyObject *self, PyObject *args)
{
	deliver((struct waiter *)self, Py_NewRef(args), NULL);
	Py_RETURN_NONE;
}

static PyObject *throw(PyObject * self, PyObject *args)
{
	PyObject *type = exc_greenlet_exit, *value = NULL, *traceback = NULL;
	PyObject *exc;

	if (!PyArg_ParseTuple(args, "|OOO:throw", &type, &value, &traceback))
		return NULL;
	exc = exception_make(type, value, traceback);
	if (!exc)
		return NULL;
	deliver((struct waiter *)self, NULL, exc);
	Py_RETURN_NONE;
}

/* As a link: what another one ended with. */
static PyObject *call(PyObject *self, PyObject *args, PyObject *kwargs)
{
	struct waiter *w = (struct waiter *)self;
	PyObject *source, *exc, *value;

	(void)kwargs;
	if (!PyArg_ParseTuple(args, "O:Waiter", &source))
		return NULL;
	exc = GET_ATTRIBUTE(source, "exception");
	if (!exc)
		return NULL;
	if (exc != Py_None) {
		deliver(w, NULL, exc);
		Py_RETURN_NONE;
	}
	Py_DECREF(exc);
	value = GET_ATTRIBUTE(source, "value");
	if (!value)
		return NULL;
	deliver(w, value, NULL);
	Py_RETURN_NONE;
}

static PyObject *result(struct waiter *w)
{
	if (w->value)
		return Py_NewRef(w->value);
	exception_raise(Py_NewRef(w->exc));
	return NULL;
}

static PyObject *get(PyObject *self, PyObject *unused)
{
	struct waiter *w = (struct waiter *)self;
	struct thread *t = thread_get();
	int err = 1;

	(void)unused;
	if (!t)
		return NULL;
	if (w->value || w->exc)
		return result(w);
	if (w->greenlet) {
		PyErr_SetString(exc_concurrent_use,
				"This Waiter is already used by another "
				"greenlet");
		return NULL;
	}
	if (greenlet_may_wait(t) < 0)
		return NULL;
	Py_INCREF(w);
	w->greenlet = t->current;
	while (!w->value && !w->exc && err == 1)
		err = greenlet_wait("a callback", RAMET_NEVER);
	w->greenlet = NULL;
	unused = err == 1 ? result(w) : NULL;
	Py_DECREF(w);
	return unused;
}

static PyObject *clear_(PyObject *self, PyObject *unused)
{
	struct waiter *w = (struct waiter *)self;

	(void)unused;
	Py_CLEAR(w->value);
	Py_CLEAR(w->exc);
	Py_RETURN_NONE;
}

static PyObject *ready(PyObject *self, PyObject *unused)
{
	struct waiter *w = (struct waiter *)self;

	(void)unused;
	return PyBool_FromLong(w->value || w->exc);
}

static PyObject *successful(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct waiter *)self)->value != NULL);
}

static PyObject *get_value(PyObject *self, void *unused)
{
	struct waiter *w = (struct waiter *)self;

	(void)unused;
	return Py_NewRef(w->value ? w->value : Py_None);
}

static PyObject *get_exc_info(PyObject *self, void *unused)
{
	struct waiter *w = (struct waiter *)self;
	PyObject *traceback;

	(void)unused;
	if (!w->exc)
		Py_RETURN_NONE;
	traceback = PyException_GetTraceback(w->exc);
	return Py_BuildValue("(OON)", (PyObject *)Py_TYPE(w->exc), w->exc,
			     traceback ? traceback : Py_NewRef(Py_None));
}

static PyObject *get_greenlet(PyObject *self, void *unused)
{
	struct waiter *w = (struct waiter *)self;

	(void)unused;
	return Py_NewRef(w->greenlet ? (PyObject *)w->greenlet : Py_None);
}

static PyObject *get_hub(PyObject *self, void *unused)
{
	struct waiter *w = (struct waiter *)self;

	(void)unused;
	return Py_NewRef(w->hub ? w->hub : Py_None);
}

static PyObject *repr(PyObject *self)
{
	struct waiter *w = (struct waiter *)self;
	PyObject *greenlet = w->greenlet ? (PyObject *)w->greenlet : Py_None;
	const char *name = strrchr(Py_TYPE(self)->tp_name, '.');

	name = name ? name + 1 : Py_TYPE(self)->tp_name;
	if (w->value)
		return PyUnicode_FromFormat("<%s greenlet=%S value=%R>", name,
					    greenlet, w->value);
	if (w->exc)
		return PyUnicode_FromFormat("<%s greenlet=%S exc_info=(%R,)>",
					    name, greenlet, w->exc);
	return PyUnicode_FromFormat("<%s greenlet=%S>", name, greenlet);
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
	struct waiter *w = (struct waiter *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(w->hub);
	Py_VISIT(w->value);
	Py_VISIT(w->exc);
	return 0;
}

static int clear(PyObject *self)
{
	struct waiter *w = (struct waiter *)self;

	Py_CLEAR(w->hub);
	Py_CLEAR(w->value);
	Py_CLEAR(w->exc);
	return 0;
}

static void dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	if (((struct waiter *)self)->weakrefs)
		PyObject_ClearWeakRefs(self);
	clear(self);
	type->tp_free(self);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
	{"switch", (PyCFunction)(void (*)(void))switch_, METH_FASTCALL,
	 "switch($self, value=None, /)\n--\n\n"
	 "Hand it over; from any thread."},
	{"switch_args", switch_args, METH_VARARGS,
	 "switch_args($self, /, *values)\n--\n\n"
	 "Hand over a tuple."},
	{"throw", throw, METH_VARARGS,
	 "throw($self, type, value=None, traceback=None, /)\n--\n\n"
	 "Hand over an error."},
	{"get", get, METH_NOARGS,
	 "get($self, /)\n--\n\n"
	 "The value that comes, or has come; or raise the error."},
	{"clear", clear_, METH_NOARGS,
	 "clear($self, /)\n--\n\n"
	 "As if nothing had come."},
	{"ready", ready, METH_NOARGS,
	 "ready($self, /)\n--\n\n"
	 "Whether anything has come."},
	{"successful", successful, METH_NOARGS,
	 "successful($self, /)\n--\n\n"
	 "Whether a value has come."},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"value", get_value, NULL, "What has come; None", NULL},
	{"exc_info", get_exc_info, NULL, "The error that has come; None", NULL},
	{"greenlet", get_greenlet, NULL, "Who is in get(); None", NULL},
	{"hub", get_hub, NULL, "The hub.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
	{"__weaklistoffset__", T_PYSSIZET, offsetof(struct waiter, weakrefs),
	 READONLY, NULL},
	{NULL, 0, 0, 0, NULL},
};

int waiter_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc, (char *)"Waiter(hub=None)\n--\n\n"
				    "Hands one value to the greenlet that asks "
				    "for it, now or later."},
		{Py_tp_init, init},
		{Py_tp_dealloc, dealloc},
		{Py_tp_traverse, traverse},
		{Py_tp_clear, clear},
		{Py_tp_call, call},
		{Py_tp_repr, repr},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{Py_tp_members, members},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.hub.Waiter", sizeof(struct waiter), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};
	PyObject *type = PyType_FromSpec(&spec);

	return type ? PyModule_AddObjectRef(module, "Waiter", type) : -1;
}
