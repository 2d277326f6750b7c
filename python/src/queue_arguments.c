/* queue_arguments.c - what all queues are called with, and answer. */
#include "queue.h"

#include "arguments.h"

PyObject *exc_empty, *exc_full, *exc_shut_down;

PyObject *queue_raise(PyObject *exc)
{
	PyErr_SetNone(exc);
	return NULL;
}

static bool in_hub(void)
{
	return this_thread && this_thread->current->is_hub;
}

static int limit_of(PyObject *block, PyObject *timeout, struct queue_limit *l)
{
	int blocks = PyObject_IsTrue(block);

	if (blocks < 0)
		return -1;
	l->timeout = blocks ? timeout : Py_None;
	if (!blocks || in_hub()) {
		l->when = 0;
		return 0;
	}
	return greenlet_deadline(timeout, &l->when);
}

/* What most calls are. */
static int without_limit(struct queue_limit *l)
{
	l->when = in_hub() ? 0 : RAMET_NEVER;
	l->timeout = Py_None;
	return 0;
}

PyObject *queue_answer(PyObject *result, const struct queue_limit *l)
{
	PyObject *seconds;
	int64_t when;

	if (result || !timeout_as_limit(l->timeout, &seconds, &when) ||
	    !(PyErr_ExceptionMatches(exc_empty) ||
	      PyErr_ExceptionMatches(exc_full)))
		return result;
	PyErr_Clear();
	return timeout_raise(l->timeout);
}

int queue_put_arguments(PyObject *const *args, Py_ssize_t n, PyObject *names,
			PyObject **item, struct queue_limit *l)
{
	static const char *const parameters[] = {"item", "block", "timeout",
						 NULL};
	struct call call = {args, n, names};
	PyObject *into[] = {NULL, Py_True, Py_None};

	if (n == 1 && !names) {
		*item = args[0];
		return without_limit(l);
	}
	if (arguments_take(&call, "put", parameters, into) < 0)
		return -1;
	*item = into[0];
	if (!*item) {
		PyErr_SetString(PyExc_TypeError, "put() needs an item");
		return -1;
	}
	return limit_of(into[1], into[2], l);
}

int queue_get_arguments(PyObject *const *args, Py_ssize_t n, PyObject *names,
			struct queue_limit *l)
{
	static const char *const parameters[] = {"block", "timeout", NULL};
	struct call call = {args, n, names};
	PyObject *into[] = {Py_True, Py_None};

	if (n == 0 && !names)
		return without_limit(l);
	if (arguments_take(&call, "get", parameters, into) < 0)
		return -1;
	return limit_of(into[0], into[1], l);
}

PyObject *queue_next_of(PyObject *item)
{
	if (item != PyExc_StopIteration)
		return item;
	Py_DECREF(item);
	return NULL;
}
