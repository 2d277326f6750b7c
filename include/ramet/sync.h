/* ramet/sync.h - locks, events, semaphores, channels, select.
 *
 * For the ramets of one loop: no atomics, no system calls.  Waiters are served
 * first come, first served.  Every wait can be cancelled and bounded by a
 * scope.  All zero is a valid initial value; none needs to be destroyed, but
 * nobody may wait on one that goes away.  What another loop waits on is left
 * alone: EPERM, or where nothing is returned, nothing is done.
 */
#ifndef RAMET_SYNC_H
#define RAMET_SYNC_H

#include "ramet/core.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ramet_waiter;

/* The library's own: who waits, first to last. */
struct ramet_waitq {
	struct ramet_waiter *first, *last;
};

/* ---- mutex: held by one ramet, passed on in the order of asking --------- */

struct ramet_mutex {
	struct ramet *owner;
	struct ramet_waitq waiters;
};

/* Blocks.  Returns 0, or -1: EDEADLK (held by the caller). */
RAMET_API int ramet_mutex_lock(struct ramet_mutex *m);
/* Returns 0, or -1: EBUSY. */
RAMET_API int ramet_mutex_trylock(struct ramet_mutex *m);
/* Returns 0, or -1: EPERM (not the caller's). */
RAMET_API int ramet_mutex_unlock(struct ramet_mutex *m);

/* ---- condition ---------------------------------------------------------- */

struct ramet_cond {
	struct ramet_waitq waiters;
};

/* Release m, wait for a signal, take m again; m is held on every return, but for
 * one: EDEADLK, when nobody can ever give it back.  Wake-ups may be spurious:
 * test in a loop.  Blocks.  Returns 0, or -1: EPERM (m is not the caller's). */
RAMET_API int ramet_cond_wait(struct ramet_cond *c, struct ramet_mutex *m);
/* Wake one, or all.  Return how many were woken. */
RAMET_API size_t ramet_cond_signal(struct ramet_cond *c);
RAMET_API size_t ramet_cond_broadcast(struct ramet_cond *c);

/* ---- semaphore ---------------------------------------------------------- */

struct ramet_sem {
	size_t value;
	struct ramet_waitq waiters;
};

RAMET_API void ramet_sem_init(struct ramet_sem *s, size_t value);
/* Take one.  Blocks.  Returns 0 or -1. */
RAMET_API int ramet_sem_wait(struct ramet_sem *s);
/* Returns 0, or -1: EAGAIN. */
RAMET_API int ramet_sem_trywait(struct ramet_sem *s);
/* Returns 0, or -1: EOVERFLOW. */
RAMET_API int ramet_sem_post(struct ramet_sem *s);

/* ---- event: off or on; waits end while it is on ------------------------- */

struct ramet_event {
	int on;
	struct ramet_waitq waiters;
};

RAMET_API void ramet_event_set(struct ramet_event *e); /* wakes all */
RAMET_API void ramet_event_clear(struct ramet_event *e);
RAMET_API int ramet_event_is_set(const struct ramet_event *e);
/* Blocks.  Returns 0 or -1. */
RAMET_API int ramet_event_wait(struct ramet_event *e);

/* ---- wait group: waits end while the count is zero ---------------------- */

struct ramet_wg {
	size_t count;
	struct ramet_waitq waiters;
};

RAMET_API void ramet_wg_add(struct ramet_wg *wg, size_t n);
/* Returns 0, or -1: EINVAL (the count is zero). */
RAMET_API int ramet_wg_done(struct ramet_wg *wg);
/* Blocks.  Returns 0 or -1. */
RAMET_API int ramet_wg_wait(struct ramet_wg *wg);

/* ---- channel: items of one size, first in, first out -------------------- */

struct ramet_chan;

/* A channel holding up to `capacity` items of item_size bytes; capacity 0 makes
 * each send wait for its receiver.  item_size 0 passes only the fact.
 * NULL: ENOMEM (also when the product overflows). */
RAMET_API struct ramet_chan *ramet_chan_new(size_t item_size, size_t capacity);

/* Close and free; whoever still waits wakes with EPIPE.  NULL is allowed. */
RAMET_API void ramet_chan_free(struct ramet_chan *ch);

/* No more sends; receivers get what is left, then 0.  Returns 0, or -1: EPIPE
 * (closed already). */
RAMET_API int ramet_chan_close(struct ramet_chan *ch);

/* Copy *item in, waiting for room.  Blocks.  Returns 1, or -1: EPIPE (closed;
 * also while waiting).  On error nothing was sent. */
RAMET_API int ramet_chan_send(struct ramet_chan *ch, const void *item);

/* Copy the oldest item out, waiting for one.  Blocks.  Returns 1, 0 once the
 * channel is closed and empty, or -1. */
RAMET_API int ramet_chan_recv(struct ramet_chan *ch, void *item);

/* The same without waiting: -1 and EAGAIN instead. */
RAMET_API int ramet_chan_trysend(struct ramet_chan *ch, const void *item);
RAMET_API int ramet_chan_tryrecv(struct ramet_chan *ch, void *item);

/* Items inside now. */
RAMET_API size_t ramet_chan_count(const struct ramet_chan *ch);

/* ---- select: whichever comes first -------------------------------------- */

enum ramet_select_op {
	RAMET_SELECT_NOTHING, /* this case is never chosen */
	RAMET_SELECT_SEND,    /* on .chan, from .item */
	RAMET_SELECT_RECV,    /* on .chan, into .item */
	RAMET_SELECT_JOIN,    /* .ramet has ended; join it then */
	RAMET_SELECT_AT,      /* .deadline has passed */
	RAMET_SELECT_DEFAULT, /* nothing else is ready now */
};

struct ramet_case {
	enum ramet_select_op op;
	struct ramet_chan *chan;
	void *item;
	struct ramet *ramet;
	struct ramet_deadline deadline;
	int result; /* set for the chosen case: what send or recv returns */
};

/* Do one of the cases, waiting for the first that can be done; of several that
 * can, the first listed.  At most 256 cases.  Blocks.
 * Returns its index, and errno is EPIPE if its result is -1 (a send on a closed
 * channel); or -1: EINVAL (no case can ever be chosen, too many, bad op, a ramet
 * that is detached or joined by another), EDEADLK (a ramet that is the caller),
 * ESRCH, EPERM, ENOMEM (above 8 cases). */
RAMET_API int ramet_select(struct ramet_case *cases, size_t count);

#ifdef __cplusplus
}
#endif
#endif
