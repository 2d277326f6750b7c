/* wsgi_buffer.c - what has come in on a connection and has not been read.
 *
 * A connection that waits for its next request has no buffer.
 */
#include "wsgi.h"

#include "sock.h"

enum { LANDING = 64 * 1024, ROOM = 1024 };

/* Where what is received comes first: nobody else runs before it is copied. */
static char landing[LANDING];

void wsgi_drop_consumed(struct wsgi *w)
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
		wsgi_drop_consumed(w);
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
	PyObject *most = PyLong_FromLong(16384);
	PyObject *bytes =
		most ? CALL_METHOD(w->sock, "recv", most, NULL) : NULL;
	Py_ssize_t n = -1;
	Py_buffer view;

	Py_XDECREF(most);
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

int wsgi_refuse_second(const struct wsgi *w)
{
	if (!w->filling)
		return 0;
	PyErr_SetString(exc_concurrent_use,
			"another greenlet reads from this connection");
	return -1;
}

Py_ssize_t wsgi_fill(struct wsgi *w)
{
	Py_ssize_t n;

	if (w->eof)
		return 0;
	if (wsgi_refuse_second(w) < 0)
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

void wsgi_let_go(struct wsgi *w)
{
	w->has_head = false;
	if (w->at < w->end)
		return;
	PyMem_Free(w->buf);
	w->buf = NULL;
	w->at = w->end = w->size = 0;
}
