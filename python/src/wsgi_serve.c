/* wsgi_serve.c - the short way from a request to its answer: a request without
 * a body, an application that calls start_response once and returns a list of
 * bytes, and an answer that is sent at once.
 *
 * At anything else the handler is told what has been said so far (its
 * _go_slow), and goes on by itself: nothing has been sent until then, so that
 * nobody can tell the difference.
 */
#include "wsgi.h"

#include "sock.h"

#include <string.h>
#include <strings.h>
#include <time.h>

enum { TOGETHER = 64 * 1024 };

static PyObject *s_application, *s_environ, *s_status, *s_headers,
	*s_requestline, *s_response_length, *s_log_request, *s_go_slow,
	*s_end_response, *s_remote_addr, *s_remote_port, *s_input,
	*s_terminated, *s_start_response, *s_sendall, *s_time_start,
	*s_time_finish, *s_code, *s_orig_status;

/* ---- the answer's head -----------------------------------------------------
 */

static int put(struct wsgi *w, const char *data, size_t n)
{
	size_t room = w->out_room ? w->out_room : 512;
	char *out;

	while (room - w->out_size < n)
		room *= 2;
	if (room != w->out_room) {
		out = PyMem_Realloc(w->out, room);
		if (!out) {
			PyErr_NoMemory();
			return -1;
		}
		w->out = out;
		w->out_room = room;
	}
	memcpy(w->out + w->out_size, data, n);
	w->out_size += n;
	return 0;
}

#define PUT(w, text) put(w, text, sizeof(text) - 1)

/* The characters of a text that may stand in a head: NULL without an exception
 * if it is another. */
static const char *plain(PyObject *o, size_t *size)
{
	const unsigned char *text;

	if (!PyUnicode_CheckExact(o) || PyUnicode_READY(o) < 0 ||
	    PyUnicode_KIND(o) != PyUnicode_1BYTE_KIND) {
		PyErr_Clear();
		return NULL;
	}
	*size = (size_t)PyUnicode_GET_LENGTH(o);
	text = PyUnicode_1BYTE_DATA(o);
	for (size_t i = 0; i < *size; i++)
		if (text[i] == '\r' || text[i] == '\n')
			return NULL;
	return (const char *)text;
}

static bool is(const char *name, size_t size, const char *word)
{
	return size == strlen(word) && strncasecmp(name, word, size) == 0;
}

static bool to_length(const char *text, size_t size, Py_ssize_t *length)
{
	*length = 0;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9' || i > 15)
			return false;
		*length = *length * 10 + (text[i] - '0');
	}
	return size > 0;
}

/* Whether the handler need not see to it. */
static bool note_header(struct wsgi *w, const char *name, size_t size,
			const char *value, size_t value_size)
{
	if (is(name, size, "content-length")) {
		w->has_length = true;
		return to_length(value, value_size, &w->length);
	}
	if (is(name, size, "date"))
		w->has_date = true;
	return !is(name, size, "connection") && !is(name, size, "upgrade") &&
	       !is(name, size, "transfer-encoding");
}

/* 1: it is in the head, 0: it is not for us, -1 with an exception. */
static int put_header(struct wsgi *w, PyObject *pair)
{
	const char *name, *value;
	size_t name_size = 0, value_size = 0;

	if (!PyTuple_CheckExact(pair) || PyTuple_GET_SIZE(pair) != 2)
		return 0;
	name = plain(PyTuple_GET_ITEM(pair, 0), &name_size);
	value = plain(PyTuple_GET_ITEM(pair, 1), &value_size);
	if (!name || !value ||
	    !note_header(w, name, name_size, value, value_size))
		return 0;
	return put(w, name, name_size) < 0 || PUT(w, ": ") < 0 ||
			       put(w, value, value_size) < 0 ||
			       PUT(w, "\r\n") < 0
		       ? -1
		       : 1;
}

/* 200 to 599, but for those without a body. */
static bool good_status(const char *text, size_t size)
{
	int code = 0;

	if (size < 4 || text[3] != ' ')
		return false;
	for (int i = 0; i < 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		code = code * 10 + text[i] - '0';
	}
	return code >= 200 && code != 204 && code != 304;
}

/* The same of the whole. */
static int put_head(struct wsgi *w, PyObject *status, PyObject *headers)
{
	const char *text;
	size_t size;
	int r = 1;

	w->out_size = 0;
	w->has_length = w->has_date = false;
	text = plain(status, &size);
	if (!text || !good_status(text, size) || !PyList_CheckExact(headers))
		return 0;
	if (PUT(w, "HTTP/1.1 ") < 0 || put(w, text, size) < 0 ||
	    PUT(w, "\r\n") < 0)
		return -1;
	for (Py_ssize_t i = 0; r > 0 && i < PyList_GET_SIZE(headers); i++)
		r = put_header(w, PyList_GET_ITEM(headers, i));
	return r;
}

