/* greenlet_client.c - an extension that uses the C API of the package greenlet,
 * as one that was compiled with its header would: by a capsule of 12 slots. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* The object as such clients know it. */
struct object {
	PyObject_HEAD PyObject *weakrefs, *dict;
	void *rest;
};

enum {
	TYPE,
	ERROR,
	EXIT,
	NEW,
	CURRENT,
	THROW,
	SWITCH,
	SET_PARENT,
	IS_MAIN,
	IS_STARTED,
	IS_ACTIVE,
	PARENT
};

static void **api;

#define FUNCTION(slot, type) ((type)api[slot])

typedef PyObject *(*no_argument)(void);
typedef PyObject *(*one_argument)(PyObject *);
typedef PyObject *(*two_arguments)(PyObject *, PyObject *);
typedef PyObject *(*three_arguments)(PyObject *, PyObject *, PyObject *);
typedef PyObject *(*four_arguments)(PyObject *, PyObject *, PyObject *,
				    PyObject *);
typedef int (*question)(PyObject *);
typedef int (*change)(PyObject *, PyObject *);

static PyObject *types(PyObject *module, PyObject *unused)
{
	return Py_BuildValue("(OOO)", api[TYPE], api[ERROR], api[EXIT]);
}

static PyObject *new_(PyObject *module, PyObject *args)
{
	PyObject *run = NULL, *parent = NULL;

	if (!PyArg_ParseTuple(args, "|OO", &run, &parent))
		return NULL;
	return FUNCTION(NEW, two_arguments)(run, parent);
}

static PyObject *current(PyObject *module, PyObject *unused)
{
	return FUNCTION(CURRENT, no_argument)();
}

static PyObject *throw_(PyObject *module, PyObject *args)
{
	PyObject *g, *type, *value = NULL, *traceback = NULL;

	if (!PyArg_ParseTuple(args, "OO|OO", &g, &type, &value, &traceback))
		return NULL;
	return FUNCTION(THROW, four_arguments)(g, type, value, traceback);
}

static PyObject *switch_(PyObject *module, PyObject *args)
{
	PyObject *g, *positional = NULL, *named = NULL;

	if (!PyArg_ParseTuple(args, "O|OO", &g, &positional, &named))
		return NULL;
	return FUNCTION(SWITCH, three_arguments)(g, positional, named);
}

static PyObject *set_parent(PyObject *module, PyObject *args)
{
	PyObject *g, *parent;

	if (!PyArg_ParseTuple(args, "OO", &g, &parent) ||
	    FUNCTION(SET_PARENT, change)(g, parent) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *ask(PyObject *module, PyObject *g)
{
	int is_main = FUNCTION(IS_MAIN, question)(g);
	int is_started = FUNCTION(IS_STARTED, question)(g);
	int is_active = FUNCTION(IS_ACTIVE, question)(g);

	if (is_main < 0 || is_started < 0 || is_active < 0)
		return NULL;
	return Py_BuildValue("(iii)", is_main, is_started, is_active);
}

static PyObject *parent(PyObject *module, PyObject *g)
{
	PyObject *p = FUNCTION(PARENT, one_argument)(g);

	if (!p && !PyErr_Occurred())
		Py_RETURN_NONE;
	return p;
}

static PyObject *dict(PyObject *module, PyObject *g)
{
	PyObject *d = ((struct object *)g)->dict;

	if (!d)
		Py_RETURN_NONE;
	Py_INCREF(d);
	return d;
}

static PyMethodDef functions[] = {
	{"types", types, METH_NOARGS, NULL},
	{"new", new_, METH_VARARGS, NULL},
	{"current", current, METH_NOARGS, NULL},
	{"throw", throw_, METH_VARARGS, NULL},
	{"switch", switch_, METH_VARARGS, NULL},
	{"set_parent", set_parent, METH_VARARGS, NULL},
	{"ask", ask, METH_O, NULL},
	{"parent", parent, METH_O, NULL},
	{"dict", dict, METH_O, NULL},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "greenlet_client",
	.m_size = -1,
	.m_methods = functions,
};

PyMODINIT_FUNC PyInit_greenlet_client(void);

/* The package greenlet is in sys.modules. */
PyMODINIT_FUNC PyInit_greenlet_client(void)
{
	api = PyCapsule_Import("greenlet._C_API", 0);
	return api ? PyModule_Create(&definition) : NULL;
}
