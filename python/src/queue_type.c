/* queue_type.c - the types SimpleQueue, Queue, LifoQueue and PriorityQueue: how
 * one is made, copied and forgotten. */
#include "queue.h"

#include <structmember.h>

static PyTypeObject *simple_type, *queue_type, *lifo_type, *priority_type;

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
	    queue_to_maxsize(maxsize, &q->maxsize) < 0)
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

PyObject *queue_copy(PyObject *self, PyObject *unused)
{
	struct queue *q = (struct queue *)self;
	PyObject *maxsize = queue_get_maxsize(self, NULL);
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

static PyMemberDef members[] = {
	{"__weaklistoffset__", T_PYSSIZET, offsetof(struct queue, weakrefs),
	 READONLY, NULL},
	{NULL, 0, 0, 0, NULL},
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
		{Py_tp_methods, queue_methods},
		{Py_tp_getset, queue_attributes},
		{Py_tp_members, members},
		{Py_tp_iter, PyObject_SelfIter},
		{Py_tp_iternext, queue_next},
		{Py_tp_repr, queue_repr},
		{Py_tp_str, queue_str},
		{Py_nb_bool, queue_is_true},
		{Py_sq_length, queue_len},
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
	simple_type = make_base(module);
	queue_type = derive(module, "ramet.queue.Queue",
			    "Queue" ARGUMENTS "First in, first out; join() "
			    "waits until all is dealt with.",
			    simple_type, queue_task_methods, task_members);
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
