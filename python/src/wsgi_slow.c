/* wsgi_slow.c - the long way from a request to its answer: the handler is told
 * what has been said so far (its _go_slow), and goes on by itself.
 *
 * Nothing has been sent until then, so that nobody can tell the difference.
 */
#include "wsgi.h"

#include "arguments.h"
#include "sock.h"

static PyObject *s_go_slow, *s_end_response, *s_start_response;

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
	return CALL_METHOD(w->handler, "write", data, NULL);
}

static PyMethodDef write_method = {"write", write_, METH_O,
				   "write($self, data, /)\n--\n\n"
				   "Send it as part of the body."};

static const char *const known[] = {"status", "headers", "exc_info", NULL};

PyObject *wsgi_start_response(PyObject *self, PyObject *const *args,
			      Py_ssize_t n, PyObject *names)
{
	struct wsgi *w = (struct wsgi *)self;
	PyObject *v[3];
	int r = 0;

	if (arguments_need(&(struct call){args, n, names}, "start_response",
			   known, 2, v) < 0)
		return NULL;
	if (!w->handler)
		return PyErr_Format(PyExc_AssertionError,
				    "the request is over");
	if (!w->slow && !w->status && (!v[2] || v[2] == Py_None))
		r = wsgi_put_head(w, v[0], v[1]);
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

int wsgi_end_slowly(struct wsgi *w, PyObject *result)
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

int wsgi_slow_ready(PyObject *module)
{
	static const struct wsgi_name names[] = {
		{&s_go_slow, "_go_slow"},
		{&s_end_response, "_end_response"},
		{&s_start_response, "start_response"},
		{NULL, NULL},
	};

	(void)module;
	return wsgi_intern(names);
}
