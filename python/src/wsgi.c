/* wsgi.c - the connection of a WSGI server: a buffer of what has come, read as
 * heads, as lines and bytes, and as chunks.
 *
 * A connection that waits for its next request has no buffer and no reader.
 */
#include "wsgi.h"

#include "sock.h"

#include <errno.h>
#include <string.h>
#include <structmember.h>

enum { LANDING = 64 * 1024, ROOM = 1024 };

/* Where what is received comes first: nobody else runs before it is copied. */
static char landing[LANDING];

/* ---- the buffer ------------------------------------------------------------
 */

static void drop_consumed(struct wsgi *w)
{
	w->has_head = false;
	memmove(w->buf, w->buf + w->at, w->end - w->at);
	w->end -= w->at;
	w->at = 0;
}

static int append(struct wsgi *w, const char *data, size_t n)
{
	size_t size = w->size ? w->size : ROOM;
	char *buf;

	if (w->at && !w->has_head)
		drop_consumed(w);
	while (size - w->end < n)
		size *= 2;
	if (size != w->size) {
		buf = PyMem_Realloc(w->buf, size);
		if (!buf) {
			PyErr_NoMemory();
			return -1;
		}
		w->buf = buf;
		w->size = size;
	}
	memcpy(w->buf + w->end, data, n);
	w->end += n;
	return 0;
}

static Py_ssize_t receive_by_method(struct wsgi *w)
{
	PyObject *bytes = PyObject_CallMethod(w->sock, "recv", "i", 16384);
	Py_ssize_t n = -1;
	Py_buffer view;

	if (!bytes)
		return -1;
	if (PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) == 0) {
		n = append(w, view.buf, (size_t)view.len) < 0 ? -1 : view.len;
		PyBuffer_Release(&view);
	}
	Py_DECREF(bytes);
	return n;
}

static Py_ssize_t receive_direct(struct wsgi *w)
{
	PyObject *sock = Py_NewRef(w->sock);
	Py_ssize_t n = sock_receive(sock, landing, LANDING);

	Py_DECREF(sock);
	if (n > 0 && append(w, landing, (size_t)n) < 0)
		return -1;
	return n;
}

/* Whoever waits for more goes on with what it has found out before. */
static int refuse_second(const struct wsgi *w)
{
	if (!w->filling)
		return 0;
	PyErr_SetString(exc_concurrent_use,
			"another greenlet reads from this connection");
	return -1;
}

/* Have more than there is: how much more, 0 at the end, -1 with an exception.
 */
static Py_ssize_t fill(struct wsgi *w)
{
	Py_ssize_t n;

	if (w->eof)
		return 0;
	if (refuse_second(w) < 0)
		return -1;
	if (!w->sock) {
		PyErr_SetString(PyExc_ValueError,
				"I/O operation on closed file.");
		return -1;
	}
	w->filling = true;
	n = w->direct ? receive_direct(w) : receive_by_method(w);
	w->filling = false;
	if (n == 0)
		w->eof = true;
	return n;
}

/* Nothing is kept for a connection that has nothing to say. */
static void let_go(struct wsgi *w)
{
	w->has_head = false;
	if (w->at < w->end)
		return;
	PyMem_Free(w->buf);
	w->buf = NULL;
	w->at = w->end = w->size = 0;
}

/* ---- heads -----------------------------------------------------------------
 */

/* One that nobody needs now. */
static struct ramet_http_reader *spare;

static int begin(struct wsgi *w)
{
	w->chunks_ended = false;
	if (!w->reader && spare) {
		w->reader = spare;
		spare = NULL;
	} else if (!w->reader) {
		w->reader = ramet_http_reader_new(0, 0);
		if (!w->reader) {
			PyErr_NoMemory();
			return -1;
		}
		return 0;
	}
	ramet_http_reader_begin(w->reader);
	return 0;
}

static void end_reader(struct wsgi *w)
{
	if (spare)
		ramet_http_reader_free(w->reader);
	else
		spare = w->reader;
	w->reader = NULL;
}

int wsgi_read_head(struct wsgi *w)
{
	ssize_t n;

	if (refuse_second(w) < 0)
		return -1;
	if (w->reader)
		end_reader(w);
	if (w->at < w->end)
		drop_consumed(w);
	let_go(w);
	if (w->at == w->end) {
		Py_ssize_t first = fill(w);

		if (first <= 0)
			return (int)first;
	}
	if (begin(w) < 0)
		return -1;
	while ((n = ramet_http_reader_head(w->reader, w->buf, w->end,
					   &w->head)) == 0) {
		Py_ssize_t more = fill(w);

		if (more <= 0)
			return more < 0 ? -1 : 400;
	}
	if (n < 0)
		return w->head.status;
	if (w->head.target.at + w->head.target.size + 9 > (size_t)w->max_line)
		return 414;
	w->at = (size_t)n;
	w->has_head = true;
	return WSGI_HEAD;
}

