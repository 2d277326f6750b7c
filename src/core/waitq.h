/* waitq.h - queues of waiting ramets.
 *
 * A waiter lives on the stack of the ramet that waits.  Whoever wakes it takes
 * it off first, so a waiter that is still queued when its ramet runs again was
 * not what woke it.
 */
#ifndef CORE_WAITQ_H
#define CORE_WAITQ_H

#include "kernel/kernel.h"
#include "ramet/sync.h"

struct ramet_waiter {
	struct ramet_waiter *next, *prev;
	struct ramet_waitq *queue; /* NULL when in none */
	struct ramet *ramet;
	void *item; /* the rest is for the queue's owner */
	int tag, result;
	struct claim *claim; /* sync/claim.h's */
};

HOT void waitq_append(struct ramet_waitq *q, struct ramet_waiter *w)
{
	w->next = NULL;
	w->prev = q->last;
	w->queue = q;
	if (q->last)
		q->last->next = w;
	else
		q->first = w;
	q->last = w;
}

/* Take w off its queue; does nothing when it is in none. */
HOT void waitq_remove(struct ramet_waiter *w)
{
	struct ramet_waitq *q = w->queue;

	if (!q)
		return;
	if (w->prev)
		w->prev->next = w->next;
	else
		q->first = w->next;
	if (w->next)
		w->next->prev = w->prev;
	else
		q->last = w->prev;
	w->queue = NULL;
}

/* Take off the one to serve next: the first, unless a simulation picks. */
HOT struct ramet_waiter *waitq_take(struct ramet_waitq *q)
{
	struct ramet_waiter *w = q->first;

	if (!w)
		return NULL;
	if (kernel_picks()) {
		uint32_t n = 0, skip;

		for (struct ramet_waiter *c = w; c; c = c->next)
			n++;
		for (skip = kernel_pick(n); skip; skip--)
			w = w->next;
	}
	waitq_remove(w);
	return w;
}

#endif
