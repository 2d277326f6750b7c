/* spawned_type.c - Greenlet as Python sees it. */
#include "spawned.h"

#include <structmember.h>

/* ---- the end, waited for and made ---------------------------------------- */

static PyObject *join(PyObject *self, PyObject *const *args, Py_ssize_t n,
		      PyObject *names)
{
	static const char *const known[] = {"timeout"};
	PyObject *timeout = NULL;
	int64_t when;

	if (spawned_parse(args, n, names, known, &timeout, 1) < 0)
		return NULL;
	if (((struct spawned *)self)->ended)
		Py_RETURN_NONE;
	if (greenlet_deadline(timeout, &when) < 0 ||
	    spawned_await((struct spawned *)self, when) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *raise_own(struct spawned *s)
{
	PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(s->exception)),
		      Py_NewRef(s->exception), Py_XNewRef(s->traceback));
	return NULL;
}

static PyObject *get(PyObject *self, PyObject *const *args, Py_ssize_t n,
		     PyObject *names)
{
	static const char *const known[] = {"block", "timeout"};
	PyObject *values[2] = {Py_True, NULL};
	struct spawned *s = (struct spawned *)self;
	int64_t when;
	int block, end;

	if (spawned_parse(args, n, names, known, values, 2) < 0 ||
	    (block = PyObject_IsTrue(values[0])) < 0 ||
	    greenlet_deadline(values[1], &when) < 0)
		return NULL;
	if (!s->ended && !block)
		return timeout_raise(NULL);
	end = spawned_await(s, when);
	if (end == 0)
		return timeout_raise(values[1]);
	if (end < 0)
		return NULL;
	if (s->exception)
		return raise_own(s);
	return Py_NewRef(s->value ? s->value : Py_None);
}

static PyObject *kill_(PyObject *self, PyObject *const *args, Py_ssize_t n,
		       PyObject *names)
{
	static const char *const known[] = {"exception", "block", "timeout"};
	PyObject *values[3] = {exc_greenlet_exit, Py_True, NULL};
	struct spawned *s = (struct spawned *)self;
	int64_t when;
	int block;

	if (spawned_parse(args, n, names, known, values, 3) < 0 ||
	    (block = PyObject_IsTrue(values[1])) < 0 ||
	    greenlet_deadline(values[2], &when) < 0 ||
	    spawned_kill(s, values[0]) < 0)
		return NULL;
	if (block && spawned_await(s, when) < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* As greenlet's; one that has not begun ends by it, without a switch. */
static PyObject *throw(PyObject * self, PyObject *args)
{
	PyObject *type = exc_greenlet_exit, *value = NULL, *traceback = NULL;
	struct spawned *s = (struct spawned *)self;
	PyObject *exc;

	if (!PyArg_ParseTuple(args, "|OOO:throw", &type, &value, &traceback))
		return NULL;
	if (s->ended)
		Py_RETURN_NONE;
	exc = exception_make(type, value, traceback);
	if (!exc)
		return NULL;
	if (s->begun)
		return greenlet_transfer(&s->greenlet, NULL, NULL, exc);
	spawned_end_unbegun(s, exc);
	Py_DECREF(exc);
	Py_RETURN_NONE;
}

static PyObject *run(PyObject *self, PyObject *unused)
{
	(void)unused;
	spawned_run((struct spawned *)self);
	Py_RETURN_NONE;
}

static PyObject *_run(PyObject *self, PyObject *args, PyObject *kwargs)
{
	(void)self;
	(void)args;
	(void)kwargs;
	Py_RETURN_NONE;
}

/* ---- attributes ---------------------------------------------------------- */

static PyObject *ready(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct spawned *)self)->ended);
}

static PyObject *successful(PyObject *self, PyObject *unused)
{
	struct spawned *s = (struct spawned *)self;

	(void)unused;
	return PyBool_FromLong(s->ended && !s->exception);
}

static int is_true(PyObject *self)
{
	struct spawned *s = (struct spawned *)self;

	return (s->started || s->begun) && !s->ended;
}

static PyObject *get_started(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(is_true(self));
}

static PyObject *get_dead(PyObject *self, void *unused)
{
	(void)unused;
	return ready(self, NULL);
}

static PyObject *get_exc_info(PyObject *self, void *unused)
{
	struct spawned *s = (struct spawned *)self;

	(void)unused;
	if (!s->exception)
		Py_RETURN_NONE;
	return PyTuple_Pack(3, (PyObject *)Py_TYPE(s->exception), s->exception,
			    s->traceback ? s->traceback : Py_None);
}

