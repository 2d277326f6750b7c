/* watcher_attributes.c - what watchers have by name. */
#include "watcher.h"

enum { PRIORITY_MAX = 2 };

static PyObject *get_ref(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(!((struct watcher *)self)->unref);
}

static int set_ref(PyObject *self, PyObject *value, void *unused)
{
	struct watcher *w = (struct watcher *)self;
	int ref = value ? PyObject_IsTrue(value) : -1;

	(void)unused;
	if (ref < 0)
		return -1;
	if (w->active)
		watcher_count(w, -1);
	w->unref = !ref;
	if (w->active)
		watcher_count(w, 1);
	return 0;
}

static PyObject *get_active(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct watcher *)self)->active);
}

static PyObject *get_pending(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct watcher *)self)->call.queued);
}

static PyObject *get_priority(PyObject *self, void *unused)
{
	(void)unused;
	return PyLong_FromLong(((struct watcher *)self)->priority);
}

int watcher_set_priority(PyObject *self, PyObject *value, void *unused)
{
	struct watcher *w = (struct watcher *)self;
	long n = value && value != Py_None ? PyLong_AsLong(value) : 0;

	(void)unused;
	if (n == -1 && PyErr_Occurred())
		return -1;
	if (w->active) {
		PyErr_SetString(PyExc_AttributeError,
				"Cannot set priority of an active watcher");
		return -1;
	}
	w->priority = (signed char)(n > PRIORITY_MAX    ? PRIORITY_MAX
				    : n < -PRIORITY_MAX ? -PRIORITY_MAX
							: n);
	return 0;
}

static PyObject *get_callback(PyObject *self, void *unused)
{
	struct watcher *w = (struct watcher *)self;

	(void)unused;
	return Py_NewRef(w->callback ? w->callback : Py_None);
}

static int set_callback(PyObject *self, PyObject *value, void *unused)
{
	struct watcher *w = (struct watcher *)self;

	(void)unused;
	if (!value)
		value = Py_None;
	if (value != Py_None && !PyCallable_Check(value)) {
		PyErr_Format(PyExc_TypeError, "Expected callable, not %R",
			     value);
		return -1;
	}
	Py_XSETREF(w->callback, value == Py_None ? NULL : Py_NewRef(value));
	return 0;
}

static PyObject *get_args(PyObject *self, void *unused)
{
	struct watcher *w = (struct watcher *)self;

	(void)unused;
	return Py_NewRef(w->args ? w->args : Py_None);
}

static int set_args(PyObject *self, PyObject *value, void *unused)
{
	struct watcher *w = (struct watcher *)self;

	(void)unused;
	if (value && value != Py_None && !PyTuple_Check(value)) {
		PyErr_SetString(PyExc_TypeError, "args must be a tuple");
		return -1;
	}
	Py_XSETREF(w->args, value == Py_None ? NULL : Py_XNewRef(value));
	return 0;
}

PyGetSetDef watcher_attributes[] = {
	{"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL,
	 NULL},
	{"active", get_active, NULL, "Whether it is started.", NULL},
	{"pending", get_pending, NULL, "Whether an event is on its way.", NULL},
	{"ref", get_ref, set_ref, "Whether it keeps the loop alive.", NULL},
	{"priority", get_priority, watcher_set_priority, "From -2 to 2.", NULL},
	{"callback", get_callback, set_callback, "What is called.", NULL},
	{"args", get_args, set_args, "What it is called with.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};
