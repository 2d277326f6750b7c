/* descriptor.c - reading, writing and closing any descriptor: pipes, terminals
 * and files alike, which need not be O_NONBLOCK, block only the greenlet. */
#include "sock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <ramet/io.h>

typedef ssize_t transfer(int fd, Py_buffer *b);

static ssize_t do_read(int fd, Py_buffer *b)
{
	return ramet_read(fd, b->buf, (size_t)b->len);
}

static ssize_t do_write(int fd, Py_buffer *b)
{
	return ramet_write(fd, b->buf, (size_t)b->len);
}

/* Returns how many bytes, or -1 with an exception. */
static ssize_t move(transfer *how, const char *what, int fd, Py_buffer *b)
{
	struct thread *t = thread_get();
	ssize_t n;
	int err, again;

	do {
		if (!t || greenlet_enter(t) < 0)
			return -1;
		n = how(fd, b);
		err = n < 0 ? errno : 0;
		again = greenlet_leave(t, what, err);
	} while (again > 0);
	if (again < 0)
		return -1;
	return err ? sock_fail(err) : n;
}

static PyObject *move_bytes(transfer *how, const char *what, int fd,
			    Py_buffer *b)
{
	ssize_t n = move(how, what, fd, b);

	PyBuffer_Release(b);
	return n < 0 ? NULL : PyLong_FromSsize_t(n);
}

static PyObject *read_into(PyObject *module, PyObject *args)
{
	Py_buffer b;
	int fd;

	(void)module;
	if (!PyArg_ParseTuple(args, "iw*:read_into", &fd, &b))
		return NULL;
	return move_bytes(do_read, "data to read", fd, &b);
}

static PyObject *write_from(PyObject *module, PyObject *args)
{
	Py_buffer b;
	int fd;

	(void)module;
	if (!PyArg_ParseTuple(args, "iy*:write_from", &fd, &b))
		return NULL;
	return move_bytes(do_write, "room to write", fd, &b);
}

/* A number that is not open is a mistake that Python's callers may make. */
static int close_any(int fd)
{
	if (fcntl(fd, F_GETFD) < 0)
		return -1;
	return this_thread ? ramet_close(fd) : close(fd);
}

static PyObject *close_fd(PyObject *module, PyObject *arg)
{
	long fd = PyLong_AsLong(arg);

	(void)module;
	if (fd == -1 && PyErr_Occurred())
		return NULL;
	if (fd != (int)fd || close_any((int)fd) < 0) {
		sock_fail(fd != (int)fd ? EBADF : errno);
		return NULL;
	}
	Py_RETURN_NONE;
}

static PyObject *disown_fd(PyObject *module, PyObject *arg)
{
	long fd = PyLong_AsLong(arg);

	(void)module;
	if (fd == -1 && PyErr_Occurred())
		return NULL;
	if (this_thread && fd >= 0 && fd == (int)fd)
		ramet_host_disown((int)fd);
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"read_into", read_into, METH_VARARGS,
	 "read_into($module, fd, buffer, /)\n--\n\n"
	 "Read into the buffer; returns how many bytes, 0 at the end."},
	{"write_from", write_from, METH_VARARGS,
	 "write_from($module, fd, data, /)\n--\n\n"
	 "Write; returns how many bytes of it were written."},
	{"close_fd", close_fd, METH_O,
	 "close_fd($module, fd, /)\n--\n\n"
	 "Close it; who waits for it gets OSError (EBADF)."},
	{"disown_fd", disown_fd, METH_O,
	 "disown_fd($module, fd, /)\n--\n\n"
	 "Somebody else closes it; who waits for it gets OSError (EBADF)."},
	{NULL, NULL, 0, NULL},
};

int descriptor_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
