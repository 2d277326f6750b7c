/* once.c - what runs once: 0 not yet, 2 done, anything else under way, and in
 * which process: the child of a fork begins again what its parent had begun. */
#include "patch/sync/sync.h"

enum { FRESH, RUNNING, DONE }; /* RUNNING: the low bits, above them the forks */

static uint32_t running_here(void)
{
	return ramet__lot_forks << 2 | RUNNING;
}

static void set(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	ramet__lot_wake(word, INT_MAX, UINT32_MAX);
}

/* The routine ends by an exception, pthread_exit or cancellation. */
static void abandon(uint32_t **word)
{
	if (*word)
		set(*word, FRESH);
}

static void run(uint32_t *word, void (*routine)(void))
{
	uint32_t *mine __attribute__((cleanup(abandon))) = word;

	routine();
	mine = NULL;
	set(word, DONE);
}

static int do_once(uint32_t *word, void (*routine)(void))
{
	struct lot_reason reason = {"for pthread_once", word, 0, NULL};
	int err;

	for (;;) {
		uint32_t was = __atomic_load_n(word, __ATOMIC_ACQUIRE);

		if (was == DONE)
			return 0;
		if (was == running_here()) {
			err = ramet__sync_wait(word, was, LOT_FIRM, NULL,
					       &reason);
			if (err == -EDEADLK)
				return EDEADLK;
		} else if (__atomic_compare_exchange_n(word, &was,
						       running_here(), false,
						       __ATOMIC_ACQUIRE,
						       __ATOMIC_RELAXED)) {
			run(word, routine);
			return 0;
		}
	}
}

int HOOK(pthread_once)(pthread_once_t *once, void (*routine)(void))
{
	uint32_t *word = (uint32_t *)once;

	if (unlikely(ramet__sync_off))
		return libc.pthread_once(once, routine);
	sync_point();
	if (likely(__atomic_load_n(word, __ATOMIC_ACQUIRE) == DONE))
		return 0;
	return do_once(word, routine);
}

int HOOK(__pthread_once)(pthread_once_t *once, void (*routine)(void))
{
	return HOOK(pthread_once)(once, routine);
}
