/* spawned_make.c - how Greenlets are made and started from Python. */
#include "spawned.h"

/* fn(block=True, timeout=None) and the like: the arguments by place or name,
 * at most two. */
int spawned_parse(PyObject *const *args, Py_ssize_t n, PyObject *names,
		  const char *const *known, PyObject **values, int most)
{
	if (n > most) {
		PyErr_Format(PyExc_TypeError,
			     "takes at most %d arguments (%zd given)", most, n);
		return -1;
	}
	for (Py_ssize_t i = 0; i < n; i++)
		values[i] = args[i];
	for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++) {
		PyObject *name = PyTuple_GET_ITEM(names, i);
		int k = 0;

		while (k < most &&
		       PyUnicode_CompareWithASCIIString(name, known[k]) != 0)
			k++;
		if (k == most || k < n) {
			PyErr_Format(PyExc_TypeError, "unexpected argument %R",
				     name);
			return -1;
		}
		values[k] = args[n + i];
	}
	return 0;
}

/* ---- making one ---------------------------------------------------------- */

static PyObject *init_common(struct spawned *s)
{
	struct thread *t = thread_get();
	struct greenlet *hub = t ? hub_get(t) : NULL;

	if (!hub)
		return NULL;
	Py_INCREF(hub);
	Py_XSETREF(s->greenlet.parent, hub);
	s->greenlet.body = spawned_body;
	Py_XSETREF(s->greenlet.state.context, pystate_copy_context(t->ts));
	if (PyErr_Occurred() || origin_set(&s->greenlet, t, true) < 0)
		return NULL;
	return (PyObject *)s;
}

static int refuse_function(void)
{
	PyErr_SetString(PyExc_TypeError,
			"The run argument or self._run must be callable");
	return -1;
}

static int set_function(struct spawned *s, PyObject *function)
{
	if (!PyCallable_Check(function))
		return refuse_function();
	if (spawned_overrides(Py_TYPE(s), spawned_str__run, spawned_base__run))
		return PyObject_SetAttr((PyObject *)s, spawned_str__run,
					function);
	Py_XSETREF(s->function, Py_NewRef(function));
	return 0;
}

/* Without a function there must be a method. */
static int check_method(struct spawned *s)
{
	PyObject *method;
	int callable;

	if (!spawned_overrides(Py_TYPE(s), spawned_str__run, spawned_base__run))
		return 0;
	method = PyObject_GetAttr((PyObject *)s, spawned_str__run);
	if (!method)
		return -1;
	callable = PyCallable_Check(method);
	Py_DECREF(method);
	return callable ? 0 : refuse_function();
}

/* Greenlet(run=None, *args, **kwargs) */
int spawned_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	struct spawned *s = (struct spawned *)self;
	PyObject *function = Py_None, *named = NULL;
	Py_ssize_t n = PyTuple_GET_SIZE(args);

	if (s->started) {
		PyErr_SetString(PyExc_RuntimeError, "it is started already");
		return -1;
	}
	if (!init_common(s))
		return -1;
	if (kwargs && PyDict_GET_SIZE(kwargs) && !(named = PyDict_Copy(kwargs)))
		return -1;
	Py_XSETREF(s->kwargs, named);
	Py_XSETREF(s->args, PyTuple_GetSlice(args, 1, n));
	if (!s->args)
		return -1;
	if (n > 0)
		function = PyTuple_GET_ITEM(args, 0);
	else if (named &&
		 (function = PyDict_GetItemWithError(named, spawned_str_run)))
		Py_INCREF(function);
	if (!function && PyErr_Occurred())
		return -1;
	if (n == 0 && named && function) {
		int err = PyDict_DelItem(named, spawned_str_run);

		if (err == 0 && function != Py_None)
			err = set_function(s, function);
		else if (err == 0)
			err = check_method(s);
		Py_DECREF(function);
		return err;
	}
	if (!function || function == Py_None)
		return check_method(s);
	return set_function(s, function);
}

/* As Greenlet(*args) without the detours of a call. */
static struct spawned *make(PyObject *const *args, Py_ssize_t n)
{
	struct spawned *s;

	if (!PyCallable_Check(args[0])) {
		refuse_function();
		return NULL;
	}
	s = (struct spawned *)greenlet_new(spawned_type);
	if (!s)
		return NULL;
	s->function = Py_NewRef(args[0]);
	if (n > 1) {
		s->args = PyTuple_New(n - 1);
		for (Py_ssize_t i = 1; s->args && i < n; i++)
			PyTuple_SET_ITEM(s->args, i - 1, Py_NewRef(args[i]));
	}
	if ((n > 1 && !s->args) || !init_common(s))
		Py_CLEAR(s);
	return s;
}

static struct spawned *make_any(PyObject *class, PyObject *const *args,
				Py_ssize_t n, PyObject *names)
{
	PyObject *made;

	if (class == (PyObject *)spawned_type && n > 0 && !names)
		return make(args, n);
	made = PyObject_Vectorcall(class, args, (size_t)n, names);
	if (made && !PyObject_TypeCheck(made, spawned_type)) {
		PyErr_SetString(PyExc_TypeError, "the class makes no Greenlet");
		Py_CLEAR(made);
	}
	return (struct spawned *)made;
}

PyObject *spawned_spawn(PyObject *class, PyObject *const *args, Py_ssize_t n,
			PyObject *names)
{
	struct spawned *s = make_any(class, args, n, names);

	if (s && spawned_start(s) < 0)
		Py_CLEAR(s);
	return (PyObject *)s;
}

PyObject *spawned_spawn_later(PyObject *class, PyObject *const *args,
			      Py_ssize_t n, PyObject *names)
{
	struct spawned *s;
	int64_t when;

	if (n < 1) {
		PyErr_SetString(PyExc_TypeError,
				"spawn_later() needs a number of seconds");
		return NULL;
	}
	if (n < 2 && !names && class == (PyObject *)spawned_type) {
		PyErr_SetString(PyExc_TypeError,
				"spawn_later() needs a function");
		return NULL;
	}
	if (greenlet_deadline(args[0], &when) < 0)
		return NULL;
	s = make_any(class, args + 1, n - 1, names);
	if (s && spawned_start_at(s, when) < 0)
		Py_CLEAR(s);
	return (PyObject *)s;
}

PyObject *spawned_start_method(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (spawned_start((struct spawned *)self) < 0)
		return NULL;
	Py_RETURN_NONE;
}

PyObject *spawned_start_later(PyObject *self, PyObject *seconds)
{
	int64_t when;

	if (greenlet_deadline(seconds, &when) < 0 ||
	    spawned_start_at((struct spawned *)self, when) < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* ---- spawn spawned_callbacks
 * ----------------------------------------------------- */

PyObject *spawned_add_callback(PyObject *unused, PyObject *callback)
{
	(void)unused;
	if (!spawned_callbacks && !(spawned_callbacks = PySet_New(NULL)))
		return NULL;
	if (PySet_Add(spawned_callbacks, callback) < 0)
		return NULL;
	Py_RETURN_NONE;
}

PyObject *spawned_remove_callback(PyObject *unused, PyObject *callback)
{
	(void)unused;
	if (spawned_callbacks) {
		if (PySet_Discard(spawned_callbacks, callback) < 0)
			return NULL;
		if (PySet_GET_SIZE(spawned_callbacks) == 0)
			Py_CLEAR(spawned_callbacks);
	}
	Py_RETURN_NONE;
}
