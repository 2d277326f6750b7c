/* wait.c - parks for objects that libc decides about. */
#include "patch/lock/lock.h"

/* How long till the next look: from LOOK_MIN, doubled up to LOOK_MAX.  Where
 * many wait, each looks less often, so that all of them together make no more
 * than one look in LOOK_EACH. */
#define LOOK_MIN RAMET_MS
#define LOOK_MAX (20 * RAMET_MS)
#define LOOK_EACH (20 * RAMET_US)

struct spot ramet__spots[1 << SPOT_BITS];

void ramet__spot_wake(struct spot *s, const void *object, int n)
{
	__atomic_store_n(&s->looks, 0, __ATOMIC_RELAXED);
	__atomic_add_fetch(&s->sequence, 1, __ATOMIC_SEQ_CST);
	ramet__lot_wake(&s->sequence, n, spot_mask(object));
}

static int64_t look_after(struct spot *s)
{
	uint32_t looks = __atomic_fetch_add(&s->looks, 1, __ATOMIC_RELAXED),
		 waiters = __atomic_load_n(&s->waiters, __ATOMIC_RELAXED);
	int64_t most = LOOK_MAX + waiters * LOOK_EACH,
		ns = looks / waiters < 16 ? LOOK_MIN << looks / waiters : most;

	return ns < most ? ns : most;
}

int ramet__spot_wait(struct loop *l, const void *object, uint32_t sequence,
		     int mode, const struct limit *limit, const char *what)
{
	struct lot_reason reason = {what, object, 0, NULL};
	struct spot *s = spot_of(object);
	int64_t end = ramet__sync_instant(limit), look;
	int err;

	l->now = kernel_now();
	look = time_add(l->now, look_after(s));
	err = ramet__lot_wait(&s->sequence, sequence, spot_mask(object),
			      look < end ? look : end, mode | LOT_OPEN,
			      &reason);
	if (err == -EDEADLK)
		return err; /* in a signal handler */
	if (err == -EINTR || err == -ECANCELED)
		return mode & LOT_EINTR ? -EINTR : 0;
	return limit && ramet__sync_left(limit) <= 0 ? -ETIMEDOUT : 0;
}

int ramet__lock_wait(struct loop *l, void *object, int (*take)(void *),
		     int mode, const struct limit *limit, const char *what)
{
	struct spot *s = spot_of(object);
	int err, end = 0;

	__atomic_add_fetch(&s->waiters, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		uint32_t sequence =
			__atomic_load_n(&s->sequence, __ATOMIC_SEQ_CST);

		err = take(object);
		if (err != EBUSY || end < 0)
			break;
		end = ramet__spot_wait(l, object, sequence, mode, limit, what);
	}
	__atomic_sub_fetch(&s->waiters, 1, __ATOMIC_SEQ_CST);
	return err == EBUSY ? -end : err;
}
