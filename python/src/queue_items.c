/* queue_items.c - what holds the items of a queue: a deque, or a list that is a
 * stack or a heap, or whatever a subclass makes of it. */
#include "queue.h"

static PyTypeObject *deque_type;
static PyObject *deque_append, *deque_popleft, *heap_push, *heap_pop;
static PyObject *name_put, *name_get, *name_peek, *name_qsize, *name_init;

/* ---- items ---------------------------------------------------------------
 */

/* Comparing items may run code, which may give the queue another container. */
static PyObject *call_heap(PyObject *function, PyObject **args, size_t n)
{
	PyObject *heap = Py_NewRef(args[0]);
	PyObject *result = PyObject_Vectorcall(function, args, n, NULL);

	Py_DECREF(heap);
	return result;
}

static PyObject *base_put(struct queue *q, PyObject *item)
{
	PyObject *args[] = {q->items, item};

	if (q->shape == SHAPE_HEAP)
		return call_heap(heap_push, args, 2);
	if (Py_IS_TYPE(q->items, deque_type))
		return PyObject_Vectorcall(deque_append, args, 2, NULL);
	return CALL_METHOD(q->items, "append", item, NULL);
}

static PyObject *base_get(struct queue *q)
{
	PyObject *args[] = {q->items};

	if (q->shape == SHAPE_HEAP)
		return call_heap(heap_pop, args, 1);
	if (q->shape == SHAPE_LIFO)
		return CALL_METHOD(q->items, "pop", NULL);
	if (Py_IS_TYPE(q->items, deque_type))
		return PyObject_Vectorcall(deque_popleft, args, 1, NULL);
	return CALL_METHOD(q->items, "popleft", NULL);
}

static PyObject *base_peek(struct queue *q)
{
	return PySequence_GetItem(q->items, q->shape == SHAPE_LIFO ? -1 : 0);
}

int queue_add(struct queue *q, PyObject *item)
{
	PyObject *result = q->has_put
				   ? PyObject_CallMethodOneArg((PyObject *)q,
							       name_put, item)
				   : base_put(q, item);

	Py_XDECREF(result);
	return result ? 0 : -1;
}

PyObject *queue_remove(struct queue *q)
{
	return q->has_get ? PyObject_CallMethodNoArgs((PyObject *)q, name_get)
			  : base_get(q);
}

PyObject *queue_first(struct queue *q)
{
	return q->has_peek ? PyObject_CallMethodNoArgs((PyObject *)q, name_peek)
			   : base_peek(q);
}

Py_ssize_t queue_length(struct queue *q)
{
	PyObject *n;
	Py_ssize_t result;

	if (!q->has_size)
		return Py_IS_TYPE(q->items, deque_type)
			       ? Py_SIZE(q->items)
			       : PyObject_Size(q->items);
	n = PyObject_CallMethodNoArgs((PyObject *)q, name_qsize);
	result = n ? PyLong_AsSsize_t(n) : -1;
	Py_XDECREF(n);
	return result;
}

/* ---- for subclasses ------------------------------------------------------
 */

PyObject *queue_own_put(PyObject *self, PyObject *item)
{
	return base_put((struct queue *)self, item);
}

PyObject *queue_own_get(PyObject *self, PyObject *unused)
{
	(void)unused;
	return base_get((struct queue *)self);
}

PyObject *queue_own_peek(PyObject *self, PyObject *unused)
{
	(void)unused;
	return base_peek((struct queue *)self);
}

PyObject *queue_own_qsize(PyObject *self, PyObject *unused)
{
	Py_ssize_t n = PyObject_Size(((struct queue *)self)->items);

	(void)unused;
	return n < 0 ? NULL : PyLong_FromSsize_t(n);
}

/* A new container of items. */
PyObject *queue_create_queue(PyObject *self, PyObject *args)
{
	struct queue *q = (struct queue *)self;
	PyObject *items = NULL, *made, *result;

	if (!PyArg_ParseTuple(args, "|O:_create_queue", &items))
		return NULL;
	if (q->shape == SHAPE_FIFO)
		return items ? PyObject_CallOneArg((PyObject *)deque_type,
						   items)
			     : PyObject_CallNoArgs((PyObject *)deque_type);
	made = items ? PySequence_List(items) : PyList_New(0);
	if (!made || q->shape == SHAPE_LIFO)
		return made;
	/* Pushed one by one, they end up in the order of heapify. */
	items = PyImport_ImportModule("heapq");
	result = items ? CALL_METHOD(items, "heapify", made, NULL) : NULL;
	Py_XDECREF(items);
	if (!result)
		Py_CLEAR(made);
	Py_XDECREF(result);
	return made;
}

