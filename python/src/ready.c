/* ready.c - waiting until descriptors can be read or written. */
#include "arguments.h"
#include "hub.h"
#include "sock.h"

#include <errno.h>
#include <poll.h>

#include <ramet/io.h>

static const char what[] = "a socket";

int sock_fail(int err)
{
	errno = err;
	PyErr_SetFromErrno(PyExc_OSError);
	return -1;
}

int sock_timed_out(void)
{
	PyErr_SetString(exc_timeout, "timed out");
	return -1;
}

static int closed_elsewhere(void)
{
	PyObject *args =
		Py_BuildValue("(is)", EBADF,
			      "File descriptor was closed in another greenlet");

	if (args)
		PyErr_SetObject(PyExc_OSError, args);
	Py_XDECREF(args);
	return -1;
}

/* Returns an errno, or -1 with an exception. */
static int await(struct thread *t, int fd, int events, int64_t when)
{
	int err, again;

	do {
		if (greenlet_enter(t) < 0)
			return -1;
		err = ramet_host_await(fd, events, when) < 0 ? errno : 0;
		again = greenlet_leave(t, what, err);
	} while (again > 0);
	return again < 0 ? -1 : err;
}

/* The loop does not count it. */
static int await_unref(struct thread *t, int fd, int events, int64_t when)
{
	struct hub *h = hub_state(t);
	int err;

	if (!h)
		return -1;
	h->pollers++;
	err = await(t, fd, events, when);
	h->pollers--;
	return err;
}

int sock_wait(PyObject *self, int events, int64_t *when)
{
	struct sock_base *b = sock_base(self);
	struct thread *t = thread_get();
	int fd = b->fd, err;

	if (!t)
		return -1;
	if (sock(self)->timeout == 0)
		return sock_fail(EAGAIN);
	if (!*when)
		*when = sock_until(self);
	err = sock(self)->unref ? await_unref(t, fd, events, *when)
				: await(t, fd, events, *when);
	if (err == ETIMEDOUT)
		return sock_timed_out();
	if (err == EBADF && b->fd != fd)
		return closed_elsewhere();
	return err > 0 ? sock_fail(err) : err;
}

/* ---- any descriptor --------------------------------------------------------
 */

/* poll(2) with a time limit: a number, 0 if it is over, or -1 with an
 * exception. */
static int poll_until(struct pollfd *fds, size_t count, int64_t when)
{
	struct thread *t = thread_get();
	struct ramet_scope scope = {.deadline = 0};
	int n, err, again;

	if (!t)
		return -1;
	n = poll(fds, count, 0);
	if (n != 0 || when == 0)
		return n < 0 ? sock_fail(errno) : n;
	do {
		if (greenlet_enter(t) < 0)
			return -1;
		if (when != RAMET_NEVER)
			ramet_scope_open(&scope, when - ramet_now());
		n = ramet_poll(fds, count);
		err = n < 0 ? errno : 0;
		if (when != RAMET_NEVER)
			ramet_scope_close(&scope);
		again = greenlet_leave(t, "descriptors", err);
	} while (again > 0);
	if (again < 0)
		return -1;
	if (err == ETIMEDOUT)
		return 0;
	if (err == EBADF)
		return closed_elsewhere();
	return err ? sock_fail(err) : n;
}

/* The exception that a wait was given for the end of its time: an instance, a
 * class, or nothing of the sort. */
static PyObject *raise_given(PyObject *exc)
{
	PyObject *made;

	if (!exc || exc == Py_None) {
		sock_timed_out();
		return NULL;
	}
	made = exception_make(exc, NULL, NULL);
	if (made)
		exception_raise(made);
	return NULL;
}

static PyObject *wait_for(const char *function, short events,
			  PyObject *const *args, Py_ssize_t n, PyObject *names)
{
	static const char *const known[] = {"fileno", "timeout", "timeout_exc",
					    "event", NULL};
	PyObject *v[4];
	struct pollfd p = {.events = events};
	int64_t when;
	int ready;

	if (arguments_need(&(struct call){args, n, names}, function, known, 1,
			   v) < 0)
		return NULL;
	p.fd = PyObject_AsFileDescriptor(v[0]);
	if (p.fd < 0 || greenlet_deadline(v[1], &when) < 0)
		return NULL;
	ready = poll_until(&p, 1, when);
	if (ready < 0)
		return NULL;
	if (ready == 0)
		return raise_given(v[2]);
	if (p.revents & POLLNVAL) {
		closed_elsewhere();
		return NULL;
	}
	Py_RETURN_NONE;
}

