/* queue.h - queues: what queue.c does, on what queue_items.c keeps, called by
 * queue_methods.c with what queue_arguments.c has read; queue_type.c makes the
 * types.  channel.c uses the arguments, too. */
#ifndef QUEUE_H
#define QUEUE_H

#include "linkable.h"

/* ---- arguments and answers of all queues (queue_arguments.c) --------------
 */

/* The standard library's; ShutDown is ours where it has none. */
extern PyObject *exc_empty, *exc_full, *exc_shut_down;

/* Raise one of them.  Returns NULL. */
PyObject *queue_raise(PyObject *exc);

/* How long a call may block. */
struct queue_limit {
	int64_t when;      /* 0: not at all */
	PyObject *timeout; /* borrowed: the argument; None */
};

/* put(item, block=True, timeout=None) and get(block=True, timeout=None).
 * Nobody may block in the hub.  Return 0, or -1. */
int queue_put_arguments(PyObject *const *args, Py_ssize_t n, PyObject *names,
			PyObject **item, struct queue_limit *l);
int queue_get_arguments(PyObject *const *args, Py_ssize_t n, PyObject *names,
			struct queue_limit *l);

/* What such a call returns: one whose limit was a Timeout raises that, where
 * others raise Empty or Full. */
PyObject *queue_answer(PyObject *result, const struct queue_limit *l);

/* "iter(queue)": until the class StopIteration comes out of it. */
PyObject *queue_next_of(PyObject *item);

/* ---- a queue that keeps its items ---------------------------------------- */

enum shape { SHAPE_FIFO, SHAPE_LIFO, SHAPE_HEAP };

struct queue {
	PyObject_HEAD PyObject *weakrefs;
	PyObject *items; /* owned: a deque or list, or what a subclass has */
	enum shape shape;
	bool has_put, has_get, has_peek, has_size; /* overridden methods */
	bool counts_tasks, shut;
	Py_ssize_t maxsize; /* 0: no limit */
	Py_ssize_t promised;
	Py_ssize_t unfinished;
	struct waiters getters, putters, joiners;
	struct waiter *admitting; /* the putter whose item is being put */
};

/* Its items (queue_items.c): by the methods of a subclass that has them.  -1 or
 * NULL with an exception. */
int queue_add(struct queue *q, PyObject *item);
PyObject *queue_remove(struct queue *q);
PyObject *queue_first(struct queue *q);
Py_ssize_t queue_length(struct queue *q);

/* The class's own methods of that kind, and those that make the container. */
PyObject *queue_own_put(PyObject *self, PyObject *item);
PyObject *queue_own_get(PyObject *self, PyObject *unused);
PyObject *queue_own_peek(PyObject *self, PyObject *unused);
PyObject *queue_own_qsize(PyObject *self, PyObject *unused);
PyObject *queue_own_init(PyObject *self, PyObject *args);
PyObject *queue_create_queue(PyObject *self, PyObject *args);

/* Make the container of a new one, which is of a class derived from `base` or
 * base itself; items may be NULL. */
int queue_fill(struct queue *q, PyObject *maxsize, PyObject *items,
	       PyTypeObject *base);
PyObject *queue_new_container(struct queue *q);
int queue_items_ready(void);

/* Waiting (queue.c).  when is 0 for who must not. */
PyObject *queue_put(struct queue *q, PyObject *item, int64_t when);
PyObject *queue_get(struct queue *q, int64_t when);
PyObject *queue_peek(struct queue *q, int64_t when);

/* What nobody has been promised: at least 0, or -1 with an exception. */
Py_ssize_t queue_available(struct queue *q);

static inline bool queue_has_room(const struct queue *q, Py_ssize_t n)
{
	return q->maxsize <= 0 || n < q->maxsize;
}

/* There may be room now. */
void queue_admit(struct queue *q);

/* copy() (queue_type.c). */
PyObject *queue_copy(PyObject *self, PyObject *unused);

/* What the types have (queue_methods.c). */
extern PyMethodDef queue_methods[], queue_task_methods[];
extern PyGetSetDef queue_attributes[];
PyObject *queue_get_maxsize(PyObject *self, void *unused);
PyObject *queue_next(PyObject *self);
Py_ssize_t queue_len(PyObject *self);
int queue_is_true(PyObject *self);

/* A limit as it is given: None or a number.  Returns 0, or -1. */
int queue_to_maxsize(PyObject *value, Py_ssize_t *size);

/* repr() and str() (queue_text.c). */
PyObject *queue_repr(PyObject *self);
PyObject *queue_str(PyObject *self);

/* n of the unfinished tasks have ended. */
void queue_finish(struct queue *q, Py_ssize_t n);

/* put and, once it is empty, get are refused from now on; it is emptied if
 * at_once.  Returns 0, or -1 with an exception. */
int queue_shut(struct queue *q, bool at_once);

#endif
