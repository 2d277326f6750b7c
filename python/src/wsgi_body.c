/* wsgi_body.c - the body of a request as a file, and in chunks. */
#include "wsgi.h"

#include <string.h>

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
PyObject *wsgi_read(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	struct wsgi *w = (struct wsgi *)self;
	Py_ssize_t size, more;

	w->has_head = false;
	if (size_of(args, n, &size) < 0)
		return NULL;
	while (size < 0 || w->end - w->at < (size_t)size) {
		more = wsgi_fill(w);
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
PyObject *wsgi_read1(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	struct wsgi *w = (struct wsgi *)self;
	Py_ssize_t size;

	w->has_head = false;
	if (size_of(args, n, &size) < 0)
		return NULL;
	if (w->at == w->end && size && wsgi_fill(w) < 0)
		return NULL;
	if (size < 0 || w->end - w->at < (size_t)size)
		size = (Py_ssize_t)(w->end - w->at);
	return take(w, (size_t)size);
}

PyObject *wsgi_readline(PyObject *self, PyObject *const *args, Py_ssize_t n)
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
		more = wsgi_fill(w);
		if (more < 0)
			return NULL;
		if (more == 0)
			return take(w, have);
	}
}

/* As an iterator: NULL without an exception is its end. */
PyObject *wsgi_next_line(PyObject *self)
{
	PyObject *line = wsgi_readline(self, NULL, 0);

	if (line && PyBytes_GET_SIZE(line) == 0)
		Py_CLEAR(line);
	return line;
}

PyObject *wsgi_readlines(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	(void)args; /* a hint */
	(void)n;
	return PySequence_List(self);
}

PyObject *wsgi_readinto(PyObject *self, PyObject *buffer)
{
	struct wsgi *w = (struct wsgi *)self;
	size_t n = 0;
	Py_buffer view;

	if (PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE) < 0)
		return NULL;
	w->has_head = false;
	if (view.len && w->at == w->end && wsgi_fill(w) < 0) {
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
PyObject *wsgi_read_chunks(PyObject *self, PyObject *unused)
{
	struct wsgi *w = (struct wsgi *)self;
	PyObject *bytes = NULL;
	size_t data = 0;
	ssize_t used;
	int ended = 0;

	(void)unused;
	if (!w->reader && wsgi_begin(w) < 0)
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
			Py_ssize_t more = wsgi_fill(w);

			if (more == 0)
				PyErr_SetString(PyExc_EOFError,
						"the body ends too early");
			if (more <= 0)
				return NULL;
		}
	}
	return bytes ? bytes : PyBytes_FromStringAndSize(NULL, 0);
}
