/* sleep.c - sleeps during which others run.
 *
 * A sleep that the end of the scope around it, or cancel, cuts short ends as by
 * a signal: EINTR, and the time left.  One that begins when it is too late
 * fails with ETIMEDOUT or ECANCELED: the usual loop round nanosleep, which goes
 * on after EINTR, would else never end.
 */
#include "patch/time/sleep.h"
#include "patch/timespec.h"

/* How often the clocks that may jump, or run at their own pace, are looked at.
 */
#define JUMP_NS RAMET_SEC
#define PACE_NS (10 * RAMET_MS)

int ramet__hook_sleep_until(struct loop *l, int64_t when)
{
	struct thread *t = thread_self(l);
	bool own = when <= l->current->deadline;
	int err = ramet__interrupted(l);

	if (err < 0)
		return err;
	if (when <= l->now)
		ramet__give_way(l);
	if (t && t->asked) /* sent while this one was ready, not waiting */
		return -EINTR;
	if (when <= l->now)
		return 0;
	err = ramet__park_until(l, WAIT_SLEEP, NULL, when);
	return err == -ETIMEDOUT && own ? 0 : err;
}

/* Whether the scope's end left no time at all. */
static int late(struct loop *l)
{
	l->now = kernel_now();
	return ramet__interrupted(l);
}

/* Sleep for ns.  Returns 0 or -errno; *left is set unless there was no time. */
static int sleep_for(struct loop *l, int64_t ns, int64_t *left)
{
	int64_t when;
	int err;

	hook_begin(l);
	err = late(l);
	if (err < 0)
		return err;
	when = ns == RAMET_NEVER ? ns : time_add(l->now, ns);
	err = ramet__hook_sleep_until(l, when);
	if (err == 0)
		return 0;
	*left = when - kernel_now();
	if (*left < 0)
		*left = 0;
	if (err == -EINTR)
		hook_handle(l);
	return -EINTR;
}

/* ---- sleep, usleep, nanosleep ------------------------------------------- */

unsigned HOOK(sleep)(unsigned seconds)
{
	struct loop *l = hook_loop(RAMET_TIME);
	int64_t left = 0;

	if (!l)
		return libc.sleep(seconds);
	sleep_for(l, seconds * RAMET_SEC, &left);
	hook_end(l, 0);
	return (unsigned)(left / RAMET_SEC); /* as libc rounds it */
}

int HOOK(usleep)(useconds_t us)
{
	struct loop *l = hook_loop(RAMET_TIME);
	int64_t left;

	if (!l)
		return libc.usleep(us);
	return (int)hook_end(l, sleep_for(l, us * RAMET_US, &left));
}

int HOOK(nanosleep)(const struct timespec *request, struct timespec *rest)
{
	struct loop *l = hook_loop(RAMET_TIME);
	int64_t left = 0;
	int err;

	if (!l || !request || !timespec_is_length(request))
		return libc.nanosleep(request, rest);
	err = sleep_for(l, timespec_ns(request), &left);
	if (err == -EINTR && rest)
		*rest = timespec_of(left);
	return (int)hook_end(l, err);
}

/* ---- clock_nanosleep ---------------------------------------------------- */

/* Sleep until the clock says so.  Only CLOCK_MONOTONIC is the loop's; the
 * others are set forward and back, count the time that the machine was
 * suspended, or stand still while the process does. */
static int sleep_on_clock(struct loop *l, clockid_t clock, int64_t until)
{
	bool paced = clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME &&
		     clock != CLOCK_TAI;
	int64_t slice = paced ? PACE_NS : JUMP_NS;

	for (;;) {
		struct timespec t;
		int64_t rest;
		int err;

		if (clock_gettime(clock, &t) < 0)
			return -errno;
		rest = until == RAMET_NEVER ? until : until - timespec_ns(&t);
		l->now = kernel_now();
		err = ramet__hook_sleep_until(l,
					      time_add(l->now,
						       rest < slice ? rest
								    : slice));
		if (err < 0 || rest <= 0)
			return err;
	}
}

static int sleep_on(struct loop *l, clockid_t clock, int64_t until,
		    int64_t *left)
{
	struct timespec t;
	int err;

	hook_begin(l);
	err = late(l);
	if (err < 0)
		return err;
	if (clock == CLOCK_MONOTONIC)
		err = ramet__hook_sleep_until(l, until);
	else
		err = sleep_on_clock(l, clock, until);
	if (err != -EINTR && err != -ETIMEDOUT && err != -ECANCELED)
		return err;
	*left = clock_gettime(clock, &t) == 0 ? until - timespec_ns(&t) : 0;
	if (err == -EINTR)
		hook_handle(l);
	return -EINTR;
}

/* Whether the clock is one to sleep by: asked with a time that has passed. */
static int refused(clockid_t clock)
{
	static const struct timespec passed = {0, 0};

	return libc.clock_nanosleep(clock, TIMER_ABSTIME, &passed, NULL);
}

static int clock_sleep(struct loop *l, clockid_t clock, bool absolute,
		       const struct timespec *request, struct timespec *rest)
{
	int64_t left = 0, until = timespec_ns(request);
	struct timespec t;
	int err;

	/* Setting the clock does not change how long a sleep is. */
	if (clock == CLOCK_REALTIME && !absolute)
		clock = CLOCK_MONOTONIC;
	if (!absolute) {
		clock_gettime(clock, &t);
		until = until == RAMET_NEVER ? until
					     : time_add(until, timespec_ns(&t));
	}
	err = sleep_on(l, clock, until, &left);
	if (err == -EINTR && rest && !absolute)
		*rest = timespec_of(left);
	hook_end(l, 0);
	return -err;
}

int HOOK(clock_nanosleep)(clockid_t clock, int flags,
			  const struct timespec *request, struct timespec *rest)
{
	struct loop *l = hook_loop(RAMET_TIME);
	int err;

	if (!l || !request || !timespec_is_length(request))
		return libc.clock_nanosleep(clock, flags, request, rest);
	if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) {
		err = refused(clock);
		if (err)
			return err;
	}
	return clock_sleep(l, clock, flags & TIMER_ABSTIME, request, rest);
}