/* ---- the long way ----------------------------------------------------------
 */

/* The handler goes on by itself: what was said so far is said to it. */
static int go_slow(struct wsgi *w)
{
	PyObject *request, *args[5], *done = NULL;

	if (w->slow)
		return 0;
	w->slow = true;
	request = wsgi_describe(w);
	if (!request)
		return -1;
	args[0] = w->handler;
	args[1] = request;
	args[2] = w->env;
	args[3] = w->status ? w->status : Py_None;
	args[4] = w->headers ? w->headers : Py_None;
	done = PyObject_VectorcallMethod(s_go_slow, args,
					 5 | PY_VECTORCALL_ARGUMENTS_OFFSET,
					 NULL);
	Py_DECREF(request);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

static PyObject *write_(PyObject *self, PyObject *data)
{
	struct wsgi *w = (struct wsgi *)self;

	if (!w->handler || go_slow(w) < 0)
		return w->handler ? NULL
				  : PyErr_Format(PyExc_AssertionError,
						 "the request is over");
	return PyObject_CallMethod(w->handler, "write", "O", data);
}

static PyMethodDef write_method = {"write", write_, METH_O,
				   "write($self, data, /)\n--\n\n"
				   "Send it as part of the body."};

static const char *const known[] = {"status", "headers", "exc_info"};

PyObject *wsgi_start_response(PyObject *self, PyObject *const *args,
			      Py_ssize_t n, PyObject *names)
{
	struct wsgi *w = (struct wsgi *)self;
	PyObject *v[3];
	int r = 0;

	if (sock_arguments("start_response", args, n, names, known, 3, 2, v) <
	    0)
		return NULL;
	if (!w->handler)
		return PyErr_Format(PyExc_AssertionError,
				    "the request is over");
	if (!w->slow && !w->status && (!v[2] || v[2] == Py_None))
		r = put_head(w, v[0], v[1]);
	if (r < 0)
		return NULL;
	if (r > 0) {
		w->status = Py_NewRef(v[0]);
		w->headers = Py_NewRef(v[1]);
		return PyCFunction_New(&write_method, self);
	}
	if (go_slow(w) < 0)
		return NULL;
	return PyObject_CallMethodObjArgs(w->handler, s_start_response, v[0],
					  v[1], v[2], NULL);
}

/* Whether another request may come, -1 with an exception. */
static int end_slowly(struct wsgi *w, PyObject *result)
{
	PyObject *type = NULL, *value = NULL, *tb = NULL, *more;
	int r = -1;

	if (!result) {
		PyErr_Fetch(&type, &value, &tb);
		PyErr_NormalizeException(&type, &value, &tb);
		if (tb)
			PyException_SetTraceback(value, tb);
	}
	if (go_slow(w) == 0) {
		more = PyObject_CallMethodObjArgs(w->handler, s_end_response,
						  result ? result : Py_None,
						  value ? value : Py_None,
						  NULL);
		r = more ? PyObject_IsTrue(more) : -1;
		Py_XDECREF(more);
	}
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(tb);
	return r;
}

/* ---- the short one ---------------------------------------------------------
 */

/* The size of a list of bytes; -1: it is something else. */
static Py_ssize_t body_size(PyObject *result)
{
	Py_ssize_t size = 0;

	if (!PyList_CheckExact(result) && !PyTuple_CheckExact(result))
		return -1;
	for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(result); i++) {
		PyObject *item = PySequence_Fast_GET_ITEM(result, i);

		if (!PyBytes_CheckExact(item))
			return -1;
		size += PyBytes_GET_SIZE(item);
	}
	return size;
}

/* "Date: Mon, 23 Nov 2026 15:10:14 GMT\r\n", made once a second. */
static const char *date_line(void)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static char line[80];
	static time_t made;
	time_t now = time(NULL);
	struct tm tm;

	if (now == made)
		return line;
	gmtime_r(&now, &tm);
	snprintf(line, sizeof line,
		 "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
		 days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
		 tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	made = now;
	return line;
}

