/* greenlet.c - the type greenlet, as the package of that name documents it. */
#include "green.h"

#include <structmember.h>

PyTypeObject *greenlet_type;

/* ---- life
 * --------------------------------------------------------------------- */

static struct greenlet *allocate(PyTypeObject *type, struct thread *t)
{
	struct greenlet *g = (struct greenlet *)type->tp_alloc(type, 0);

	if (!g)
		return NULL;
	g->thread = t;
	t->users++;
	return g;
}

struct greenlet *greenlet_new_main(struct thread *t)
{
	struct greenlet *g = allocate(greenlet_type, t);

	if (g)
		g->phase = PHASE_STARTED;
	return g;
}

static PyObject *new (PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct thread *t = thread_get();
	struct greenlet *g = t ? allocate(type, t) : NULL;

	(void)args;
	(void)kwargs;
	if (g)
		g->parent =
			(struct greenlet *)Py_NewRef((PyObject *)t->current);
	return (PyObject *)g;
}

static int set_run(PyObject *self, PyObject *run, void *unused);
static int set_parent(PyObject *self, PyObject *parent, void *unused);

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"run", (char *)"parent", NULL};
	PyObject *run = Py_None, *parent = Py_None;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:greenlet", names,
					 &run, &parent))
		return -1;
	if (run != Py_None && set_run(self, run, NULL) < 0)
		return -1;
	return parent == Py_None ? 0 : set_parent(self, parent, NULL);
}

static bool is_suspended(const struct greenlet *g)
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
	if (is_suspended(g))
		PYSTATE_VISIT(&g->state);
	return 0;
}

/* The parent stays: it is where an error would go. */
static int clear(PyObject *self)
{
	struct greenlet *g = (struct greenlet *)self;

	Py_CLEAR(g->dict);
	Py_CLEAR(g->run);
	Py_CLEAR(g->value);
	Py_CLEAR(g->kwargs);
	Py_CLEAR(g->pending);
	return 0;
}

/* Nobody can switch to it any more: it ends by GreenletExit, in its own thread,
 * and comes back to whoever dropped it. */
static void finalize(PyObject *self)
{
	struct greenlet *g = (struct greenlet *)self;
	PyObject *exc, *saved, *result;

	if (!is_suspended(g) || g->is_hub || !greenlet_is_ours(g))
		return;
	saved = exception_take();
	exc = PyObject_CallNoArgs(exc_greenlet_exit);
	Py_INCREF(g->thread->current);
	Py_XSETREF(g->parent, g->thread->current);
	result = exc ? greenlet_transfer(g, NULL, NULL, exc) : NULL;
	if (!result)
		PyErr_WriteUnraisable(self);
	Py_XDECREF(result);
	if (saved)
		exception_raise(saved);
}

static void dealloc(PyObject *self)
{
	struct greenlet *g = (struct greenlet *)self;
	PyTypeObject *type = Py_TYPE(self);

	if (PyObject_CallFinalizerFromDealloc(self) < 0)
		return;
	PyObject_GC_UnTrack(self);
	if (g->weakrefs)
		PyObject_ClearWeakRefs(self);
	clear(self);
	Py_CLEAR(g->parent);
	if (g->phase != PHASE_STARTED || is_suspended(g))
		Py_CLEAR(g->state.context);
	if (g->thread)
		thread_put(g->thread);
	type->tp_free(self);
	Py_DECREF(type);
}

/* ---- switches
 * -------------------------------------------------------------------- */

static PyObject *switch_(PyObject *self, PyObject *args, PyObject *kwargs)
{
	return greenlet_transfer((struct greenlet *)self, Py_NewRef(args),
				 Py_XNewRef(kwargs), NULL);
}

/* One that has ended raises nothing: GreenletExit is its result. */
static PyObject *throw_at_dead(struct greenlet *g, PyObject *exc)
{
	PyObject *args;

	if (!PyObject_TypeCheck(exc, (PyTypeObject *)exc_greenlet_exit))
		return greenlet_transfer(g, NULL, NULL, exc);
	args = PyTuple_Pack(1, exc);
	Py_DECREF(exc);
	return args ? greenlet_transfer(g, args, NULL, NULL) : NULL;
}

/* One that has not started dies of it without running. */
static PyObject *throw(PyObject * self, PyObject *args)
{
	struct greenlet *g = (struct greenlet *)self;
	PyObject *type = exc_greenlet_exit, *value = NULL, *traceback = NULL;
	PyObject *exc;

	if (!PyArg_ParseTuple(args, "|OOO:throw", &type, &value, &traceback))
		return NULL;
	exc = exception_make(type, value, traceback);
	if (!exc)
		return NULL;
	if (g->phase == PHASE_DEAD)
		return throw_at_dead(g, exc);
	return greenlet_transfer(g, NULL, NULL, exc);
}

/* ---- attributes
 * --------------------------------------------------------------------- */

static PyObject *get_dead(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct greenlet *)self)->phase == PHASE_DEAD);
}

static PyObject *get_run(PyObject *self, void *unused)
{
	struct greenlet *g = (struct greenlet *)self;

	(void)unused;
	if (g->run)
		return Py_NewRef(g->run);
	PyErr_SetString(PyExc_AttributeError, "run");
	return NULL;
}

static int set_run(PyObject *self, PyObject *run, void *unused)
{
	struct greenlet *g = (struct greenlet *)self;

	(void)unused;
	if (g->phase != PHASE_NEW) {
		PyErr_SetString(PyExc_AttributeError,
				"run cannot be set after the start of the "
				"greenlet");
		return -1;
	}
	Py_XSETREF(g->run, Py_XNewRef(run));
	return 0;
}

