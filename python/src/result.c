/* result.c - AsyncResult: a value or an exception to wait for. */
#include "linkable.h"

#include "arguments.h"

#include <structmember.h>

struct result {
	struct linkable linkable;
	/* Owned.  It is ready once one of the two is there; a value counts
	 * more. */
	PyObject *value, *exception;
	PyObject *exc_info; /* owned: a tuple of three, if exception is there */
	PyObject *index;    /* owned: what mappings note */
};

static bool is_ready(const struct result *r)
{
	return r->value || r->exception;
}

static PyObject *become_ready(struct result *r)
{
	waiters_wake_all(&r->linkable.waiters);
	linkable_notify(&r->linkable);
	Py_RETURN_NONE;
}

/* ---- the outcome ---------------------------------------------------------
 */

static PyObject *set(PyObject *self, PyObject *const *args, Py_ssize_t n,
		     PyObject *names)
{
	static const char *const parameters[] = {"value", NULL};
	struct result *r = (struct result *)self;
	struct call call = {args, n, names};
	PyObject *value = Py_None;

	if (arguments_take(&call, "set", parameters, &value) < 0)
		return NULL;
	Py_XSETREF(r->value, Py_NewRef(value));
	Py_CLEAR(r->exception);
	Py_CLEAR(r->exc_info);
	return become_ready(r);
}

static PyObject *info_of(PyObject *exception)
{
	PyObject *traceback = NULL, *info;

	if (PyExceptionInstance_Check(exception))
		traceback = PyException_GetTraceback(exception);
	info = PyTuple_Pack(3, (PyObject *)Py_TYPE(exception), exception,
			    traceback ? traceback : Py_None);
	Py_XDECREF(traceback);
	return info;
}

static PyObject *fail(struct result *r, PyObject *exception, PyObject *info)
{
	info = info == Py_None ? info_of(exception) : PySequence_Tuple(info);
	if (!info)
		return NULL;
	if (PyTuple_GET_SIZE(info) != 3) {
		Py_SETREF(info, info_of(exception));
		if (!info)
			return NULL;
	}
	Py_XSETREF(r->exception, Py_NewRef(exception));
	Py_XSETREF(r->exc_info, info);
	return become_ready(r);
}

static PyObject *set_exception(PyObject *self, PyObject *const *args,
			       Py_ssize_t n, PyObject *names)
{
	static const char *const parameters[] = {"exception", "exc_info", NULL};
	struct call call = {args, n, names};
	PyObject *into[] = {NULL, Py_None};

	if (arguments_take(&call, "set_exception", parameters, into) < 0)
		return NULL;
	if (!into[0]) {
		PyErr_SetString(PyExc_TypeError, "set_exception() needs an "
						 "exception");
		return NULL;
	}
	return fail((struct result *)self, into[0], into[1]);
}

/* A link: what a greenlet, or anything like it, ended with. */
static PyObject *fail_as(struct result *r, PyObject *source)
{
	PyObject *exception = GET_ATTRIBUTE(source, "exception");
	PyObject *info, *answer;

	if (!exception)
		return NULL;
	info = GET_ATTRIBUTE(source, "exc_info");
	if (!info) {
		PyErr_Clear();
		info = Py_NewRef(Py_None);
	}
	answer = fail(r, exception, info);
	Py_DECREF(exception);
	Py_DECREF(info);
	return answer;
}

static PyObject *call(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"source", NULL};
	PyObject *source, *answer, *value;
	int successful;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:AsyncResult", names,
					 &source))
		return NULL;
	answer = CALL_METHOD(source, "successful", NULL);
	successful = answer ? PyObject_IsTrue(answer) : -1;
	Py_XDECREF(answer);
	if (successful <= 0)
		return successful < 0 ? NULL
				      : fail_as((struct result *)self, source);
	value = GET_ATTRIBUTE(source, "value");
	answer = value ? set(self, &value, 1, NULL) : NULL;
	Py_XDECREF(value);
	return answer;
}

/* ---- waiting for it ------------------------------------------------------
 */

