/* channel.c - Channel: a queue without room: who puts waits for who takes. */
#include "queue.h"

#include "arguments.h"

#include <structmember.h>

struct channel {
	PyObject_HEAD PyObject *weakrefs;
	struct waiters getters, putters;
	/* A list: what was given to getters that were killed before they could
	 * take it.  NULL: nothing. */
	PyObject *left;
};

/* ---- handing over --------------------------------------------------------
 */

/* To whoever has waited longest.  False: nobody waits. */
static bool give(struct channel *c, PyObject *item)
{
	struct waiter *w = c->getters.first;

	if (!w)
		return false;
	w->item = Py_NewRef(item);
	waiter_wake(w);
	return true;
}

/* The list is never empty. */
static int leave(struct channel *c, PyObject *item)
{
	if (c->left)
		return PyList_Append(c->left, item);
	c->left = PyList_New(1);
	if (!c->left)
		return -1;
	PyList_SET_ITEM(c->left, 0, Py_NewRef(item));
	return 0;
}

static void give_back(struct channel *c, PyObject *item)
{
	PyObject *exc = exception_take();

	if (!give(c, item) && leave(c, item) < 0)
		PyErr_WriteUnraisable((PyObject *)c);
	Py_DECREF(item);
	exception_raise(exc);
}

static PyObject *take_left(struct channel *c)
{
	PyObject *item = Py_NewRef(PyList_GET_ITEM(c->left, 0));

	if (PyList_GET_SIZE(c->left) == 1)
		Py_CLEAR(c->left);
	else if (PyList_SetSlice(c->left, 0, 1, NULL) < 0)
		Py_CLEAR(item);
	return item;
}

/* ---- put -----------------------------------------------------------------
 */

/* Who puts goes on once the other side has. */
static PyObject *let_take(void)
{
	return waiters_yield() < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *put_until(struct channel *c, PyObject *item, int64_t when)
{
	struct waiter w = {.item = item};
	int end;

	if (give(c, item))
		return when == 0 ? Py_NewRef(Py_None) : let_take();
	if (when == 0)
		return queue_raise(exc_full);
	end = waiters_wait(&c->putters, &w, "who takes from a channel", when);
	if (end <= 0)
		return end < 0 ? NULL : queue_raise(exc_full);
	Py_RETURN_NONE;
}

static PyObject *put(PyObject *self, PyObject *const *args, Py_ssize_t n,
		     PyObject *names)
{
	PyObject *item;
	struct queue_limit l;

	if (queue_put_arguments(args, n, names, &item, &l) < 0)
		return NULL;
	return queue_answer(put_until((struct channel *)self, item, l.when),
			    &l);
}

static PyObject *put_nowait(PyObject *self, PyObject *item)
{
	return put_until((struct channel *)self, item, 0);
}

/* ---- get -----------------------------------------------------------------
 */

static PyObject *wait_for_item(struct channel *c, int64_t when)
{
	struct waiter w = {.item = NULL};
	int end = waiters_wait(&c->getters, &w, "an item of a channel", when);

	if (end > 0)
		return w.item;
	if (end == 0)
		return queue_raise(exc_empty);
	if (w.item)
		give_back(c, w.item);
	return NULL;
}

static PyObject *get_until(struct channel *c, int64_t when)
{
	struct waiter *w = c->putters.first;
	PyObject *item;

	if (c->left)
		return take_left(c);
	if (!w)
		return when == 0 ? queue_raise(exc_empty)
				 : wait_for_item(c, when);
	item = Py_NewRef(w->item);
	waiter_wake(w);
	return item;
}

static PyObject *get(PyObject *self, PyObject *const *args, Py_ssize_t n,
		     PyObject *names)
{
	struct queue_limit l;

	if (queue_get_arguments(args, n, names, &l) < 0)
		return NULL;
	return queue_answer(get_until((struct channel *)self, l.when), &l);
}

static PyObject *get_nowait(PyObject *self, PyObject *unused)
{
	(void)unused;
	return get_until((struct channel *)self, 0);
}

static PyObject *next(PyObject *self)
{
	PyObject *item = get_until((struct channel *)self,
				   this_thread && this_thread->current->is_hub
					   ? 0
					   : RAMET_NEVER);

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

/* ---- what it looks like --------------------------------------------------
 */

static Py_ssize_t balance(const struct channel *c)
{
	return (Py_ssize_t)waiters_count(&c->putters) -
	       (Py_ssize_t)waiters_count(&c->getters);
}

static PyObject *get_balance(PyObject *self, void *unused)
{
	(void)unused;
	return PyLong_FromSsize_t(balance((struct channel *)self));
}

static PyObject *qsize(PyObject *self, PyObject *unused)
{
	(void)self;
	(void)unused;
	return PyLong_FromLong(0);
}

static PyObject *yes(PyObject *self, PyObject *unused)
{
	(void)self;
	(void)unused;
	Py_RETURN_TRUE;
}

static PyObject *text_of(PyObject *self, PyObject *head)
{
	struct channel *c = (struct channel *)self;
	PyObject *text =
		head ? PyUnicode_FromFormat("%U getters[%zd] putters[%zd]>",
					    head,
					    (Py_ssize_t)waiters_count(
						    &c->getters),
					    (Py_ssize_t)waiters_count(
						    &c->putters))
		     : NULL;

	Py_XDECREF(head);
	return text;
}

static PyObject *repr(PyObject *self)
{
	return text_of(self, PyUnicode_FromFormat("<%s at %p",
						  _PyType_Name(Py_TYPE(self)),
						  (void *)self));
}

static PyObject *str(PyObject *self)
{
	return text_of(self, PyUnicode_FromFormat("<%s",
						  _PyType_Name(Py_TYPE(self))));
}

/* ---- the type ------------------------------------------------------------
 */

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"maxsize", NULL};
	int maxsize = 1;

	(void)self;
	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|i:Channel", names,
					 &maxsize))
		return -1;
	if (maxsize != 1) {
		PyErr_SetString(PyExc_ValueError,
				"Channels have a maxsize of 1");
		return -1;
	}
	return 0;
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(((struct channel *)self)->left);
	return 0;
}