static PyObject *get_parent(PyObject *self, void *unused)
{
	struct greenlet *g = (struct greenlet *)self;

	(void)unused;
	return Py_NewRef(g->parent ? (PyObject *)g->parent : Py_None);
}

static int set_parent(PyObject *self, PyObject *parent, void *unused)
{
	struct greenlet *g = (struct greenlet *)self, *p;

	(void)unused;
	if (!parent) {
		PyErr_SetString(PyExc_AttributeError, "can't delete attribute");
		return -1;
	}
	if (!greenlet_check(parent)) {
		PyErr_Format(PyExc_TypeError,
			     "GreenletChecker: Expected any type of greenlet, "
			     "not %s",
			     Py_TYPE(parent)->tp_name);
		return -1;
	}
	for (p = (struct greenlet *)parent; p; p = p->parent)
		if (p == g) {
			PyErr_SetString(PyExc_ValueError,
					"cyclic parent chain");
			return -1;
		}
	p = (struct greenlet *)parent;
	if (p->thread != g->thread) {
		PyErr_SetString(PyExc_ValueError,
				"parent cannot be on a different thread");
		return -1;
	}
	Py_INCREF(p);
	Py_XSETREF(g->parent, p);
	return 0;
}

static PyObject *get_frame(PyObject *self, void *unused)
{
	struct greenlet *g = (struct greenlet *)self;
	PyObject *frame;

	(void)unused;
	if (!is_suspended(g) || !greenlet_is_ours(g))
		Py_RETURN_NONE;
	frame = (PyObject *)pystate_frame(&g->state, g->thread->ts);
	return frame ? frame : Py_NewRef(Py_None);
}

/* Of the running one it is the thread's. */
static PyObject **context_of(struct greenlet *g)
{
	if (g->thread && g == g->thread->current)
		return greenlet_is_ours(g) ? &g->thread->ts->context : NULL;
	return &g->state.context;
}

static PyObject *get_context(PyObject *self, void *unused)
{
	struct greenlet *g = (struct greenlet *)self;
	PyObject **context = context_of(g);

	(void)unused;
	if (!context) {
		PyErr_SetString(PyExc_ValueError,
				"cannot get context of a greenlet that is "
				"running in a different thread");
		return NULL;
	}
	if (g->phase == PHASE_DEAD || !*context)
		Py_RETURN_NONE;
	return Py_NewRef(*context);
}

static int set_context(PyObject *self, PyObject *value, void *unused)
{
	struct greenlet *g = (struct greenlet *)self;
	PyObject **context = context_of(g);

	(void)unused;
	if (!value) {
		PyErr_SetString(PyExc_AttributeError, "can't delete context");
		return -1;
	}
	if (value != Py_None && !PyContext_CheckExact(value)) {
		PyErr_SetString(PyExc_TypeError, "greenlet context must be a "
						 "contextvars.Context "
						 "or None");
		return -1;
	}
	if (!context) {
		PyErr_SetString(PyExc_ValueError,
				"cannot set context of a greenlet that is "
				"running in a different thread");
		return -1;
	}
	Py_XSETREF(*context, value == Py_None ? NULL : Py_NewRef(value));
	if (g->thread && g == g->thread->current)
		g->thread->ts->context_ver++;
	return 0;
}

static int is_true(PyObject *self)
{
	return ((struct greenlet *)self)->phase == PHASE_STARTED;
}

static PyObject *getcurrent(PyObject *module, PyObject *unused)
{
	struct thread *t = thread_get();

	(void)module;
	(void)unused;
	return t ? Py_NewRef((PyObject *)t->current) : NULL;
}

static PyMethodDef methods[] = {
	{"switch", (PyCFunction)(void (*)(void))switch_,
	 METH_VARARGS | METH_KEYWORDS,
	 "switch(*args, **kwargs) -> what the caller is switched back with"},
	{"throw", throw, METH_VARARGS,
	 "throw(type=GreenletExit, value=None, traceback=None): switch, and "
	 "raise there"},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL,
	 NULL},
	{"dead", get_dead, NULL, "Whether it has ended.", NULL},
	{"run", get_run, set_run, "What it calls when it starts.", NULL},
	{"parent", get_parent, set_parent, "Who goes on when it ends.", NULL},
	{"gr_frame", get_frame, NULL, "Where it is suspended.", NULL},
	{"gr_context", get_context, set_context, "Its contextvars.Context.",
	 NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
	{"__dictoffset__", T_PYSSIZET, offsetof(struct greenlet, dict),
	 READONLY, NULL},
	{"__weaklistoffset__", T_PYSSIZET, offsetof(struct greenlet, weakrefs),
	 READONLY, NULL},
	{NULL, 0, 0, 0, NULL},
};

static PyMethodDef functions[] = {
	{"getcurrent", getcurrent, METH_NOARGS,
	 "The greenlet that calls this."},
	{NULL, NULL, 0, NULL},
};

int greenlet_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_new, new},
		{Py_tp_init, init},
		{Py_tp_dealloc, dealloc},
		{Py_tp_finalize, finalize},
		{Py_tp_traverse, traverse},
		{Py_tp_clear, clear},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{Py_tp_members, members},
		{Py_nb_bool, is_true},
		{0, NULL},
	};
	static PyType_Spec spec = {"greenlet.greenlet", sizeof(struct greenlet),
				   0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};

	greenlet_type = (PyTypeObject *)PyType_FromSpec(&spec);
	if (!greenlet_type || PyModule_AddFunctions(module, functions) < 0)
		return -1;
	return PyModule_AddObjectRef(module, "greenlet",
				     (PyObject *)greenlet_type);
}
