/* claim.h - calls that wait for what others hand over, where more than one may
 * be about to.
 *
 * Whoever hands something over takes the waiter off its queue, does what it
 * waits for, and settles it.  A call that waits for several things, or for what
 * OS threads share, has a claim, which has to be taken first; that works once.
 * So it gets one of those things, whichever threads they come from, and when
 * its time is up it has been served or it has not, never both.
 *
 * What is shared has a latch, held for moments, under which all this is done.
 * Its waiters are ramets of any loop, or OS threads without one.
 */
#ifndef SYNC_CLAIM_H
#define SYNC_CLAIM_H

#include "core/core.h"
#include "sync/sync.h"

/* ---- the lock of what is shared ----------------------------------------- */

struct latch {
	uint32_t lock;  /* atomic */
	uint32_t forks; /* when who waits was last known */
};

void ramet__latch_init(struct latch *latch);

/* Returns true in the child of a fork, the first time: those who waited, or had
 * the lock, are the parent's, and are to be forgotten. */
bool ramet__latch_lock(struct latch *latch) __attribute__((warn_unused_result));

static inline void latch_unlock(struct latch *latch)
{
	__atomic_store_n(&latch->lock, 0, __ATOMIC_RELEASE);
}

/* ---- who waits ----------------------------------------------------------- */

/* A waiter in a queue that is shared, or may be. */
struct place {
	struct ramet_waiter waiter;
	struct latch *latch; /* NULL: in no queue that is shared */
};

/* One call that waits: on its stack. */
struct claim {
	struct ramet *ramet; /* NULL: an OS thread without a loop */
	uint32_t state;      /* atomic */
	uint32_t mailed;     /* atomic */
	struct mail mail;
	struct place *places; /* all that it has: for its loop's end */
	size_t count;
	struct claim *next, **link; /* in its loop's list */
};

/* What a waiter's tag says. */
enum { WAITER_WAITS, WAITER_SETTLED };

/* The caller's; l is its loop or NULL.  Its places are those `count` ones, none
 * of them in a queue yet. */
void ramet__claim_init(struct loop *l, struct claim *c, struct place *places,
		       size_t count);

/* Queue p where it is shared.  Under the latch. */
void ramet__place_append(struct ramet_waitq *q, struct place *p,
			 struct latch *latch);

/* Leave a shared queue; takes the latch in any case, once: whoever has served p
 * is done then. */
void ramet__place_leave(struct place *p);

/* ---- serving ------------------------------------------------------------ */

/* Take w's claim.  Returns whether it was to be had. */
bool ramet__claim_take(const struct ramet_waiter *w);
void ramet__claim_wake(struct claim *c);

/* Take off the next who still waits, and its claim; NULL if nobody does.  Serve
 * it, then settle. */
HOT struct ramet_waiter *claim_next(struct ramet_waitq *q)
{
	struct ramet_waiter *w;

	do
		w = waitq_take(q);
	while (w && unlikely(w->claim ? !ramet__claim_take(w)
				      : w->ramet->state != STATE_PARKED));
	return w;
}

/* Let it go on with `result`.  If it is shared, before the latch is released.
 */
HOT void claim_settle(struct ramet_waiter *w, int result)
{
	w->tag = WAITER_SETTLED;
	w->result = result;
	if (likely(!w->claim))
		ramet__wake(w->ramet, result);
	else
		ramet__claim_wake(w->claim);
}

/* ---- waiting ------------------------------------------------------------ */

/* Wait at one place, which the holder of the latch has queued.  `inside` is the
 * kind of wait if only ramets of this loop could end it, `open` if others may:
 * then there is no deadlock.  Returns what it was settled with, or why it was
 * not. */
int ramet__place_wait(struct place *p, enum wait inside, enum wait open,
		      const void *object);

/* The same by parts, for a ramet that waits at several.  Begin returns the kind
 * of wait to park with.  End says whether it was settled; if not it will never
 * be.  The caller leaves its places before anything else. */
enum wait ramet__claim_begin(struct claim *c, enum wait inside, enum wait open);
bool ramet__claim_end(struct claim *c, enum wait open, const void *object);

/* ---- for src/start.c ---------------------------------------------------- */

/* The loop's end: its ramets wait no more. */
void ramet__claims_leave(struct loop *l);

/* In the child of a fork. */
void ramet__claims_after_fork(struct loop *l);

#endif
