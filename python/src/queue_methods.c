/* queue_methods.c - the methods and attributes of queues. */
#include "queue.h"

#include "arguments.h"

/* ---- put and get ---------------------------------------------------------
 */

static PyObject *put(PyObject *self, PyObject *const *args, Py_ssize_t n,
		     PyObject *names)
{
	PyObject *item;
	struct queue_limit l;

	if (queue_put_arguments(args, n, names, &item, &l) < 0)
		return NULL;
	return queue_answer(queue_put((struct queue *)self, item, l.when), &l);
}

static PyObject *put_nowait(PyObject *self, PyObject *item)
{
	return queue_put((struct queue *)self, item, 0);
}

static PyObject *get(PyObject *self, PyObject *const *args, Py_ssize_t n,
		     PyObject *names)
{
	struct queue_limit l;

	if (queue_get_arguments(args, n, names, &l) < 0)
		return NULL;
	return queue_answer(queue_get((struct queue *)self, l.when), &l);
}

static PyObject *get_nowait(PyObject *self, PyObject *unused)
{
	(void)unused;
	return queue_get((struct queue *)self, 0);
}

static PyObject *peek(PyObject *self, PyObject *const *args, Py_ssize_t n,
		      PyObject *names)
{
	struct queue_limit l;

	if (queue_get_arguments(args, n, names, &l) < 0)
		return NULL;
	return queue_answer(queue_peek((struct queue *)self, l.when), &l);
}

static PyObject *peek_nowait(PyObject *self, PyObject *unused)
{
	(void)unused;
	return queue_peek((struct queue *)self, 0);
}

PyObject *queue_next(PyObject *self)
{
	PyObject *item = CALL_METHOD(self, "get", NULL);

	return item ? queue_next_of(item) : NULL;
}

static PyObject *next_method(PyObject *self, PyObject *unused)
{
	PyObject *item = queue_next(self);

	(void)unused;
	if (!item && !PyErr_Occurred())
		PyErr_SetNone(PyExc_StopIteration);
	return item;
}

/* ---- tasks and ends ------------------------------------------------------
 */

static PyObject *task_done(PyObject *self, PyObject *unused)
{
	struct queue *q = (struct queue *)self;

	(void)unused;
	if (q->unfinished <= 0) {
		PyErr_SetString(PyExc_ValueError,
				"task_done() called too many times");
		return NULL;
	}
	queue_finish(q, 1);
	Py_RETURN_NONE;
}

static PyObject *join(PyObject *self, PyObject *const *args, Py_ssize_t n,
		      PyObject *names)
{
	static const char *const parameters[] = {"timeout", NULL};
	struct queue *q = (struct queue *)self;
	struct call call = {args, n, names};
	PyObject *timeout = Py_None;
	struct waiter w;
	int64_t when;
	int end = 1;

	if (arguments_take(&call, "join", parameters, &timeout) < 0 ||
	    greenlet_deadline(timeout, &when) < 0)
		return NULL;
	if (q->unfinished)
		end = waiters_wait(&q->joiners, &w, "the end of tasks", when);
	return end < 0 ? NULL : PyBool_FromLong(end);
}

static PyObject *shutdown(PyObject *self, PyObject *const *args, Py_ssize_t n,
			  PyObject *names)
{
	static const char *const parameters[] = {"immediate", NULL};
	struct queue *q = (struct queue *)self;
	struct call call = {args, n, names};
	PyObject *immediate = Py_False;
	int at_once;

	if (arguments_take(&call, "shutdown", parameters, &immediate) < 0)
		return NULL;
	at_once = PyObject_IsTrue(immediate);
	if (at_once < 0)
		return NULL;
	if (queue_shut(q, at_once) < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* ---- how much there is ---------------------------------------------------
 */

static PyObject *qsize(PyObject *self, PyObject *unused)
{
	Py_ssize_t n = queue_available((struct queue *)self);

	(void)unused;
	return n < 0 ? NULL : PyLong_FromSsize_t(n);
}

Py_ssize_t queue_len(PyObject *self)
{
	return queue_available((struct queue *)self);
}

int queue_is_true(PyObject *self)
{
	(void)self;
	return 1;
}

static PyObject *empty(PyObject *self, PyObject *unused)
{
	Py_ssize_t n = queue_available((struct queue *)self);

	(void)unused;
	return n < 0 ? NULL : PyBool_FromLong(n == 0);
}

static PyObject *full(PyObject *self, PyObject *unused)
{
	struct queue *q = (struct queue *)self;
	Py_ssize_t n = queue_available(q);

	(void)unused;
	return n < 0 ? NULL : PyBool_FromLong(!queue_has_room(q, n));
}

int queue_to_maxsize(PyObject *value, Py_ssize_t *size)
{
	*size = 0;
	if (!value || value == Py_None)
		return 0;
	*size = PyNumber_AsSsize_t(value, PyExc_OverflowError);
	if (*size == -1 && PyErr_Occurred())
		return -1;
	if (*size < 0)
		*size = 0;
	return 0;
}

PyObject *queue_get_maxsize(PyObject *self, void *unused)
{
	Py_ssize_t maxsize = ((struct queue *)self)->maxsize;

	(void)unused;
	if (maxsize <= 0)
		Py_RETURN_NONE;
	return PyLong_FromSsize_t(maxsize);
}

static int set_maxsize(PyObject *self, PyObject *value, void *unused)
{
	struct queue *q = (struct queue *)self;

	(void)unused;
	if (queue_to_maxsize(value, &q->maxsize) < 0)
		return -1;
	queue_admit(q);
	return 0;
}

static PyObject *get_hub(PyObject *self, void *unused)
{
	struct thread *t = thread_get();

	(void)self;
	(void)unused;
	return t ? (PyObject *)Py_XNewRef(hub_get(t)) : NULL;
}

static PyObject *get_is_shutdown(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct queue *)self)->shut);
}

