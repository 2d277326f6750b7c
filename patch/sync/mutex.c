/* mutex.c - mutexes that are handed over: who unlocks makes the first that
 * waits the owner, so that nobody who keeps taking it can starve the others.
 *
 * The lock word is what it is in glibc: 0 free, 1 held, 2 held and waited for.
 * Whoever waits is queued while the word is 2, and only unlocking changes that.
 */
#include "patch/sync/sync.h"

enum { FREE, HELD, WAITED_FOR };
enum {
	RECURSIVE = PTHREAD_MUTEX_RECURSIVE_NP,
	ERRORCHECK = PTHREAD_MUTEX_ERRORCHECK_NP
};

struct mutex {
	uint32_t lock;  /* atomic; a word of the lot */
	uint32_t count; /* a recursive one's, from 1 on */
	uint32_t owner; /* atomic: 0 when free */
	uint32_t users; /* libc's */
	int kind;
};

_Static_assert(sizeof(struct mutex) <= sizeof(pthread_mutex_t), "in place");

static inline struct mutex *mutex_of(pthread_mutex_t *m)
{
	return (struct mutex *)(void *)m;
}

static inline bool is_mine(const struct mutex *m, uint32_t self)
{
	return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) == self;
}

static inline bool try_lock(struct mutex *m, uint32_t self)
{
	if (unlikely(!sync_change(&m->lock, FREE, HELD)))
		return false;
	__atomic_store_n(&m->owner, self, __ATOMIC_RELAXED);
	m->count = 1;
	return true;
}

/* ---- waiting ------------------------------------------------------------ */

/* Make sure that whoever unlocks sees us.  Returns false if it has become
 * free. */
static bool announce(struct mutex *m)
{
	uint32_t word = HELD;

	return __atomic_compare_exchange_n(&m->lock, &word, WAITED_FOR, false,
					   __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED) ||
	       word == WAITED_FOR;
}

static int lock_slowly(struct mutex *m, uint32_t self,
		       const struct limit *limit)
{
	struct lot_reason reason = {"for mutex", m, 0, &m->owner};
	int err = ramet__sync_check(limit);

	if (err)
		return err;
	for (;;) {
		if (!announce(m)) {
			if (try_lock(m, self))
				return 0;
			continue;
		}
		reason.owner = __atomic_load_n(&m->owner, __ATOMIC_RELAXED);
		err = ramet__sync_wait(&m->lock, WAITED_FOR, LOT_FIRM, limit,
				       &reason);
		if (err == 0 && is_mine(m, self)) {
			m->count = 1;
			return 0;
		}
		if (err < 0 && err != -EAGAIN)
			return -err;
	}
}

static int lock_again(struct mutex *m)
{
	if (m->count == UINT32_MAX)
		return EAGAIN;
	m->count++;
	return 0;
}

/* By types: what a lock by the owner is. */
static inline int lock_mutex(struct mutex *m, const struct limit *limit)
{
	uint32_t self = ramet__lot_self();
	int type = m->kind & MUTEX_TYPE;

	if (type == RECURSIVE && is_mine(m, self))
		return lock_again(m);
	if (type == ERRORCHECK && is_mine(m, self))
		return EDEADLK;
	if (likely(try_lock(m, self)))
		return 0;
	return lock_slowly(m, self, limit);
}

/* ---- handing over ------------------------------------------------------- */

static void pass(void *mutex, uint32_t owner, bool more)
{
	struct mutex *m = mutex;
	uint32_t word = owner ? (more ? WAITED_FOR : HELD) : FREE;

	__atomic_store_n(&m->owner, owner, __ATOMIC_RELAXED);
	__atomic_store_n(&m->lock, word, __ATOMIC_RELEASE);
}

/* Nothing of the mutex is touched once it is free: it may be gone. */
static inline void release(struct mutex *m)
{
	__atomic_store_n(&m->owner, 0, __ATOMIC_RELAXED);
	if (unlikely(!sync_change(&m->lock, HELD, FREE)))
		ramet__lot_pass(&m->lock, pass, m);
}

/* 0 if the caller may unlock it. */
static inline int may_unlock(const struct mutex *m)
{
	int type = m->kind & MUTEX_TYPE;

	if (likely(type != RECURSIVE && type != ERRORCHECK))
		return 0;
	return is_mine(m, ramet__lot_self()) ? 0 : EPERM;
}

static inline int unlock_mutex(struct mutex *m)
{
	int err = may_unlock(m);

	if (err)
		return err;
	if ((m->kind & MUTEX_TYPE) == RECURSIVE && --m->count)
		return 0;
	release(m);
	return 0;
}

