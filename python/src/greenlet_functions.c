/* greenlet_functions.c - the functions of the package greenlet. */
#include "greenlet.h"

static PyObject *getcurrent(PyObject *module, PyObject *unused)
{
	struct thread *t = thread_get();

	(void)module;
	(void)unused;
	return t ? Py_NewRef((PyObject *)t->current) : NULL;
}

static PyObject *gettrace(PyObject *module, PyObject *unused)
{
	struct thread *t = this_thread; /* none is needed to know */

	(void)module;
	(void)unused;
	return Py_NewRef(t && t->tracer ? t->tracer : Py_None);
}

static PyObject *settrace(PyObject *module, PyObject *tracer)
{
	struct thread *t = thread_get();
	PyObject *before;

	(void)module;
	if (!t)
		return NULL;
	before = t->tracer ? t->tracer : Py_NewRef(Py_None);
	t->tracer = tracer == Py_None ? NULL : Py_NewRef(tracer);
	return before;
}

static PyObject *main_count(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	return PyLong_FromSize_t(thread_count());
}

static PyObject *own_locals(PyObject *module, PyObject *on)
{
	int is = PyObject_IsTrue(on);

	(void)module;
	if (is < 0)
		return NULL;
	greenlet_own_locals = is;
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"getcurrent", getcurrent, METH_NOARGS,
	 "getcurrent($module, /)\n--\n\n"
	 "The greenlet that calls this."},
	{"gettrace", gettrace, METH_NOARGS,
	 "gettrace($module, /)\n--\n\n"
	 "The tracer of this thread, or None."},
	{"settrace", settrace, METH_O,
	 "settrace($module, callback, /)\n--\n\n"
	 "Call callback(event, (origin, target)) after each switch in\n"
	 "this thread; the event is \"switch\" or \"throw\".  Returns the\n"
	 "tracer before."},
	{"get_total_main_greenlets", main_count, METH_NOARGS,
	 "get_total_main_greenlets($module, /)\n--\n\n"
	 "How many threads have a main greenlet."},
	{"own_locals", own_locals, METH_O,
	 "own_locals($module, on, /)\n--\n\n"
	 "Whether greenlets that start from now on have threading.local\n"
	 "values of their own."},
	{NULL, NULL, 0, NULL},
};

/* What the module has is the type's as well. */
static int add_statics(PyObject *module)
{
	static const char *const names[] = {"getcurrent", "gettrace",
					    "settrace", "error",
					    "GreenletExit"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		PyObject *o = PyObject_GetAttrString(module, names[i]);
		int err = o ? PyObject_SetAttrString((PyObject *)greenlet_type,
						     names[i], o)
			    : -1;

		Py_XDECREF(o);
		if (err < 0)
			return -1;
	}
	return 0;
}

int greenlet_add_functions(PyObject *module)
{
	if (PyModule_AddFunctions(module, functions) < 0)
		return -1;
	return add_statics(module);
}
