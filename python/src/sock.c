/* sock.c - the type of sockets: how they are made, and closed. */
#include "sock.h"

#include <errno.h>
#include <fcntl.h>
#include <structmember.h>

#include <ramet/io.h>

PyTypeObject *sock_type, *sock_parent;
Py_ssize_t sock_offset;
PyObject *exc_timeout, *exc_gai, *exc_host;

PyTypeObject *sock_accepted_type;
static PyObject *get_default_timeout; /* _socket's */

/* ---- life ---------------------------------------------------------------- */

/* What the parent's __init__ does with a descriptor. */
static int adopt(PyObject *self, PyObject *args, PyObject *names)
{
	int err = sock_parent->tp_init(self, args, names);

	if (err == 0)
		sock_learn_tail(self);
	return err;
}

/* The time limit of new ones, in ns. */
int sock_default_timeout(int64_t *limit)
{
	PyObject *seconds = PyObject_CallNoArgs(get_default_timeout);
	double s;

	if (!seconds)
		return -1;
	s = seconds == Py_None ? -1 : PyFloat_AsDouble(seconds);
	Py_DECREF(seconds);
	*limit = s < 0 ? -1 : (int64_t)(s * 1e9);
	return 0;
}

/* One that the library has made. */
void sock_own(PyObject *self, int fd, int family, int type, int protocol)
{
	struct sock_base *b = sock_base(self);

	b->fd = fd;
	b->family = family;
	b->type = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	b->protocol = protocol;
	b->timeout = 0;
	sock_set_tail(self);
	sock(self)->nonblock = true;
}

static int make(PyObject *self, int family, int type, int protocol)
{
	int fd;

	family = family == -1 ? AF_INET : family;
	type = type == -1 ? SOCK_STREAM : type;
	protocol = protocol == -1 ? 0 : protocol;
	fd = ramet_socket(family, type, protocol);
	if (fd < 0)
		return sock_fail(errno);
	if (!sock_knows_tail()) { /* the first one */
		PyObject *args =
			Py_BuildValue("(iiii)", family, type, protocol, fd);
		int err = args ? adopt(self, args, NULL) : -1;

		Py_XDECREF(args);
		if (err < 0) {
			ramet_close(fd);
			return -1;
		}
	}
	sock_own(self, fd, family, type, protocol);
	return 0;
}

/* One that others have made. */
static int take(PyObject *self, PyObject *args, PyObject *names)
{
	int flags;

	if (adopt(self, args, names) < 0)
		return -1;
	sock_base(self)->timeout = 0;
	flags = fcntl(sock_base(self)->fd, F_GETFL);
	sock(self)->nonblock = false;
	if (flags >= 0 && flags & O_NONBLOCK)
		sock_rely(self);
	return 0;
}

static int init(PyObject *self, PyObject *args, PyObject *names)
{
	static char *known[] = {(char *)"family", (char *)"type",
				(char *)"proto", (char *)"fileno", NULL};
	int family = -1, type = -1, protocol = -1, err;
	PyObject *fd = Py_None;
	int64_t limit;

	if (!PyArg_ParseTupleAndKeywords(args, names, "|iiiO:socket", known,
					 &family, &type, &protocol, &fd) ||
	    sock_default_timeout(&limit) < 0 || !thread_get())
		return -1;
	if (fd == Py_None && PySys_Audit("socket.__new__", "Oiii", self, family,
					 type, protocol) < 0)
		return -1;
	err = fd == Py_None ? make(self, family, type, protocol)
			    : take(self, args, names);
	if (err < 0)
		return -1;
	sock(self)->timeout = type != -1 && type & SOCK_NONBLOCK ? 0 : limit;
	sock_set_open(self);
	return 0;
}

/* As the parent's, but others may wait for the descriptor. */
static void finalize(PyObject *self)
{
	int fd = sock_base(self)->fd;
	PyObject *saved;

	if (fd < 0)
		return;
	saved = exception_take();
	if (PyErr_ResourceWarning(self, 1, "unclosed %R", self) < 0 &&
	    PyErr_ExceptionMatches(PyExc_Warning))
		PyErr_WriteUnraisable(self);
	PyErr_Clear();
	sock_base(self)->fd = -1;
	ramet_close(fd);
	if (saved)
		exception_raise(saved);
}

/* ---- closing ------------------------------------------------------------- */

/* Whoever waits for it hears of it. */
static PyObject *real_close(PyObject *self, PyObject *unused)
{
	int fd = sock_base(self)->fd;

	(void)unused;
	if (fd < 0)
		Py_RETURN_NONE;
	sock_base(self)->fd = -1;
	if (ramet_close(fd) < 0 && errno != ECONNRESET)
		return PyErr_SetFromErrno(PyExc_OSError);
	Py_RETURN_NONE;
}

/* What blocked as a socket blocks as a descriptor, too. */
static void make_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && flags & O_NONBLOCK)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

