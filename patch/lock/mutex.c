/* mutex.c - libc's mutexes, waited for by ramets.
 *
 * To libc all ramets of an OS thread are one owner.  For kinds that know their
 * owner, recursive and error-checking ones, the mutex itself says which ramet
 * it is, in bytes that libc uses for robust mutexes only.  Code that is not
 * patched and locks them leaves no such note: then they are its OS thread's.
 */
#include "patch/lock/lock.h"

#include "kernel/calls.h"

enum {
	KIND = 3,               /* of pthread_mutexattr_settype */
	FOREIGN = 16 | 32 | 64, /* robust, or with a protocol: libc's alone */
};

static bool is_foreign(const pthread_mutex_t *m)
{
	return m->__data.__kind & FOREIGN;
}

static bool has_owner(const pthread_mutex_t *m)
{
	int kind = m->__data.__kind & KIND;

	return kind == PTHREAD_MUTEX_RECURSIVE ||
	       kind == PTHREAD_MUTEX_ERRORCHECK;
}

static struct ramet **note(pthread_mutex_t *m)
{
	return (struct ramet **)(void *)&m->__data.__list.__prev;
}

static void write_note(pthread_mutex_t *m, struct ramet *owner)
{
	__atomic_store_n(note(m), owner, __ATOMIC_RELAXED);
}

/* Whether another ramet holds it. */
static bool is_anothers(struct loop *l, pthread_mutex_t *m)
{
	struct ramet *owner = __atomic_load_n(note(m), __ATOMIC_RELAXED);

	return owner && owner != l->current &&
	       __atomic_load_n(&m->__data.__owner, __ATOMIC_RELAXED);
}

static bool is_own(const pthread_mutex_t *m)
{
	return __atomic_load_n(&m->__data.__owner, __ATOMIC_RELAXED) ==
	       (int)kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

static int take_owned(struct loop *l, pthread_mutex_t *m)
{
	int err;

	if (is_anothers(l, m))
		return EBUSY;
	err = libc.pthread_mutex_trylock(m);
	if (err == 0)
		write_note(m, l->current);
	return err;
}

static int take(void *mutex)
{
	pthread_mutex_t *m = mutex;

	return has_owner(m) ? take_owned(ramet__this_loop, m)
			    : libc.pthread_mutex_trylock(m);
}

/* What it has already, an error-checking one says. */
static bool is_deadlock(struct loop *l, pthread_mutex_t *m)
{
	return (m->__data.__kind & KIND) == PTHREAD_MUTEX_ERRORCHECK &&
	       !is_anothers(l, m) && is_own(m);
}

int ramet__lock_mutex(struct loop *l, pthread_mutex_t *m,
		      const struct limit *limit)
{
	int err = take(m);

	if (likely(err != EBUSY))
		return err;
	if (is_deadlock(l, m))
		return EDEADLK;
	return ramet__lock_wait(l, m, take, LOT_FIRM, limit, "for mutex");
}

int ramet__unlock_mutex(pthread_mutex_t *m)
{
	struct loop *l = ramet__this_loop;
	int err;

	if (unlikely(l && has_owner(m) && !is_foreign(m))) {
		if (is_anothers(l, m))
			return EPERM;
		if (m->__data.__count <= 1 && is_own(m))
			write_note(m, NULL);
	}
	err = libc.pthread_mutex_unlock(m);
	if (likely(err == 0))
		lock_released(m, 1);
	return err;
}

static struct loop *loop_for(const pthread_mutex_t *m)
{
	return unlikely(is_foreign(m)) ? NULL : hook_loop(RAMET_LOCK);
}

int LOCK_HOOK(pthread_mutex_lock)(pthread_mutex_t *mutex)
{
	struct loop *l = loop_for(mutex);

	return l ? ramet__lock_mutex(l, mutex, NULL)
		 : libc.pthread_mutex_lock(mutex);
}

int LOCK_HOOK(pthread_mutex_trylock)(pthread_mutex_t *mutex)
{
	struct loop *l = loop_for(mutex);

	return l ? take(mutex) : libc.pthread_mutex_trylock(mutex);
}

static int lock_till(struct loop *l, pthread_mutex_t *m,
		     const struct limit *limit)
{
	int err = take(m);

	if (err != EBUSY)
		return err;
	err = ramet__sync_check(limit);
	return err ? err : ramet__lock_mutex(l, m, limit);
}

int LOCK_HOOK(pthread_mutex_timedlock)(pthread_mutex_t *mutex,
				       const struct timespec *at)
{
	struct limit limit = {CLOCK_REALTIME, at};
	struct loop *l = loop_for(mutex);

	return l ? lock_till(l, mutex, &limit)
		 : libc.pthread_mutex_timedlock(mutex, at);
}

int LOCK_HOOK(pthread_mutex_clocklock)(pthread_mutex_t *mutex, clockid_t clock,
				       const struct timespec *at)
{
	struct limit limit = {clock, at};
	struct loop *l = loop_for(mutex);

	return l ? lock_till(l, mutex, &limit)
		 : libc.pthread_mutex_clocklock(mutex, clock, at);
}

int LOCK_HOOK(pthread_mutex_unlock)(pthread_mutex_t *mutex)
{
	return ramet__unlock_mutex(mutex);
}
