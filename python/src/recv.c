/* recv.c - what sockets receive: try, and wait for the descriptor if there is
 * nothing to be had.
 *
 * A greenlet that waits has no buffer: what comes is first received in one that
 * all share, as nobody else runs between the system call and the copy.
 */
#include "arguments.h"
#include "sock.h"

#include <errno.h>
#include <poll.h>

#include <ramet/io.h>

enum { SHARED = 64 * 1024 };

static char shared[SHARED];

/* Data in the order of waiting; and a call that is known to find nothing is not
 * made.  Returns 0 or -1. */
static int before(PyObject *self, struct thread *t, int flags, int64_t *when)
{
	if (greenlet_raise(t->current) < 0)
		return -1;
	if (sock(self)->timeout == 0 || !sock(self)->nonblock ||
	    flags & MSG_DONTWAIT || t->current->is_hub ||
	    !ramet_host_drained(sock_base(self)->fd))
		return 0;
	return sock_wait(self, POLLIN, when);
}

/* All of it: MSG_WAITALL. */
static Py_ssize_t receive_all(PyObject *self, struct thread *t, void *buf,
			      size_t size, int flags, struct address *from)
{
	int64_t limit = sock(self)->timeout;
	struct ramet_scope scope = {.deadline = 0};
	int again, err;
	ssize_t n;

	do {
		if (greenlet_enter(t) < 0)
			return -1;
		if (limit > 0)
			ramet_scope_open(&scope, limit);
		n = ramet_recvfrom(sock_base(self)->fd, buf, size, flags,
				   from ? (struct sockaddr *)&from->sa : NULL,
				   from ? &from->size : NULL);
		err = n < 0 ? errno : 0;
		if (limit > 0)
			ramet_scope_close(&scope);
		again = greenlet_leave(t, "data on a socket", err);
	} while (again > 0);
	if (again < 0)
		return -1;
	/* Part of it had come before something was thrown. */
	if (n >= 0 && (size_t)n < size && greenlet_raise(t->current) < 0)
		return -1;
	if (err == ETIMEDOUT && limit > 0)
		return sock_timed_out();
	return err ? sock_fail(err) : n;
}

/* The same once there is something.  The caller is held: it may be the last who
 * knows of itself, and others may run. */
static Py_ssize_t receive_held(PyObject *self, struct thread *t, void *buf,
			       size_t size, int flags, struct address *from)
{
	int64_t when = 0;
	ssize_t n;
	int err;

	if (before(self, t, flags, &when) < 0)
		return -1;
	for (;;) {
		if (from)
			from->size = sizeof from->sa;
		n = ramet_recvfrom(sock_base(self)->fd, buf, size,
				   flags | MSG_DONTWAIT,
				   from ? (struct sockaddr *)&from->sa : NULL,
				   from ? &from->size : NULL);
		err = n < 0 ? errno : 0;
		if (n < 0 || buf != shared)
			greenlet_arrive(t); /* it may run anything */
		if (n >= 0)
			return n;
		if (err != EAGAIN || flags & MSG_DONTWAIT)
			return sock_fail(err);
		if (sock_wait(self, POLLIN, &when) < 0)
			return -1;
	}
}

static Py_ssize_t receive(PyObject *self, void *buf, size_t size, int flags,
			  struct address *from)
{
	struct thread *t = thread_get();
	struct greenlet *me = t ? t->current : NULL;
	Py_ssize_t n;

	if (!t)
		return -1;
	if (flags & MSG_WAITALL && !(flags & MSG_DONTWAIT) &&
	    sock(self)->timeout) {
		if (from)
			from->size = sizeof from->sa;
		return receive_all(self, t, buf, size, flags, from);
	}
	Py_INCREF(me);
	n = receive_held(self, t, buf, size, flags, from);
	Py_DECREF(me);
	return n;
}

Py_ssize_t sock_receive(PyObject *self, void *buf, size_t size)
{
	return receive(self, buf, size, 0, NULL);
}

/* Large ones are received in place. */
static PyObject *receive_large(PyObject *self, Py_ssize_t size, int flags,
			       struct address *from)
{
	PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
	Py_ssize_t n;

