/* capsule.c - greenlet._C_API: what extensions in C that know the package
 * greenlet call it by.  They rely on the order of the slots, and on the
 * object's first members: the list of weak references and the dict. */
#include "green.h"

static struct greenlet *checked(PyObject *g)
{
	if (g && greenlet_check(g))
		return (struct greenlet *)g;
	PyErr_BadArgument();
	return NULL;
}

static PyObject *new (PyObject *run, PyObject *parent)
{
	PyObject *args = run ? PyTuple_Pack(1, run) : PyTuple_New(0), *g;

	g = args ? PyObject_CallObject((PyObject *)greenlet_type, args) : NULL;
	Py_XDECREF(args);
	if (g && parent && PyObject_SetAttrString(g, "parent", parent) < 0)
		Py_CLEAR(g);
	return g;
}

static PyObject *current(void)
{
	struct thread *t = thread_get();

	return t ? Py_NewRef((PyObject *)t->current) : NULL;
}

static PyObject *throw(PyObject * g, PyObject *type, PyObject *value,
		       PyObject *traceback)
{
	struct greenlet *to = checked(g);

	return to ? greenlet_throw(to, type, value, traceback) : NULL;
}

static PyObject *switch_(PyObject *g, PyObject *args, PyObject *kwargs)
{
	struct greenlet *to = checked(g);

	if (!to)
		return NULL;
	if (!args || !PyTuple_Check(args))
		args = PyTuple_New(0);
	else
		Py_INCREF(args);
	if (!args)
		return NULL;
	if (kwargs && !PyDict_Check(kwargs))
		kwargs = NULL;
	return greenlet_transfer(to, args, Py_XNewRef(kwargs), NULL);
}

static int set_parent(PyObject *g, PyObject *parent)
{
	struct greenlet *child = checked(g), *p = checked(parent);

	return child && p ? greenlet_set_parent(child, p) : -1;
}

static int is_main(PyObject *o)
{
	struct greenlet *g = checked(o);

	return g ? g->phase == PHASE_STARTED && !g->parent : -1;
}

static int is_started(PyObject *o)
{
	struct greenlet *g = checked(o);

	return g ? g->phase != PHASE_NEW : -1;
}

static int is_active(PyObject *o)
{
	struct greenlet *g = checked(o);

	return g ? g->phase == PHASE_STARTED && !g->thread->closed : -1;
}

static PyObject *get_parent(PyObject *o)
{
	struct greenlet *g = checked(o);

	return g ? Py_XNewRef((PyObject *)g->parent) : NULL;
}

int capsule_ready(PyObject *module)
{
	static void *slots[12];
	PyObject *capsule;
	int err;

	slots[0] = greenlet_type;
	slots[1] = exc_greenlet_error;
	slots[2] = exc_greenlet_exit;
	slots[3] = (void *)new;
	slots[4] = (void *)current;
	slots[5] = (void *) throw;
	slots[6] = (void *)switch_;
	slots[7] = (void *)set_parent;
	slots[8] = (void *)is_main;
	slots[9] = (void *)is_started;
	slots[10] = (void *)is_active;
	slots[11] = (void *)get_parent;
	capsule = PyCapsule_New(slots, "greenlet._C_API", NULL);
	err = capsule ? PyModule_AddObjectRef(module, "_C_API", capsule) : -1;
	Py_XDECREF(capsule);
	return err;
}