static PyObject *get_stack(PyObject *self, void *unused)
{
	(void)unused;
	return origin_stack(&((struct spawned *)self)->origin);
}

static PyObject *get_args(PyObject *self, void *unused)
{
	struct spawned *s = (struct spawned *)self;

	(void)unused;
	return s->args ? Py_NewRef(s->args) : PyTuple_New(0);
}

static int set_args(PyObject *self, PyObject *args, void *unused)
{
	PyObject *tuple = args ? PySequence_Tuple(args) : NULL;

	(void)unused;
	if (args && !tuple)
		return -1;
	Py_XSETREF(((struct spawned *)self)->args, tuple);
	return 0;
}

/* One dict, so that changes of it count. */
static PyObject *get_kwargs(PyObject *self, void *unused)
{
	struct spawned *s = (struct spawned *)self;

	(void)unused;
	if (!s->kwargs && s->ended)
		return PyDict_New();
	if (!s->kwargs && !(s->kwargs = PyDict_New()))
		return NULL;
	return Py_NewRef(s->kwargs);
}

static int set_kwargs(PyObject *self, PyObject *kwargs, void *unused)
{
	(void)unused;
	if (kwargs && !PyDict_Check(kwargs)) {
		PyErr_SetString(PyExc_TypeError, "kwargs must be a dict");
		return -1;
	}
	Py_XSETREF(((struct spawned *)self)->kwargs, Py_XNewRef(kwargs));
	return 0;
}

static PyMethodDef default__run = {"_run", (PyCFunction)(void (*)(void))_run,
				   METH_VARARGS | METH_KEYWORDS, NULL};

static PyObject *get__run(PyObject *self, void *unused)
{
	struct spawned *s = (struct spawned *)self;

	(void)unused;
	return s->function ? Py_NewRef(s->function)
			   : PyCFunction_New(&default__run, self);
}

static int set__run(PyObject *self, PyObject *function, void *unused)
{
	(void)unused;
	Py_XSETREF(((struct spawned *)self)->function, Py_XNewRef(function));
	return 0;
}

/* ---- the type ------------------------------------------------------------ */

static int traverse(PyObject *self, visitproc visit, void *arg)
{
	struct spawned *s = (struct spawned *)self;

	Py_VISIT(s->function);
	Py_VISIT(s->args);
	Py_VISIT(s->kwargs);
	Py_VISIT(s->value);
	Py_VISIT(s->exception);
	Py_VISIT(s->traceback);
	ORIGIN_VISIT(&s->origin);
	for (struct link *l = s->links; l; l = l->next)
		Py_VISIT(l->callback);
	return greenlet_type->tp_traverse(self, visit, arg);
}

static int clear(PyObject *self)
{
	struct spawned *s = (struct spawned *)self;

	spawned_drop_arguments(s);
	Py_CLEAR(s->value);
	Py_CLEAR(s->exception);
	Py_CLEAR(s->traceback);
	origin_clear(&s->origin);
	spawned_forget_links(s);
	return greenlet_type->tp_clear(self);
}

static void dealloc(PyObject *self)
{
	if (greenlet_survives(self))
		return;
	PyObject_GC_UnTrack(self);
	clear(self);
	greenlet_type->tp_dealloc(self);
}

