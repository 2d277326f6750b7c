/* linkable.h - what waiting for an object is made of: greenlets that block for
 * it, and callbacks that are told of it.
 *
 * Any OS thread may wake either; the callbacks run in the hub of the thread
 * that added them.
 */
#ifndef LINKABLE_H
#define LINKABLE_H

#include "green.h"

/* One greenlet that blocks: on its C stack. */
struct waiter {
	struct waiters *queue; /* NULL: it is in none */
	bool woken;
	struct waiter *next, *previous;
	struct waiter *next_of_all, **link_of_all;
	struct greenlet *greenlet;
	uint32_t number; /* of the greenlet, as a holder of locks */
	int kind;        /* these are whatever the queue's owner */
	long value;      /* and the waiter agree on */
	PyObject *item;  /* owned by the waiter */
};

/* In the order in which they came; zeroed memory is an empty one. */
struct waiters {
	struct waiter *first, *last;
};

/* Block the caller in ws, which outlives the call, until w is woken.  Returns
 * as greenlet_wait does: after 1 w was woken, after 0 it was not, after -1
 * waiter_is_woken tells, and what the waker gave is to be passed on. */
int waiters_wait(struct waiters *ws, struct waiter *w, const char *what,
		 int64_t when);

/* The same for a lock, see greenlet_wait_lock. */
int waiters_wait_lock(struct waiters *ws, struct waiter *w, const void *lock,
		      const uint32_t *holder, int64_t when);

static inline bool waiter_is_woken(const struct waiter *w)
{
	return w->woken;
}

/* Take w, which has not been woken, out and wake its greenlet. */
void waiter_wake(struct waiter *w);

void waiters_wake_all(struct waiters *ws);

/* Nobody waits here any more: what they do next is theirs to say. */
void waiters_drop(struct waiters *ws);

size_t waiters_count(const struct waiters *ws);

/* The thread's greenlets will never run again: nobody wakes them. */
void waiters_forget(struct thread *t);

/* Once, before all others: see to the child of a fork. */
void waiters_ready(void);

/* Wait a moment in which others run.  Returns 0, or -1 with an exception. */
int waiters_yield(void);

/* One callback. */
struct link;

/* What the types below derive from. */
struct linkable {
	PyObject_HEAD PyObject *weakrefs;
	struct waiters waiters;
	struct link *links; /* to be told */
	struct link *due;   /* being told: their hubs have been called */
	/* Whether there is something to tell still when a callback's turn has
	 * come; one for which there is not stays.  NULL: there always is. */
	bool (*is_ready)(struct linkable *l);
};

extern PyTypeObject *linkable_type;

PyObject *linkable_rawlink(PyObject *self, PyObject *callback);

/* The object has become ready: each callback is called once, soon.  Does not
 * run any code. */
void linkable_notify(struct linkable *l);

Py_ssize_t linkable_count(const struct linkable *l);

/* Whether module thread's locks take these arguments, as the interpreter's own
 * do; -1 is no limit.  Returns 0, or -1 with an exception. */
int lock_check_timeout(int blocking, PyObject **timeout);

/* For the types' own. */
int linkable_traverse(PyObject *self, visitproc visit, void *arg);
int linkable_clear(PyObject *self);
void linkable_dealloc(PyObject *self);

/* Make a type of `spec` derived from base (NULL: linkable_type), and add it to
 * the module.  NULL with an exception. */
PyTypeObject *linkable_add_type(PyObject *module, PyType_Spec *spec,
				PyTypeObject *base);

#endif