/* ---- for condition variables -------------------------------------------- */

int ramet__held_drop(pthread_mutex_t *mutex, struct held *held)
{
	struct mutex *m = mutex_of(mutex);
	int err;

	if (unlikely(m->kind & MUTEX_SHARED))
		return ramet__shared_unlock(mutex);
	err = may_unlock(m);
	if (err)
		return err;
	held->count = m->count;
	release(m);
	return 0;
}

int ramet__held_take(pthread_mutex_t *mutex, const struct held *held)
{
	struct mutex *m = mutex_of(mutex);
	int err;

	if (unlikely(m->kind & MUTEX_SHARED))
		return ramet__shared_lock(mutex, NULL);
	err = lock_mutex(m, NULL);
	if (!err)
		m->count = held->count;
	return err;
}

/* ---- the replacements --------------------------------------------------- */

int HOOK(pthread_mutex_lock)(pthread_mutex_t *mutex)
{
	struct mutex *m = mutex_of(mutex);
	int err;

	if (unlikely(ramet__sync_off))
		return libc.pthread_mutex_lock(mutex);
	sync_point();
	if (unlikely(m->kind & MUTEX_SHARED))
		return ramet__shared_lock(mutex, NULL);
	err = lock_mutex(m, NULL);
	sync_point();
	return err;
}

int HOOK(pthread_mutex_trylock)(pthread_mutex_t *mutex)
{
	struct mutex *m = mutex_of(mutex);
	uint32_t self;

	if (unlikely(ramet__sync_off))
		return libc.pthread_mutex_trylock(mutex);
	sync_point();
	if (unlikely(m->kind & MUTEX_SHARED))
		return ramet__shared_trylock(mutex);
	self = ramet__lot_self();
	if ((m->kind & MUTEX_TYPE) == RECURSIVE && is_mine(m, self))
		return lock_again(m);
	if (try_lock(m, self))
		return 0;
	sync_spend();
	return EBUSY;
}

static int lock_till(pthread_mutex_t *mutex, const struct limit *limit)
{
	struct mutex *m = mutex_of(mutex);
	int err;

	sync_point();
	if (unlikely(m->kind & MUTEX_SHARED))
		return ramet__shared_lock(mutex, limit);
	err = lock_mutex(m, limit);
	sync_point();
	return err;
}

int HOOK(pthread_mutex_timedlock)(pthread_mutex_t *mutex,
				  const struct timespec *at)
{
	struct limit limit = {CLOCK_REALTIME, at};

	if (unlikely(ramet__sync_off))
		return libc.pthread_mutex_timedlock(mutex, at);
	return lock_till(mutex, &limit);
}

int HOOK(pthread_mutex_clocklock)(pthread_mutex_t *mutex, clockid_t clock,
				  const struct timespec *at)
{
	struct limit limit = {clock, at};

	if (unlikely(ramet__sync_off))
		return libc.pthread_mutex_clocklock(mutex, clock, at);
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return EINVAL;
	return lock_till(mutex, &limit);
}

int HOOK(pthread_mutex_unlock)(pthread_mutex_t *mutex)
{
	struct mutex *m = mutex_of(mutex);
	int err;

	if (unlikely(ramet__sync_off))
		return libc.pthread_mutex_unlock(mutex);
	sync_point();
	if (unlikely(m->kind & MUTEX_SHARED))
		return ramet__shared_unlock(mutex);
	err = unlock_mutex(m);
	sync_breathe();
	sync_point();
	return err;
}

/* As libc does, whoever uses it afterwards is told so. */
int HOOK(pthread_mutex_destroy)(pthread_mutex_t *mutex)
{
	struct mutex *m = mutex_of(mutex);

	if (unlikely(ramet__sync_off) || m->kind & MUTEX_SHARED)
		return libc.pthread_mutex_destroy(mutex);
	if (__atomic_load_n(&m->lock, __ATOMIC_RELAXED) != FREE)
		return EBUSY;
	m->kind = -1;
	return 0;
}

int HOOK(__pthread_mutex_lock)(pthread_mutex_t *mutex)
{
	return HOOK(pthread_mutex_lock)(mutex);
}

int HOOK(__pthread_mutex_trylock)(pthread_mutex_t *mutex)
{
	return HOOK(pthread_mutex_trylock)(mutex);
}

int HOOK(__pthread_mutex_unlock)(pthread_mutex_t *mutex)
{
	return HOOK(pthread_mutex_unlock)(mutex);
}

int HOOK(__pthread_mutex_destroy)(pthread_mutex_t *mutex)
{
	return HOOK(pthread_mutex_destroy)(mutex);
}