static PyObject *detach(PyObject *self, PyObject *unused)
{
	int fd = sock_base(self)->fd;

	(void)unused;
	sock_set_closed(self);
	sock_base(self)->fd = -1;
	if (fd >= 0)
		ramet_host_disown(fd);
	if (fd >= 0 && sock(self)->timeout < 0)
		make_blocking(fd);
	return PyLong_FromLong(fd);
}

static PyMethodDef own_methods[] = {
	{"_real_close", real_close, METH_VARARGS, NULL},
	{"detach", detach, METH_NOARGS,
	 "detach($self, /)\n--\n\n"
	 "The descriptor, which is the caller's now."},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"timeout", sock_timeout_attribute, NULL, "Seconds, or None.", NULL},
	{"ref", sock_get_ref, sock_set_ref,
	 "Whether ramet.wait() waits for those who wait for it.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

/* ---- the module's part --------------------------------------------------- */

static PyObject *set_socket_class(PyObject *module, PyObject *class)
{
	(void)module;
	if (!PyType_Check(class) ||
	    !PyType_IsSubtype((PyTypeObject *)class, sock_type)) {
		PyErr_SetString(PyExc_TypeError, "not a class of sockets");
		return NULL;
	}
	Py_INCREF(class);
	Py_XSETREF(sock_accepted_type, (PyTypeObject *)class);
	Py_RETURN_NONE;
}

static PyObject *socketpair_(PyObject *module, PyObject *args)
{
	int family, type, protocol, fds[2];
	PyObject *pair;

	(void)module;
	if (!PyArg_ParseTuple(args, "iii:socketpair", &family, &type,
			      &protocol) ||
	    !thread_get())
		return NULL;
	if (ramet_socketpair(family, type, protocol, fds) < 0)
		return PyErr_SetFromErrno(PyExc_OSError);
	pair = Py_BuildValue("(ii)", fds[0], fds[1]);
	for (int i = 0; i < 2 && !pair; i++)
		ramet_close(fds[i]);
	return pair;
}

static PyMethodDef functions[] = {
	{"set_socket_class", set_socket_class, METH_O,
	 "set_socket_class($module, cls, /)\n--\n\n"
	 "What sockets accept is made by cls(family, type, proto,\n"
	 "fileno)."},
	{"socketpair", socketpair_, METH_VARARGS,
	 "socketpair($module, family, type, proto, /)\n--\n\n"
	 "Two descriptors."},
	{NULL, NULL, 0, NULL},
};

static int import_exceptions(PyObject *c)
{
	exc_timeout = PyObject_GetAttrString(c, "timeout");
	exc_gai = PyObject_GetAttrString(c, "gaierror");
	exc_host = PyObject_GetAttrString(c, "herror");
	get_default_timeout = PyObject_GetAttrString(c, "getdefaulttimeout");
	sock_parent = (PyTypeObject *)PyObject_GetAttrString(c, "socket");
	return exc_timeout && exc_gai && exc_host && get_default_timeout &&
			       sock_parent
		       ? 0
		       : -1;
}

/* The class of the standard library, whose layout must be as we think. */
static PyObject *find_base(void)
{
	PyObject *c = PyImport_ImportModule("_socket");
	PyObject *module = c ? PyImport_ImportModule("socket") : NULL;
	PyObject *base = NULL;

	if (module && import_exceptions(c) == 0)
		base = PyObject_GetAttrString(module, "socket");
	Py_XDECREF(c);
	Py_XDECREF(module);
	if (base && sock_check_layout((PyTypeObject *)base) < 0)
		Py_CLEAR(base);
	return base;
}

static int add_methods(PyTypeObject *type, PyMethodDef *methods)
{
	for (PyMethodDef *m = methods; m->ml_name; m++) {
		PyObject *d = PyDescr_NewMethod(type, m);
		int err = d ? PyDict_SetItemString(type->tp_dict, m->ml_name, d)
			    : -1;

		Py_XDECREF(d);
		if (err < 0)
			return -1;
	}
	PyType_Modified(type);
	return 0;
}

int sock_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc,
		 (char *)"socket.socket, whose calls block only the greenlet."},
		{Py_tp_init, init},
		{Py_tp_finalize, finalize},
		{Py_tp_methods, own_methods},
		{Py_tp_getset, attributes},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet._core.Socket", 0, 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
				   slots};
	PyObject *base = find_base();

	if (!base)
		return -1;
	sock_offset = ((PyTypeObject *)base)->tp_basicsize;
	spec.basicsize = (int)(sock_offset + (Py_ssize_t)sizeof(struct sock));
	sock_type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, base);
	Py_DECREF(base);
	if (!sock_type || add_methods(sock_type, connect_methods) < 0 ||
	    add_methods(sock_type, limit_methods) < 0 ||
	    add_methods(sock_type, parent_methods) < 0 ||
	    add_methods(sock_type, recv_methods) < 0 ||
	    add_methods(sock_type, send_methods) < 0 ||
	    PyModule_AddFunctions(module, functions) < 0)
		return -1;
	Py_INCREF(sock_type);
	sock_accepted_type = sock_type;
	return PyModule_AddObjectRef(module, "Socket", (PyObject *)sock_type);
}
