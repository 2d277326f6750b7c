/* outside.c - OS threads without a loop join and detach threads that are
 * ramets.
 *
 * libc would take the pthread_t for its own, which it is not.  All that such an
 * OS thread touches is one word of the record; what belongs to the loop, the
 * list and the pool, the loop puts right when it makes its next thread.
 */
#include "patch/thread/life.h"

#include "sync/lot.h"

#include <limits.h>

static uint32_t done; /* atomic: threads that are to be forgotten */

/* From one state to another; what it was. */
static uint32_t change(struct thread *t, uint32_t from, uint32_t to)
{
	__atomic_compare_exchange_n(&t->outside, &from, to, false,
				    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	return from;
}

/* ---- in the loop -------------------------------------------------------- */

bool ramet__thread_tell_outside(struct thread *t)
{
	uint32_t before = __atomic_exchange_n(&t->outside, OUTSIDE_ENDED,
					      __ATOMIC_ACQ_REL);

	if (unlikely(before == OUTSIDE_WAITS))
		ramet__lot_wake(&t->outside, INT_MAX, ~0u);
	return before == OUTSIDE_LEFT;
}

void ramet__thread_sweep(void)
{
	struct thread *next;

	if (likely(!__atomic_load_n(&done, __ATOMIC_RELAXED)))
		return;
	for (struct thread *t = ramet__threads; t; t = next) {
		next = t->next;
		if (__atomic_load_n(&t->outside, __ATOMIC_ACQUIRE) ==
		    OUTSIDE_DONE) {
			__atomic_sub_fetch(&done, 1, __ATOMIC_RELAXED);
			ramet__thread_forget(t);
		}
	}
}

/* ---- outside ------------------------------------------------------------ */

/* It has ended; the caller does not look at it again. */
static int let_go(struct thread *t)
{
	if (change(t, OUTSIDE_ENDED, OUTSIDE_DONE) != OUTSIDE_ENDED)
		return EINVAL;
	__atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
	return 0;
}

int ramet__outside_join(struct thread *t, void **value, int64_t when)
{
	uint32_t was = change(t, OUTSIDE_NONE, OUTSIDE_WAITS);
	int err = 0;

	if (was == OUTSIDE_DONE)
		return ESRCH;
	if (was == OUTSIDE_WAITS || was == OUTSIDE_LEFT || t->detached)
		return EINVAL;
	while (err != -ETIMEDOUT && err != -EDEADLK &&
	       __atomic_load_n(&t->outside, __ATOMIC_ACQUIRE) == OUTSIDE_WAITS)
		err = ramet__lot_wait(&t->outside, OUTSIDE_WAITS, ~0u, when,
				      LOT_FIRM, NULL);
	if (change(t, OUTSIDE_WAITS, OUTSIDE_NONE) == OUTSIDE_WAITS)
		return -err;
	if (value)
		*value = t->value;
	return let_go(t);
}

int ramet__outside_detach(struct thread *t)
{
	uint32_t was = change(t, OUTSIDE_NONE, OUTSIDE_LEFT);

	if (was == OUTSIDE_ENDED)
		return let_go(t);
	if (was == OUTSIDE_WAITS) /* whoever joins it already does so */
		return 0;
	return was == OUTSIDE_NONE ? 0 : was == OUTSIDE_DONE ? ESRCH : EINVAL;
}
