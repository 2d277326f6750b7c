/* greenlet.c - the type greenlet, as the package of that name documents it. */
#include "green.h"

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

struct greenlet *greenlet_new_main(struct thread *t)
{
	struct greenlet *g = allocate(greenlet_type, t);

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
	return (PyObject *)greenlet_new(type);
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

static int set_run(PyObject *self, PyObject *run, void *unused);
static int set_parent(PyObject *self, PyObject *parent, void *unused);

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
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
static int clear(PyObject *self)
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

/* Where it runs wakes up, if it sleeps, and lets go of it at its next switch.
 */
static void on_left(struct ramet_host_call *call)
{
	struct greenlet *g =
		(struct greenlet *)((char *)call -
				    offsetof(struct greenlet, call));
	struct thread *t = g->thread;
	bool had;

	if (t->closed)
		return;
	had = pystate_holds_gil(t->ts);
	if (!had)
		PyEval_RestoreThread(t->ts);
	g->posted = false;
	greenlet_let_go(t, g);
	if (t->hub && t->hub->ramet)
		ramet_host_wake(t->hub->ramet);
	if (!had)
		PyEval_SaveThread();
}

/* One that is posted already is referred to by that. */
static void leave_to_its_thread(struct greenlet *g)
{
	if (g->posted)
		return;
	Py_INCREF(g);
	g->posted = true;
	g->call.fn = on_left;
	ramet_host_post(g->ramet, &g->call);
}

/* Nobody can switch to it any more: it ends by GreenletExit, in its own thread,
 * and comes back to whoever dropped it.  With the interpreter it just stops. */
static void finalize(PyObject *self)
{
	struct greenlet *g = (struct greenlet *)self;

	if (!greenlet_is_suspended(g) || g->is_hub || pystate_finalizing())
		return;
	if (greenlet_is_ours(g))
		greenlet_kill(g);
	else
		leave_to_its_thread(g);
}

/* tp_finalize is called once, and not at all if a subclass has a __del__; it
 * may be suspended all the same. */
static bool survives(PyObject *self)
{
	if (!greenlet_is_suspended((struct greenlet *)self))
		return false;
	Py_SET_REFCNT(self, 1);
	finalize(self);
	Py_SET_REFCNT(self, Py_REFCNT(self) - 1);
	if (Py_REFCNT(self) == 0)
		return false;
	if (!PyObject_GC_IsTracked(self)) /* a subclass's dealloc did that */
		PyObject_GC_Track(self);
	return true;
}

bool greenlet_survives(PyObject *self)
{
	return PyObject_CallFinalizerFromDealloc(self) < 0 || survives(self);
}

static void dealloc(PyObject *self)
{
	struct greenlet *g = (struct greenlet *)self;
	PyTypeObject *type = Py_TYPE(self);

	if (greenlet_survives(self))
		return;
	PyObject_GC_UnTrack(self);
	if (g->weakrefs)
		PyObject_ClearWeakRefs(self);
	local_forget(g);
	clear(self);
	Py_CLEAR(g->parent);
	pystate_drop(&g->state);
	if (g->link) {
		*g->link = g->next;
		if (g->next)
			g->next->link = g->link;
	}
	thread_put(g->thread);
	type->tp_free(self);
	Py_DECREF(type);
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

/* ---- attributes
 * --------------------------------------------------------------------- */

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
	PyObject **context = context_of(g);

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
	Py_XSETREF(*context, value == Py_None ? NULL : Py_NewRef(value));
	if (g == g->thread->current)
		g->thread->ts->context_ver++;
	return 0;
}

/* None of it is ever copied away. */
static PyObject *get_stack_saved(PyObject *self, void *unused)
{
	(void)self;
	(void)unused;
	return PyLong_FromLong(0);
}

static int is_true(PyObject *self)
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

static PyObject *repr(PyObject *self)
{
	struct greenlet *g = (struct greenlet *)self;
	bool placed = g->phase != PHASE_NEW && !g->thread->closed;

	return PyUnicode_FromFormat("<%s object at %p (otid=%p) %s>",
				    Py_TYPE(self)->tp_name, self,
				    placed ? (void *)g->thread : NULL,
				    condition(g));
}

static PyObject *refuse_pickle(PyObject *self, PyObject *unused)
{
	(void)unused;
	PyErr_Format(PyExc_TypeError, "cannot pickle '%s' object",
		     Py_TYPE(self)->tp_name);
	return NULL;
}

/* ---- functions ----------------------------------------------------------- */

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

static PyGetSetDef attributes[] = {
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

static PyMemberDef members[] = {
	{"__dictoffset__", T_PYSSIZET, offsetof(struct greenlet, dict),
	 READONLY, NULL},
	{"__weaklistoffset__", T_PYSSIZET, offsetof(struct greenlet, weakrefs),
	 READONLY, NULL},
	{NULL, 0, 0, 0, NULL},
};

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

int greenlet_ready(PyObject *module)
{
	static const char doc[] =
		"greenlet(run=None, parent=None)\n--\n\n"
		"A coroutine on a stack of its own: it calls run when it is\n"
		"first switched to; when that ends, the parent goes on.";
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
		{Py_tp_repr, repr},
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
	if (!no_values || !greenlet_type ||
	    PyModule_AddFunctions(module, functions) < 0 ||
	    add_statics(module) < 0)
		return -1;
	return PyModule_AddObjectRef(module, "greenlet",
				     (PyObject *)greenlet_type);
}