	if (!bytes)
		return NULL;
	n = receive(self, PyBytes_AS_STRING(bytes), (size_t)size, flags, from);
	if (n < 0)
		Py_CLEAR(bytes);
	else if (n != size)
		_PyBytes_Resize(&bytes, n);
	return bytes;
}

static PyObject *receive_bytes(PyObject *self, const char *function,
			       PyObject *room, PyObject *flags_,
			       struct address *from)
{
	Py_ssize_t n, size = PyNumber_AsSsize_t(room, PyExc_OverflowError);
	PyObject *bytes;
	int flags;

	if ((size == -1 && PyErr_Occurred()) ||
	    arguments_int(flags_, 0, &flags) < 0)
		return NULL;
	if (size < 0)
		return PyErr_Format(PyExc_ValueError,
				    "negative buffersize in %s", function);
	if (size > SHARED || flags & MSG_WAITALL)
		return receive_large(self, size, flags, from);
	n = receive(self, shared, (size_t)size, flags, from);
	if (n < 0)
		return NULL;
	/* MSG_TRUNC tells of more than there is. */
	bytes = PyBytes_FromStringAndSize(shared, n < size ? n : size);
	greenlet_arrive(this_thread);
	return bytes;
}

/* ---- methods ---------------------------------------------------------------
 */

#define KEYWORDS METH_FASTCALL | METH_KEYWORDS
static const char *const plain[] = {"buflen", "flags", NULL};
static const char *const into[] = {"buffer", "nbytes", "flags", NULL};

static PyObject *recv_(PyObject *self, PyObject *const *args, Py_ssize_t n,
		       PyObject *names)
{
	PyObject *v[2];

	if (arguments_need(&(struct call){args, n, names}, "recv", plain, 1,
			   v) < 0)
		return NULL;
	return receive_bytes(self, "recv", v[0], v[1], NULL);
}

/* The same with flags | MSG_DONTWAIT at `place`, for _socket's own method: it
 * is called again until there is something. */
static PyObject *without_waiting(PyObject *self, const char *method, int events,
				 PyObject *const *args, Py_ssize_t n,
				 Py_ssize_t place)
{
	PyObject *tuple = PyTuple_New(n > place ? n : place + 1);
	int flags;

	if (!tuple ||
	    arguments_int(n > place ? args[place] : NULL, 0, &flags) < 0) {
		Py_XDECREF(tuple);
		return NULL;
	}
	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
		PyObject *item = i == place
					 ? PyLong_FromLong(flags | MSG_DONTWAIT)
				 : i < n ? Py_NewRef(args[i])
					 : PyLong_FromLong(0);

		if (!item) {
			Py_DECREF(tuple);
			return NULL;
		}
		PyTuple_SET_ITEM(tuple, i, item);
	}
	return sock_by_parent(self, method, events, tuple, flags);
}

static PyObject *recvfrom_(PyObject *self, PyObject *const *args, Py_ssize_t n,
			   PyObject *names)
{
	struct address from;
	PyObject *v[2], *bytes, *address;

	if (arguments_need(&(struct call){args, n, names}, "recvfrom", plain, 1,
			   v) < 0)
		return NULL;
	if (!address_known(sock_base(self)->family))
		return without_waiting(self, "recvfrom", POLLIN, args, n, 1);
	bytes = receive_bytes(self, "recvfrom", v[0], v[1], &from);
	address = bytes ? address_make(&from) : NULL;
	if (!address) {
		Py_XDECREF(bytes);
		return NULL;
	}
	return Py_BuildValue("(NN)", bytes, address);
}

static int room_in(const Py_buffer *view, const char *function, PyObject *count,
		   Py_ssize_t *room)
{
	*room = 0;
	if (count)
		*room = PyNumber_AsSsize_t(count, PyExc_OverflowError);
	if (*room == -1 && PyErr_Occurred())
		return -1;
	if (*room < 0) {
		PyErr_Format(PyExc_ValueError, "negative buffersize in %s",
			     function);
		return -1;
	}
	if (*room > view->len) {
		PyErr_SetString(PyExc_ValueError,
				"buffer too small for requested bytes");
		return -1;
	}
	if (*room == 0)
		*room = view->len;
	return 0;
}

