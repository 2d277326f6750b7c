/* lock.h - waits for objects that stay libc's own.
 *
 * A library that is patched shares its locks with what is not: other libraries,
 * and OS threads in libc's own functions.  So libc keeps them, and decides: a
 * ramet that would wait tries, and parks until it is worth trying again.  Who
 * releases through a replacement wakes it; nobody tells of other releases, so
 * it looks for them by itself, less and less often.
 */
#ifndef PATCH_LOCK_LOCK_H
#define PATCH_LOCK_LOCK_H

#include "patch/hook.h"
#include "patch/sync/sync.h"

#define LOCK_HOOK(name) ramet__lock_hook_##name

#define LOCK_DECLARE(group, type, name, params) type LOCK_HOOK(name) params;
PATCH_LOCKS(LOCK_DECLARE)
#undef LOCK_DECLARE

/* Where the ramets wait whose objects' addresses meet here. */
struct spot {
	uint32_t sequence; /* atomic, a word of the lot: moved on by releases */
	uint32_t waiters;  /* atomic */
	uint32_t looks;    /* atomic: in vain, since it was moved on */
	uint32_t pad;
};

enum { SPOT_BITS = 10 };
extern struct spot ramet__spots[1 << SPOT_BITS];

/* Multiplicative hashing: Knuth, The Art of Computer Programming, 6.4. */
static inline uint64_t spot_hash(const void *object)
{
	return (uintptr_t)object / sizeof(uint64_t) * 0x9e3779b97f4a7c15u;
}

static inline struct spot *spot_of(const void *object)
{
	return &ramet__spots[spot_hash(object) >> (64 - SPOT_BITS)];
}

/* Which of a spot's waiters are meant, as far as bits can say.  A wake that
 * another object's waiter gets is made good by the next look. */
static inline uint32_t spot_mask(const void *object)
{
	return 1u << (spot_hash(object) >> (64 - SPOT_BITS - 5) & 31);
}

void ramet__spot_wake(struct spot *s, const void *object, int n);

/* After a release: up to n who wait for the object are to try again.  The
 * object is not touched, and may be gone. */
static inline void lock_released(const void *object, int n)
{
	struct spot *s = spot_of(object);

	if (unlikely(__atomic_load_n(&s->waiters, __ATOMIC_SEQ_CST)))
		ramet__spot_wake(s, object, n);
}

/* Park till the spot's sequence is no longer `sequence`, or the next look is
 * due: 0; or -ETIMEDOUT: the limit has come; -EINTR, if mode has LOT_EINTR. The
 * caller counts among the waiters.  `object` names it. */
int ramet__spot_wait(struct loop *l, const void *object, uint32_t sequence,
		     int mode, const struct limit *limit, const char *what);

/* Wait until take(object) returns something else than EBUSY: that, or
 * ETIMEDOUT, or EINTR. */
int ramet__lock_wait(struct loop *l, void *object, int (*take)(void *),
		     int mode, const struct limit *limit, const char *what);

/* Mutexes, for condition variables. */
int ramet__lock_mutex(struct loop *l, pthread_mutex_t *mutex,
		      const struct limit *limit);
int ramet__unlock_mutex(pthread_mutex_t *mutex);

#endif
