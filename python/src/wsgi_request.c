/* wsgi_request.c - the head of a request: read, and told. */
#include "wsgi.h"

#include <string.h>

/* One that nobody needs now. */
static struct ramet_http_reader *spare;

int wsgi_begin(struct wsgi *w)
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

void wsgi_end_reader(struct wsgi *w)
{
	if (spare)
		ramet_http_reader_free(w->reader);
	else
		spare = w->reader;
	w->reader = NULL;
}

/* Whether its first line, as far as it has come, is longer than it may be. */
static bool is_long(const struct wsgi *w)
{
	size_t max = (size_t)w->max_line;

	return w->end > max && !memchr(w->buf, '\n', max);
}

int wsgi_read_head(struct wsgi *w)
{
	ssize_t n;

	if (wsgi_refuse_second(w) < 0)
		return -1;
	if (w->reader)
		wsgi_end_reader(w);
	if (w->at < w->end)
		wsgi_drop_consumed(w);
	wsgi_let_go(w);
	if (w->at == w->end) {
		Py_ssize_t first = wsgi_fill(w);

		if (first <= 0)
			return (int)first;
	}
	if (wsgi_begin(w) < 0)
		return -1;
	while ((n = ramet_http_reader_head(w->reader, w->buf, w->end,
					   &w->head)) == 0) {
		Py_ssize_t more;

		if (is_long(w))
			return 414;
		more = wsgi_fill(w);
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

PyObject *wsgi_head(PyObject *self, PyObject *unused)
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

PyObject *wsgi_environ(PyObject *self, PyObject *env)
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

PyObject *wsgi_header_list(PyObject *self, PyObject *unused)
{
	struct wsgi *w = (struct wsgi *)self;

	(void)unused;
	return w->has_head ? wsgi_headers(w) : PyList_New(0);
}
