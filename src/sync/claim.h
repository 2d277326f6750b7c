/* claim.h - waiting for objects that several OS threads share.
 *
 * An object has a lock, held for moments, and queues of places.  A call that
 * waits has a place in each queue that it waits in, and one claim.  Whoever can
 * serve a place takes the claim first, which works once: so a call that waits
 * for many things gets one of them, whichever threads they come from, and one
 * whose time is up has been served or has not, never both.
 *
 * Ramets of any loop wait, and OS threads without one.
 */
#ifndef SYNC_CLAIM_H
#define SYNC_CLAIM_H

#include "core/core.h"
#include "sync/sync.h"

/* ---- the lock of an object ---------------------------------------------- */

struct latch {
	uint32_t lock;  /* atomic */
	uint32_t forks; /* when who waits was last known */
};

void ramet__latch_init(struct latch *s);

/* Returns true in the child of a fork, the first time: those who waited, or had
 * the lock, are the parent's, and the object is to forget them. */
bool ramet__latch_lock(struct latch *s) __attribute__((warn_unused_result));
void ramet__latch_unlock(struct latch *s);

/* ---- places ------------------------------------------------------------- */

struct places {
	struct place *first, *last;
};

struct place {
	struct place *next, *prev;
	struct places *queue; /* NULL when in none */
	struct latch *latch;
	struct claim *claim;
	void *item; /* these are for the object */
	int tag, result;
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

/* The caller's; l is its loop or NULL.  Its places are those `count` ones, none
 * of them in a queue yet. */
void ramet__claim_init(struct loop *l, struct claim *c, struct place *places,
		       size_t count);

/* Queue p.  Under the object's lock. */
void ramet__place_append(struct places *q, struct place *p, struct latch *s);

/* Take p off its queue, if it is in one: under the lock, which is taken. */
void ramet__place_leave(struct place *p);

/* Take the claim.  Returns whether it was still to be had.  Under the lock of
 * the object whose place it is, or by the ramet's own loop. */
bool ramet__claim_take(struct claim *c);

/* Take off the next place whose claim can be taken, and take it; NULL if there
 * is none.  What was waited for is to be done before the lock is released, and
 * then ramet__claim_wake called, also before. */
struct place *ramet__place_next(struct places *q);
void ramet__claim_wake(struct claim *c);

/* Wait until the claim is taken.  `inside` is the kind of wait if nobody but
 * this loop's ramets could take it, `open` if others may: a deadlock is certain
 * only then.  Returns 0, or why not: then nobody takes it any more.  The caller
 * leaves its places before anything else. */
int ramet__claim_wait(struct claim *c, enum wait inside, enum wait open,
		      const void *object);

/* The same by parts, for a ramet that also waits for other things.  Begin
 * returns the kind of wait to park with.  End says whether it was taken; if
 * not, nobody takes it any more. */
enum wait ramet__claim_begin(struct claim *c, enum wait inside, enum wait open);
bool ramet__claim_end(struct claim *c, enum wait open, const void *object);

/* Wait at one place, which has been queued by the holder of the lock.  Returns
 * the place's result once it is served, or why it was not. */
int ramet__place_wait(struct place *p, enum wait inside, enum wait open,
		      const void *object);

/* ---- for src/start.c ---------------------------------------------------- */

/* The loop's end: its ramets wait no more. */
void ramet__claims_leave(struct loop *l);

/* In the child of a fork. */
void ramet__claims_after_fork(struct loop *l);

#endif
