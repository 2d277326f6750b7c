/* send.c - what sockets send: as much as there is room for, and more when there
 * is room again. */
#include "arguments.h"
#include "sock.h"

#include <errno.h>
#include <poll.h>

#include <ramet/io.h>

/* As a socket that blocks sends all of it, one with a time limit what it can.
 */
static bool sends_all(PyObject *self)
{
	return sock(self)->timeout < 0 && sock_base(self)->type == SOCK_STREAM;
}

static Py_ssize_t send_held(PyObject *self, struct thread *t, const char *buf,
			    Py_ssize_t size, int flags, bool all, int64_t when)
{
	Py_ssize_t done = 0;

	for (;;) {
		ssize_t n =
			ramet_send(sock_base(self)->fd, buf + done,
				   (size_t)(size - done), flags | MSG_DONTWAIT);
		int err = n < 0 ? errno : 0;

		greenlet_arrive(t);
		if (n >= 0) {
			done += n;
			if (done >= size || !all || flags & MSG_DONTWAIT)
				return done;
		} else if (err != EAGAIN || flags & MSG_DONTWAIT) {
			return sock_fail(err);
		} else if (sock_wait(self, POLLOUT, &when) < 0) {
			return -1;
		}
	}
}

/* Until `when`; 0 is for the socket's timeout.  The caller is held: it may be
 * the last who knows of itself, and others may run. */
static Py_ssize_t send_bytes(PyObject *self, const char *buf, Py_ssize_t size,
			     int flags, bool all, int64_t when)
{
	struct thread *t = thread_get();
	struct greenlet *me = t ? t->current : NULL;
	Py_ssize_t n;

	if (!t || greenlet_raise(me) < 0)
		return -1;
	Py_INCREF(me);
	n = send_held(self, t, buf, size, flags, all, when);
	Py_DECREF(me);
	return n;
}

static Py_ssize_t send_to_now(PyObject *self, const Py_buffer *data, int flags,
			      const struct address *to)
{
	ssize_t n = sendto(sock_base(self)->fd, data->buf, (size_t)data->len,
			   flags | MSG_DONTWAIT | MSG_NOSIGNAL,
			   (const struct sockaddr *)&to->sa, to->size);

	return n < 0 ? sock_fail(errno) : n;
}

/* Where a peer without a connection has no room, no event tells when it has. */
static Py_ssize_t send_to(PyObject *self, const Py_buffer *data, int flags,
			  const struct address *to)
{
	int64_t limit = sock(self)->timeout;
	struct ramet_scope scope = {.deadline = 0};
	struct thread *t = thread_get();
	int err, again;
	ssize_t n;

	if (limit == 0 || flags & MSG_DONTWAIT)
		return send_to_now(self, data, flags, to);
	if (!t)
		return -1;
	do {
		if (greenlet_enter(t) < 0)
			return -1;
		if (limit > 0)
			ramet_scope_open(&scope, limit);
		n = ramet_sendto(sock_base(self)->fd, data->buf,
				 (size_t)data->len, flags,
				 (const struct sockaddr *)&to->sa, to->size);
		err = n < 0 ? errno : 0;
		if (limit > 0)
			ramet_scope_close(&scope);
		again = greenlet_leave(t, "room in a socket", err);
	} while (again > 0);
	if (again < 0)
		return -1;
	if (err == ETIMEDOUT && limit > 0)
		return sock_timed_out();
	return err ? sock_fail(err) : n;
}

/* ---- methods ---------------------------------------------------------------
 */

#define KEYWORDS METH_FASTCALL | METH_KEYWORDS
static const char *const plain[] = {"data", "flags", NULL};
static const char *const timed[] = {"data", "flags", "timeout", NULL};

static Py_ssize_t send_object(PyObject *self, PyObject *const *v, bool all,
			      bool is_sendall, int64_t when)
{
	Py_buffer view;
	Py_ssize_t n;
	int flags;

	if (arguments_int(v[1], 0, &flags) < 0)
		return -1;
	if (when && when <= ramet_now())
		flags |= MSG_DONTWAIT;
	if (PyUnicode_Check(v[0])) {
		PyErr_Format(PyExc_TypeError,
			     "a bytes-like object is required, not '%s'",
			     Py_TYPE(v[0])->tp_name);
		return -1;
	}
	if (PyObject_GetBuffer(v[0], &view, PyBUF_SIMPLE) < 0)
		return -1;
	if (is_sendall && view.len == 0)
		n = 0;
	else
		n = send_bytes(self, view.buf, view.len, flags, all, when);
	PyBuffer_Release(&view);
	return n;
}

