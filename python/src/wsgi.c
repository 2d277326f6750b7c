/* wsgi.c - the connection of a WSGI server: how it is made, and its methods. */
#include "wsgi.h"

#include "arguments.h"
#include "sock.h"

#include <structmember.h>

int wsgi_intern(const struct wsgi_name *names)
{
	for (; names->at; names++)
		if (!(*names->at = PyUnicode_InternFromString(names->text)))
			return -1;
	return 0;
}

/* What has come and was not read. */
static PyObject *peek(PyObject *self, PyObject *unused)
{
	struct wsgi *w = (struct wsgi *)self;

	(void)unused;
	return PyBytes_FromStringAndSize(w->buf + w->at,
					 (Py_ssize_t)(w->end - w->at));
}

static PyObject *close_(PyObject *self, PyObject *unused)
{
	struct wsgi *w = (struct wsgi *)self;

	(void)unused;
	Py_CLEAR(w->sock);
	Py_RETURN_NONE;
}

static PyObject *is_closed(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(!((struct wsgi *)self)->sock);
}

static PyObject *buffered(PyObject *self, void *unused)
{
	struct wsgi *w = (struct wsgi *)self;

	(void)unused;
	return PyLong_FromSize_t(w->end - w->at);
}

/* ---- type ------------------------------------------------------------------
 */

/* Whether a method of the socket's is the one that we would call. */
static int is_ours(PyObject *sock, const char *name)
{
	PyObject *a, *b;
	int same;

	if (!PyObject_TypeCheck(sock, sock_type))
		return 0;
	a = PyObject_GetAttrString((PyObject *)Py_TYPE(sock), name);
	b = PyObject_GetAttrString((PyObject *)sock_type, name);
	same = a && a == b;
	Py_XDECREF(a);
	Py_XDECREF(b);
	PyErr_Clear();
	return same;
}

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	struct wsgi *w = (struct wsgi *)self;
	PyObject *sock;

	if (kwargs && PyDict_GET_SIZE(kwargs)) {
		PyErr_SetString(PyExc_TypeError, "no arguments by name");
		return -1;
	}
	if (!PyArg_ParseTuple(args, "O:HTTPConnection", &sock))
		return -1;
	Py_XSETREF(w->sock, Py_NewRef(sock));
	w->max_line = 8192;
	w->direct = is_ours(sock, "recv") && is_ours(sock, "sendall");
	return 0;
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
	struct wsgi *w = (struct wsgi *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(w->sock);
	Py_VISIT(w->handler);
	Py_VISIT(w->env);
	Py_VISIT(w->status);
	Py_VISIT(w->headers);
	return 0;
}

static int clear(PyObject *self)
{
	struct wsgi *w = (struct wsgi *)self;

	Py_CLEAR(w->sock);
	Py_CLEAR(w->handler);
	Py_CLEAR(w->env);
	Py_CLEAR(w->status);
	Py_CLEAR(w->headers);
	return 0;
}

static void dealloc(PyObject *self)
{
	struct wsgi *w = (struct wsgi *)self;
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	clear(self);
	if (w->reader)
		wsgi_end_reader(w);
	PyMem_Free(w->buf);
	PyMem_Free(w->out);
	type->tp_free(self);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
	{"head", wsgi_head, METH_NOARGS,
	 "head($self, /)\n--\n\n"
	 "(request line, method, target, version, flags, size of the\n"
	 "body), the status that refuses it, or None at the end."},
	{"fill_environ", wsgi_environ, METH_O,
	 "fill_environ($self, environ, /)\n--\n\n"
	 "Add what the head says."},
	{"headers", wsgi_header_list, METH_NOARGS,
	 "headers($self, /)\n--\n\n"
	 "[(name, value)...]"},
	{"read", METHOD(wsgi_read), METH_FASTCALL,
	 "read($self, size=-1, /)\n--\n\n"
	 "So many bytes of the body; fewer at its end."},
	{"read1", METHOD(wsgi_read1), METH_FASTCALL,
	 "read1($self, size=-1, /)\n--\n\n"
	 "What has come of the body, at most so many bytes."},
	{"readline", METHOD(wsgi_readline), METH_FASTCALL,
	 "readline($self, size=-1, /)\n--\n\n"
	 "A line of the body."},
	{"readlines", METHOD(wsgi_readlines), METH_FASTCALL,
	 "readlines($self, hint=-1, /)\n--\n\n"
	 "All that comes of the body, line by line."},
	{"readinto", wsgi_readinto, METH_O,
	 "readinto($self, buffer, /)\n--\n\n"
	 "Read of the body into the buffer; returns how many bytes."},
	{"read_chunks", wsgi_read_chunks, METH_NOARGS,
	 "read_chunks($self, /)\n--\n\n"
	 "Bytes of a body in chunks; none at its end."},
	{"serve", METHOD(wsgi_serve), METH_FASTCALL,
	 "serve($self, handler, server, address, port, input, log, /)\n--\n\n"
	 "Serve requests the short way."},
	{"start_response", METHOD(wsgi_start_response),
	 METH_FASTCALL | METH_KEYWORDS,
	 "start_response($self, /, status, headers, exc_info=None)\n--\n\n"
	 "WSGI's: what the answer begins with.  Returns write."},
	{"peek", peek, METH_NOARGS,
	 "peek($self, /)\n--\n\n"
	 "Bytes that have come."},
	{"close", close_, METH_NOARGS,
	 "close($self, /)\n--\n\n"
	 "Let go of the socket."},
	{NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
	{"max_line", T_INT, offsetof(struct wsgi, max_line), 0,
	 "The longest request line"},
	{"eof", T_BOOL, offsetof(struct wsgi, eof), READONLY,
	 "Whether all has come"},
	{NULL, 0, 0, 0, NULL},
};

static PyGetSetDef getset[] = {
	{"closed", is_closed, NULL, "Whether the socket was let go of.", NULL},
	{"buffered", buffered, NULL, "How many bytes have come.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
	{Py_tp_doc, (char *)"HTTPConnection(socket, /)\n--\n\n"
			    "What comes in on it."},
	{Py_tp_init, init},
	{Py_tp_new, PyType_GenericNew},
	{Py_tp_dealloc, dealloc},
	{Py_tp_traverse, traverse},
	{Py_tp_clear, clear},
	{Py_tp_iter, PyObject_SelfIter},
	{Py_tp_iternext, wsgi_next_line},
	{Py_tp_methods, methods},
	{Py_tp_getset, getset},
	{Py_tp_members, members},
	{0, NULL},
};

static PyType_Spec spec = {
	.name = "ramet._core.HTTPConnection",
	.basicsize = sizeof(struct wsgi),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.slots = slots,
};

int wsgi_ready(PyObject *module)
{
	PyObject *type = PyType_FromSpec(&spec);

	if (!type)
		return -1;
	if (PyModule_AddObject(module, "HTTPConnection", type) < 0) {
		Py_DECREF(type);
		return -1;
	}
	return 0;
}