static PyObject *raise_it(struct result *r)
{
	PyObject *exc = Py_NewRef(r->exception), *class;
	PyObject *traceback = Py_NewRef(PyTuple_GET_ITEM(r->exc_info, 2));

	if (PyExceptionClass_Check(exc)) { /* whose code may set r anew */
		class = exc;
		exc = exception_make(class, NULL, NULL);
		Py_DECREF(class);
	}
	if (exc && !PyExceptionInstance_Check(exc)) {
		PyErr_Format(PyExc_TypeError,
			     "exceptions must derive from BaseException, not "
			     "%s",
			     Py_TYPE(exc)->tp_name);
		Py_CLEAR(exc);
	}
	if (exc && (PyTraceBack_Check(traceback) || traceback == Py_None))
		PyException_SetTraceback(exc, traceback);
	Py_DECREF(traceback);
	if (exc)
		exception_raise(exc);
	return NULL;
}

static PyObject *outcome(struct result *r)
{
	return r->value ? Py_NewRef(r->value) : raise_it(r);
}

/* Returns as greenlet_wait. */
static int wait_until_ready(struct result *r, PyObject *timeout)
{
	struct waiter w;
	int64_t when;

	if (is_ready(r))
		return 1;
	if (greenlet_deadline(timeout, &when) < 0)
		return -1;
	return waiters_wait(&r->linkable.waiters, &w, "a result", when);
}

static PyObject *get_(struct result *r, PyObject *timeout)
{
	int end = wait_until_ready(r, timeout);

	if (end <= 0)
		return end < 0 ? NULL : timeout_raise(timeout);
	return outcome(r);
}

static PyObject *get(PyObject *self, PyObject *const *args, Py_ssize_t n,
		     PyObject *names)
{
	static const char *const parameters[] = {"block", "timeout", NULL};
	struct result *r = (struct result *)self;
	struct call call = {args, n, names};
	PyObject *into[] = {Py_True, Py_None};
	int block;

	if (arguments_take(&call, "get", parameters, into) < 0)
		return NULL;
	if (is_ready(r))
		return outcome(r);
	block = PyObject_IsTrue(into[0]);
	if (block <= 0)
		return block < 0 ? NULL : timeout_raise(NULL);
	return get_(r, into[1]);
}

static PyObject *get_nowait(PyObject *self, PyObject *unused)
{
	struct result *r = (struct result *)self;

	(void)unused;
	return is_ready(r) ? outcome(r) : timeout_raise(NULL);
}

static PyObject *get_value(PyObject *self, void *unused);

static PyObject *wait(PyObject *self, PyObject *const *args, Py_ssize_t n,
		      PyObject *names)
{
	static const char *const parameters[] = {"timeout", NULL};
	struct call call = {args, n, names};
	PyObject *timeout = Py_None;

	if (arguments_take(&call, "wait", parameters, &timeout) < 0 ||
	    wait_until_ready((struct result *)self, timeout) < 0)
		return NULL;
	return get_value(self, NULL);
}

/* As concurrent.futures.Future has it. */
static PyObject *result_(PyObject *self, PyObject *const *args, Py_ssize_t n,
			 PyObject *names)
{
	static const char *const parameters[] = {"timeout", NULL};
	struct call call = {args, n, names};
	PyObject *timeout = Py_None;

	if (arguments_take(&call, "result", parameters, &timeout) < 0)
		return NULL;
	return get_((struct result *)self, timeout);
}

/* ---- attributes ----------------------------------------------------------
 */

static PyObject *ready(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(is_ready((struct result *)self));
}

static PyObject *successful(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct result *)self)->value != NULL);
}

static PyObject *no(PyObject *self, PyObject *unused)
{
	(void)self;
	(void)unused;
	Py_RETURN_FALSE;
}

static PyObject *get_value(PyObject *self, void *unused)
{
	PyObject *value = ((struct result *)self)->value;

	(void)unused;
	return Py_NewRef(value ? value : Py_None);
}

static PyObject *get_exception(PyObject *self, void *unused)
{
	PyObject *exception = ((struct result *)self)->exception;

	(void)unused;
	return Py_NewRef(exception ? exception : Py_None);
}

static PyObject *get_exc_info(PyObject *self, void *unused)
{
	PyObject *info = ((struct result *)self)->exc_info;

	(void)unused;
	return info ? Py_NewRef(info) : PyTuple_New(0);
}