static int clear(PyObject *self)
{
	Py_CLEAR(((struct channel *)self)->left);
	return 0;
}

static void dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	if (((struct channel *)self)->weakrefs)
		PyObject_ClearWeakRefs(self);
	clear(self);
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

static PyMethodDef methods[] = {
	{"put", METHOD(put), METH_FASTCALL | METH_KEYWORDS,
	 "put($self, /, item, block=True, timeout=None)\n--\n\n"
	 "Hand it over: wait until somebody takes it.  Raises Full."},
	{"put_nowait", put_nowait, METH_O,
	 "put_nowait($self, item, /)\n--\n\n"
	 "put(item, block=False)"},
	{"get", METHOD(get), METH_FASTCALL | METH_KEYWORDS,
	 "get($self, /, block=True, timeout=None)\n--\n\n"
	 "Wait for what somebody puts, and return it.  Raises Empty."},
	{"get_nowait", get_nowait, METH_NOARGS,
	 "get_nowait($self, /)\n--\n\n"
	 "get(block=False)"},
	{"next", next_method, METH_NOARGS,
	 "next($self, /)\n--\n\n"
	 "get(), for loops."},
	{"qsize", qsize, METH_NOARGS,
	 "qsize($self, /)\n--\n\n"
	 "0: nothing is kept."},
	{"empty", yes, METH_NOARGS,
	 "empty($self, /)\n--\n\n"
	 "True: nothing is kept."},
	{"full", yes, METH_NOARGS,
	 "full($self, /)\n--\n\n"
	 "True: nothing is kept."},
	{"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS,
	 "__class_getitem__($type, item, /)\n--\n\n"
	 "Queue[int], for annotations."},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"balance", get_balance, NULL,
	 "How many wait in put, less those in get.", NULL},
	{"hub", get_hub, NULL, "The caller's hub.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
	{"__weaklistoffset__", T_PYSSIZET, offsetof(struct channel, weakrefs),
	 READONLY, NULL},
	{NULL, 0, 0, 0, NULL},
};

int channel_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc, (char *)"Channel(maxsize=1)\n--\n\n"
				    "Hands items from greenlet to greenlet, "
				    "keeping none."},
		{Py_tp_init, init},
		{Py_tp_dealloc, dealloc},
		{Py_tp_traverse, traverse},
		{Py_tp_clear, clear},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{Py_tp_members, members},
		{Py_tp_iter, PyObject_SelfIter},
		{Py_tp_iternext, next},
		{Py_tp_repr, repr},
		{Py_tp_str, str},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.queue.Channel",
				   sizeof(struct channel), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};
	PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&spec);

	return type ? PyModule_AddType(module, type) : -1;
}
