/* lot.h - the parking lot: wait on the address of a word until somebody wakes
 * whoever waits there.
 *
 * What futex(2) is to kernel threads, for ramets of any loop and for OS threads
 * without one, mixed at will.  Queues are kept by address, so that an object
 * needs no room for one: a pthread_mutex_t keeps its size and its static
 * initialiser.  The queue of an address is first come, first served.
 */
#ifndef SYNC_LOT_H
#define SYNC_LOT_H

#include "core/core.h"

/* How a wait may end besides being woken, in `mode`. */
enum {
	LOT_FIRM = 0,  /* by its time only: scopes, cancel and signals do not */
	LOT_SCOPE = 1, /* by the scope around it or cancel, too */
	LOT_EINTR = 2, /* by ramet__interrupt, too */
	LOT_OPEN = 4,  /* signal handlers wake here: it is never a deadlock */
};

/* What a tool says of who waits: the park's wait object (WAIT_LOT and
 * WAIT_LOT_OPEN).  May be NULL. */
struct lot_reason {
	const char *what;   /* static text: "for mutex", "to read-lock" */
	const void *object; /* the lock; NULL: it is the owner's end */
	uint32_t owner;     /* who holds it: ramet__lot_self; 0: unknown */
	/* Atomic: who holds it now, when others may have had it since; NULL:
	 * not known. */
	const uint32_t *owner_now;
};

/* Wait at the address of `word` if it holds `expected`, until woken or until
 * `when` (CLOCK_MONOTONIC, ns; RAMET_NEVER).  `mask` as in FUTEX_WAIT_BITSET.
 * Looking at the word and queueing is one step for all who wake.
 * Returns 0 (woken; whoever wakes first sets what is waited for), LOT_MOVED
 * (woken, or timed out, after it was moved to another word), -EAGAIN (the word
 * holds something else), -ETIMEDOUT, -EINTR, -ECANCELED, -EDEADLK (the caller
 * cannot wait at all: it is a signal handler, or a function of ramet_link; or
 * it would close a cycle of locks, and that is to fail).  If the time has come
 * before, others run once nevertheless.  A ramet whose wait is part of a
 * deadlock that has been reported goes on waiting. */
enum { LOT_MOVED = 1 };
int ramet__lot_wait(const uint32_t *word, uint32_t expected, uint32_t mask,
		    int64_t when, int mode, const struct lot_reason *reason);

/* Wake up to n of those who wait at the address with a mask that shares a bit.
 * Returns how many.  Nobody runs before the caller parks. */
int ramet__lot_wake(const uint32_t *word, int n, uint32_t mask);

/* Hand something over: before the first who waits is woken, and while nobody
 * can queue, call pass(arg, owner, more) with who it is (an id as
 * ramet__lot_self gives it; 0: nobody waits) and whether others wait behind.
 * pass must not park nor use the lot. */
void ramet__lot_pass(const uint32_t *word,
		     void (*pass)(void *arg, uint32_t owner, bool more),
		     void *arg);

/* Offer something to the first who waits: take(arg), called as pass is, says
 * whether it is still there to be had.  If so it is his, and he is woken.
 * Returns that. */
bool ramet__lot_offer(const uint32_t *word, bool (*take)(void *arg), void *arg);

/* Wake up to `wake` at `word`, and let up to `move` others wait at `to`
 * instead, if *word still holds `expected` (or `any`).  Returns how many were
 * woken and moved, or -EAGAIN. */
int ramet__lot_requeue(const uint32_t *word, int wake, int move,
		       const uint32_t *to, bool any, uint32_t expected);

/* Wake from a signal handler, or wherever the lot may be in use further up the
 * stack: done at the loop's next turn. */
void ramet__lot_wake_later(struct loop *l, const uint32_t *word, int n);

/* Who the caller is, as an owner of locks: from 1 on, below 2^30; unlike for
 * all ramets and OS threads that live.  Ramets are numbered as they first ask,
 * and the numbers come round again after 2^29 of them. */
uint32_t ramet__lot_self_slowly(void);

/* The number of t, a ramet of the caller's loop. */
uint32_t ramet__lot_number(struct ramet *t);

static inline uint32_t ramet__lot_self(void)
{
	const struct loop *l = ramet__this_loop;

	if (likely(l && l->current->cold->lot_id))
		return l->current->cold->lot_id;
	return ramet__lot_self_slowly();
}

/* Before a wait by a ramet of loop l, or an OS thread (NULL): whether only
 * ramets of this loop have ever waited, and there is no other OS thread that
 * may yet. Then a wait that no ramet can end is a deadlock. */
bool ramet__lot_alone(struct loop *l);

/* The loop's end: its ramets wait no more. */
void ramet__lot_leave(struct loop *l);

/* In the child of a fork: only the caller is left.  Mail that was under way is
 * for ramets that are gone: the loop's inbox is to be emptied as well. */
void ramet__lot_after_fork(void);

/* How often that was: what was begun before has nobody to end it. */
extern uint32_t ramet__lot_forks;

#endif