static int buffer_of(PyObject *o, const char *function, Py_buffer *view)
{
	if (PyObject_GetBuffer(o, view, PyBUF_WRITABLE) == 0)
		return 0;
	if (!PyErr_ExceptionMatches(PyExc_BufferError))
		return -1;
	PyErr_Format(PyExc_TypeError,
		     "%s() argument 1 must be read-write bytes-like object, "
		     "not %s",
		     function, Py_TYPE(o)->tp_name);
	return -1;
}

static Py_ssize_t receive_into(PyObject *self, const char *function,
			       PyObject *const *v, struct address *from)
{
	Py_ssize_t room, result = -1;
	Py_buffer view;
	int flags;

	if (arguments_int(v[2], 0, &flags) < 0 ||
	    buffer_of(v[0], function, &view) < 0)
		return -1;
	if (room_in(&view, function, v[1], &room) == 0)
		result = receive(self, view.buf, (size_t)room, flags, from);
	PyBuffer_Release(&view);
	return result;
}

static PyObject *recv_into_(PyObject *self, PyObject *const *args, Py_ssize_t n,
			    PyObject *names)
{
	PyObject *v[3];
	Py_ssize_t count;

	if (arguments_need(&(struct call){args, n, names}, "recv_into", into, 1,
			   v) < 0)
		return NULL;
	count = receive_into(self, "recv_into", v, NULL);
	return count < 0 ? NULL : PyLong_FromSsize_t(count);
}

static PyObject *recvfrom_into_(PyObject *self, PyObject *const *args,
				Py_ssize_t n, PyObject *names)
{
	struct address from;
	PyObject *v[3], *whole[3];
	Py_ssize_t count;

	if (arguments_need(&(struct call){args, n, names}, "recvfrom_into",
			   into, 1, v) < 0)
		return NULL;
	if (!address_known(sock_base(self)->family)) {
		whole[0] = v[0];
		whole[1] = v[1] ? v[1] : Py_False; /* 0 */
		whole[2] = v[2] ? v[2] : Py_False;
		return without_waiting(self, "recvfrom_into", POLLIN, whole, 3,
				       2);
	}
	count = receive_into(self, "recvfrom_into", v, &from);
	return count < 0 ? NULL
			 : Py_BuildValue("(nN)", count, address_make(&from));
}

static PyObject *recvmsg_(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	if (n < 1 || n > 3)
		return PyErr_Format(PyExc_TypeError,
				    "recvmsg() takes 1 to 3 arguments");
	return without_waiting(self, "recvmsg", POLLIN, args, n, 2);
}

static PyObject *recvmsg_into_(PyObject *self, PyObject *const *args,
			       Py_ssize_t n)
{
	if (n < 1 || n > 3)
		return PyErr_Format(PyExc_TypeError,
				    "recvmsg_into() takes 1 to 3 arguments");
	return without_waiting(self, "recvmsg_into", POLLIN, args, n, 2);
}

PyMethodDef recv_methods[] = {
	{"recv", METHOD(recv_), KEYWORDS,
	 "recv($self, /, buflen, flags=0)\n--\n\n"
	 "At most so many bytes; none at the end."},
	{"recvfrom", METHOD(recvfrom_), KEYWORDS,
	 "recvfrom($self, /, buflen, flags=0)\n--\n\n"
	 "(bytes, address)"},
	{"recv_into", METHOD(recv_into_), KEYWORDS,
	 "recv_into($self, /, buffer, nbytes=0, flags=0)\n--\n\n"
	 "Receive into the buffer; returns how many bytes."},
	{"recvfrom_into", METHOD(recvfrom_into_), KEYWORDS,
	 "recvfrom_into($self, /, buffer, nbytes=0, flags=0)\n--\n\n"
	 "Receive into the buffer; returns (how many bytes, address)."},
	{"recvmsg", METHOD(recvmsg_), METH_FASTCALL,
	 "recvmsg($self, bufsize, ancbufsize=0, flags=0, /)\n--\n\n"
	 "(data, ancdata, msg_flags, address)"},
	{"recvmsg_into", METHOD(recvmsg_into_), METH_FASTCALL,
	 "recvmsg_into($self, buffers, ancbufsize=0, flags=0, /)\n--\n\n"
	 "Receive into the buffers; returns (how many bytes, ancdata,\n"
	 "msg_flags, address)."},
	{NULL, NULL, 0, NULL},
};
