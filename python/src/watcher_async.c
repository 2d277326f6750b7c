/* watcher_async.c - async_: what any OS thread may call the hub by. */
#include "watcher.h"

static int begin_nothing(struct watcher *w)
{
	(void)w;
	return 0;
}

static void end_nothing(struct watcher *w)
{
	(void)w;
}

/* From any thread.  Until the callback is called it is sent once. */
static PyObject *send(PyObject *self, PyObject *unused)
{
	struct watcher *w = (struct watcher *)self;

	(void)unused;
	if (w->active)
		watcher_feed(w);
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{"send", send, METH_NOARGS,
	 "send($self, /)\n--\n\n"
	 "Call the callback soon; from any thread."},
	{"send_ignoring_arg", send, METH_O,
	 "send_ignoring_arg($self, arg, /)\n--\n\n"
	 "send(), for those who pass something."},
	{NULL, NULL, 0, NULL},
};

int watcher_async_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc,
		 (char *)"async_(loop, ref=True, priority=None)\n--\n\n"
			 "Calls when any OS thread says so."},
		{Py_tp_methods, methods},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.core.async_", sizeof(struct watcher),
				   0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
				   slots};
	static const struct watcher_kind kind = {begin_nothing, end_nothing};

	return watcher_make_type(module, &spec, &kind) ? 0 : -1;
}
