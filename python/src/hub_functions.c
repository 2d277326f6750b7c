/* hub_functions.c - the functions of hubs, and of what greenlets wait for. */
#include "hub.h"

static PyObject *get_hub_if_exists(PyObject *module, PyObject *unused)
{
	struct greenlet *hub = this_thread ? this_thread->hub : NULL;

	(void)module;
	(void)unused;
	return Py_NewRef(hub ? (PyObject *)hub : Py_None);
}

static PyObject *get_hub_class(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	return Py_NewRef(hub_class);
}

/* NULL: it cannot be asked here. */
static struct ramet *ramet_of(PyObject *g)
{
	struct greenlet *it = (struct greenlet *)g;

	return greenlet_check(g) && greenlet_is_ours(it) ? it->ramet : NULL;
}

static PyObject *waits_for(PyObject *module, PyObject *g)
{
	const struct ramet *ramet = ramet_of(g);
	const char *what = ramet ? ramet_host_waits_for(ramet) : NULL;

	(void)module;
	if (!what)
		Py_RETURN_NONE;
	return PyUnicode_FromString(what);
}

static PyObject *waits_for_whom(PyObject *module, PyObject *g)
{
	const struct ramet *ramet = ramet_of(g);
	PyObject *whom = ramet ? ramet_host_holder(ramet) : NULL;

	(void)module;
	return Py_NewRef(whom ? whom : Py_None);
}

static PyObject *throw_later(PyObject *module, PyObject *args)
{
	PyObject *g, *exception, *exc;
	int err;

	(void)module;
	if (!PyArg_ParseTuple(args, "O!O:throw_later", greenlet_type, &g,
			      &exception))
		return NULL;
	exc = exception_make(exception, NULL, NULL);
	if (!exc)
		return NULL;
	err = greenlet_throw_any((struct greenlet *)g, exc);
	Py_DECREF(exc);
	if (err < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *get_hub(PyObject *module, PyObject *unused)
{
	struct thread *t = thread_get();
	struct greenlet *hub = t ? hub_get(t) : NULL;

	(void)module;
	(void)unused;
	return (PyObject *)Py_XNewRef(hub);
}

static PyObject *set_hub_class(PyObject *module, PyObject *class)
{
	(void)module;
	Py_XSETREF(hub_class, Py_NewRef(class));
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"get_hub", get_hub, METH_NOARGS,
	 "get_hub($module, /)\n--\n\n"
	 "The calling thread's hub, made when first asked for."},
	{"get_hub_if_exists", get_hub_if_exists, METH_NOARGS,
	 "get_hub_if_exists($module, /)\n--\n\n"
	 "The calling thread's hub, or None."},
	{"get_hub_class", get_hub_class, METH_NOARGS,
	 "get_hub_class($module, /)\n--\n\n"
	 "The class of new hubs."},
	{"waits_for", waits_for, METH_O,
	 "waits_for($module, greenlet, /)\n--\n\n"
	 "What a greenlet of this thread waits for, in words; or None."},
	{"waits_for_whom", waits_for_whom, METH_O,
	 "waits_for_whom($module, greenlet, /)\n--\n\n"
	 "The greenlet that holds the lock, or is to end; None if nobody\n"
	 "knows."},
	{"throw_later", throw_later, METH_VARARGS,
	 "throw_later($module, greenlet, exception, /)\n--\n\n"
	 "Raise it there, soon."},
	{"set_hub_class", set_hub_class, METH_O,
	 "set_hub_class($module, cls, /)\n--\n\n"
	 "The class of hubs that are made from now on."},
	{NULL, NULL, 0, NULL},
};

int hub_functions_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
