/* outside.h - signals from OS threads that are not those of the object's loop.
 *
 * Whoever signals from elsewhere adds to the object's count and sends the
 * object itself to its loop, as mail, once; the loop takes the count in and
 * does there what was asked for.  An object that no loop has used yet keeps the
 * count until one does.  Signalling is no use: else the first to signal would
 * have the object, and not the loop that waits.
 *
 * Nothing is allocated, nothing is locked, and nobody waits.
 */
#ifndef SYNC_OUTSIDE_H
#define SYNC_OUTSIDE_H

#include "core/core.h"
#include "ramet/sync.h"

/* Objects know their loop by its gate, which stays when the loop has ended: no
 * two loops of a process ever have the same.  Open it when the loop starts
 * (returns 0 or -ENOMEM); close it when the loop ends: nobody is about to send
 * something there any more, and what was sent has arrived. */
int ramet__gate_open(struct loop *l);
void ramet__gate_close(struct loop *l);

/* In the child of a fork: the other loops have ended. */
void ramet__gate_after_fork(struct loop *l);

/* Whether the object is that of loop l, which may be NULL. */
static inline bool outside_is_mine(const struct ramet_outside *o,
				   const struct loop *l)
{
	return likely(l &&
		      __atomic_load_n(&o->loop, __ATOMIC_RELAXED) == l->gate);
}

/* Whether a loop has used the object. */
static inline bool outside_is_used(const struct ramet_outside *o)
{
	return __atomic_load_n(&o->loop, __ATOMIC_RELAXED) != NULL;
}

/* Whether there is something to take in. */
static inline bool outside_pending(const struct ramet_outside *o)
{
	return unlikely(__atomic_load_n(&o->count, __ATOMIC_RELAXED) != 0);
}

/* What has been signalled since the last time.  By the object's loop. */
static inline uint64_t outside_take(struct ramet_outside *o)
{
	return __atomic_exchange_n(&o->count, 0, __ATOMIC_SEQ_CST);
}

/* What only signals from elsewhere need is kept out of the way of the others.
 */
#define OUTSIDE_PATH __attribute__((cold, noinline))

/* Make an object that is not loop l's its own.  Returns 0: then the caller
 * takes in what was signalled before; or -EPERM: it is another loop's.  Those
 * of a loop that has ended are left off `waiters`. */
OUTSIDE_PATH int ramet__outside_adopt(struct ramet_outside *o, struct loop *l,
				      struct ramet_waitq *waiters);

/* Signal from outside: count n more, or the bits of n.  `deliver` will be
 * called in the object's loop, if it has one, with ramet__outside_arrived's
 * argument. */
OUTSIDE_PATH void ramet__outside_add(struct ramet_outside *o, uint64_t n,
				     void (*deliver)(struct loop *,
						     struct mail *));
OUTSIDE_PATH void ramet__outside_or(struct ramet_outside *o, uint64_t n,
				    void (*deliver)(struct loop *,
						    struct mail *));

/* The mail has come: whose it is.  Then the count is to be taken. */
struct ramet_outside *ramet__outside_arrived(struct mail *mail);

#endif
