/* waiters.c - greenlets that block in the order in which they came.
 *
 * A waiter is on the C stack of its greenlet, in the queue of what it waits for
 * until it is woken, and in the list of all until it returns.
 */
#include "linkable.h"

#include <pthread.h>

static struct waiter *all;

static void append(struct waiters *ws, struct waiter *w)
{
	w->queue = ws;
	w->next = NULL;
	w->previous = ws->last;
	*(ws->last ? &ws->last->next : &ws->first) = w;
	ws->last = w;
}

static void take_out(struct waiter *w)
{
	struct waiters *ws = w->queue;

	*(w->previous ? &w->previous->next : &ws->first) = w->next;
	*(w->next ? &w->next->previous : &ws->last) = w->previous;
	w->queue = NULL;
}

static void enlist(struct waiter *w)
{
	w->next_of_all = all;
	w->link_of_all = &all;
	if (all)
		all->link_of_all = &w->next_of_all;
	all = w;
}

static void delist(struct waiter *w)
{
	*w->link_of_all = w->next_of_all;
	if (w->next_of_all)
		w->next_of_all->link_of_all = w->link_of_all;
}

/* For a lock, if holder is not NULL; else for what is called `what`. */
static int wait(struct waiters *ws, struct waiter *w, const char *what,
		const void *lock, const uint32_t *holder, int64_t when)
{
	struct thread *t = thread_get();
	bool others = false; /* a wake was for a wait around this one */
	int end;

	w->woken = false;
	if (!t || greenlet_may_wait(t) < 0)
		return -1;
	w->greenlet = t->current;
	append(ws, w);
	enlist(w);
	while ((end = holder ? greenlet_wait_lock(lock, holder, when)
			     : greenlet_wait(what, when)) == 1 &&
	       !w->woken)
		others = true;
	delist(w);
	if (others)
		w->greenlet->woken = true;
	if (w->queue)
		take_out(w);
	if (end == 0 && w->woken)
		end = 1;
	return end;
}

int waiters_wait(struct waiters *ws, struct waiter *w, const char *what,
		 int64_t when)
{
	return wait(ws, w, what, NULL, NULL, when);
}

int waiters_wait_lock(struct waiters *ws, struct waiter *w, const void *lock,
		      const uint32_t *holder, int64_t when)
{
	w->number = ramet_host_self();
	return wait(ws, w, NULL, lock, holder, when);
}

void waiter_wake(struct waiter *w)
{
	take_out(w);
	w->woken = true;
	greenlet_wake(w->greenlet);
}

void waiters_wake_all(struct waiters *ws)
{
	while (ws->first)
		waiter_wake(ws->first);
}

void waiters_drop(struct waiters *ws)
{
	while (ws->first)
		take_out(ws->first);
}

size_t waiters_count(const struct waiters *ws)
{
	size_t n = 0;

	for (const struct waiter *w = ws->first; w; w = w->next)
		n++;
	return n;
}

static void forget(struct waiter *w)
{
	if (w->queue)
		take_out(w);
	delist(w);
}

void waiters_forget(struct thread *t)
{
	for (struct waiter *w = all, *next; w; w = next) {
		next = w->next_of_all;
		if (w->greenlet->thread == t)
			forget(w);
	}
}

/* The child of a fork has none of the other OS threads.  Whoever forks without
 * the GIL has something else in mind than to go on with Python. */
static void after_fork(void)
{
	if (!PyGILState_Check())
		return;
	for (struct waiter *w = all, *next; w; w = next) {
		next = w->next_of_all;
		if (w->greenlet->thread != this_thread)
			forget(w);
	}
}

void waiters_ready(void)
{
	pthread_atfork(NULL, NULL, after_fork);
}

int waiters_yield(void)
{
	struct thread *t = thread_get();
	struct greenlet *me = t ? t->current : NULL;
	int err;

	if (!me || greenlet_may_wait(t) < 0)
		return -1;
	Py_INCREF(me);
	ramet_yield();
	greenlet_arrive(t);
	err = greenlet_raise(me);
	Py_DECREF(me);
	return err;
}