int sock_send_all(PyObject *self, const char *buf, Py_ssize_t size, int flags)
{
	return send_bytes(self, buf, size, flags, true, 0) < 0 ? -1 : 0;
}

static PyObject *send_(PyObject *self, PyObject *const *args, Py_ssize_t n,
		       PyObject *names)
{
	PyObject *v[3];
	int64_t when = 0;
	Py_ssize_t count;
	bool all;

	if (arguments_need(&(struct call){args, n, names}, "send", timed, 1,
			   v) < 0 ||
	    (v[2] && greenlet_deadline(v[2], &when) < 0))
		return NULL;
	all = v[2] ? v[2] == Py_None : sends_all(self);
	count = send_object(self, v, all, false, when);
	return count < 0 ? NULL : PyLong_FromSsize_t(count);
}

static PyObject *sendall_(PyObject *self, PyObject *const *args, Py_ssize_t n,
			  PyObject *names)
{
	PyObject *v[2];

	if (arguments_need(&(struct call){args, n, names}, "sendall", plain, 1,
			   v) < 0 ||
	    send_object(self, v, true, true, 0) < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* sendto(data, address) and sendto(data, flags, address). */
static PyObject *sendto_(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	struct address to;
	PyObject *tuple[3];
	Py_buffer view;
	Py_ssize_t count = -1;
	int flags;

	if (n < 2 || n > 3)
		return PyErr_Format(PyExc_TypeError,
				    "sendto() takes 2 or 3 arguments (%zd "
				    "given)",
				    n);
	if (arguments_int(n == 3 ? args[1] : NULL, 0, &flags) < 0)
		return NULL;
	if (PyUnicode_Check(args[0]))
		return PyErr_Format(PyExc_TypeError,
				    "a bytes-like object is required, not "
				    "'str'");
	if (!address_known(sock_base(self)->family)) {
		tuple[0] = args[0];
		tuple[1] = PyLong_FromLong(flags | MSG_DONTWAIT);
		if (!tuple[1])
			return NULL;
		tuple[2] = PyTuple_Pack(3, args[0], tuple[1], args[n - 1]);
		Py_DECREF(tuple[1]);
		return tuple[2] ? sock_by_parent(self, "sendto", POLLOUT,
						 tuple[2], flags)
				: NULL;
	}
	if (PyObject_GetBuffer(args[0], &view, PyBUF_SIMPLE) < 0)
		return NULL;
	if (address_read(&to, sock_base(self)->family, args[n - 1], "sendto") ==
		    0 &&
	    PySys_Audit("socket.sendto", "OO", self, args[n - 1]) == 0)
		count = send_to(self, &view, flags, &to);
	PyBuffer_Release(&view);
	return count < 0 ? NULL : PyLong_FromSsize_t(count);
}

static PyObject *sendmsg_(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	PyObject *tuple, *item;
	int flags;

	if (n < 1 || n > 4)
		return PyErr_Format(PyExc_TypeError,
				    "sendmsg() takes 1 to 4 arguments");
	if (arguments_int(n > 2 ? args[2] : NULL, 0, &flags) < 0)
		return NULL;
	tuple = PyTuple_New(n < 3 ? 3 : n);
	for (Py_ssize_t i = 0; tuple && i < PyTuple_GET_SIZE(tuple); i++) {
		item = i == 2  ? PyLong_FromLong(flags | MSG_DONTWAIT)
		       : i < n ? Py_NewRef(args[i])
			       : PyTuple_New(0);
		if (item)
			PyTuple_SET_ITEM(tuple, i, item);
		else
			Py_CLEAR(tuple);
	}
	return tuple ? sock_by_parent(self, "sendmsg", POLLOUT, tuple, flags)
		     : NULL;
}

PyMethodDef send_methods[] = {
	{"send", METHOD(send_), KEYWORDS,
	 "send($self, /, data, flags=0, timeout=...)\n--\n\n"
	 "Send as much as there is room for; returns how many bytes.\n"
	 "timeout: seconds or None, for this call in place of the socket's."},
	{"sendall", METHOD(sendall_), KEYWORDS,
	 "sendall($self, /, data, flags=0)\n--\n\n"
	 "Send all of it."},
	{"sendto", METHOD(sendto_), METH_FASTCALL,
	 "sendto(data[, flags], address) -> how many"},
	{"sendmsg", METHOD(sendmsg_), METH_FASTCALL,
	 "sendmsg($self, buffers, ancdata=(), flags=0, address=None, "
	 "/)\n--\n\n"
	 "Send from several buffers; returns how many bytes."},
	{NULL, NULL, 0, NULL},
};
