/* sync.h - what locks and channels share: waiting in a queue and waking from
 * it.
 *
 * A ramet that was cancelled, or whose time is up, may still be queued when
 * somebody else runs.  It is not parked any more, so it is passed over: what
 * ends a wait is the one wake, never the place in the queue.
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include "core/core.h"
#include "ramet/sync.h"

/* Whether ramets of another loop wait in q: then it is not the caller's. */
static inline bool foreign(const struct ramet_waitq *q, const struct loop *l)
{
	return q->first && unlikely(q->first->ramet->loop != l);
}

/* Wait in q for sync_next's caller, who may use `item`.  Returns what
 * ramet__park does; only then does its result say whether the wait was
 * served. */
static inline int sync_wait(struct loop *l, struct ramet_waitq *q,
			    enum wait wait, const void *object, void *item)
{
	struct ramet_waiter w;
	int result;

	w.ramet = l->current;
	w.item = item;
	w.claim = NULL;
	waitq_append(q, &w);
	result = ramet__park(l, wait, object);
	waitq_remove(&w);
	return result;
}

/* Take off the next that still waits; NULL if none does. */
HOT struct ramet_waiter *sync_next(struct ramet_waitq *q)
{
	struct ramet_waiter *w;

	do
		w = waitq_take(q);
	while (w && unlikely(w->ramet->state != STATE_PARKED));
	return w;
}

/* The first that still waits, left in its place; NULL if none does.  Those
 * before it are taken off. */
static inline struct ramet_waiter *sync_first(struct ramet_waitq *q)
{
	while (q->first && unlikely(q->first->ramet->state != STATE_PARKED))
		waitq_remove(q->first);
	return q->first;
}

/* End all waits in q.  Returns how many. */
static inline size_t sync_wake_all(struct ramet_waitq *q, int result)
{
	struct ramet_waiter *w;
	size_t n = 0;

	for (; (w = sync_next(q)); n++)
		ramet__wake(w->ramet, result);
	return n;
}

/* Take m for the caller, waiting for it.  Returns 0, -EDEADLK, -EPERM or what
 * ramet__park does. */
int ramet__mutex_take(struct loop *l, struct ramet_mutex *m);

/* Take m, which is the caller's, away from it: the next one has it. */
void ramet__mutex_pass(struct ramet_mutex *m);

#endif
