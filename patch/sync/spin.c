/* spin.c - spin locks: the holder may be a ramet of the same OS thread, so
 * others run instead of spinning. */
#include "patch/sync/sync.h"

enum { LOCKED, FREE }; /* as on x86 in glibc, which initialises it */

static bool try_lock(pthread_spinlock_t *lock)
{
	int word = FREE;

	return __atomic_compare_exchange_n(lock, &word, LOCKED, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

int HOOK(pthread_spin_lock)(pthread_spinlock_t *lock)
{
	struct backoff b = {0};
	int err = 0;

	if (unlikely(ramet__sync_off))
		return libc.pthread_spin_lock(lock);
	sync_point();
	while (!try_lock(lock) && err == 0)
		err = ramet__sync_back_off(&b, LOT_FIRM, NULL);
	return -err;
}

int HOOK(pthread_spin_trylock)(pthread_spinlock_t *lock)
{
	if (unlikely(ramet__sync_off))
		return libc.pthread_spin_trylock(lock);
	sync_point();
	if (try_lock(lock))
		return 0;
	sync_spend();
	return EBUSY;
}

int HOOK(pthread_spin_unlock)(pthread_spinlock_t *lock)
{
	__atomic_store_n(lock, FREE, __ATOMIC_RELEASE);
	sync_point();
	return 0;
}