static int finish_head(struct wsgi *w, Py_ssize_t size)
{
	char length[48];
	const char *date = date_line();
	bool persists = w->head.flags & RAMET_HTTP_PERSISTS;

	if (!persists && PUT(w, "Connection: close\r\n") < 0)
		return -1;
	if (persists && w->head.version == 10 &&
	    PUT(w, "Connection: keep-alive\r\n") < 0)
		return -1;
	if (!w->has_date && put(w, date, strlen(date)) < 0)
		return -1;
	snprintf(length, sizeof length, "Content-Length: %zd\r\n", size);
	if (!w->has_length && put(w, length, strlen(length)) < 0)
		return -1;
	return PUT(w, "\r\n");
}

static int send_(struct wsgi *w, const char *data, size_t size, bool more)
{
	PyObject *sock = Py_NewRef(w->sock), *bytes, *done;
	int err = -1;

	if (w->direct) {
		err = sock_send_all(sock, data, (Py_ssize_t)size,
				    more ? MSG_MORE : 0);
	} else {
		bytes = PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
		done = bytes ? PyObject_CallMethodObjArgs(sock, s_sendall,
							  bytes, NULL)
			     : NULL;
		err = done ? 0 : -1;
		Py_XDECREF(bytes);
		Py_XDECREF(done);
	}
	Py_DECREF(sock);
	return err;
}

/* Small ones in one piece; what is large is not copied. */
static int send_body(struct wsgi *w, PyObject *result, Py_ssize_t size)
{
	bool together = w->out_size + (size_t)size <= TOGETHER;

	if (!together && send_(w, w->out, w->out_size, true) < 0)
		return -1;
	for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(result); i++) {
		PyObject *item = PySequence_Fast_GET_ITEM(result, i);
		int err;

		if (!PyBytes_CheckExact(item)) { /* it has been changed */
			PyErr_SetString(PyExc_TypeError,
					"the answer has been changed while it "
					"was sent");
			return -1;
		}
		Py_INCREF(item);
		err = together ? put(w, PyBytes_AS_STRING(item),
				     (size_t)PyBytes_GET_SIZE(item))
			       : send_(w, PyBytes_AS_STRING(item),
				       (size_t)PyBytes_GET_SIZE(item), false);
		Py_DECREF(item);
		if (err < 0)
			return -1;
	}
	return together ? send_(w, w->out, w->out_size, false) : 0;
}

