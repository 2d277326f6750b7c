/* wait.c - waits with the limits of pthreads: instants of either clock. */
#include "patch/sync/sync.h"
#include "patch/timespec.h"

#include "kernel/calls.h"

bool ramet__sync_off;

enum { YIELDS = 16, SLEEP_MIN = 20 * 1000 };
static const int64_t sleep_max = 5 * RAMET_MS;

/* The loop looks for events at switches, so when it last did says for how long
 * there was none. */
void ramet__sync_breathe(struct loop *l)
{
	enum { CALLS = 64 };

	if (kernel_now() - l->looked > 10 * RAMET_MS)
		ramet__give_way(l);
	else
		l->allowance = CALLS;
}

int ramet__sync_check(const struct limit *limit)
{
	if (!limit)
		return 0;
	if (limit->clock != CLOCK_REALTIME && limit->clock != CLOCK_MONOTONIC)
		return EINVAL;
	return limit->at->tv_nsec < 0 || limit->at->tv_nsec >= RAMET_SEC
		       ? EINVAL
		       : 0;
}

/* An instant before the clock began has passed as well. */
static int64_t to_ns(const struct timespec *ts)
{
	int64_t ns = timespec_ns(ts);

	return ns < 0 ? 0 : ns;
}

int64_t ramet__sync_left(const struct limit *limit)
{
	struct timespec now;

	if (limit->clock == CLOCK_MONOTONIC)
		return to_ns(limit->at) - kernel_now();
	clock_gettime(CLOCK_REALTIME, &now);
	return to_ns(limit->at) - to_ns(&now);
}

int64_t ramet__sync_instant(const struct limit *limit)
{
	int64_t ns;

	if (!limit)
		return RAMET_NEVER;
	ns = to_ns(limit->at);
	if (ns == RAMET_NEVER)
		return RAMET_NEVER;
	return limit->clock == CLOCK_MONOTONIC
		       ? ns
		       : time_add(kernel_now(), ramet__sync_left(limit));
}

/* Why a wait with a limit ended, to callers that know nothing of scopes. */
static int timed_out(const struct limit *limit)
{
	struct loop *l = ramet__this_loop;

	if (limit->clock == CLOCK_REALTIME && ramet__sync_left(limit) > 0 &&
	    !(l && ramet__interrupted(l)))
		return -EAGAIN;
	return -ETIMEDOUT;
}

int ramet__sync_wait(const uint32_t *word, uint32_t expected, int mode,
		     const struct limit *limit, const struct lot_reason *reason)
{
	int err;

	if (limit)
		mode |= LOT_SCOPE;
	err = ramet__lot_wait(word, expected, UINT32_MAX,
			      ramet__sync_instant(limit), mode, reason);
	if (err == -ECANCELED)
		return -ETIMEDOUT;
	return err == -ETIMEDOUT ? timed_out(limit) : err;
}

/* ---- trying again ------------------------------------------------------- */

static void yield(struct loop *l)
{
	if (l)
		ramet__give_way(l);
	kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static int sleep_till(struct loop *l, int64_t when, int mode)
{
	struct timespec ts = timespec_of(when);
	struct ramet *me;
	uint16_t eintr;
	int err;

	if (!l)
		return (int)kernel_call(SYS_clock_nanosleep, CLOCK_MONOTONIC,
					TIMER_ABSTIME, KERNEL_ARG(&ts), 0, 0,
					0);
	me = l->current;
	eintr = me->flags & FLAG_EINTR;
	if (!(mode & LOT_EINTR))
		me->flags &= (uint16_t)~FLAG_EINTR;
	err = ramet__park_firm(l, WAIT_SLEEP, NULL, when);
	me->flags |= eintr;
	return err;
}

static int64_t pause_of(unsigned tries)
{
	unsigned doublings = tries - YIELDS;

	if (doublings > 8)
		return sleep_max;
	return (int64_t)SLEEP_MIN << doublings;
}

/* Whether a wait is over before it has begun: -errno, or 0. */
static int may_wait(const struct limit *limit)
{
	struct loop *l = ramet__this_loop;

	if (l && (!l->hooks || l->current->state != STATE_RUNNING))
		return -EDEADLK; /* in a signal handler */
	if (!limit || (ramet__sync_instant(limit) > kernel_now() &&
		       !(l && ramet__interrupted(l))))
		return 0;
	yield(l);
	return -ETIMEDOUT;
}

int ramet__sync_nap(int64_t ns, int mode, const struct limit *limit)
{
	int64_t when = time_add(kernel_now(), ns),
		end = ramet__sync_instant(limit);
	int err = may_wait(limit);

	if (err < 0)
		return err;
	err = sleep_till(ramet__this_loop, when < end ? when : end, mode);
	return err == -EINTR && mode & LOT_EINTR ? -EINTR : 0;
}

int ramet__sync_back_off(struct backoff *b, int mode, const struct limit *limit)
{
	int err;

	if (b->tries++ >= YIELDS)
		return ramet__sync_nap(pause_of(b->tries), mode, limit);
	err = may_wait(limit);
	if (err == 0)
		yield(ramet__this_loop);
	return err;
}