static PyObject *wait_read(PyObject *module, PyObject *const *args,
			   Py_ssize_t n, PyObject *names)
{
	(void)module;
	return wait_for("wait_read", POLLIN, args, n, names);
}

static PyObject *wait_write(PyObject *module, PyObject *const *args,
			    Py_ssize_t n, PyObject *names)
{
	(void)module;
	return wait_for("wait_write", POLLOUT, args, n, names);
}

static PyObject *wait_readwrite(PyObject *module, PyObject *const *args,
				Py_ssize_t n, PyObject *names)
{
	(void)module;
	return wait_for("wait_readwrite", POLLIN | POLLOUT, args, n, names);
}

/* ---- several ------------------------------------------------------------- */

static int fill(struct pollfd *fds, PyObject *pairs, Py_ssize_t n)
{
	for (Py_ssize_t i = 0; i < n; i++) {
		PyObject *pair = PyList_GET_ITEM(pairs, i);

		fds[i].revents = 0;
		if (!PyArg_ParseTuple(pair, "ih", &fds[i].fd, &fds[i].events))
			return -1;
	}
	return 0;
}

static PyObject *ready_pairs(const struct pollfd *fds, Py_ssize_t n)
{
	PyObject *list = PyList_New(0);

	for (Py_ssize_t i = 0; list && i < n; i++) {
		PyObject *pair;

		if (!fds[i].revents)
			continue;
		pair = Py_BuildValue("(ii)", fds[i].fd,
				     (unsigned short)fds[i].revents);
		if (!pair || PyList_Append(list, pair) < 0)
			Py_CLEAR(list);
		Py_XDECREF(pair);
	}
	return list;
}

static PyObject *poll_(PyObject *module, PyObject *args)
{
	PyObject *pairs, *seconds, *list = NULL;
	struct pollfd *fds;
	int64_t when;
	Py_ssize_t n;

	(void)module;
	if (!PyArg_ParseTuple(args, "O!O", &PyList_Type, &pairs, &seconds) ||
	    greenlet_deadline(seconds, &when) < 0)
		return NULL;
	n = PyList_GET_SIZE(pairs);
	fds = PyMem_Malloc((size_t)n * sizeof *fds + 1);
	if (!fds)
		return PyErr_NoMemory();
	if (fill(fds, pairs, n) == 0 && poll_until(fds, (size_t)n, when) >= 0)
		list = ready_pairs(fds, n);
	PyMem_Free(fds);
	return list;
}

#define KEYWORDS METH_FASTCALL | METH_KEYWORDS
static PyMethodDef functions[] = {
	{"wait_read", METHOD(wait_read), KEYWORDS,
	 "wait_read($module, /, fileno, timeout=None, "
	 "timeout_exc=...)\n--\n\n"
	 "Block until it can be read; when the time is over raise\n"
	 "timeout_exc, by default timeout('timed out')."},
	{"wait_write", METHOD(wait_write), KEYWORDS,
	 "wait_write($module, /, fileno, timeout=None, "
	 "timeout_exc=..., event=None)\n--\n\n"
	 "Block until it can be written; when the time is over raise\n"
	 "timeout_exc, by default timeout('timed out')."},
	{"wait_readwrite", METHOD(wait_readwrite), KEYWORDS,
	 "wait_readwrite($module, /, fileno, timeout=None, "
	 "timeout_exc=..., event=None)\n--\n\n"
	 "Block until it can be read or written; when the time is over\n"
	 "raise timeout_exc, by default timeout('timed out')."},
	{"poll_fds", poll_, METH_VARARGS,
	 "poll_fds($module, fds, timeout, /)\n--\n\n"
	 "poll(2), which blocks only the greenlet: [(fd, events)...] of\n"
	 "those that are ready, given such a list and seconds or None."},
	{NULL, NULL, 0, NULL},
};

int ready_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
