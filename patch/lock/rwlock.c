/* rwlock.c - libc's read-write locks, waited for by ramets. */
#include "patch/lock/lock.h"

static int take_read(void *rwlock)
{
	return libc.pthread_rwlock_tryrdlock(rwlock);
}

static int take_write(void *rwlock)
{
	return libc.pthread_rwlock_trywrlock(rwlock);
}

static int lock(struct loop *l, pthread_rwlock_t *rwlock, int (*take)(void *),
		const struct limit *limit)
{
	const char *what = take == take_read ? "to read-lock" : "to write-lock";
	int err = take(rwlock);

	if (err == EBUSY && limit) {
		int bad = ramet__sync_check(limit);

		if (bad)
			return bad;
	}
	if (err != EBUSY)
		return err;
	return ramet__lock_wait(l, rwlock, take, LOT_FIRM, limit, what);
}

int LOCK_HOOK(pthread_rwlock_rdlock)(pthread_rwlock_t *rwlock)
{
	struct loop *l = hook_loop(RAMET_LOCK);

	return l ? lock(l, rwlock, take_read, NULL)
		 : libc.pthread_rwlock_rdlock(rwlock);
}

int LOCK_HOOK(pthread_rwlock_wrlock)(pthread_rwlock_t *rwlock)
{
	struct loop *l = hook_loop(RAMET_LOCK);

	return l ? lock(l, rwlock, take_write, NULL)
		 : libc.pthread_rwlock_wrlock(rwlock);
}

int LOCK_HOOK(pthread_rwlock_timedrdlock)(pthread_rwlock_t *rwlock,
					  const struct timespec *at)
{
	struct limit limit = {CLOCK_REALTIME, at};
	struct loop *l = hook_loop(RAMET_LOCK);

	return l ? lock(l, rwlock, take_read, &limit)
		 : libc.pthread_rwlock_timedrdlock(rwlock, at);
}

int LOCK_HOOK(pthread_rwlock_timedwrlock)(pthread_rwlock_t *rwlock,
					  const struct timespec *at)
{
	struct limit limit = {CLOCK_REALTIME, at};
	struct loop *l = hook_loop(RAMET_LOCK);

	return l ? lock(l, rwlock, take_write, &limit)
		 : libc.pthread_rwlock_timedwrlock(rwlock, at);
}

int LOCK_HOOK(pthread_rwlock_clockrdlock)(pthread_rwlock_t *rwlock,
					  clockid_t clock,
					  const struct timespec *at)
{
	struct limit limit = {clock, at};
	struct loop *l = hook_loop(RAMET_LOCK);

	return l ? lock(l, rwlock, take_read, &limit)
		 : libc.pthread_rwlock_clockrdlock(rwlock, clock, at);
}

int LOCK_HOOK(pthread_rwlock_clockwrlock)(pthread_rwlock_t *rwlock,
					  clockid_t clock,
					  const struct timespec *at)
{
	struct limit limit = {clock, at};
	struct loop *l = hook_loop(RAMET_LOCK);

	return l ? lock(l, rwlock, take_write, &limit)
		 : libc.pthread_rwlock_clockwrlock(rwlock, clock, at);
}

/* Several readers may have waited. */
int LOCK_HOOK(pthread_rwlock_unlock)(pthread_rwlock_t *rwlock)
{
	int err = libc.pthread_rwlock_unlock(rwlock);

	if (err == 0)
		lock_released(rwlock, INT_MAX);
	return err;
}
