/* door.h - the test itself at the door to the kernel, as in a simulation: it
 * decides who is next, and when time passes. */
#ifndef DOOR_H
#define DOOR_H

#include "test.h"

#include "kernel/kernel.h"

#include <errno.h>

/* The kernel in use, from now on one that may be changed. */
static inline struct kernel *own_kernel(void)
{
	static struct kernel own;

	if (ramet__kernel != &own) {
		own = *ramet__kernel;
		ramet__kernel = &own;
	}
	return &own;
}

/* Of n ramets that are ready, number pick(n) is next: test_rand for any. */
static inline void let_pick(uint32_t (*pick)(uint32_t n))
{
	own_kernel()->pick = pick;
}

/* ---- signals ------------------------------------------------------------ */

static long (*call_uninterrupted)(long nr, long a, long b, long c, long d,
				  long e, long f);
static long interrupted_calls[2];

static inline long call_interrupted(long nr, long a, long b, long c, long d,
				    long e, long f)
{
	static int calls;

	if ((nr == interrupted_calls[0] || nr == interrupted_calls[1]) &&
	    ++calls % 2)
		return -EINTR;
	return call_uninterrupted(nr, a, b, c, d, e, f);
}

/* From now on these two system calls are interrupted each time, and work when
 * they are made again. */
static inline void interrupt_calls(long one, long other)
{
	struct kernel *own = own_kernel();

	interrupted_calls[0] = one;
	interrupted_calls[1] = other;
	call_uninterrupted = own->call;
	own->call = call_interrupted;
}

/* ---- a clock that stands still ------------------------------------------ */

static int64_t stopped_at;
static int (*wait_in_time)(struct poller *poller, int64_t timeout,
			   struct kernel_event *events);

static inline int64_t stopped_now(void)
{
	return stopped_at;
}

static inline int wait_at_once(struct poller *poller, int64_t timeout,
			       struct kernel_event *events)
{
	int n;

	if (timeout == RAMET_NEVER)
		return wait_in_time(poller, timeout, events);
	n = wait_in_time(poller, 0, events);
	if (n == 0)
		stopped_at += timeout;
	return n;
}

/* From now on time passes only where all wait for it, and then at once.  What
 * is due first comes first, however long the machine pauses in between; but
 * nothing outside may have a part in it. */
static inline void stop_clock(void)
{
	struct kernel *own = own_kernel();

	stopped_at = own->now();
	own->now = stopped_now;
	wait_in_time = own->wait;
	own->wait = wait_at_once;
}

/* As if the caller had been busy for so long. */
static inline void pass_time(int64_t ns)
{
	stopped_at += ns;
}

#endif