static PyObject *repr(PyObject *self)
{
	struct result *r = (struct result *)self;
	const char *name = _PyType_Name(Py_TYPE(self));

	if (r->value)
		return PyUnicode_FromFormat("<%s value=%.100R>", name,
					    r->value);
	if (r->exception)
		return PyUnicode_FromFormat("<%s exception=%R>", name,
					    r->exception);
	return PyUnicode_FromFormat("<%s unset  _links[%zd]>", name,
				    linkable_count(&r->linkable));
}

/* ---- the type ------------------------------------------------------------
 */

static int traverse(PyObject *self, visitproc visit, void *arg)
{
	struct result *r = (struct result *)self;

	Py_VISIT(r->value);
	Py_VISIT(r->exception);
	Py_VISIT(r->exc_info);
	Py_VISIT(r->index);
	return linkable_traverse(self, visit, arg);
}

static int clear(PyObject *self)
{
	struct result *r = (struct result *)self;

	Py_CLEAR(r->value);
	Py_CLEAR(r->exception);
	Py_CLEAR(r->exc_info);
	Py_CLEAR(r->index);
	return linkable_clear(self);
}

static PyMethodDef methods[] = {
	{"set", METHOD(set), METH_FASTCALL | METH_KEYWORDS,
	 "set($self, /, value=None)\n--\n\n"
	 "Who waits gets value."},
	{"set_result", METHOD(set), METH_FASTCALL | METH_KEYWORDS,
	 "set_result($self, /, value=None)\n--\n\n"
	 "set(value)"},
	{"set_exception", METHOD(set_exception), METH_FASTCALL | METH_KEYWORDS,
	 "set_exception($self, /, exception, exc_info=None)\n--\n\n"
	 "Who waits is raised it."},
	{"get", METHOD(get), METH_FASTCALL | METH_KEYWORDS,
	 "get($self, /, block=True, timeout=None)\n--\n\n"
	 "Wait for the value.  Raises the exception, or Timeout when the\n"
	 "time is over."},
	{"get_nowait", get_nowait, METH_NOARGS,
	 "get_nowait($self, /)\n--\n\n"
	 "get(block=False)"},
	{"result", METHOD(result_), METH_FASTCALL | METH_KEYWORDS,
	 "result($self, /, timeout=None)\n--\n\n"
	 "get(timeout=timeout)"},
	{"wait", METHOD(wait), METH_FASTCALL | METH_KEYWORDS,
	 "wait($self, /, timeout=None)\n--\n\n"
	 "Wait for an outcome.  Returns the value, None if there is none\n"
	 "then."},
	{"ready", ready, METH_NOARGS,
	 "ready($self, /)\n--\n\n"
	 "Whether there is an outcome."},
	{"done", ready, METH_NOARGS,
	 "done($self, /)\n--\n\n"
	 "ready()"},
	{"successful", successful, METH_NOARGS,
	 "successful($self, /)\n--\n\n"
	 "Whether there is a value."},
	{"cancel", no, METH_NOARGS,
	 "cancel($self, /)\n--\n\n"
	 "It cannot be: False."},
	{"cancelled", no, METH_NOARGS,
	 "cancelled($self, /)\n--\n\n"
	 "It cannot be: False."},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"value", get_value, NULL, "What was set, or None.", NULL},
	{"exception", get_exception, NULL, "The exception, or None.", NULL},
	{"exc_info", get_exc_info, NULL,
	 "Type, exception and traceback; () if there is none.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
	{"_imap_task_index", T_OBJECT, offsetof(struct result, index), 0, NULL},
	{NULL, 0, 0, 0, NULL},
};

int result_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc, (char *)"AsyncResult()\n--\n\n"
				    "A value or an exception that greenlets of "
				    "any thread wait for."},
		{Py_tp_dealloc, linkable_dealloc},
		{Py_tp_traverse, traverse},
		{Py_tp_clear, clear},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{Py_tp_members, members},
		{Py_tp_call, call},
		{Py_tp_repr, repr},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.event.AsyncResult",
				   sizeof(struct result), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};

	return linkable_add_type(module, &spec, NULL) ? 0 : -1;
}
