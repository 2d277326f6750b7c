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
static Py_ssize_t io_refs, closed;    /* offsets of the slots of that name */

/* What a parent's __init__ sets behind what we know of, for all the same. */
enum { TAIL_MOST = 64 };
static char tail[TAIL_MOST];
static Py_ssize_t tail_size;
static bool tail_known;

/* ---- arguments ----------------------------------------------------------- */

static int by_name(const char *function, PyObject *name, PyObject *value,
		   const char *const *known, size_t count, PyObject **values)
{
	for (size_t i = 0; i < count; i++)
		if (PyUnicode_CompareWithASCIIString(name, known[i]) == 0 &&
		    !values[i]) {
			values[i] = value;
			return 0;
		}
	PyErr_Format(PyExc_TypeError,
		     "%s() got an unexpected keyword argument '%U'", function,
		     name);
	return -1;
}

int sock_arguments(const char *function, PyObject *const *args, Py_ssize_t n,
		   PyObject *names, const char *const *known, size_t count,
		   size_t needed, PyObject **values)
{
	for (size_t i = 0; i < count; i++)
		values[i] = (Py_ssize_t)i < n ? args[i] : NULL;
	for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++)
		if (by_name(function, PyTuple_GET_ITEM(names, i), args[n + i],
			    known, count, values) < 0)
			return -1;
	if (n > (Py_ssize_t)count || (needed && !values[needed - 1])) {
		PyErr_Format(PyExc_TypeError,
			     "%s() takes %zu to %zu arguments (%zd given)",
			     function, needed, count, n);
		return -1;
	}
	return 0;
}

int sock_int(PyObject *value, int missing, int *result)
{
	*result = missing;
	if (!value)
		return 0;
#if SINCE(13)
	*result = PyLong_AsInt(value);
#else
	*result = _PyLong_AsInt(value);
#endif
	return *result == -1 && PyErr_Occurred() ? -1 : 0;
}

/* ---- life ---------------------------------------------------------------- */

static PyObject **slot(PyObject *self, Py_ssize_t offset)
{
	return (PyObject **)(void *)((char *)self + offset);
}

void sock_set_open(PyObject *self)
{
	PyObject *zero = PyLong_FromLong(0); /* never fails: it is there */

	Py_XSETREF(*slot(self, io_refs), zero);
	Py_XSETREF(*slot(self, closed), Py_NewRef(Py_False));
}

static void set_closed(PyObject *self)
{
	Py_XSETREF(*slot(self, closed), Py_NewRef(Py_True));
}

static char *tail_of(PyObject *self)
{
	return (char *)self + sizeof(struct sock_base);
}

/* What the parent's __init__ does with a descriptor. */
static int adopt(PyObject *self, PyObject *args, PyObject *names)
{
	int err = sock_parent->tp_init(self, args, names);

	if (err == 0 && !tail_known) {
		memcpy(tail, tail_of(self), (size_t)tail_size);
		tail_known = true;
	}
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
	memcpy(tail_of(self), tail, (size_t)tail_size);
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
	if (tail_size && !tail_known) { /* the first one */
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
	set_closed(self);
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

	(void)module;
	if (!PyArg_ParseTuple(args, "iii:socketpair", &family, &type,
			      &protocol) ||
	    !thread_get())
		return NULL;
	if (ramet_socketpair(family, type, protocol, fds) < 0)
		return PyErr_SetFromErrno(PyExc_OSError);
	return Py_BuildValue("(ii)", fds[0], fds[1]);
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

/* The offset of a slot or member of a class; -1 if it is none. */
static Py_ssize_t member_offset(PyObject *class, const char *name)
{
	PyObject *dict = ((PyTypeObject *)class)->tp_dict;
	PyObject *d = PyDict_GetItemString(dict, name); /* borrowed */

	return d && Py_IS_TYPE(d, &PyMemberDescr_Type)
		       ? ((PyMemberDescrObject *)d)->d_member->offset
		       : -1;
}

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
	if (!base)
		return NULL;
	io_refs = member_offset(base, "_io_refs");
	closed = member_offset(base, "_closed");
	tail_size = sock_parent->tp_basicsize -
		    (Py_ssize_t)sizeof(struct sock_base);
	if (io_refs < 0 || closed < 0 || tail_size < 0 ||
	    tail_size > TAIL_MOST ||
	    member_offset((PyObject *)sock_parent, "proto") !=
		    offsetof(struct sock_base, protocol)) {
		PyErr_SetString(PyExc_ImportError,
				"this version of socket.socket is not known");
		Py_CLEAR(base);
	}
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
