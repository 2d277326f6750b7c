/* loop.c - the object `loop` of a hub: makes watchers, and runs callbacks. */
#include "watcher.h"

#include <structmember.h>
#include <time.h>

struct loop {
	PyObject_HEAD PyObject *dict;
	struct thread *thread;
};

/* What run_callback returns. */
struct callback {
	PyObject_HEAD struct thread *thread;
	PyObject *function, *args; /* owned; NULL: done or stopped */
	struct hub_call call;
};

static PyTypeObject *loop_type, *callback_type;

/* ---- callbacks ----------------------------------------------------------- */

static void run_one(struct hub_call *call)
{
	struct callback *c =
		(struct callback *)((char *)call -
				    offsetof(struct callback, call));
	PyObject *function = c->function, *args = c->args, *result;

	c->function = c->args = NULL;
	if (function && !c->thread->closed) {
		result = PyObject_Call(function, args, NULL);
		if (!result)
			hub_handle_error((PyObject *)c);
		Py_XDECREF(result);
	}
	Py_XDECREF(function);
	Py_XDECREF(args);
	Py_DECREF(c);
}

static struct callback *callback_new(struct thread *t, PyObject *given)
{
	PyObject *function, *args;
	struct callback *c;

	if (watcher_parse_start(given, &function, &args) < 0)
		return NULL;
	c = PyObject_GC_New(struct callback, callback_type);
	if (!c) {
		Py_DECREF(args);
		return NULL;
	}
	memset((char *)c + sizeof c->ob_base, 0, sizeof *c - sizeof c->ob_base);
	c->thread = t;
	t->users++;
	c->function = Py_NewRef(function);
	c->args = args;
	c->call.fn = run_one;
	PyObject_GC_Track(c);
	return c;
}

static PyObject *run_callback(PyObject *self, PyObject *args)
{
	struct thread *t = ((struct loop *)self)->thread;
	struct callback *c;

	if (!t) {
		PyErr_SetString(PyExc_ValueError,
				"operation on destroyed loop");
		return NULL;
	}
	c = callback_new(t, args);
	if (!c)
		return NULL;
	if (hub_call(t, &c->call) < 0) {
		Py_DECREF(c);
		return NULL;
	}
	return Py_NewRef((PyObject *)c); /* and the queue's */
}

static PyObject *callback_stop(PyObject *self, PyObject *unused)
{
	struct callback *c = (struct callback *)self;

	(void)unused;
	Py_CLEAR(c->function);
	Py_CLEAR(c->args);
	Py_RETURN_NONE;
}

static int callback_is_pending(PyObject *self)
{
	return ((struct callback *)self)->function != NULL;
}

static PyObject *callback_pending(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(callback_is_pending(self));
}

static PyObject *callback_repr(PyObject *self)
{
	struct callback *c = (struct callback *)self;

	if (!c->function)
		return PyUnicode_FromFormat("<callback at %p stopped>", c);
	return PyUnicode_FromFormat("<callback at %p pending callback=%R "
				    "args=%R>",
				    c, c->function, c->args);
}

static int callback_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct callback *c = (struct callback *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(c->function);
	Py_VISIT(c->args);
	return 0;
}

static int callback_clear(PyObject *self)
{
	struct callback *c = (struct callback *)self;

	Py_CLEAR(c->function);
	Py_CLEAR(c->args);
	return 0;
}

static void callback_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	callback_clear(self);
	if (((struct callback *)self)->thread)
		thread_put(((struct callback *)self)->thread);
	PyObject_GC_Del(self);
	Py_DECREF(type);
}

static PyMethodDef callback_methods[] = {
	{"stop", callback_stop, METH_NOARGS,
	 "stop($self, /)\n--\n\n"
	 "Do not call it."},
	{"close", callback_stop, METH_NOARGS,
	 "close($self, /)\n--\n\n"
	 "Do not call it."},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef callback_attributes[] = {
	{"pending", callback_pending, NULL, "Whether it is to be called.",
	 NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef callback_members[] = {
	{"callback", T_OBJECT, offsetof(struct callback, function), READONLY,
	 "What is to be called; None"},
	{"args", T_OBJECT, offsetof(struct callback, args), READONLY,
	 "What it is to be called with; None"},
	{NULL, 0, 0, 0, NULL},
};

static int make_callback_type(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc,
		 (char *)"What run_callback returns: a call to come."},
		{Py_tp_dealloc, callback_dealloc},
		{Py_tp_traverse, callback_traverse},
		{Py_tp_clear, callback_clear},
		{Py_tp_repr, callback_repr},
		{Py_tp_methods, callback_methods},
		{Py_tp_getset, callback_attributes},
		{Py_tp_members, callback_members},
		{Py_nb_bool, callback_is_pending},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.core.callback",
				   sizeof(struct callback), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
				   slots};

	callback_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return callback_type ? PyModule_AddObjectRef(module, "callback",
						     (PyObject *)callback_type)
			     : -1;
}

/* ---- the loop ------------------------------------------------------------ */

PyObject *loop_new(struct thread *t)
{
	struct loop *l = (struct loop *)loop_type->tp_alloc(loop_type, 0);

	if (l) {
		l->thread = t;
		t->users++;
	}
	return (PyObject *)l;
}

/* An OS thread has one loop: this is one more object that stands for it. */
static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct thread *t = thread_get();

	(void)type;
	(void)args;
	(void)kwargs;
	return t && hub_get(t) ? loop_new(t) : NULL;
}