static PyMethodDef methods[] = {
	{"spawn", FAST(spawned_spawn),
	 METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
	 "spawn($type, /, *args, **kwargs)\n--\n\n"
	 "spawn(function, *args, **kwargs): a Greenlet, started."},
	{"spawn_later", FAST(spawned_spawn_later),
	 METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
	 "spawn_later($type, seconds, /, *args, **kwargs)\n--\n\n"
	 "spawn_later(seconds, function, *args, **kwargs): a Greenlet\n"
	 "that starts after that time."},
	{"start", spawned_start_method, METH_NOARGS,
	 "start($self, /)\n--\n\n"
	 "Let it run after all that is ready."},
	{"start_later", spawned_start_later, METH_O,
	 "start_later($self, seconds, /)\n--\n\n"
	 "Let it run after that time."},
	{"run", run, METH_NOARGS,
	 "run($self, /)\n--\n\n"
	 "What it does, and its result."},
	{"join", FAST(join), METH_FASTCALL | METH_KEYWORDS,
	 "join($self, /, timeout=None)\n--\n\n"
	 "Wait for its end."},
	{"get", FAST(get), METH_FASTCALL | METH_KEYWORDS,
	 "get($self, /, block=True, timeout=None)\n--\n\n"
	 "Wait for its end.  Returns its value, or raises what it ended\n"
	 "by."},
	{"kill", FAST(kill_), METH_FASTCALL | METH_KEYWORDS,
	 "kill($self, /, exception=..., block=True, timeout=None)\n--\n\n"
	 "Raise that in it, by default GreenletExit, and wait for its\n"
	 "end."},
	{"throw", throw, METH_VARARGS,
	 "throw($self, type=..., value=None, traceback=None, /)\n--\n\n"
	 "Switch to it, and raise that there, by default GreenletExit."},
	{"rawlink", spawned_rawlink, METH_O,
	 "rawlink($self, callback, /)\n--\n\n"
	 "Call callback(self) in the hub when this has ended."},
	{"unlink", spawned_unlink_method, METH_O,
	 "unlink($self, callback, /)\n--\n\n"
	 "Take a link back."},
	{"unlink_all", spawned_unlink_all, METH_NOARGS,
	 "unlink_all($self, /)\n--\n\n"
	 "Take all links back."},
	{"has_links", spawned_has_links, METH_NOARGS,
	 "has_links($self, /)\n--\n\n"
	 "Whether anybody waits for its end."},
	{"ready", ready, METH_NOARGS,
	 "ready($self, /)\n--\n\n"
	 "Whether it has ended."},
	{"successful", successful, METH_NOARGS,
	 "successful($self, /)\n--\n\n"
	 "Whether it has ended without an error."},
	{"add_spawn_callback", spawned_add_callback, METH_O | METH_STATIC,
	 "add_spawn_callback(callback, /)\n--\n\n"
	 "Call it with each Greenlet that is started."},
	{"remove_spawn_callback", spawned_remove_callback, METH_O | METH_STATIC,
	 "remove_spawn_callback(callback, /)\n--\n\n"
	 "Call it no more."},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"started", get_started, NULL, "Whether it is to run, or runs.", NULL},
	{"dead", get_dead, NULL, "Whether it has ended.", NULL},
	{"exc_info", get_exc_info, NULL,
	 "(type, value, traceback) of the error it ended by; None", NULL},
	{"_spawning_stack", get_stack, NULL, NULL, NULL},
	{"args", get_args, set_args, "What its function is called with.", NULL},
	{"kwargs", get_kwargs, set_kwargs, "What its function is called with.",
	 NULL},
	{"_run", get__run, set__run, "What it calls.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
	{"value", T_OBJECT, offsetof(struct spawned, value), 0,
	 "What its function returned."},
	{"exception", T_OBJECT, offsetof(struct spawned, exception), READONLY,
	 "The error it ended by; None"},
	{"spawning_greenlet", T_OBJECT,
	 offsetof(struct spawned, origin.spawner), 0,
	 "Who spawned it: a weak reference."},
	{"spawn_tree_locals", T_OBJECT, offsetof(struct spawned, origin.locals),
	 0, "A dict that it shares with who spawned it."},
	{NULL, 0, 0, 0, NULL},
};

int spawned_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc,
		 (char *)"Greenlet(run=None, /, *args, **kwargs)\n--\n\n"
			 "A function that runs by itself once it is started."},
		{Py_tp_init, spawned_init},
		{Py_tp_dealloc, dealloc},
		{Py_tp_traverse, traverse},
		{Py_tp_clear, clear},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{Py_tp_members, members},
		{Py_nb_bool, is_true},
		{0, NULL},
	};
	static PyType_Spec spec = {"gevent._gevent_cgreenlet.Greenlet",
				   sizeof(struct spawned), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};

	spawned_str_run = PyUnicode_InternFromString("run");
	spawned_str__run = PyUnicode_InternFromString("_run");
	spawned_type = (PyTypeObject *)
		PyType_FromSpecWithBases(&spec, (PyObject *)greenlet_type);
	if (!spawned_str_run || !spawned_str__run || !spawned_type)
		return -1;
	spawned_base_run = _PyType_Lookup(spawned_type, spawned_str_run);
	spawned_base__run = _PyType_Lookup(spawned_type, spawned_str__run);
	return PyModule_AddObjectRef(module, "Greenlet",
				     (PyObject *)spawned_type);
}
