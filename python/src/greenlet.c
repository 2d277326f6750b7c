/* greenlet.c - the type greenlet, as the package of that name documents it: how
 * one is made, switch() and throw(). */
#include "greenlet.h"

#include <structmember.h>

PyTypeObject *greenlet_type;

/* ---- life ---------------------------------------------------------------- */

static struct greenlet *allocate(PyTypeObject *type, struct thread *t)
{
	struct greenlet *g = (struct greenlet *)type->tp_alloc(type, 0);

	if (!g)
		return NULL;
	g->thread = t;
	t->users++;
	return g;
}

/* CPython 3.11 finds methods at once in what has no dict by its type, or has
 * one: not in what might have.  For those whose switch is called by name. */
static struct greenlet *with_dict(struct greenlet *g)
{
#if SINCE(11) && !SINCE(12)
	if (g && !(g->dict = PyDict_New()))
		Py_CLEAR(g);
#endif
	return g;
}

struct greenlet *greenlet_new_main(struct thread *t)
{
	struct greenlet *g = with_dict(allocate(greenlet_type, t));

	if (!g)
		return NULL;
	g->phase = PHASE_STARTED;
	g->entered = true;
	return g;
}

struct greenlet *greenlet_new(PyTypeObject *type)
{
	struct thread *t = thread_get();
	struct greenlet *g = t ? allocate(type, t) : NULL;

	if (g)
		g->parent =
			(struct greenlet *)Py_NewRef((PyObject *)t->current);
	return g;
}

static PyObject *new (PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	if (PyType_HasFeature(type, Py_TPFLAGS_IS_ABSTRACT)) /* says why not */
		return PyBaseObject_Type.tp_new(type, args, kwargs);
	return (PyObject *)with_dict(greenlet_new(type));
}

void greenlet_move(struct greenlet *g, struct thread *t)
{
	if (g->thread == t)
		return;
	t->users++;
	thread_put(g->thread);
	g->thread = t;
}

struct thread *greenlet_home(const struct greenlet *g)
{
	while (g->phase == PHASE_NEW && g->parent)
		g = g->parent;
	return g->thread;
}