static struct hub *hub_of(PyObject *self)
{
	struct thread *t = ((struct loop *)self)->thread;

	return t ? t->hub_state : NULL; /* one that somebody else has made */
}

/* In seconds since 1970, as libev's. */
static PyObject *now(PyObject *self, PyObject *unused)
{
	struct timespec ts;

	(void)self;
	(void)unused;
	clock_gettime(CLOCK_REALTIME, &ts);
	return PyFloat_FromDouble((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

static PyObject *nothing(PyObject *self, PyObject *args, PyObject *kwargs)
{
	(void)self;
	(void)args;
	(void)kwargs;
	Py_RETURN_NONE;
}

static PyObject *ref(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (hub_of(self))
		hub_of(self)->refs++;
	Py_RETURN_NONE;
}

static PyObject *unref(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (hub_of(self))
		hub_of(self)->refs--;
	Py_RETURN_NONE;
}

static PyObject *get_iteration(PyObject *self, void *unused)
{
	struct hub *h = hub_of(self);

	(void)unused;
	return PyLong_FromUnsignedLongLong(h ? h->iteration : 0);
}

static PyObject *get_active(PyObject *self, void *unused)
{
	struct hub *h = hub_of(self);

	(void)unused;
	return PyLong_FromLong(h ? h->refs + (long)h->timer_refs : 0);
}

static PyObject *get_pending(PyObject *self, void *unused)
{
	struct hub *h = hub_of(self);
	long n = 0;

	(void)unused;
	for (struct hub_call *c = h ? h->calls : NULL; c; c = c->next)
		n++;
	return PyLong_FromLong(n);
}

/* What a fork leaves to do: the watchers of that kind. */
static PyObject *tell_fork(PyObject *self, PyObject *unused)
{
	struct hub *h = hub_of(self);

	(void)unused;
	if (h)
		watchers_turn(h, TURN_FORK);
	Py_RETURN_NONE;
}

static int loop_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(((struct loop *)self)->dict);
	return 0;
}

static int loop_clear(PyObject *self)
{
	Py_CLEAR(((struct loop *)self)->dict);
	return 0;
}

static void loop_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	loop_clear(self);
	if (((struct loop *)self)->thread)
		thread_put(((struct loop *)self)->thread);
	type->tp_free(self);
	Py_DECREF(type);
}

#define NAMED(f) ((PyCFunction)(void (*)(void))(f))

static PyMethodDef methods[] = {
	{"run_callback", run_callback, METH_VARARGS,
	 "run_callback($self, function, /, *args)\n--\n\n"
	 "Call it in the hub soon."},
	{"run_callback_threadsafe", run_callback, METH_VARARGS,
	 "run_callback_threadsafe($self, function, /, *args)\n--\n\n"
	 "The same from any thread."},
	{"now", now, METH_NOARGS,
	 "now($self, /)\n--\n\n"
	 "Seconds since 1970."},
	{"update", NAMED(nothing), METH_VARARGS | METH_KEYWORDS,
	 "update($self, /, *args, **kwargs)\n--\n\n"
	 "Nothing: now() is always right."},
	{"update_now", NAMED(nothing), METH_VARARGS | METH_KEYWORDS,
	 "update_now($self, /, *args, **kwargs)\n--\n\n"
	 "Nothing: now() is always right."},
	{"install_sigchld", NAMED(nothing), METH_VARARGS | METH_KEYWORDS,
	 "install_sigchld($self, /, *args, **kwargs)\n--\n\n"
	 "Nothing: children are seen without signals."},
	{"reset_sigchld", NAMED(nothing), METH_VARARGS | METH_KEYWORDS,
	 "reset_sigchld($self, /, *args, **kwargs)\n--\n\n"
	 "Nothing: children are seen without signals."},
	{"ref", ref, METH_NOARGS,
	 "ref($self, /)\n--\n\n"
	 "Keep the loop alive until unref()."},
	{"unref", unref, METH_NOARGS,
	 "unref($self, /)\n--\n\n"
	 "Undo one ref()."},
	{"_tell_fork", tell_fork, METH_NOARGS,
	 "_tell_fork($self, /)\n--\n\n"
	 "In the child of a fork: the watchers of forks are called."},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL,
	 NULL},
	{"iteration", get_iteration, NULL, "How many turns it has made.", NULL},
	{"activecnt", get_active, NULL, "How many things keep it alive.", NULL},
	{"pendingcnt", get_pending, NULL, "How many callbacks are to run.",
	 NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
	{"__dictoffset__", T_PYSSIZET, offsetof(struct loop, dict), READONLY,
	 NULL},
	{NULL, 0, 0, 0, NULL},
};

int loop_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc,
		 (char *)"What calls back when time has passed or a descriptor "
			 "is ready: one for each OS thread."},
		{Py_tp_new, make},
		{Py_tp_dealloc, loop_dealloc},
		{Py_tp_traverse, loop_traverse},
		{Py_tp_clear, loop_clear},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{Py_tp_members, members},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.core.loop", sizeof(struct loop), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
				   slots};

	if (make_callback_type(module) < 0)
		return -1;
	loop_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return loop_type ? PyModule_AddObjectRef(module, "loop",
						 (PyObject *)loop_type)
			 : -1;
}