static PyObject *get_queue(PyObject *self, void *unused)
{
	(void)unused;
	return Py_NewRef(((struct queue *)self)->items);
}

static int set_queue(PyObject *self, PyObject *items, void *unused)
{
	(void)unused;
	if (!items) {
		PyErr_SetString(PyExc_AttributeError, "can't delete attribute");
		return -1;
	}
	Py_SETREF(((struct queue *)self)->items, Py_NewRef(items));
	return 0;
}

PyMethodDef queue_methods[] = {
	{"put", METHOD(put), METH_FASTCALL | METH_KEYWORDS,
	 "put($self, /, item, block=True, timeout=None)\n--\n\n"
	 "Wait for room, and put it in.  Raises Full."},
	{"put_nowait", put_nowait, METH_O,
	 "put_nowait($self, item, /)\n--\n\n"
	 "put(item, block=False)"},
	{"get", METHOD(get), METH_FASTCALL | METH_KEYWORDS,
	 "get($self, /, block=True, timeout=None)\n--\n\n"
	 "Wait for an item, take it out, and return it.  Raises Empty."},
	{"get_nowait", get_nowait, METH_NOARGS,
	 "get_nowait($self, /)\n--\n\n"
	 "get(block=False)"},
	{"peek", METHOD(peek), METH_FASTCALL | METH_KEYWORDS,
	 "peek($self, /, block=True, timeout=None)\n--\n\n"
	 "What get would return; it stays.  Raises Empty."},
	{"peek_nowait", peek_nowait, METH_NOARGS,
	 "peek_nowait($self, /)\n--\n\n"
	 "peek(block=False)"},
	{"next", next_method, METH_NOARGS,
	 "next($self, /)\n--\n\n"
	 "get(), for loops."},
	{"shutdown", METHOD(shutdown), METH_FASTCALL | METH_KEYWORDS,
	 "shutdown($self, /, immediate=False)\n--\n\n"
	 "From now on put raises ShutDown, and get does once the queue\n"
	 "is empty: it is emptied if immediate."},
	{"qsize", qsize, METH_NOARGS,
	 "qsize($self, /)\n--\n\n"
	 "How many items there are."},
	{"empty", empty, METH_NOARGS,
	 "empty($self, /)\n--\n\n"
	 "Whether get would block."},
	{"full", full, METH_NOARGS,
	 "full($self, /)\n--\n\n"
	 "Whether put would block."},
	{"copy", queue_copy, METH_NOARGS,
	 "copy($self, /)\n--\n\n"
	 "One with the same items."},
	{"_init", queue_own_init, METH_VARARGS, NULL},
	{"_create_queue", queue_create_queue, METH_VARARGS, NULL},
	{"_put", queue_own_put, METH_O, NULL},
	{"_get", queue_own_get, METH_NOARGS, NULL},
	{"_peek", queue_own_peek, METH_NOARGS, NULL},
	{"_qsize", queue_own_qsize, METH_NOARGS, NULL},
	{"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS,
	 "__class_getitem__($type, item, /)\n--\n\n"
	 "Queue[int], for annotations."},
	{NULL, NULL, 0, NULL},
};

PyGetSetDef queue_attributes[] = {
	{"hub", get_hub, NULL, "The caller's hub.", NULL},
	{"maxsize", queue_get_maxsize, set_maxsize,
	 "How many items there is room for; None: no limit.", NULL},
	{"queue", get_queue, set_queue, "What holds the items.", NULL},
	{"is_shutdown", get_is_shutdown, NULL, "Whether it was shut down.",
	 NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

PyMethodDef queue_task_methods[] = {
	{"task_done", task_done, METH_NOARGS,
	 "task_done($self, /)\n--\n\n"
	 "What one get returned has been dealt with."},
	{"join", METHOD(join), METH_FASTCALL | METH_KEYWORDS,
	 "join($self, /, timeout=None)\n--\n\n"
	 "Wait until all that was put is dealt with.  Returns whether it\n"
	 "is."},
	{NULL, NULL, 0, NULL},
};
