/* barrier.c - barriers: how many have come and which round it is are halves of
 * one word, so that who comes too many is the first of the next round.
 *
 * Those between processes have the same layout and are looked at again and
 * again; all the processes must be ours.
 */
#include "patch/sync/sync.h"

struct barrier {
	union {
		struct {
			uint32_t come;
			uint32_t round; /* a word of the lot */
		};
		uint64_t both;
	};                                 /* atomic */
	uint32_t count, between_processes; /* libc's */
	uint32_t inside;                   /* atomic: who has yet to leave */
};

_Static_assert(sizeof(struct barrier) <= sizeof(pthread_barrier_t), "in place");

static inline struct barrier *barrier_of(pthread_barrier_t *b)
{
	return (struct barrier *)(void *)b;
}

/* Returns whether the caller completes the round, which it is in *round. */
static bool come(struct barrier *b, uint32_t *round)
{
	uint64_t both = __atomic_load_n(&b->both, __ATOMIC_RELAXED), next;
	bool last;

	do {
		*round = (uint32_t)(both >> 32);
		last = (uint32_t)both + 1 == b->count;
		next = last ? (uint64_t)(*round + 1) << 32 : both + 1;
	} while (!__atomic_compare_exchange_n(&b->both, &both, next, true,
					      __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return last;
}

static void wait_round(struct barrier *b, uint32_t round)
{
	struct lot_reason reason = {"at barrier", b, 0, NULL};
	struct backoff pause = {0};
	int err = 0;

	while (__atomic_load_n(&b->round, __ATOMIC_ACQUIRE) == round &&
	       err != -EDEADLK)
		err = b->between_processes
			      ? ramet__sync_back_off(&pause, LOT_FIRM, NULL)
			      : ramet__sync_wait(&b->round, round, LOT_FIRM,
						 NULL, &reason);
}

int HOOK(pthread_barrier_wait)(pthread_barrier_t *barrier)
{
	struct barrier *b = barrier_of(barrier);
	uint32_t round;
	bool last;

	if (unlikely(ramet__sync_off))
		return libc.pthread_barrier_wait(barrier);
	sync_point();
	__atomic_add_fetch(&b->inside, 1, __ATOMIC_ACQUIRE);
	last = come(b, &round);
	if (last)
		ramet__lot_wake(&b->round, INT_MAX, UINT32_MAX);
	else
		wait_round(b, round);
	__atomic_sub_fetch(&b->inside, 1, __ATOMIC_RELEASE);
	sync_point();
	return last ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

/* Who has been let on may have yet to leave. */
int HOOK(pthread_barrier_destroy)(pthread_barrier_t *barrier)
{
	struct barrier *b = barrier_of(barrier);
	struct backoff pause = {0};
	int err = 0;

	if (unlikely(ramet__sync_off))
		return libc.pthread_barrier_destroy(barrier);
	if (__atomic_load_n(&b->come, __ATOMIC_RELAXED))
		return EBUSY;
	while (__atomic_load_n(&b->inside, __ATOMIC_ACQUIRE) && err == 0)
		err = ramet__sync_back_off(&pause, LOT_FIRM, NULL);
	return 0;
}
