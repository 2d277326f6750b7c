/* ramet/sync.h - locks, events, semaphores, barriers, channels, select.
 *
 * For the ramets of one loop: no system calls.  Waiters are served first come,
 * first served.  Every wait can be cancelled and bounded by a scope.  All zero
 * is a valid initial value; none needs to be destroyed, but nobody may wait on
 * one that goes away.  An object belongs to the loop that uses it first, until
 * that ends; another loop's use is refused: EPERM, or where nothing is returned,
 * nothing is done.
 *
 * What says "from any OS thread" is not refused, and is no use: it takes effect
 * in the object's loop, soon, in the order of calls, and never waits.  Before the
 * first use it is kept until then.  Where such calls may come from other OS
 * threads of the program, waiting for them is no certain deadlock until those
 * have ended.  Not from signal handlers: ramet_waker is for these.
 *
 * Futures and queues, which any number of loops may share, are in
 * ramet/future.h and ramet/queue.h.
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

/* The library's own: what other OS threads have signalled. */
struct ramet_outside {
	void *loop, *mail[2];
	uint64_t count;
	int posted;
};

/* Take in what other OS threads have signalled so far.  Before an object goes
 * that others signal: once they signal no more, it may go after this call.  By
 * a ramet of the object's loop; never fails. */
RAMET_API void ramet_sync_settle(void);

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

/* ---- recursive mutex: its owner may lock it again ----------------------- */

struct ramet_rmutex {
	struct ramet_mutex mutex;
	size_t depth; /* how often its owner has it */
};

/* Blocks.  Returns 0, or -1: EAGAIN (too often). */
RAMET_API int ramet_rmutex_lock(struct ramet_rmutex *m);
/* Returns 0, or -1: EBUSY, EAGAIN. */
RAMET_API int ramet_rmutex_trylock(struct ramet_rmutex *m);
/* Returns 0, or -1: EPERM (not the caller's). */
RAMET_API int ramet_rmutex_unlock(struct ramet_rmutex *m);

/* ---- read-write lock: many readers, or one writer ----------------------- */

struct ramet_rwlock {
	size_t readers;       /* that have it */
	struct ramet *writer; /* who has it, or NULL */
	struct ramet_waitq waiters;
};

/* In the order of asking: who asks to read behind a writer that waits, waits
 * too, so that writers are not starved; a reader must not ask again while it
 * has the lock.  Block.  Return 0, or -1: EDEADLK (the caller has it for
 * writing). */
RAMET_API int ramet_rwlock_rdlock(struct ramet_rwlock *rw);
RAMET_API int ramet_rwlock_wrlock(struct ramet_rwlock *rw);
/* Return 0, or -1: EBUSY. */
RAMET_API int ramet_rwlock_tryrdlock(struct ramet_rwlock *rw);
RAMET_API int ramet_rwlock_trywrlock(struct ramet_rwlock *rw);
/* Returns 0, or -1: EPERM (nobody has it, or another for writing). */
RAMET_API int ramet_rwlock_unlock(struct ramet_rwlock *rw);

/* ---- condition ---------------------------------------------------------- */

struct ramet_cond {
	struct ramet_waitq waiters;
	struct ramet_outside outside;
};

/* Release m, wait for a signal, take m again; m is held on every return, but for
 * one: EDEADLK, when nobody can ever give it back.  Wake-ups may be spurious:
 * test in a loop.  Blocks.  Returns 0, or -1: EPERM (m is not the caller's). */
RAMET_API int ramet_cond_wait(struct ramet_cond *c, struct ramet_mutex *m);
/* Wake one, or all.  From any OS thread.  Return how many were woken; 0 from
 * another OS thread than its loop's. */
RAMET_API size_t ramet_cond_signal(struct ramet_cond *c);
RAMET_API size_t ramet_cond_broadcast(struct ramet_cond *c);

/* ---- semaphore ---------------------------------------------------------- */

struct ramet_sem {
	size_t value, limit; /* limit: the most that value may be; 0: none */
	struct ramet_waitq waiters;
	struct ramet_outside outside;
};

RAMET_API void ramet_sem_init(struct ramet_sem *s, size_t value);
/* A bounded one: more posts than waits are an error.  limit > 0. */
RAMET_API void ramet_sem_init_bounded(struct ramet_sem *s, size_t value,
				      size_t limit);