static PyObject *latin1(const struct wsgi *w, struct ramet_http_text t)
{
	return PyUnicode_DecodeLatin1(w->buf + t.at, t.size, NULL);
}

PyObject *wsgi_describe(const struct wsgi *w)
{
	PyObject *method = latin1(w, w->head.method);
	PyObject *target = latin1(w, w->head.target);
	const char *version = w->head.version == 11 ? "HTTP/1.1" : "HTTP/1.0";
	PyObject *line = NULL, *result = NULL;

	if (method && target)
		line = PyUnicode_FromFormat("%U %U %s", method, target,
					    version);
	if (line)
		result =
			Py_BuildValue("(OOOsiL)", line, method, target, version,
				      w->head.flags, (long long)w->head.body);
	Py_XDECREF(method);
	Py_XDECREF(target);
	Py_XDECREF(line);
	return result;
}

static PyObject *head(PyObject *self, PyObject *unused)
{
	struct wsgi *w = (struct wsgi *)self;
	int r = wsgi_read_head(w);

	(void)unused;
	if (r < 0)
		return NULL;
	if (r == WSGI_END)
		Py_RETURN_NONE;
	return r == WSGI_HEAD ? wsgi_describe(w) : PyLong_FromLong(r);
}

static PyObject *fill_environ(PyObject *self, PyObject *env)
{
	struct wsgi *w = (struct wsgi *)self;

	if (!w->has_head)
		return PyErr_Format(PyExc_ValueError, "no request was read");
	if (!PyDict_Check(env))
		return PyErr_Format(PyExc_TypeError, "a dict is required");
	if (wsgi_fill_environ(w, env) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *headers(PyObject *self, PyObject *unused)
{
	struct wsgi *w = (struct wsgi *)self;

	(void)unused;
	return w->has_head ? wsgi_headers(w) : PyList_New(0);
}

/* ---- as a file -------------------------------------------------------------
 */

static PyObject *take(struct wsgi *w, size_t n)
{
	PyObject *bytes =
		PyBytes_FromStringAndSize(w->buf + w->at, (Py_ssize_t)n);

	if (bytes)
		w->at += n;
	return bytes;
}

static int size_of(PyObject *const *args, Py_ssize_t n, Py_ssize_t *size)
{
	*size = -1;
	if (n < 1 || args[0] == Py_None)
		return 0;
	*size = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
	return *size == -1 && PyErr_Occurred() ? -1 : 0;
}

/* All of size, less only at the end. */
static PyObject *read_(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	struct wsgi *w = (struct wsgi *)self;
	Py_ssize_t size, more;

	w->has_head = false;
	if (size_of(args, n, &size) < 0)
		return NULL;
	while (size < 0 || w->end - w->at < (size_t)size) {
		more = fill(w);
		if (more < 0)
			return NULL;
		if (more == 0)
			break;
	}
	if (size < 0 || w->end - w->at < (size_t)size)
		size = (Py_ssize_t)(w->end - w->at);
	return take(w, (size_t)size);
}

/* What is there, at least a byte. */
static PyObject *read1(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	struct wsgi *w = (struct wsgi *)self;
	Py_ssize_t size;

	w->has_head = false;
	if (size_of(args, n, &size) < 0)
		return NULL;
	if (w->at == w->end && size && fill(w) < 0)
		return NULL;
	if (size < 0 || w->end - w->at < (size_t)size)
		size = (Py_ssize_t)(w->end - w->at);
	return take(w, (size_t)size);
}

static PyObject *readline(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	struct wsgi *w = (struct wsgi *)self;
	size_t seen = 0, have, limit;
	Py_ssize_t size, more;
	const char *end;

	w->has_head = false;
	if (size_of(args, n, &size) < 0)
		return NULL;
	limit = size < 0 ? SIZE_MAX : (size_t)size;
	for (;;) {
		have = w->end - w->at;
		end = have > seen
			      ? memchr(w->buf + w->at + seen, '\n', have - seen)
			      : NULL;
		if (end)
			have = (size_t)(end + 1 - (w->buf + w->at));
		if (end || have >= limit)
			return take(w, have < limit ? have : limit);
		seen = have;
		more = fill(w);
		if (more < 0)
			return NULL;
		if (more == 0)
			return take(w, have);
	}
}

/* As an iterator: NULL without an exception is its end. */
static PyObject *next_line(PyObject *self)
{
	PyObject *line = readline(self, NULL, 0);

	if (line && PyBytes_GET_SIZE(line) == 0)
		Py_CLEAR(line);
	return line;
}

static PyObject *readlines(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	(void)args; /* a hint */
	(void)n;
	return PySequence_List(self);
}

static PyObject *readinto(PyObject *self, PyObject *buffer)
{
	struct wsgi *w = (struct wsgi *)self;
	size_t n = 0;
	Py_buffer view;

	if (PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE) < 0)
		return NULL;
	w->has_head = false;
	if (view.len && w->at == w->end && fill(w) < 0) {
		PyBuffer_Release(&view);
		return NULL;
	}
	n = w->end - w->at;
	n = n < (size_t)view.len ? n : (size_t)view.len;
	if (n)
		memcpy(view.buf, w->buf + w->at, n);
	w->at += n;
	PyBuffer_Release(&view);
	return PyLong_FromSize_t(n);
}

/* Some of a body in chunks, b'' at its end; EPROTO as OSError: bad ones. */
static PyObject *read_chunks(PyObject *self, PyObject *unused)
{
	struct wsgi *w = (struct wsgi *)self;
	PyObject *bytes = NULL;
	size_t data = 0;
	ssize_t used;
	int ended = 0;

	(void)unused;
	if (!w->reader && begin(w) < 0)
		return NULL;
	while (!w->chunks_ended && !bytes) {
		w->has_head = false;
		used = w->buf ? ramet_http_reader_chunks(w->reader,
							 w->buf + w->at,
							 w->end - w->at, &data,
							 &ended)
			      : 0;
		if (used < 0)
			return PyErr_SetFromErrno(PyExc_OSError);
		if (data)
			bytes = PyBytes_FromStringAndSize(w->buf + w->at,
							  (Py_ssize_t)data);
		if (data && !bytes)
			return NULL;
		w->at += (size_t)used;
		w->chunks_ended = ended;
		if (!used && !ended) {
			Py_ssize_t more = fill(w);

			if (more == 0)
				PyErr_SetString(PyExc_EOFError,
						"the body ends too early");
			if (more <= 0)
				return NULL;
		}
	}
	return bytes ? bytes : PyBytes_FromStringAndSize(NULL, 0);
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
		end_reader(w);
	PyMem_Free(w->buf);
	PyMem_Free(w->out);
	type->tp_free(self);
	Py_DECREF(type);
}

#define METHOD(f) (PyCFunction)(void (*)(void))(f)

static PyMethodDef methods[] = {
	{"head", head, METH_NOARGS,
	 "head($self, /)\n--\n\n"
	 "(request line, method, target, version, flags, size of the\n"
	 "body), the status that refuses it, or None at the end."},
	{"fill_environ", fill_environ, METH_O,
	 "fill_environ($self, environ, /)\n--\n\n"
	 "Add what the head says."},
	{"headers", headers, METH_NOARGS,
	 "headers($self, /)\n--\n\n"
	 "[(name, value)...]"},
	{"read", METHOD(read_), METH_FASTCALL,
	 "read($self, size=-1, /)\n--\n\n"
	 "So many bytes of the body; fewer at its end."},
	{"read1", METHOD(read1), METH_FASTCALL,
	 "read1($self, size=-1, /)\n--\n\n"
	 "What has come of the body, at most so many bytes."},
	{"readline", METHOD(readline), METH_FASTCALL,
	 "readline($self, size=-1, /)\n--\n\n"
	 "A line of the body."},
	{"readlines", METHOD(readlines), METH_FASTCALL,
	 "readlines($self, hint=-1, /)\n--\n\n"
	 "All that comes of the body, line by line."},
	{"readinto", readinto, METH_O,
	 "readinto($self, buffer, /)\n--\n\n"
	 "Read of the body into the buffer; returns how many bytes."},
	{"read_chunks", read_chunks, METH_NOARGS,
	 "read_chunks($self, /)\n--\n\n"
	 "Bytes of a body in chunks; none at its end."},
	{"serve", METHOD(wsgi_serve), METH_FASTCALL,
	 "serve($self, handler, server, remote, log, /)\n--\n\n"
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
	{Py_tp_iternext, next_line},
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
