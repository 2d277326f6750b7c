/* watcher_timer.c - the watcher `timer`: after a time, and then at intervals.
 */
#include "watcher.h"

struct timer {
	struct watcher watcher;
	struct hub_timer timer;
	double after, repeat;
};

static int64_t ns(double seconds)
{
	return !(seconds > 0)  ? 0 /* nor if it is no number */
	       : seconds > 1e9 ? INT64_MAX / 2
			       : (int64_t)(seconds * 1e9);
}

static int arm(struct timer *t, double seconds)
{
	t->timer.unref = true; /* the watcher counts */
	return hub_timer_start(t->watcher.thread, &t->timer,
			       ramet_after(ns(seconds)).ns);
}

/* Without an interval it stops by itself, unless its callback starts it. */
static void on_time(struct hub_timer *timer)
{
	struct timer *t =
		(struct timer *)((char *)timer - offsetof(struct timer, timer));
	struct watcher *w = &t->watcher;

	if (w->thread->closed) {
		watcher_stop(w);
		return;
	}
	Py_INCREF(w);
	if (t->repeat > 0) {
		if (arm(t, t->repeat) < 0)
			hub_handle_error((PyObject *)w);
		watcher_fire(w);
	} else {
		watcher_fire(w);
		if (w->active && !t->timer.place)
			watcher_stop(w);
	}
	Py_DECREF(w);
}

static int begin(struct watcher *w)
{
	struct timer *t = (struct timer *)w;

	t->timer.fn = on_time;
	return arm(t, t->after);
}

static void end(struct watcher *w)
{
	hub_timer_stop(w->thread, &((struct timer *)w)->timer);
}

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"loop",     (char *)"after",
				(char *)"repeat",   (char *)"ref",
				(char *)"priority", NULL};
	struct timer *t = (struct timer *)self;
	PyObject *loop, *priority = Py_None;
	double after = 0, repeat = 0;
	int ref = 1;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|ddpO:timer", names,
					 &loop, &after, &repeat, &ref,
					 &priority))
		return -1;
	if (repeat < 0) {
		PyErr_Format(PyExc_ValueError,
			     "repeat must be positive or zero: %S",
			     PyTuple_GET_SIZE(args) > 2
				     ? PyTuple_GET_ITEM(args, 2)
				     : Py_None);
		return -1;
	}
	t->after = after;
	t->repeat = repeat;
	return watcher_init(&t->watcher, loop, ref, priority);
}

/* `update` concerns a clock that is kept; ours is always read. */
static int check_update(PyObject *kwargs)
{
	if (!kwargs || PyDict_GET_SIZE(kwargs) == 0 ||
	    (PyDict_GET_SIZE(kwargs) == 1 &&
	     PyDict_GetItemString(kwargs, "update")))
		return 0;
	PyErr_SetString(PyExc_TypeError, "the only named argument is update");
	return -1;
}

static PyObject *start(PyObject *self, PyObject *given, PyObject *kwargs)
{
	PyObject *callback, *args;
	int err;

	if (check_update(kwargs) < 0 ||
	    watcher_parse_start(given, &callback, &args) < 0)
		return NULL;
	err = watcher_start((struct watcher *)self, callback, args);
	Py_DECREF(args);
	if (err < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* Begin the interval anew; without one, stop. */
static PyObject *again(PyObject *self, PyObject *given, PyObject *kwargs)
{
	struct timer *t = (struct timer *)self;
	PyObject *result = start(self, given, kwargs);

	if (!result)
		return NULL;
	if (t->repeat > 0) {
		if (arm(t, t->repeat) < 0)
			Py_CLEAR(result);
	} else {
		PyObject *callback = Py_NewRef(t->watcher.callback);
		PyObject *args = Py_NewRef(t->watcher.args);

		watcher_stop(&t->watcher);
		t->watcher.callback = callback;
		t->watcher.args = args;
	}
	return result;
}

/* In seconds of loop.now(). */
static PyObject *get_at(PyObject *self, void *unused)
{
	struct timer *t = (struct timer *)self;
	struct timespec wall;

	(void)unused;
	clock_gettime(CLOCK_REALTIME, &wall);
	return PyFloat_FromDouble(
		(double)wall.tv_sec + (double)wall.tv_nsec / 1e9 +
		(t->timer.place ? (double)(t->timer.when - ramet_now()) / 1e9
				: 0));
}

static PyMethodDef methods[] = {
	{"start", (PyCFunction)(void (*)(void))start,
	 METH_VARARGS | METH_KEYWORDS,
	 "start($self, callback, /, *args, update=None)\n--\n\n"
	 "Call it at each expiry."},
	{"again", (PyCFunction)(void (*)(void))again,
	 METH_VARARGS | METH_KEYWORDS,
	 "again($self, callback, /, *args, update=True)\n--\n\n"
	 "Begin the interval anew."},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"at", get_at, NULL, "When it expires.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

int watcher_timer_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc, (char *)"timer(loop, after=0.0, repeat=0.0, "
				    "ref=True, priority=None)\n--\n\n"
				    "Calls after a time, and then at intervals "
				    "if repeat is not 0."},
		{Py_tp_init, init},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.core.timer", sizeof(struct timer), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
				   slots};
	static const struct watcher_kind kind = {begin, end};

	return watcher_make_type(module, &spec, &kind) ? 0 : -1;
}