PyObject *queue_own_init(PyObject *self, PyObject *args)
{
	PyObject *none = PyTuple_New(0);
	PyObject *items = none ? queue_create_queue(self, none) : NULL;

	(void)args;
	Py_XDECREF(none);
	if (!items)
		return NULL;
	Py_XSETREF(((struct queue *)self)->items, items);
	Py_RETURN_NONE;
}

/* ---- making one ----------------------------------------------------------
 */

PyObject *queue_new_container(struct queue *q)
{
	return q->shape == SHAPE_FIFO
		       ? PyObject_CallNoArgs((PyObject *)deque_type)
		       : PyList_New(0);
}

/* Whether the class of q has a method of its own by that name. */
static bool overrides(struct queue *q, PyObject *name, PyTypeObject *base)
{
	PyObject *theirs = PyObject_GetAttr((PyObject *)Py_TYPE(q), name);
	PyObject *ours = PyObject_GetAttr((PyObject *)base, name);
	bool differ = theirs && ours && theirs != ours;

	Py_XDECREF(theirs);
	Py_XDECREF(ours);
	PyErr_Clear();
	return differ;
}

static void find_overrides(struct queue *q, PyTypeObject *base)
{
	q->has_put = overrides(q, name_put, base);
	q->has_get = overrides(q, name_get, base);
	q->has_peek = overrides(q, name_peek, base);
	q->has_size = overrides(q, name_qsize, base);
}

/* As the standard library's subclasses have it: _init makes the container. */
static int fill_by_hooks(struct queue *q, PyObject *maxsize, PyObject *items)
{
	PyObject *result =
		PyObject_CallMethodOneArg((PyObject *)q, name_init, maxsize);
	PyObject *iterator, *item;

	Py_XDECREF(result);
	if (!result)
		return -1;
	iterator = items ? PyObject_GetIter(items) : NULL;
	if (!iterator)
		return items ? -1 : 0;
	while ((item = PyIter_Next(iterator))) {
		int err = queue_add(q, item);

		Py_DECREF(item);
		if (err < 0)
			break;
	}
	Py_DECREF(iterator);
	return PyErr_Occurred() ? -1 : 0;
}

int queue_fill(struct queue *q, PyObject *maxsize, PyObject *items,
	       PyTypeObject *base)
{
	PyObject *made;

	find_overrides(q, base);
	if (overrides(q, name_init, base))
		return fill_by_hooks(q, maxsize, items);
	made = CALL_METHOD((PyObject *)q, "_create_queue", items, NULL);
	if (!made)
		return -1;
	Py_XSETREF(q->items, made);
	return 0;
}

static PyObject *import(const char *module, const char *name)
{
	PyObject *m = PyImport_ImportModule(module);
	PyObject *value = m ? PyObject_GetAttrString(m, name) : NULL;

	Py_XDECREF(m);
	return value;
}

int queue_items_ready(void)
{
	deque_type = (PyTypeObject *)import("_collections", "deque");
	heap_push = import("heapq", "heappush");
	heap_pop = import("heapq", "heappop");
	name_put = PyUnicode_InternFromString("_put");
	name_get = PyUnicode_InternFromString("_get");
	name_peek = PyUnicode_InternFromString("_peek");
	name_qsize = PyUnicode_InternFromString("_qsize");
	name_init = PyUnicode_InternFromString("_init");
	if (!deque_type || !heap_push || !heap_pop || !name_put || !name_get ||
	    !name_peek || !name_qsize || !name_init)
		return -1;
	deque_append = PyObject_GetAttrString((PyObject *)deque_type, "append");
	deque_popleft =
		PyObject_GetAttrString((PyObject *)deque_type, "popleft");
	return deque_append && deque_popleft ? 0 : -1;
}
