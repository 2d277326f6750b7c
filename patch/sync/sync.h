/* sync.h - what all the objects that pthreads wait with have in common.
 *
 * They live in their own bytes, where libc keeps its: what libc initialises,
 * statically or by its init functions, is valid for us, and what an attribute
 * asked for is read where libc has put it.  They are ours for every OS thread,
 * so that a lock protects the same for all.  Objects that other processes or
 * the kernel may look at keep libc's layout and meaning: see shared.c.
 */
#ifndef PATCH_SYNC_SYNC_H
#define PATCH_SYNC_SYNC_H

#include "patch/hook.h"
#include "sync/lot.h"

#include <sys/single_threaded.h>

/* The group is off in this process: all objects are libc's. */
extern bool ramet__sync_off;

/* Let others run, in a simulation. */
static inline void sync_point(void)
{
	struct loop *l;

	if (kernel_picks() && (l = hook_loop(RAMET_THREAD)))
		ramet__give_way(l);
}

/* After what did not wait: who tries again and again must not keep others from
 * making it true. */
static inline void sync_spend(void)
{
	struct loop *l = hook_loop(RAMET_THREAD);

	if (likely(l))
		ramet__spend(l);
}

void ramet__sync_breathe(struct loop *l);

/* After an unlock.  Who looks again and again, under a lock, for what another
 * is to do must let it.  But not at once: as long as locking alone never runs
 * others, what locks only briefly, such as an allocator, is never found locked,
 * and that may be called by the runtime, where others must not run. */
static inline void sync_breathe(void)
{
	struct loop *l = hook_loop(RAMET_THREAD);

	if (likely(l) && unlikely(--l->allowance == 0))
		ramet__sync_breathe(l);
}

/* Compare and exchange.  While there is one OS thread only signal handlers can
 * come in between, and not into one instruction: the bus need not be locked,
 * which is most of what an uncontended lock costs. */
static inline bool sync_change(uint32_t *word, uint32_t from, uint32_t to)
{
	bool changed;

	if (!__libc_single_threaded)
		return __atomic_compare_exchange_n(word, &from, to, false,
						   __ATOMIC_SEQ_CST,
						   __ATOMIC_RELAXED);
	__asm__ volatile("cmpxchgl %3, %1"
			 : "=@ccz"(changed), "+m"(*word), "+a"(from)
			 : "r"(to)
			 : "memory");
	return changed;
}

/* How long to wait: till an instant of a clock; NULL for ever. */
struct limit {
	clockid_t clock;
	const struct timespec *at;
};

/* 0, or EINVAL for a clock that cannot be waited for, or an instant that is
 * none. */
int ramet__sync_check(const struct limit *limit);

/* When that is on the loop's clock, and in how many ns. */
int64_t ramet__sync_instant(const struct limit *limit);
int64_t ramet__sync_left(const struct limit *limit);

/* ramet__lot_wait for any who wakes there; -EAGAIN, too, if the limit's clock
 * was set back meanwhile.  An end by the scope around it or by cancel, which
 * only a wait with a limit can come to, is -ETIMEDOUT as well: that callers
 * know. */
int ramet__sync_wait(const uint32_t *word, uint32_t expected, int mode,
		     const struct limit *limit,
		     const struct lot_reason *reason);

/* For what can only be tried again and again: from yielding to sleeps of 5 ms.
 * Returns 0 to try again, -ETIMEDOUT, or -EINTR if `mode` has LOT_EINTR. */
struct backoff {
	unsigned tries;
};

int ramet__sync_back_off(struct backoff *b, int mode,
			 const struct limit *limit);

/* Sleep for so long, or till the limit.  Returns as back_off does. */
int ramet__sync_nap(int64_t ns, int mode, const struct limit *limit);

/* ---- mutexes ------------------------------------------------------------ */

/* What pthread_mutex_lock and unlock do, for condition variables: give all of a
 * recursive mutex up, and take it again as it was. */
struct held {
	uint32_t count;
};

int ramet__held_drop(pthread_mutex_t *m, struct held *held);
int ramet__held_take(pthread_mutex_t *m, const struct held *held);

/* Mutexes whose lock is libc's: robust, with a protocol, or between
 * processes. */
enum { MUTEX_TYPE = 3, MUTEX_SHARED = 0xf0 };

int ramet__shared_lock(pthread_mutex_t *m, const struct limit *limit);
int ramet__shared_trylock(pthread_mutex_t *m);
int ramet__shared_unlock(pthread_mutex_t *m);

#endif
