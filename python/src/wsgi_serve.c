/* wsgi_serve.c - the short way from a request to its answer: a request without
 * a body, an application that calls start_response once and returns a list of
 * bytes, and an answer that is sent at once.
 *
 * Anything else goes the long way (wsgi_slow.c).
 */
#include "wsgi.h"

#include "sock.h"

#include <string.h>
#include <time.h>

enum { TOGETHER = 64 * 1024 };

static PyObject *s_application, *s_environ, *s_status, *s_headers,
	*s_requestline, *s_response_length, *s_log_request, *s_remote_addr,
	*s_remote_port, *s_input, *s_terminated, *s_start_response, *s_sendall,
	*s_time_start, *s_time_finish, *s_code, *s_orig_status;

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
		err = together ? wsgi_put(w, PyBytes_AS_STRING(item),
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

/* As wsgi_end_slowly. */
static int end_shortly(struct wsgi *w, PyObject *result, bool log, double began)
{
	bool is_head = w->head.method.size == 4 &&
		       memcmp(w->buf + w->head.method.at, "HEAD", 4) == 0;
	Py_ssize_t size = body_size(result), sent;
	int err;

	if (size < 0 || (w->has_length && w->length != size && !is_head))
		return wsgi_end_slowly(w, result);
	if (wsgi_finish_head(w, size) < 0)
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

/* As wsgi_end_slowly. */
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
		    : wsgi_end_slowly(w, result);
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

/* A client that is gone, or has not said anything in time, has nothing to say.
 */
static int read_head(struct wsgi *w)
{
	int r = wsgi_read_head(w);

	if (r >= 0 || !PyErr_ExceptionMatches(PyExc_OSError))
		return r;
	PyErr_Clear();
	return WSGI_END;
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
		r = read_head(w);
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
	static const struct wsgi_name names[] = {
		{&s_application, "application"},
		{&s_environ, "environ"},
		{&s_status, "status"},
		{&s_headers, "response_headers"},
		{&s_requestline, "requestline"},
		{&s_response_length, "response_length"},
		{&s_log_request, "log_request"},
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
		{NULL, NULL},
	};

	(void)module;
	return wsgi_intern(names);
}
