/* sem.c - semaphores.
 *
 * As in glibc the value and how many wait are halves of one word, so that a
 * post touches nothing after it: who was let on may destroy the semaphore.  A
 * post gives what it adds to the first that waits, if it is still there; from a
 * signal handler it adds only, and the loop's next turn gives.  Semaphores
 * between processes, named ones among them, are libc's.
 */
#include "patch/sync/sync.h"
#include "sync/later.h"

#include <limits.h>
#include <semaphore.h>

struct sem {
	union {
		struct {
			uint32_t value; /* a word of the lot */
			uint32_t waiters;
		};
		uint64_t both;
	};                          /* atomic */
	uint32_t between_processes; /* libc's */
};

_Static_assert(sizeof(struct sem) <= sizeof(sem_t), "in place");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "halves in order");

static inline struct sem *sem_of(sem_t *s)
{
	return (struct sem *)(void *)s;
}

static bool try_wait(struct sem *s)
{
	uint32_t value = __atomic_load_n(&s->value, __ATOMIC_RELAXED);

	while (value)
		if (__atomic_compare_exchange_n(&s->value, &value, value - 1,
						true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

static bool take(void *sem)
{
	return try_wait(sem);
}

static void give(uint32_t *value, int n)
{
	struct sem *s = container_of(value, struct sem, value);

	while (n-- > 0 && ramet__lot_offer(&s->value, take, s))
		;
}

/* ---- waiting ------------------------------------------------------------ */

static int wait_between(sem_t *sem, const struct limit *limit, int mode)
{
	struct backoff b = {0};
	int err = 0, saved = errno;

	while (err == 0 && libc.sem_trywait(sem) < 0)
		err = errno == EAGAIN ? ramet__sync_back_off(&b, mode, limit)
				      : -errno;
	errno = saved;
	return err;
}

static int wait_here(struct sem *s, const struct limit *limit, int mode)
{
	struct lot_reason reason = {"for semaphore", s, 0, NULL};
	int err;

	__atomic_add_fetch(&s->waiters, 1, __ATOMIC_SEQ_CST);
	do
		err = try_wait(s) ? 0
				  : ramet__sync_wait(&s->value, 0, mode, limit,
						     &reason);
	while (err == -EAGAIN);
	__atomic_sub_fetch(&s->waiters, 1, __ATOMIC_SEQ_CST);
	return err;
}

static int wait_once(sem_t *sem, const struct limit *limit, int mode)
{
	struct sem *s = sem_of(sem);

	if (unlikely(s->between_processes))
		return wait_between(sem, limit, mode);
	return try_wait(s) ? 0 : wait_here(s, limit, mode);
}

/* Only a wait without limit goes on after handlers that ask for it:
 * signal(7). */
static int wait_sem(sem_t *sem, const struct limit *limit)
{
	struct loop *l = hook_loop(RAMET_THREAD);
	int err;

	sync_point();
	if (!l) {
		err = wait_once(sem, limit, LOT_EINTR | LOT_OPEN);
		if (err < 0)
			errno = -err;
		return err < 0 ? -1 : 0;
	}
	hook_begin(l);
	do {
		err = wait_once(sem, limit, LOT_EINTR | LOT_OPEN);
		if (err != -EINTR)
			break;
		if (limit)
			hook_handle(l);
	} while (!limit && hook_restarts(l));
	sync_point();
	return (int)hook_end(l, err);
}

int HOOK(sem_wait)(sem_t *sem)
{
	return unlikely(ramet__sync_off) ? libc.sem_wait(sem)
					 : wait_sem(sem, NULL);
}

static int wait_till(sem_t *sem, const struct limit *limit)
{
	if (ramet__sync_check(limit)) {
		errno = EINVAL;
		return -1;
	}
	return wait_sem(sem, limit);
}

int HOOK(sem_timedwait)(sem_t *sem, const struct timespec *at)
{
	struct limit limit = {CLOCK_REALTIME, at};

	return unlikely(ramet__sync_off) ? libc.sem_timedwait(sem, at)
					 : wait_till(sem, &limit);
}

int HOOK(sem_clockwait)(sem_t *sem, clockid_t clock, const struct timespec *at)
{
	struct limit limit = {clock, at};

	return unlikely(ramet__sync_off) ? libc.sem_clockwait(sem, clock, at)
					 : wait_till(sem, &limit);
}

int HOOK(sem_trywait)(sem_t *sem)
{
	if (unlikely(ramet__sync_off || sem_of(sem)->between_processes))
		return libc.sem_trywait(sem);
	sync_point();
	if (try_wait(sem_of(sem)))
		return 0;
	sync_spend();
	errno = EAGAIN;
	return -1;
}

/* ---- posting ------------------------------------------------------------ */

int HOOK(sem_post)(sem_t *sem)
{
	struct sem *s = sem_of(sem);
	struct loop *l = ramet__this_loop;
	uint64_t both;

	if (unlikely(ramet__sync_off || s->between_processes))
		return libc.sem_post(sem);
	sync_point();
	both = __atomic_load_n(&s->both, __ATOMIC_RELAXED);
	do {
		if ((uint32_t)both == SEM_VALUE_MAX) {
			errno = EOVERFLOW;
			return -1;
		}
	} while (!__atomic_compare_exchange_n(&s->both, &both, both + 1, true,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if (both >> 32 && l && !l->hooks)
		ramet__later(l, give, &s->value, 1);
	else if (both >> 32)
		give(&s->value, 1);
	sync_point();
	return 0;
}
