/* limit.c - time limits of sockets, and whether their descriptors block.
 *
 * Ours never do; those of others are left as they are until somebody asks for
 * one that does not.
 */
#include "sock.h"

#include <errno.h>
#include <fcntl.h>

/* O_NONBLOCK is set, and may be relied on. */
void sock_rely(PyObject *self)
{
	struct sock_base *b = sock_base(self);

	sock(self)->nonblock =
		ramet_host_adopt(b->fd, b->family, b->type, b->protocol) == 0;
}

static PyObject *get_timeout(PyObject *self, PyObject *unused)
{
	int64_t limit = sock(self)->timeout;

	(void)unused;
	if (limit < 0)
		Py_RETURN_NONE;
	return PyFloat_FromDouble((double)limit / 1e9);
}

PyObject *sock_timeout_attribute(PyObject *self, void *unused)
{
	(void)unused;
	return get_timeout(self, NULL);
}

/* Who asks for a socket that does not block may hand its descriptor to others,
 * who rely on O_NONBLOCK. */
int sock_stop_blocking(PyObject *self)
{
	int fd = sock_base(self)->fd;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (!(flags & O_NONBLOCK) &&
			  fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return sock_fail(errno);
	if (!sock(self)->nonblock)
		sock_rely(self);
	return 0;
}

static int to_limit(PyObject *seconds, int64_t *limit)
{
	double s;

	*limit = -1;
	if (seconds == Py_None)
		return 0;
	s = PyFloat_AsDouble(seconds);
	if (s == -1 && PyErr_Occurred())
		return -1;
	if (s != s) {
		PyErr_SetString(PyExc_ValueError,
				"Invalid value NaN (not a number)");
		return -1;
	}
	if (s < 0) {
		PyErr_SetString(PyExc_ValueError, "Timeout value out of range");
		return -1;
	}
	if (s >= 9.2e9) {
		PyErr_SetString(PyExc_OverflowError,
				"timeout doesn't fit into C timeval");
		return -1;
	}
	/* More than nothing is not nothing. */
	*limit = s > 0 && s < 1e-9 ? 1 : (int64_t)(s * 1e9);
	return 0;
}

static int set_limit(PyObject *self, int64_t limit)
{
	if (limit == 0 && sock_stop_blocking(self) < 0)
		return -1;
	sock(self)->timeout = limit;
	return 0;
}

static PyObject *set_timeout(PyObject *self, PyObject *seconds)
{
	int64_t limit;

	if (to_limit(seconds, &limit) < 0 || set_limit(self, limit) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *set_blocking(PyObject *self, PyObject *value)
{
	int blocking = PyObject_IsTrue(value);

	if (blocking < 0 || set_limit(self, blocking ? -1 : 0) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *get_blocking(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(sock(self)->timeout != 0);
}

static PyObject *never_block(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (sock_stop_blocking(self) < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* After another object has let go of the descriptor. */
static PyObject *own_it(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (sock_stop_blocking(self) < 0)
		return NULL;
	sock_rely(self);
	Py_RETURN_NONE;
}

PyObject *sock_get_ref(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(!sock(self)->unref);
}

int sock_set_ref(PyObject *self, PyObject *value, void *unused)
{
	int ref = value ? PyObject_IsTrue(value) : 1;

	(void)unused;
	if (ref >= 0)
		sock(self)->unref = !ref;
	return ref < 0 ? -1 : 0;
}

PyMethodDef limit_methods[] = {
	{"settimeout", set_timeout, METH_O,
	 "settimeout($self, seconds, /)\n--\n\n"
	 "How long its calls wait; None: without limit."},
	{"gettimeout", get_timeout, METH_NOARGS,
	 "gettimeout($self, /)\n--\n\n"
	 "How long its calls wait; None: without limit."},
	{"setblocking", set_blocking, METH_O,
	 "setblocking($self, flag, /)\n--\n\n"
	 "settimeout(None), or settimeout(0)."},
	{"getblocking", get_blocking, METH_NOARGS,
	 "getblocking($self, /)\n--\n\n"
	 "Whether its calls wait at all."},
	{"_never_block", never_block, METH_NOARGS,
	 "_never_block($self, /)\n--\n\n"
	 "Set O_NONBLOCK, if it is not."},
	{"_own", own_it, METH_NOARGS,
	 "_own($self, /)\n--\n\n"
	 "The same, and nobody else has the descriptor any more."},
	{NULL, NULL, 0, NULL},
};
