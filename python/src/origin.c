/* origin.c - who spawned a greenlet, and where; and the plain greenlets of
 * spawn_raw, which know that as well. */
#include "origin.h"
#include "spawned.h"

#include <structmember.h>

struct raw {
	struct greenlet greenlet;
	struct origin origin;
};

static PyTypeObject *raw_type;
static PyObject *str_locals;
static bool tracking = true;

/* ---- where --------------------------------------------------------------- */

static int walk(struct place *places, PyThreadState *ts)
{
	PyFrameObject *frame = PyThreadState_GetFrame(ts), *back;
	int n = 0;

	for (; frame && n < PLACES; frame = back) {
		places[n].code = PyFrame_GetCode(frame);
		places[n++].instruction = pystate_lasti(frame);
		back = PyFrame_GetBack(frame);
		Py_DECREF(frame);
	}
	Py_XDECREF(frame);
	return n;
}

static int set_stack(struct greenlet *g, struct origin *o, PyThreadState *ts)
{
	struct place places[PLACES];
	int n = walk(places, ts);

	if (!PyErr_Occurred()) /* frames are made where there are none yet */
		o->places =
			PyMem_Malloc((size_t)(n ? n : 1) * sizeof *o->places);
	if (!o->places) {
		while (n--)
			Py_DECREF(places[n].code);
		if (!PyErr_Occurred())
			PyErr_NoMemory();
		return -1;
	}
	memcpy(o->places, places, (size_t)n * sizeof *places);
	o->depth = n;
	g->origin = o;
	return 0;
}

PyObject *origin_stack(const struct origin *o)
{
	PyObject *list = PyList_New(o->depth);

	for (int i = 0; list && i < o->depth; i++) {
		const struct place *p = &o->places[i];
		PyObject *pair =
			Py_BuildValue("(Oi)", (PyObject *)p->code,
				      PyCode_Addr2Line(p->code,
						       p->instruction));

		if (pair)
			PyList_SET_ITEM(list, i, pair);
		else
			Py_CLEAR(list);
	}
	return list;
}

/* ---- who ----------------------------------------------------------------- */

struct origin *origin_of(struct greenlet *g)
{
	if (PyObject_TypeCheck((PyObject *)g, spawned_type))
		return &((struct spawned *)g)->origin;
	if (PyObject_TypeCheck((PyObject *)g, raw_type))
		return &((struct raw *)g)->origin;
	return NULL;
}

/* Others have it as an attribute: a new reference.  What a main spawns is the
 * root of a tree of its own, unless the main has been given a dict to share. */
static PyObject *attribute_locals(struct greenlet *g)
{
	PyObject *locals;

	if (!g->dict && !(g->dict = PyDict_New()))
		return NULL;
	locals = PyDict_GetItemWithError(g->dict, str_locals);
	if (locals || PyErr_Occurred())
		return Py_XNewRef(locals);
	locals = PyDict_New();
	if (locals && g->parent &&
	    PyDict_SetItem(g->dict, str_locals, locals) < 0)
		Py_CLEAR(locals);
	return locals;
}

static PyObject *tree_locals(struct greenlet *g)
{
	struct origin *o = origin_of(g);

	if (!o)
		return attribute_locals(g);
	if (!o->locals)
		o->locals = PyDict_New();
	return Py_XNewRef(o->locals);
}

int origin_set(struct greenlet *g, struct thread *t, bool stack)
{
	struct origin *o = origin_of(g);

	if (!tracking || o->spawner)
		return 0;
	o->spawner = PyWeakref_NewRef((PyObject *)t->current, NULL);
	if (!o->spawner)
		return -1;
	o->locals = tree_locals(t->current);
	if (!o->locals)
		return -1;
	return stack ? set_stack(g, o, t->ts) : 0;
}

void origin_clear(struct origin *o)
{
	Py_CLEAR(o->spawner);
	Py_CLEAR(o->locals);
	while (o->depth)
		Py_DECREF(o->places[--o->depth].code);
	PyMem_Free(o->places);
	o->places = NULL;
}

/* ---- plain greenlets ----------------------------------------------------- */

static struct raw *raw_new(PyObject *function, PyObject *args, PyObject *kwargs)
{
	struct thread *t = thread_get();
	struct greenlet *hub = t ? hub_get(t) : NULL;
	struct raw *r = hub ? (struct raw *)greenlet_new(raw_type) : NULL;

