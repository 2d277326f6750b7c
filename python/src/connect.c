/* connect.c - sockets that come to be connected: accept, connect, bind. */
#include "sock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <ramet/io.h>

/* ---- accept -------------------------------------------------------------- */

/* A listener of others may block: it is asked first. */
static int try_accept(PyObject *self, struct address *from)
{
	struct pollfd p = {.fd = sock_base(self)->fd, .events = POLLIN};

	if (!sock(self)->nonblock && poll(&p, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	from->size = sizeof from->sa;
	return accept4(sock_base(self)->fd, (struct sockaddr *)&from->sa,
		       &from->size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* The descriptor, or -1 with an exception. */
static int accept_fd(PyObject *self, struct address *from)
{
	struct sock_base *b = sock_base(self);
	struct thread *t = thread_get();
	int64_t when = 0;
	int fd;

	if (!t || greenlet_raise(t->current) < 0)
		return -1;
	while ((fd = try_accept(self, from)) < 0 &&
	       (errno == EAGAIN || errno == EINTR)) {
		if (errno == EINTR && PyErr_CheckSignals() < 0)
			return -1;
		if (errno == EAGAIN && sock_wait(self, POLLIN, &when) < 0)
			return -1;
	}
	if (fd < 0)
		sock_fail(errno);
	sock_pass(self, POLLIN, when);
	if (fd < 0)
		return -1;
	if (ramet_host_adopt(fd, b->family, b->type, b->protocol) == 0)
		return fd;
	close(fd);
	PyErr_NoMemory();
	return -1;
}

static PyObject *accepted(PyObject *self, int fd)
{
	struct sock_base *b = sock_base(self);
	PyObject *new = NULL;
	int64_t limit;

	if (sock_default_timeout(&limit) == 0)
		new = sock_accepted_type->tp_new(sock_accepted_type, NULL,
						 NULL);
	if (!new) {
		ramet_close(fd);
		return NULL;
	}
	sock_own(new, fd, b->family, b->type, b->protocol);
	sock(new)->timeout = limit;
	sock_set_open(new);
	return new;
}

static PyObject *accept_by_parent(PyObject *self)
{
	struct sock_base *b = sock_base(self);
	PyObject *args = PyTuple_New(0), *pair, *new;
	int fd, flags;

	pair = args ? sock_by_parent(self, "_accept", POLLIN, args, 0) : NULL;
	if (!pair)
		return NULL;
	fd = (int)PyLong_AsLong(PyTuple_GET_ITEM(pair, 0));
	flags = fcntl(fd, F_GETFL);
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	ramet_host_adopt(fd, b->family, b->type, b->protocol);
	new = accepted(self, fd);
	args = new ? PyTuple_Pack(2, new, PyTuple_GET_ITEM(pair, 1)) : NULL;
	Py_XDECREF(new);
	Py_DECREF(pair);
	return args;
}

static PyObject *accept_(PyObject *self, PyObject *unused)
{
	struct address from;
	PyObject *new, *address;
	int fd;

	(void)unused;
	if (!address_known(sock_base(self)->family))
		return accept_by_parent(self);
	fd = accept_fd(self, &from);
	new = fd < 0 ? NULL : accepted(self, fd);
	address = new ? address_make(&from) : NULL;
	if (!address) {
		Py_XDECREF(new);
		return NULL;
	}
	return Py_BuildValue("(NN)", new, address);
}

/* What the standard library's accept is made of: for those who override that.
 */
static PyObject *accept_number(PyObject *self, PyObject *unused)
{
	struct address from;
	PyObject *address;
	int fd;

	(void)unused;
	if (!address_known(sock_base(self)->family))
		return sock_by_parent(self, "_accept", POLLIN, PyTuple_New(0),
				      0);
	fd = accept_fd(self, &from);
	if (fd < 0)
		return NULL;
	address = address_make(&from);
	if (!address)
		ramet_close(fd);
	return address ? Py_BuildValue("(iN)", fd, address) : NULL;
}

/* ---- connect ------------------------------------------------------------- */

/* Returns an errno, 0, or -1 with an exception. */
static int connect_to(PyObject *self, const struct address *to)
{
	const struct sockaddr *sa = (const struct sockaddr *)&to->sa;
	int64_t limit = sock(self)->timeout;
	int fd = sock_base(self)->fd, err, again;
	struct ramet_scope scope = {.deadline = 0};
	struct thread *t = thread_get();

	if (!t)
		return -1;
	if (limit == 0)
		return connect(fd, sa, to->size) < 0 ? errno : 0;
	do {
		if (greenlet_enter(t) < 0)
			return -1;
		if (limit > 0)
			ramet_scope_open(&scope, limit);
		err = ramet_connect(fd, sa, to->size) < 0 ? errno : 0;
		if (limit > 0)
			ramet_scope_close(&scope);
		again = greenlet_leave(t, "a connection", err);
	} while (again > 0);
	/* The kernel's own limit is told apart. */
	if (err == ETIMEDOUT && limit > 0 && scope.expired)
		err = EWOULDBLOCK;
	return again < 0 ? -1 : err;
}

static int connect_address(PyObject *self, PyObject *value,
			   const char *function)
{
	struct address to;

	if (address_read(&to, sock_base(self)->family, value, function) < 0 ||
	    PySys_Audit("socket.connect", "OO", self, value) < 0)
		return -1;
	return connect_to(self, &to);
}

/* By _socket, which does not wait; what became of it is asked after. */
static PyObject *connect_by_parent(PyObject *self, PyObject *address)
{
	PyObject *result =
		sock_stop_blocking(self) < 0
			? NULL
			: CALL_METHOD((PyObject *)sock_parent, "connect_ex",
				      self, address, NULL);
	int64_t when = 0;
	int err = 0;
	socklen_t size = sizeof err;

	if (!result || PyLong_AsLong(result) != EINPROGRESS ||
	    !sock(self)->timeout)
		return result;
	Py_DECREF(result);
	if (sock_wait(self, POLLOUT, &when) < 0)
		return NULL;
	if (getsockopt(sock_base(self)->fd, SOL_SOCKET, SO_ERROR, &err, &size))
		err = errno;
	return PyLong_FromLong(err);
}

static PyObject *connect_ex(PyObject *self, PyObject *address)
{
	int err;

	if (!address_known(sock_base(self)->family))
		return connect_by_parent(self, address);
	err = connect_address(self, address, "connect_ex");
	return err < 0 ? NULL : PyLong_FromLong(err);
}

static PyObject *connect_(PyObject *self, PyObject *address)
{
	PyObject *result;
	int err;

	if (address_known(sock_base(self)->family)) {
		err = connect_address(self, address, "connect");
	} else {
		result = connect_by_parent(self, address);
		err = result ? (int)PyLong_AsLong(result) : -1;
		Py_XDECREF(result);
	}
	if (err == EWOULDBLOCK && sock(self)->timeout > 0)
		err = sock_timed_out();
	if (err > 0)
		sock_fail(err);
	if (err)
		return NULL;
	Py_RETURN_NONE;
}

/* The parent would look a name up without letting others run. */
static PyObject *bind_(PyObject *self, PyObject *value)
{
	int family = sock_base(self)->family;
	struct address a;

	if (!address_known(family))
		return CALL_METHOD((PyObject *)sock_parent, "bind", self, value,
				   NULL);
	if (address_read(&a, family, value, "bind") < 0 ||
	    PySys_Audit("socket.bind", "OO", self, value) < 0)
		return NULL;
	if (bind(sock_base(self)->fd, (struct sockaddr *)&a.sa, a.size) < 0)
		return PyErr_SetFromErrno(PyExc_OSError);
	Py_RETURN_NONE;
}

PyMethodDef connect_methods[] = {
	{"accept", accept_, METH_NOARGS,
	 "accept($self, /)\n--\n\n"
	 "Wait for a connection: (socket, address)."},
	{"_accept", accept_number, METH_NOARGS,
	 "_accept($self, /)\n--\n\n"
	 "Wait for a connection: (descriptor, address)."},
	{"connect", connect_, METH_O,
	 "connect($self, address, /)\n--\n\n"
	 "Wait until it is connected."},
	{"connect_ex", connect_ex, METH_O,
	 "connect_ex($self, address, /)\n--\n\n"
	 "The same, but errors are returned as their number; 0: it is."},
	{"bind", bind_, METH_O,
	 "bind($self, address, /)\n--\n\n"
	 "Give it an address of its own."},
	{NULL, NULL, 0, NULL},
};
