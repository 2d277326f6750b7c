/* greenlet_attributes.c - what greenlets have by name: run, parent, their frame
 * and context; and how they look. */
#include "greenlet.h"

/* So is one whose thread has ended. */
static bool is_dead(const struct greenlet *g)
{
	return g->phase == PHASE_DEAD ||
	       (g->phase == PHASE_STARTED && g->thread->closed);
}

static bool is_main(const struct greenlet *g)
{
	return g->phase == PHASE_STARTED && !g->parent;
}

static PyObject *get_dead(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(is_dead((struct greenlet *)self));
}

static PyObject *get_run(PyObject *self, void *unused)
{
	struct greenlet *g = (struct greenlet *)self;

	(void)unused;
	if (g->phase == PHASE_NEW && g->run)
		return Py_NewRef(g->run);
	PyErr_SetString(PyExc_AttributeError,
			is_main(g) ? "Main greenlets do not have a run "
				     "attribute."
				   : "run");
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

static int refuse_parent(PyObject *kind, const char *why)
{
	PyErr_SetString(kind, why);
	return -1;
}

int greenlet_set_parent(struct greenlet *g, struct greenlet *parent)
{
	if (is_main(g))
		return refuse_parent(PyExc_AttributeError,
				     "cannot set the parent of a main "
				     "greenlet");
	for (struct greenlet *p = parent; p; p = p->parent)
		if (p == g)
			return refuse_parent(PyExc_ValueError,
					     "cyclic parent chain");
	if (g->phase == PHASE_STARTED && greenlet_home(parent) != g->thread)
		return refuse_parent(PyExc_ValueError,
				     "parent cannot be on a different thread");
	Py_INCREF(parent);
	Py_XSETREF(g->parent, parent);
	return 0;
}

static int set_parent(PyObject *self, PyObject *parent, void *unused)
{
	(void)unused;
	if (!parent)
		return refuse_parent(PyExc_AttributeError,
				     "can't delete attribute");
	if (!greenlet_check(parent)) {
		PyErr_Format(PyExc_TypeError,
			     "GreenletChecker: Expected any type of greenlet, "
			     "not %s",
			     Py_TYPE(parent)->tp_name);
		return -1;
	}
	return greenlet_set_parent((struct greenlet *)self,
				   (struct greenlet *)parent);
}

int greenlet_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"run", (char *)"parent", NULL};
	PyObject *run = NULL, *parent = Py_None;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:greenlet", names,
					 &run, &parent))
		return -1;
	if (run && set_run(self, run, NULL) < 0)
		return -1;
	return parent == Py_None ? 0 : set_parent(self, parent, NULL);
}

/* Of any thread: the GIL keeps it still. */
static PyObject *get_frame(PyObject *self, void *unused)
{
	struct greenlet *g = (struct greenlet *)self;
	PyObject *frame;

	(void)unused;
	if (!greenlet_is_suspended(g) || !g->entered)
		Py_RETURN_NONE;
	frame = (PyObject *)pystate_frame(&g->state, PyThreadState_Get());
	return frame ? frame : Py_NewRef(Py_None);
}

/* Of the running one it is the thread's. */
static PyObject **context_of(struct greenlet *g)
{
	if (g == g->thread->current)
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
	if (!*context)
		Py_RETURN_NONE;
	return Py_NewRef(*context);
}

static int set_context(PyObject *self, PyObject *value, void *unused)
{
	struct greenlet *g = (struct greenlet *)self;
	PyObject **context = context_of(g), *before;

	(void)unused;
	if (!value) {
		PyErr_SetString(PyExc_AttributeError,
				"can't delete context attribute");
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
	before = *context;
	*context = value == Py_None ? NULL : Py_NewRef(value);
	if (g == g->thread->current)
		g->thread->ts->context_ver++;
	Py_XDECREF(before); /* may run code, which looks variables up */
	return 0;
}

/* None of it is ever copied away. */
static PyObject *get_stack_saved(PyObject *self, void *unused)
{
	(void)self;
	(void)unused;
	return PyLong_FromLong(0);
}

int greenlet_is_true(PyObject *self)
{
	struct greenlet *g = (struct greenlet *)self;

	return g->phase == PHASE_STARTED && !is_dead(g);
}

static const char *condition(const struct greenlet *g)
{
	if (is_dead(g))
		return g->thread->closed ? "(thread exited) dead" : "dead";
	if (g->phase == PHASE_NEW)
		return "pending";
	if (g->thread != this_thread || g != g->thread->current)
		return is_main(g) ? "suspended active started main"
				  : "suspended active started";
	return is_main(g) ? "current active started main"
			  : "current active started";
}

PyObject *greenlet_repr(PyObject *self)
{
	struct greenlet *g = (struct greenlet *)self;
	bool placed = g->phase != PHASE_NEW && !g->thread->closed;

	return PyUnicode_FromFormat("<%s object at %p (otid=%p) %s>",
				    Py_TYPE(self)->tp_name, self,
				    placed ? (void *)g->thread : NULL,
				    condition(g));
}

PyGetSetDef greenlet_attributes[] = {
	{"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL,
	 NULL},
	{"dead", get_dead, NULL, "Whether it has ended.", NULL},
	{"run", get_run, set_run, "What it calls when it starts.", NULL},
	{"parent", get_parent, set_parent, "Who goes on when it ends.", NULL},
	{"gr_frame", get_frame, NULL, "Where it is suspended, or None.", NULL},
	{"gr_context", get_context, set_context,
	 "Its contextvars.Context, or None.", NULL},
	{"_stack_saved", get_stack_saved, NULL,
	 "Bytes of stack that have been copied away: none.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};