	if (!r)
		return NULL;
	Py_INCREF(hub);
	Py_XSETREF(r->greenlet.parent, hub);
	r->greenlet.run = Py_NewRef(function);
	r->greenlet.value = Py_NewRef(args);
	r->greenlet.kwargs = Py_XNewRef(kwargs);
	if (origin_set(&r->greenlet, t, false) < 0)
		Py_CLEAR(r);
	return r;
}

static PyObject *spawn_raw(PyObject *module, PyObject *args, PyObject *kwargs)
{
	Py_ssize_t n = PyTuple_GET_SIZE(args);
	PyObject *rest;
	struct raw *r;

	(void)module;
	if (n < 1 || !PyCallable_Check(PyTuple_GET_ITEM(args, 0))) {
		PyErr_SetString(PyExc_TypeError, "function must be callable");
		return NULL;
	}
	rest = PyTuple_GetSlice(args, 1, n);
	if (!rest)
		return NULL;
	r = raw_new(PyTuple_GET_ITEM(args, 0), rest, kwargs);
	Py_DECREF(rest);
	if (!r)
		return NULL;
	if (greenlet_begin(&r->greenlet, PyTuple_GET_ITEM(args, 0)) < 0) {
		Py_DECREF(r);
		return NULL;
	}
	ramet_host_wake(r->greenlet.ramet);
	return (PyObject *)r;
}

static PyObject *get_loop(PyObject *self, void *unused)
{
	struct greenlet *parent = ((struct greenlet *)self)->parent;

	(void)unused;
	if (!parent)
		Py_RETURN_NONE;
	return GET_ATTRIBUTE((PyObject *)parent, "loop");
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
	ORIGIN_VISIT(&((struct raw *)self)->origin);
	return greenlet_type->tp_traverse(self, visit, arg);
}

static int clear(PyObject *self)
{
	origin_clear(&((struct raw *)self)->origin);
	return greenlet_type->tp_clear(self);
}

static void dealloc(PyObject *self)
{
	if (greenlet_survives(self))
		return;
	PyObject_GC_UnTrack(self);
	origin_clear(&((struct raw *)self)->origin);
	greenlet_type->tp_dealloc(self);
}

static PyObject *track(PyObject *module, PyObject *value)
{
	int on = PyObject_IsTrue(value);
	bool before = tracking;

	(void)module;
	if (on < 0)
		return NULL;
	tracking = on;
	return PyBool_FromLong(before);
}

static PyGetSetDef attributes[] = {
	{"loop", get_loop, NULL, "The loop of its hub.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
	{"spawning_greenlet", T_OBJECT_EX, offsetof(struct raw, origin.spawner),
	 0, "Who spawned it: a weak reference."},
	{"spawn_tree_locals", T_OBJECT_EX, offsetof(struct raw, origin.locals),
	 0, "A dict that it shares with who spawned it."},
	{NULL, 0, 0, 0, NULL},
};

static PyMethodDef functions[] = {
	{"spawn_raw", (PyCFunction)(void (*)(void))spawn_raw,
	 METH_VARARGS | METH_KEYWORDS,
	 "spawn_raw($module, function, /, *args, **kwargs)\n--\n\n"
	 "A plain greenlet that runs function(*args, **kwargs) soon."},
	{"track_greenlet_tree", track, METH_O,
	 "track_greenlet_tree($module, on, /)\n--\n\n"
	 "Whether greenlets are to know who spawned them.  Returns what\n"
	 "it was until now."},
	{NULL, NULL, 0, NULL},
};

int raw_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc,
		 (char *)"A plain greenlet that knows who spawned it."},
		{Py_tp_dealloc, dealloc},
		{Py_tp_traverse, traverse},
		{Py_tp_clear, clear},
		{Py_tp_getset, attributes},
		{Py_tp_members, members},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.hub.TrackedRawGreenlet",
				   sizeof(struct raw), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};

	str_locals = PyUnicode_InternFromString("spawn_tree_locals");
	raw_type = (PyTypeObject *)
		PyType_FromSpecWithBases(&spec, (PyObject *)greenlet_type);
	if (!str_locals || !raw_type ||
	    PyModule_AddFunctions(module, functions) < 0)
		return -1;
	return PyModule_AddObjectRef(module, "TrackedRawGreenlet",
				     (PyObject *)raw_type);
}
