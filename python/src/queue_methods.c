/* queue_methods.c - SimpleQueue, Queue, LifoQueue and PriorityQueue as Python
 * sees them. */
#include "queue.h"

#include "arguments.h"

#include <structmember.h>

static PyTypeObject *simple_type, *queue_type, *lifo_type, *priority_type;
static PyObject *name_get;

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

static PyObject *next(PyObject *self)
{
	PyObject *item = PyObject_CallMethodNoArgs(self, name_get);

	return item ? queue_next_of(item) : NULL;
}

static PyObject *next_method(PyObject *self, PyObject *unused)
{
	PyObject *item = next(self);

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

static Py_ssize_t len(PyObject *self)
{
	return queue_available((struct queue *)self);
}

static int is_true(PyObject *self)
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

static int to_maxsize(PyObject *value, Py_ssize_t *size)
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

static PyObject *get_maxsize(PyObject *self, void *unused)
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
	if (to_maxsize(value, &q->maxsize) < 0)
		return -1;
	queue_admit(q);
	return 0;
}

/* ---- making one ----------------------------------------------------------
 */

static bool is_ours(PyTypeObject *type)
{
	return type == simple_type || type == queue_type || type == lifo_type ||
	       type == priority_type;
}

static PyObject *new (PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct queue *q = (struct queue *)type->tp_alloc(type, 0);

	(void)args;
	(void)kwargs;
	if (!q)
		return NULL;
	if (PyType_IsSubtype(type, priority_type))
		q->shape = SHAPE_HEAP;
	else if (PyType_IsSubtype(type, lifo_type))
		q->shape = SHAPE_LIFO;
	q->counts_tasks = PyType_IsSubtype(type, queue_type);
	q->items = queue_new_container(q);
	if (!q->items)
		Py_CLEAR(q);
	return (PyObject *)q;
}

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"maxsize", (char *)"items",
				(char *)"unfinished_tasks",
				(char *)"_warn_depth", NULL};
	struct queue *q = (struct queue *)self;
	PyObject *maxsize = Py_None, *items = NULL, *tasks = Py_None, *depth;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOOO:Queue", names,
					 &maxsize, &items, &tasks, &depth) ||
	    to_maxsize(maxsize, &q->maxsize) < 0)
		return -1;
	if ((items || !is_ours(Py_TYPE(q))) &&
	    queue_fill(q, maxsize, items, simple_type) < 0)
		return -1;
	q->unfinished = 0;
	if (tasks != Py_None)
		q->unfinished = PyLong_AsSsize_t(tasks);
	if (q->unfinished == 0 && q->counts_tasks && items)
		q->unfinished = queue_length(q);
	return q->unfinished < 0 && PyErr_Occurred() ? -1 : 0;
}

static PyObject *copy(PyObject *self, PyObject *unused)
{
	struct queue *q = (struct queue *)self;
	PyObject *maxsize = get_maxsize(self, NULL);
	PyObject *made =
		maxsize ? PyObject_CallFunction((PyObject *)Py_TYPE(self), "OO",
						maxsize, q->items)
			: NULL;

	(void)unused;
	Py_XDECREF(maxsize);
	if (made && PyObject_TypeCheck(made, simple_type))
		((struct queue *)made)->unfinished = q->unfinished;
	return made;
}

/* ---- the types -----------------------------------------------------------
 */

static int traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(((struct queue *)self)->items);
	return 0;
}

static int clear(PyObject *self)
{
	(void)self; /* the container is cleared itself */
	return 0;
}

