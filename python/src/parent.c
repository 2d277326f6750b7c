/* parent.c - calls that the interpreter makes, or that are written in Python:
 * each is made again when there may be something to be had. */
#include "sock.h"

#include <errno.h>
#include <poll.h>

/* To one without a connection that has no room: no event tells when it has. */
static int wait_again(PyObject *self, int events, int64_t *when)
{
	struct sock_base *b = sock_base(self);

	if (events == POLLOUT && b->family == AF_UNIX &&
	    b->type != SOCK_STREAM && sock(self)->timeout) {
		int64_t soon = ramet_after(RAMET_MS).ns;

		if (!*when)
			*when = sock_until(self);
		if (*when <= ramet_now())
			return sock_timed_out();
		return greenlet_wait("room in a socket",
				     soon < *when ? soon : *when) < 0
			       ? -1
			       : 0;
	}
	return sock_wait(self, events, when);
}

/* The interned name is the type's own: see GET_ATTRIBUTE. */
static PyObject *bound_method(PyObject *self, const char *method)
{
	PyObject *name = PyUnicode_InternFromString(method);
	PyObject *super =
		name ? PyObject_GetAttr((PyObject *)sock_parent, name) : NULL;
	PyObject *bound =
		super ? CALL_METHOD(super, "__get__", self, NULL) : NULL;

	Py_XDECREF(name);
	Py_XDECREF(super);
	return bound;
}

PyObject *sock_by_parent(PyObject *self, const char *method, int events,
			 PyObject *args, int flags)
{
	PyObject *bound = args ? bound_method(self, method) : NULL;
	PyObject *result = NULL;
	int64_t when = 0;

	while (bound && !result) {
		result = PyObject_Call(bound, args, NULL);
		if (result || !PyErr_ExceptionMatches(PyExc_BlockingIOError)) {
			sock_pass(self, events, when);
			break;
		}
		if (!sock(self)->timeout || flags & MSG_DONTWAIT)
			break;
		PyErr_Clear();
		if (wait_again(self, events, &when) < 0)
			break;
	}
	Py_XDECREF(bound);
	Py_XDECREF(args);
	return result;
}

/* ---- for Python ---------------------------------------------------------- */

static PyObject *wait_(PyObject *self, PyObject *args)
{
	int64_t when = 0;
	int events;

	if (!PyArg_ParseTuple(args, "iL:_wait", &events, &when) ||
	    sock_wait(self, events, &when) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *pass(PyObject *self, PyObject *args)
{
	int events;

	if (!PyArg_ParseTuple(args, "i:_pass", &events))
		return NULL;
	sock_pass(self, events, 1);
	Py_RETURN_NONE;
}

static PyObject *until(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyLong_FromLongLong(sock_until(self));
}

PyMethodDef parent_methods[] = {
	{"_wait", wait_, METH_VARARGS,
	 "_wait($self, event, when, /)\n--\n\n"
	 "After BlockingIOError wait for select.POLLIN or POLLOUT, until\n"
	 "`when` (0: the socket's timeout from now)."},
	{"_pass", pass, METH_VARARGS,
	 "_pass($self, events, /)\n--\n\n"
	 "After _wait, when there was something to be had: the next who\n"
	 "waits may try."},
	{"_until", until, METH_NOARGS,
	 "_until($self, /)\n--\n\n"
	 "`when` for _wait: the socket's timeout from now."},
	{NULL, NULL, 0, NULL},
};