static int set_number(PyObject *o, PyObject *name, PyObject *number)
{
	int err = number ? PyObject_SetAttr(o, name, number) : -1;

	Py_XDECREF(number);
	return err;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int log_it(struct wsgi *w, double began, Py_ssize_t sent)
{
	PyObject *request = wsgi_describe(w), *done;
	PyObject *h = w->handler;
	long code = strtol(w->out + strlen("HTTP/1.1 "), NULL, 10);

	if (!request)
		return -1;
	done = PyObject_SetAttr(h, s_requestline,
				PyTuple_GET_ITEM(request, 0)) < 0 ||
			       PyObject_SetAttr(h, s_status, w->status) < 0 ||
			       PyObject_SetAttr(h, s_orig_status, w->status) <
				       0 ||
			       PyObject_SetAttr(h, s_headers, w->headers) < 0 ||
			       PyObject_SetAttr(h, s_environ, w->env) < 0 ||
			       set_number(h, s_code, PyLong_FromLong(code)) <
				       0 ||
			       set_number(h, s_response_length,
					  PyLong_FromSsize_t(sent)) < 0 ||
			       set_number(h, s_time_start,
					  PyFloat_FromDouble(began)) < 0 ||
			       set_number(h, s_time_finish,
					  PyFloat_FromDouble(now())) < 0
		       ? NULL
		       : PyObject_CallMethodNoArgs(h, s_log_request);
	Py_DECREF(request);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

/* As end_slowly. */
static int end_shortly(struct wsgi *w, PyObject *result, bool log, double began)
{
	bool is_head = w->head.method.size == 4 &&
		       memcmp(w->buf + w->head.method.at, "HEAD", 4) == 0;
	Py_ssize_t size = body_size(result), sent;
	int err;

	if (size < 0 || (w->has_length && w->length != size && !is_head))
		return end_slowly(w, result);
	if (finish_head(w, size) < 0)
		return -1;
	sent = (Py_ssize_t)w->out_size + (is_head ? 0 : size);
	err = is_head ? send_(w, w->out, w->out_size, false)
		      : send_body(w, result, size);
	if (err < 0) {
		if (!PyErr_ExceptionMatches(PyExc_OSError))
			return -1;
		PyErr_Clear(); /* the client is gone */
		w->head.flags &= ~RAMET_HTTP_PERSISTS;
	}
	if (log && log_it(w, began, sent) < 0)
		return -1;
	return w->head.flags & RAMET_HTTP_PERSISTS ? 1 : 0;
}

struct place {
	PyObject *handler, *server, *address, *port, *input;
	bool log;
};

static PyObject *make_environ(struct wsgi *w, const struct place *p)
{
	PyObject *env, *base = PyObject_GetAttr(p->server, s_environ);

	env = base ? PyDict_Copy(base) : NULL;
	Py_XDECREF(base);
	if (env && wsgi_fill_environ(w, env) == 0 &&
	    PyDict_SetItem(env, s_remote_addr, p->address) == 0 &&
	    PyDict_SetItem(env, s_remote_port, p->port) == 0 &&
	    PyDict_SetItem(env, s_input, p->input) == 0 &&
	    PyDict_SetItem(env, s_terminated, Py_True) == 0)
		return env;
	Py_XDECREF(env);
	return NULL;
}

/* As end_slowly. */
static int answer(struct wsgi *w, const struct place *p, PyObject *start)
{
	PyObject *application = PyObject_GetAttr(p->server, s_application);
	PyObject *args[3] = {NULL, w->env, start}, *result = NULL;
	double began = p->log ? now() : 0;
	int r;

	if (application)
		result = PyObject_Vectorcall(application, args + 1,
					     2 | PY_VECTORCALL_ARGUMENTS_OFFSET,
					     NULL);
	Py_XDECREF(application);
	r = result && w->status && !w->slow
		    ? end_shortly(w, result, p->log, began)
		    : end_slowly(w, result);
	Py_XDECREF(result);
	return r;
}

static void end_request(struct wsgi *w)
{
	Py_CLEAR(w->handler);
	Py_CLEAR(w->env);
	Py_CLEAR(w->status);
	Py_CLEAR(w->headers);
	if (w->out_room > 4096) {
		PyMem_Free(w->out);
		w->out = NULL;
		w->out_room = 0;
	}
}

static int serve_one(struct wsgi *w, const struct place *p, PyObject *start)
{
	int r = -1;

	w->slow = false;
	w->handler = Py_NewRef(p->handler);
	w->env = make_environ(w, p);
	if (w->env)
		r = answer(w, p, start);
	end_request(w);
	return r;
}

/* serve(handler, server, address, port, input, log): None: the connection ends;
 * a number: refuse the request; what head() returns: the handler's. */
PyObject *wsgi_serve(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	const int not_short = RAMET_HTTP_UPGRADES | RAMET_HTTP_EXPECTS;
	struct wsgi *w = (struct wsgi *)self;
	struct place p;
	PyObject *start;
	int r = 1;

	if (n != 6)
		return PyErr_Format(PyExc_TypeError, "serve: 6 arguments");
	p = (struct place){.handler = args[0],
			   .server = args[1],
			   .address = args[2],
			   .port = args[3],
			   .input = args[4],
			   .log = args[5] == Py_True};
	start = PyObject_GetAttr(self, s_start_response);
	if (!start)
		return NULL;
	while (r > 0) {
		r = wsgi_read_head(w);
		if (r != WSGI_HEAD || w->head.body || w->head.flags & not_short)
			break;
		r = serve_one(w, &p, start);
		if (r == 0) {
			Py_DECREF(start);
			Py_RETURN_NONE;
		}
	}
	Py_DECREF(start);
	if (r < 0)
		return NULL;
	if (r == WSGI_END)
		Py_RETURN_NONE;
	return r == WSGI_HEAD ? wsgi_describe(w) : PyLong_FromLong(r);
}

int wsgi_serve_ready(PyObject *module)
{
	static const struct {
		PyObject **at;
		const char *text;
	} names[] = {
		{&s_application, "application"},
		{&s_environ, "environ"},
		{&s_status, "status"},
		{&s_headers, "response_headers"},
		{&s_requestline, "requestline"},
		{&s_response_length, "response_length"},
		{&s_log_request, "log_request"},
		{&s_go_slow, "_go_slow"},
		{&s_end_response, "_end_response"},
		{&s_remote_addr, "REMOTE_ADDR"},
		{&s_remote_port, "REMOTE_PORT"},
		{&s_input, "wsgi.input"},
		{&s_terminated, "wsgi.input_terminated"},
		{&s_start_response, "start_response"},
		{&s_sendall, "sendall"},
		{&s_time_start, "time_start"},
		{&s_time_finish, "time_finish"},
		{&s_code, "code"},
		{&s_orig_status, "_orig_status"},
	};

	(void)module;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!(*names[i].at = PyUnicode_InternFromString(names[i].text)))
			return -1;
	return 0;
}
