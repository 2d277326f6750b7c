/* watcher.c - the type of all watchers: started, stopped, and called when there
 * is an event. */
#include "watcher.h"

#include <structmember.h>

PyTypeObject *watcher_type;

enum { TYPES = 12 };

static struct {
	PyTypeObject *type;
	const struct watcher_kind *kind;
} types[TYPES];

static const struct watcher_kind *kind_of(const struct watcher *w)
{
	for (PyTypeObject *type = Py_TYPE(w); type; type = type->tp_base)
		for (int i = 0; i < TYPES && types[i].type; i++)
			if (types[i].type == type)
				return types[i].kind;
	return NULL;
}

/* ---- events -------------------------------------------------------------- */

void watcher_fire(struct watcher *w)
{
	PyObject *callback = Py_XNewRef(w->callback), *args, *result;

	if (!callback)
		return;
	args = w->args ? Py_NewRef(w->args) : PyTuple_New(0);
	Py_INCREF(w);
	result = args ? PyObject_Call(callback, args, NULL) : NULL;
	if (!result)
		hub_handle_error((PyObject *)w);
	Py_XDECREF(result);
	Py_XDECREF(args);
	Py_DECREF(callback);
	Py_DECREF(w);
}

static void on_call(struct hub_call *call)
{
	struct watcher *w = (struct watcher *)((char *)call -
					       offsetof(struct watcher, call));

	if (!w->thread->closed)
		watcher_fire(w);
	Py_DECREF(w);
}

void watcher_feed(struct watcher *w)
{
	if (w->call.queued || !w->thread || w->thread->closed)
		return;
	w->call.fn = on_call;
	if (hub_call(w->thread, &w->call) < 0)
		PyErr_WriteUnraisable((PyObject *)w);
	else
		Py_INCREF(w);
}

/* ---- start and stop ------------------------------------------------------ */

void watcher_count(struct watcher *w, int n)
{
	struct hub *h = w->thread->hub_state;

	if (h && !w->unref)
		h->refs += n;
}

int watcher_start(struct watcher *w, PyObject *callback, PyObject *args)
{
	const struct watcher_kind *kind = kind_of(w);

	if (!PyCallable_Check(callback)) {
		PyErr_Format(PyExc_TypeError, "Expected callable, not %R",
			     callback);
		return -1;
	}
	if (!w->thread || w->thread != this_thread) {
		PyErr_SetString(PyExc_ValueError,
				w->thread ? "operation on another thread's loop"
					  : "operation on destroyed loop");
		return -1;
	}
	if (!hub_get(w->thread))
		return -1;
	Py_XSETREF(w->callback, Py_NewRef(callback));
	Py_XSETREF(w->args, Py_NewRef(args));
	if (w->active)
		return 0;
	if (kind && kind->begin(w) < 0)
		return -1;
	w->active = true;
	watcher_count(w, 1);
	Py_INCREF(w);
	return 0;
}

/* With its thread what looks for events has gone. */
static bool has_thread(const struct watcher *w)
{
	return w->thread && !w->thread->closed;
}

void watcher_stop(struct watcher *w)
{
	const struct watcher_kind *kind = kind_of(w);
	bool was_active = w->active;

	Py_INCREF(w);
	if (was_active) {
		w->active = false;
		watcher_count(w, -1);
		if (kind && has_thread(w))
			kind->end(w);
	}
	if (w->call.queued) {
		hub_uncall(w->thread, &w->call);
		if (!w->call.queued)
			Py_DECREF(w);
	}
	Py_CLEAR(w->callback);
	Py_CLEAR(w->args);
	if (was_active)
		Py_DECREF(w);
	Py_DECREF(w);
}

int watcher_parse_start(PyObject *given, PyObject **callback, PyObject **args)
{
	Py_ssize_t n = PyTuple_GET_SIZE(given);

	if (n < 1) {
		PyErr_SetString(PyExc_TypeError, "a callback is needed");
		return -1;
	}
	*callback = PyTuple_GET_ITEM(given, 0);
	*args = PyTuple_GetSlice(given, 1, n);
	return *args ? 0 : -1;
}

