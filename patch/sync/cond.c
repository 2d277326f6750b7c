/* cond.c - condition variables: a sequence number that each signal moves on.
 *
 * Who waits reads it while it holds the mutex and waits at it afterwards, so a
 * signal in between is not missed.  The clock and whether other processes may
 * wait are bits that libc's init functions set, where libc has them.
 */
#include "patch/sync/sync.h"

enum { BETWEEN_PROCESSES = 1, MONOTONIC = 2 }; /* of options */
enum { FORK_PATIENCE = 100 };                  /* tries: half a second */

struct cond {
	uint32_t sequence; /* atomic; a word of the lot */
	uint32_t waiters;  /* atomic: who has yet to look at the object */
	uint64_t unused[3];
	uint32_t unused_too;
	uint32_t options; /* libc's */
};

_Static_assert(sizeof(struct cond) <= sizeof(pthread_cond_t) &&
		       offsetof(struct cond, options) == 36,
	       "in place");

static inline struct cond *cond_of(pthread_cond_t *c)
{
	return (struct cond *)(void *)c;
}

/* Another process's signals reach only libc's waits, which would stop the whole
 * loop.  But a wait may end for no reason: so it does, after a while. */
static int wait_between(pthread_mutex_t *mutex, const struct held *held,
			const struct limit *limit, int mode)
{
	int err = ramet__sync_nap(2 * RAMET_MS, mode, limit);
	int locked = ramet__held_take(mutex, held);

	return locked ? -locked : err;
}

static int wait_here(struct cond *c, pthread_mutex_t *mutex,
		     const struct held *held, uint32_t sequence,
		     const struct limit *limit, int mode)
{
	struct lot_reason reason = {"for a signal on condition", c, 0, NULL};
	int err, locked;

	err = ramet__sync_wait(&c->sequence, sequence, mode, limit, &reason);
	__atomic_sub_fetch(&c->waiters, 1, __ATOMIC_RELEASE);
	locked = ramet__held_take(mutex, held);
	if (locked)
		return -locked;
	return err == -ETIMEDOUT || err == -EINTR || err == -EDEADLK ? err : 0;
}

/* Returns 0 or -errno, holding the mutex as before. */
static int wait_unlocked(struct cond *c, pthread_mutex_t *mutex,
			 const struct limit *limit, int mode)
{
	bool between = c->options & BETWEEN_PROCESSES;
	uint32_t sequence;
	struct held held;
	int err;

	if (!between)
		__atomic_add_fetch(&c->waiters, 1, __ATOMIC_SEQ_CST);
	sequence = __atomic_load_n(&c->sequence, __ATOMIC_SEQ_CST);
	err = ramet__held_drop(mutex, &held);
	if (err) {
		if (!between)
			__atomic_sub_fetch(&c->waiters, 1, __ATOMIC_RELEASE);
		return -err;
	}
	return between ? wait_between(mutex, &held, limit, mode)
		       : wait_here(c, mutex, &held, sequence, limit, mode);
}

/* A cancellation point, which acts with the mutex held.  After a handler has
 * run the wait may end for no reason, and does. */
static int wait_cond(pthread_cond_t *cond, pthread_mutex_t *mutex,
		     const struct limit *limit)
{
	struct loop *l = hook_loop(RAMET_THREAD);
	struct cond *c = cond_of(cond);
	int err;

	sync_point();
	if (!l) {
		err = wait_unlocked(c, mutex, limit, LOT_FIRM);
		return err == -EINTR ? 0 : -err;
	}
	hook_begin(l);
	err = wait_unlocked(c, mutex, limit, LOT_EINTR);
	if (err == -EINTR) {
		hook_handle(l);
		err = 0;
	}
	hook_end(l, 0);
	sync_point();
	return -err;
}

int HOOK(pthread_cond_wait)(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	if (unlikely(ramet__sync_off))
		return libc.pthread_cond_wait(cond, mutex);
	return wait_cond(cond, mutex, NULL);
}

static int wait_till(pthread_cond_t *cond, pthread_mutex_t *mutex,
		     const struct limit *limit)
{
	int err = ramet__sync_check(limit);

	return err ? err : wait_cond(cond, mutex, limit);
}

int HOOK(pthread_cond_timedwait)(pthread_cond_t *cond, pthread_mutex_t *mutex,
				 const struct timespec *at)
{
	bool monotonic = cond_of(cond)->options & MONOTONIC;
	struct limit limit = {monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, at};

	if (unlikely(ramet__sync_off))
		return libc.pthread_cond_timedwait(cond, mutex, at);
	return wait_till(cond, mutex, &limit);
}

int HOOK(pthread_cond_clockwait)(pthread_cond_t *cond, pthread_mutex_t *mutex,
				 clockid_t clock, const struct timespec *at)
{
	struct limit limit = {clock, at};

	if (unlikely(ramet__sync_off))
		return libc.pthread_cond_clockwait(cond, mutex, clock, at);
	return wait_till(cond, mutex, &limit);
}

static void wake(struct cond *c, int n)
{
	if (!__atomic_load_n(&c->waiters, __ATOMIC_SEQ_CST))
		return;
	__atomic_add_fetch(&c->sequence, 1, __ATOMIC_SEQ_CST);
	ramet__lot_wake(&c->sequence, n, UINT32_MAX);
}

int HOOK(pthread_cond_signal)(pthread_cond_t *cond)
{
	struct cond *c = cond_of(cond);

	if (unlikely(ramet__sync_off || c->options & BETWEEN_PROCESSES))
		return libc.pthread_cond_signal(cond);
	sync_point();
	wake(c, 1);
	sync_point();
	return 0;
}

int HOOK(pthread_cond_broadcast)(pthread_cond_t *cond)
{
	struct cond *c = cond_of(cond);

	if (unlikely(ramet__sync_off || c->options & BETWEEN_PROCESSES))
		return libc.pthread_cond_broadcast(cond);
	sync_point();
	wake(c, INT_MAX);
	sync_point();
	return 0;
}

/* Those who were woken may have yet to look at it.  In the child of a fork
 * there may be some who never will: that is not waited for long. */
int HOOK(pthread_cond_destroy)(pthread_cond_t *cond)
{
	struct cond *c = cond_of(cond);
	struct backoff b = {0};
	int err = 0;

	if (unlikely(ramet__sync_off || c->options & BETWEEN_PROCESSES))
		return libc.pthread_cond_destroy(cond);
	while (__atomic_load_n(&c->waiters, __ATOMIC_ACQUIRE) && err == 0 &&
	       (!ramet__lot_forks || b.tries < FORK_PATIENCE))
		err = ramet__sync_back_off(&b, LOT_FIRM, NULL);
	return 0;
}