/* Take one.  Blocks.  Returns 0 or -1. */
RAMET_API int ramet_sem_wait(struct ramet_sem *s);
/* Returns 0, or -1: EAGAIN. */
RAMET_API int ramet_sem_trywait(struct ramet_sem *s);
/* From any OS thread.  Returns 0, or -1: EOVERFLOW (the limit); a post from
 * another OS thread that comes to more than the limit is dropped. */
RAMET_API int ramet_sem_post(struct ramet_sem *s);

/* ---- event: off or on; waits end while it is on ------------------------- */

struct ramet_event {
	int on;
	struct ramet_waitq waiters;
	struct ramet_outside outside;
};

/* Wakes all.  From any OS thread. */
RAMET_API void ramet_event_set(struct ramet_event *e);
RAMET_API void ramet_event_clear(struct ramet_event *e);
RAMET_API int ramet_event_is_set(const struct ramet_event *e);
/* Blocks.  Returns 0 or -1. */
RAMET_API int ramet_event_wait(struct ramet_event *e);

/* ---- wait group: waits end while the count is zero ---------------------- */

struct ramet_wg {
	size_t count;
	struct ramet_waitq waiters;
	struct ramet_outside outside;
};

RAMET_API void ramet_wg_add(struct ramet_wg *wg, size_t n);
/* From any OS thread.  Returns 0, or -1: EINVAL (the count is zero). */
RAMET_API int ramet_wg_done(struct ramet_wg *wg);
/* Blocks.  Returns 0 or -1. */
RAMET_API int ramet_wg_wait(struct ramet_wg *wg);

/* ---- barrier: the last of a round lets the others on -------------------- */

struct ramet_barrier {
	size_t count, arrived;
	struct ramet_waitq waiters;
};

/* Rounds of `count` ramets, at least 1. */
RAMET_API void ramet_barrier_init(struct ramet_barrier *b, size_t count);
/* Wait until count ramets do.  One whose wait fails has not arrived.  Blocks.
 * Returns 1 in one of them, the last to come, 0 in the others, or -1: EINVAL
 * (count is 0). */
RAMET_API int ramet_barrier_wait(struct ramet_barrier *b);

/* ---- once --------------------------------------------------------------- */

struct ramet_once {
	int done;
	struct ramet *runner; /* who is at it */
	struct ramet_waitq waiters;
};

/* Call fn(arg) unless it has succeeded before; while somebody is at it, wait.
 * fn may block, and succeeds by returning 0.  If it fails, or is unwound, the
 * next who waits tries.  Blocks.
 * Returns 0, or -1: what fn left in errno; EDEADLK (called by fn itself). */
RAMET_API int ramet_once(struct ramet_once *once, int (*fn)(void *), void *arg);

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
	RAMET_SELECT_FD,      /* .fd is ready for .events, as poll(2) says */
	RAMET_SELECT_EVENT,   /* .event is on */
	RAMET_SELECT_FUTURE,  /* .future is settled */
	RAMET_SELECT_PUT,     /* into .queue, from .item */
	RAMET_SELECT_GET,     /* out of .queue, into .item */
};

struct ramet_future; /* ramet/future.h */
struct ramet_queue;  /* ramet/queue.h */

struct ramet_case {
	enum ramet_select_op op;
	struct ramet_chan *chan;
	void *item;
	struct ramet *ramet;
	struct ramet_deadline deadline;
	struct ramet_event *event;
	struct ramet_future *future;
	struct ramet_queue *queue;
	int fd;
	short events;
	/* Set for the chosen case: what send, recv, put or get returns; poll's
	 * revents. */
	int result;
};

/* Do one of the cases, waiting for the first that can be done; of several that
 * can, the first listed.  At most 256 cases.  Blocks.
 * Returns its index, and errno is EPIPE if its result is -1 (a send on a closed
 * channel, a put into a queue that is shut down); or -1: EINVAL (no case can ever be chosen, too many, bad op, a ramet
 * that is detached or joined by another), EDEADLK (a ramet that is the caller),
 * ESRCH, EPERM, ENOMEM (above 8 cases). */
RAMET_API int ramet_select(struct ramet_case *cases, size_t count);

#ifdef __cplusplus
}
#endif
#endif