static PyObject *start(PyObject *self, PyObject *given)
{
	PyObject *callback, *args;
	int err;

	if (watcher_parse_start(given, &callback, &args) < 0)
		return NULL;
	err = watcher_start((struct watcher *)self, callback, args);
	Py_DECREF(args);
	if (err < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *stop(PyObject *self, PyObject *unused)
{
	struct watcher *w = (struct watcher *)self;

	(void)unused;
	if (has_thread(w) && w->thread != this_thread) {
		PyErr_SetString(PyExc_ValueError,
				"operation on another thread's loop");
		return NULL;
	}
	watcher_stop(w);
	Py_RETURN_NONE;
}

static PyObject *feed(PyObject *self, PyObject *args)
{
	struct watcher *w = (struct watcher *)self;
	PyObject *callback, *rest;
	int revents;

	if (!PyArg_ParseTuple(args, "iO|O:feed", &revents, &callback, &rest))
		return NULL;
	if (!PyCallable_Check(callback)) {
		PyErr_Format(PyExc_TypeError, "Expected callable, not %R",
			     callback);
		return NULL;
	}
	rest = PyTuple_GetSlice(args, 2, PyTuple_GET_SIZE(args));
	if (!rest)
		return NULL;
	w->revents = revents;
	Py_XSETREF(w->callback, Py_NewRef(callback));
	Py_XSETREF(w->args, rest);
	watcher_feed(w);
	Py_RETURN_NONE;
}

static PyObject *enter(PyObject *self, PyObject *unused)
{
	(void)unused;
	return Py_NewRef(self);
}

static PyObject *leave(PyObject *self, PyObject *args)
{
	PyObject *result = CALL_METHOD(self, "close", NULL);

	(void)args;
	if (!result)
		return NULL;
	Py_DECREF(result);
	Py_RETURN_NONE;
}

/* ---- the type ------------------------------------------------------------ */

int watcher_init(struct watcher *w, PyObject *loop, int ref, PyObject *priority)
{
	struct thread *t = thread_get();

	if (!t)
		return -1;
	if (w->active) {
		PyErr_SetString(PyExc_RuntimeError, "it is active");
		return -1;
	}
	w->unref = !ref;
	if (!w->thread) {
		w->thread = t;
		t->users++;
	}
	Py_XSETREF(w->loop, Py_NewRef(loop));
	return watcher_set_priority((PyObject *)w, priority, NULL);
}

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"loop", (char *)"ref",
				(char *)"priority", NULL};
	PyObject *loop, *priority = Py_None;
	int ref = 1;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|pO:watcher", names,
					 &loop, &ref, &priority))
		return -1;
	return watcher_init((struct watcher *)self, loop, ref, priority);
}

int watcher_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct watcher *w = (struct watcher *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(w->dict);
	Py_VISIT(w->loop);
	Py_VISIT(w->callback);
	Py_VISIT(w->args);
	return 0;
}

int watcher_clear(PyObject *self)
{
	struct watcher *w = (struct watcher *)self;

	Py_CLEAR(w->dict);
	Py_CLEAR(w->loop);
	Py_CLEAR(w->callback);
	Py_CLEAR(w->args);
	return 0;
}

void watcher_dealloc(PyObject *self)
{
	struct watcher *w = (struct watcher *)self;
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	if (w->weakrefs)
		PyObject_ClearWeakRefs(self);
	watcher_clear(self);
	if (w->thread)
		thread_put(w->thread);
	type->tp_free(self);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
	{"start", (PyCFunction)start, METH_VARARGS,
	 "start($self, callback, /, *args)\n--\n\n"
	 "Call callback(*args) at each event."},
	{"stop", stop, METH_NOARGS,
	 "stop($self, /)\n--\n\n"
	 "No more."},
	{"close", stop, METH_NOARGS,
	 "close($self, /)\n--\n\n"
	 "Stop, for good."},
	{"feed", feed, METH_VARARGS,
	 "feed($self, revents, callback, /, *args)\n--\n\n"
	 "Call it as if an event had come."},
	{"__enter__", enter, METH_NOARGS, NULL},
	{"__exit__", leave, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
	{"loop", T_OBJECT, offsetof(struct watcher, loop), READONLY,
	 "The loop it belongs to."},
	{"__dictoffset__", T_PYSSIZET, offsetof(struct watcher, dict), READONLY,
	 NULL},
	{"__weaklistoffset__", T_PYSSIZET, offsetof(struct watcher, weakrefs),
	 READONLY, NULL},
	{NULL, 0, 0, 0, NULL},
};

PyTypeObject *watcher_make_type(PyObject *module, PyType_Spec *spec,
				const struct watcher_kind *kind)
{
	PyObject *bases = PyTuple_Pack(1, (PyObject *)watcher_type);
	PyTypeObject *type =
		bases ? (PyTypeObject *)PyType_FromSpecWithBases(spec, bases)
		      : NULL;
	int i = 0;

	Py_XDECREF(bases);
	if (!type || PyModule_AddObjectRef(module, strrchr(spec->name, '.') + 1,
					   (PyObject *)type) < 0)
		return NULL;
	while (types[i].type)
		i++;
	types[i].type = type;
	types[i].kind = kind;
	return type;
}

int watcher_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc,
		 (char *)"watcher(loop, ref=True, priority=None)\n--\n\n"
			 "What waits for an event of some kind, and calls "
			 "back."},
		{Py_tp_init, init},
		{Py_tp_dealloc, watcher_dealloc},
		{Py_tp_traverse, watcher_traverse},
		{Py_tp_clear, watcher_clear},
		{Py_tp_methods, methods},
		{Py_tp_getset, watcher_attributes},
		{Py_tp_members, members},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.core.watcher", sizeof(struct watcher),
				   0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};

	watcher_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return watcher_type ? PyModule_AddObjectRef(module, "watcher",
						    (PyObject *)watcher_type)
			    : -1;
}