bool greenlet_is_suspended(const struct greenlet *g)
{
	return g->phase == PHASE_STARTED && g->ramet && g->thread &&
	       !g->thread->closed && g != g->thread->current &&
	       g != g->thread->main;
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
	struct greenlet *g = (struct greenlet *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(g->dict);
	Py_VISIT((PyObject *)g->parent);
	Py_VISIT(g->run);
	Py_VISIT(g->value);
	Py_VISIT(g->kwargs);
	Py_VISIT(g->pending);
	Py_VISIT(g->later);
	if (greenlet_is_suspended(g))
		PYSTATE_VISIT(&g->state);
	else
		Py_VISIT(g->state.context); /* NULL if it runs */
	return 0;
}

/* The parent stays: it is where an error would go. */
int greenlet_clear(PyObject *self)
{
	struct greenlet *g = (struct greenlet *)self;

	Py_CLEAR(g->dict);
	Py_CLEAR(g->run);
	Py_CLEAR(g->value);
	Py_CLEAR(g->kwargs);
	Py_CLEAR(g->pending);
	Py_CLEAR(g->later);
	if (g->phase != PHASE_STARTED)
		Py_CLEAR(g->state.context);
	return 0;
}

/* ---- switches ------------------------------------------------------------ */

static PyObject *no_values; /* () */

static PyObject *tuple_of(PyObject *const *args, Py_ssize_t n)
{
	PyObject *tuple = PyTuple_New(n);

	for (Py_ssize_t i = 0; tuple && i < n; i++)
		PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
	return tuple;
}

static PyObject *dict_of(PyObject *names, PyObject *const *values)
{
	PyObject *dict = PyDict_New();

	for (Py_ssize_t i = 0; dict && i < PyTuple_GET_SIZE(names); i++)
		if (PyDict_SetItem(dict, PyTuple_GET_ITEM(names, i),
				   values[i]) < 0)
			Py_CLEAR(dict);
	return dict;
}

static PyObject *switch_with(struct greenlet *g, PyObject *const *args,
			     Py_ssize_t n, PyObject *names)
{
	PyObject *value, *kwargs = NULL;

	value = tuple_of(args, n);
	if (!value)
		return NULL;
	if (names && !(kwargs = dict_of(names, args + n))) {
		Py_DECREF(value);
		return NULL;
	}
	return greenlet_transfer(g, value, kwargs, NULL);
}

static PyObject *switch_(PyObject *self, PyObject *const *args, Py_ssize_t n,
			 PyObject *names)
{
	struct greenlet *g = (struct greenlet *)self;

	if (names || n > 1)
		return switch_with(g, args, n, names);
	if (n == 1)
		return greenlet_send(g, Py_NewRef(args[0]));
	if (g->entered && g->phase == PHASE_STARTED)
		return greenlet_send(g, Py_NewRef(no_values));
	return switch_with(g, args, n, names);
}

/* One that has ended raises nothing: GreenletExit is its result. */
static PyObject *throw_at_dead(struct greenlet *g, PyObject *exc)
{
	if (!PyObject_TypeCheck(exc, (PyTypeObject *)exc_greenlet_exit))
		return greenlet_transfer(g, NULL, NULL, exc);
	return greenlet_send(g, exc);
}

PyObject *greenlet_throw(struct greenlet *g, PyObject *type, PyObject *value,
			 PyObject *traceback)
{
	PyObject *exc = exception_make(type, value, traceback);

	if (!exc)
		return NULL;
	if (g->phase == PHASE_DEAD)
		return throw_at_dead(g, exc);
	return greenlet_transfer(g, NULL, NULL, exc);
}

/* One that has not started dies of it without running. */
static PyObject *throw(PyObject * self, PyObject *args)
{
	PyObject *type = exc_greenlet_exit, *value = NULL, *traceback = NULL;

	if (!PyArg_ParseTuple(args, "|OOO:throw", &type, &value, &traceback))
		return NULL;
	return greenlet_throw((struct greenlet *)self, type, value, traceback);
}

static PyObject *refuse_pickle(PyObject *self, PyObject *unused)
{
	(void)unused;
	PyErr_Format(PyExc_TypeError, "cannot pickle '%s' object",
		     Py_TYPE(self)->tp_name);
	return NULL;
}

/* ---- the type ------------------------------------------------------------ */

static PyMethodDef methods[] = {
	{"switch", (PyCFunction)(void (*)(void))switch_,
	 METH_FASTCALL | METH_KEYWORDS,
	 "switch($self, /, *args, **kwargs)\n--\n\n"
	 "Run this greenlet until somebody switches to the caller;\n"
	 "returns what that passes.  One that has not begun calls\n"
	 "run(*args, **kwargs); in one that has, its own switch()\n"
	 "returns the argument, a tuple of several, a dict of named\n"
	 "ones, or both in a tuple.  A dead one stands for its parent."},
	{"throw", throw, METH_VARARGS,
	 "throw($self, type=..., value=None, traceback=None, /)\n--\n\n"
	 "As switch(), but it raises that exception in this greenlet;\n"
	 "without arguments GreenletExit."},
	{"__reduce_ex__", refuse_pickle, METH_O,
	 "__reduce_ex__($self, protocol, /)\n--\n\n"
	 "Greenlets are not pickled."},
	{NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
	{"__dictoffset__", T_PYSSIZET, offsetof(struct greenlet, dict),
	 READONLY, NULL},
	{"__weaklistoffset__", T_PYSSIZET, offsetof(struct greenlet, weakrefs),
	 READONLY, NULL},
	{NULL, 0, 0, 0, NULL},
};

int greenlet_ready(PyObject *module)
{
	static const char doc[] =
		"greenlet(run=None, parent=None)\n--\n\n"
		"A coroutine on a stack of its own: it calls run when it is\n"
		"first switched to; when that ends, the parent goes on.";
	static PyType_Slot slots[] = {
		{Py_tp_new, new},
		{Py_tp_init, greenlet_init},
		{Py_tp_dealloc, greenlet_dealloc},
		{Py_tp_finalize, greenlet_finalize},
		{Py_tp_traverse, traverse},
		{Py_tp_clear, greenlet_clear},
		{Py_tp_methods, methods},
		{Py_tp_getset, greenlet_attributes},
		{Py_tp_members, members},
		{Py_nb_bool, greenlet_is_true},
		{Py_tp_repr, greenlet_repr},
		{Py_tp_doc, (void *)doc},
		{0, NULL},
	};
	static PyType_Spec spec = {"greenlet.greenlet", sizeof(struct greenlet),
				   0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};

	no_values = PyTuple_New(0);
	greenlet_type = (PyTypeObject *)PyType_FromSpec(&spec);
	if (!no_values || !greenlet_type || greenlet_add_functions(module) < 0)
		return -1;
	return PyModule_AddObjectRef(module, "greenlet",
				     (PyObject *)greenlet_type);
}