static void dealloc(PyObject *self)
{
	struct queue *q = (struct queue *)self;
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	if (q->weakrefs)
		PyObject_ClearWeakRefs(self);
	Py_CLEAR(q->items);
	type->tp_free(self);
	Py_DECREF(type);
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

static PyMethodDef methods[] = {
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
	{"copy", copy, METH_NOARGS,
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

static PyGetSetDef attributes[] = {
	{"hub", get_hub, NULL, "The caller's hub.", NULL},
	{"maxsize", get_maxsize, set_maxsize,
	 "How many items there is room for; None: no limit.", NULL},
	{"queue", get_queue, set_queue, "What holds the items.", NULL},
	{"is_shutdown", get_is_shutdown, NULL, "Whether it was shut down.",
	 NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
	{"__weaklistoffset__", T_PYSSIZET, offsetof(struct queue, weakrefs),
	 READONLY, NULL},
	{NULL, 0, 0, 0, NULL},
};

static PyMethodDef task_methods[] = {
	{"task_done", task_done, METH_NOARGS,
	 "task_done($self, /)\n--\n\n"
	 "What one get returned has been dealt with."},
	{"join", METHOD(join), METH_FASTCALL | METH_KEYWORDS,
	 "join($self, /, timeout=None)\n--\n\n"
	 "Wait until all that was put is dealt with.  Returns whether it\n"
	 "is."},
	{NULL, NULL, 0, NULL},
};

static PyMemberDef task_members[] = {
	{"unfinished_tasks", T_PYSSIZET, offsetof(struct queue, unfinished),
	 READONLY, "How often task_done is to be called yet."},
	{NULL, 0, 0, 0, NULL},
};

#define ARGUMENTS                                                              \
	"(maxsize=None, items=(), unfinished_tasks=None, "                     \
	"_warn_depth=2)\n--\n\n"

static PyTypeObject *derive(PyObject *module, const char *name, const char *doc,
			    PyTypeObject *base, PyMethodDef *more,
			    PyMemberDef *fields)
{
	PyType_Slot slots[] = {
		{Py_tp_doc, (char *)doc},
		{more ? Py_tp_methods : 0, more},
		{fields ? Py_tp_members : 0, fields},
		{0, NULL},
	};
	PyType_Spec spec = {name, sizeof(struct queue), 0,
			    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

	return base ? linkable_add_type(module, &spec, base) : NULL;
}

static PyTypeObject *make_base(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc,
		 (char *)"SimpleQueue" ARGUMENTS "First in, first out."},
		{Py_tp_new, new},
		{Py_tp_init, init},
		{Py_tp_dealloc, dealloc},
		{Py_tp_traverse, traverse},
		{Py_tp_clear, clear},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{Py_tp_members, members},
		{Py_tp_iter, PyObject_SelfIter},
		{Py_tp_iternext, next},
		{Py_tp_repr, queue_repr},
		{Py_tp_str, queue_str},
		{Py_nb_bool, is_true},
		{Py_sq_length, len},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.queue.SimpleQueue",
				   sizeof(struct queue), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};
	PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&spec);

	if (type && PyModule_AddType(module, type) < 0)
		Py_CLEAR(type);
	return type;
}

static PyObject *import(const char *module, const char *name)
{
	PyObject *m = PyImport_ImportModule(module);
	PyObject *value = m ? PyObject_GetAttrString(m, name) : NULL;

	Py_XDECREF(m);
	return value;
}

static int find_exceptions(PyObject *module)
{
	exc_empty = import("queue", "Empty");
	exc_full = import("queue", "Full");
	if (!exc_empty || !exc_full)
		return -1;
	exc_shut_down = import("queue", "ShutDown");
	if (!exc_shut_down) {
		PyErr_Clear();
		exc_shut_down = PyErr_NewExceptionWithDoc(
			"ramet.queue.ShutDown", "The queue has been shut down.",
			NULL, NULL);
	}
	return exc_shut_down ? PyModule_AddObjectRef(module, "ShutDown",
						     exc_shut_down)
			     : -1;
}

int queue_ready(PyObject *module)
{
	if (queue_items_ready() < 0 || find_exceptions(module) < 0)
		return -1;
	name_get = PyUnicode_InternFromString("get");
	if (!name_get)
		return -1;
	simple_type = make_base(module);
	queue_type = derive(module, "ramet.queue.Queue",
			    "Queue" ARGUMENTS "First in, first out; join() "
			    "waits until all is dealt with.",
			    simple_type, task_methods, task_members);
	lifo_type = derive(module, "ramet.queue.LifoQueue",
			   "LifoQueue" ARGUMENTS
			   "A Queue from which the last item comes first.",
			   queue_type, NULL, NULL);
	priority_type = derive(module, "ramet.queue.PriorityQueue",
			       "PriorityQueue" ARGUMENTS
			       "A Queue from which the least item comes first.",
			       queue_type, NULL, NULL);
	return priority_type && lifo_type ? 0 : -1;
}
