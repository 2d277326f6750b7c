/* join.c - waiting for a thread to end, once. */
#include "patch/thread/life.h"
#include "patch/timespec.h"

/* Whether the caller may join t, as glibc sees it. */
static int may_join(const struct thread *self, const struct thread *t)
{
	uint32_t outside;

	if (t->life == THREAD_GONE)
		return ESRCH;
	outside = __atomic_load_n(&t->outside, __ATOMIC_RELAXED);
	if (outside == OUTSIDE_DONE)
		return ESRCH;
	if (t->detached || outside == OUTSIDE_WAITS || outside == OUTSIDE_LEFT)
		return EINVAL;
	if (t == self || (self && self->joiner && t->ramet &&
			  self->joiner == t->ramet && !t->exiting))
		return EDEADLK;
	return t->joiner ? EINVAL : 0;
}

/* Its limit, or a signal, may have come first. */
void ramet__thread_tell(struct thread *t)
{
	if (t->joiner && t->joiner->state == STATE_PARKED)
		ramet__wake(t->joiner, 0);
}

/* The target's end wakes us; a signal or cancel does too.  A cancelled joiner
 * leaves the thread to be joined by others. */
static int wait_for_end(struct loop *l, struct thread *t, int64_t when)
{
	int err = 0;

	if (when == RAMET_NEVER && t->life == THREAD_LIVES)
		err = ramet__owned_wait(l, WAIT_JOIN, t->ramet);
	if (err < 0)
		return -err;
	hook_begin(l);
	while (t->life == THREAD_LIVES && err != -ETIMEDOUT) {
		t->joiner = l->current;
		err = ramet__park_firm(l, WAIT_JOIN, t->ramet, when);
		t->joiner = NULL;
		if (err == -EINTR)
			hook_handle(l);
	}
	hook_end(l, 0);
	return t->life == THREAD_LIVES ? ETIMEDOUT : 0;
}

int ramet__thread_join(struct loop *l, pthread_t p, void **value, int64_t when)
{
	struct thread *t = thread_of(p);
	int err = may_join(thread_self(l), t);

	if (err == 0)
		err = wait_for_end(l, t, when);
	if (err)
		return err;
	if (value)
		*value = t->value;
	ramet__thread_forget(t);
	return 0;
}

int ramet__thread_detach(pthread_t p)
{
	struct thread *t = thread_of(p);

	if (t->life == THREAD_GONE)
		return ESRCH;
	if (t->detached)
		return EINVAL;
	if (t->joiner ||
	    __atomic_load_n(&t->outside, __ATOMIC_RELAXED) == OUTSIDE_WAITS)
		return 0; /* whoever joins it already does so */
	t->detached = true;
	if (t->life == THREAD_ENDED)
		ramet__thread_forget(t);
	return 0;
}

static struct loop *ours(pthread_t p)
{
	struct loop *l = thread_loop();

	return l && thread_of(p) ? l : NULL;
}

/* A ramet's, and the caller is an OS thread of libc's. */
static struct thread *from_outside(pthread_t p)
{
	return ramet__threads && !thread_loop() ? thread_of(p) : NULL;
}

/* A time of `clock` as the loop measures it; for ever if it is none. */
static int64_t when_is(clockid_t clock, const struct timespec *at)
{
	struct timespec now;
	int64_t left;

	if (!at)
		return RAMET_NEVER;
	clock_gettime(clock, &now);
	left = time_add(timespec_ns(at), -timespec_ns(&now));
	return time_add(kernel_now(), left < 0 ? 0 : left);
}

int HOOK(pthread_join)(pthread_t p, void **value)
{
	struct loop *l = ours(p);
	struct thread *t = from_outside(p);

	if (t)
		return ramet__outside_join(t, value, RAMET_NEVER);
	return l ? ramet__thread_join(l, p, value, RAMET_NEVER)
		 : libc.pthread_join(p, value);
}

int HOOK(pthread_tryjoin_np)(pthread_t p, void **value)
{
	struct loop *l = ours(p);
	struct thread *t = from_outside(p);
	int err;

	if (t) {
		err = ramet__outside_join(t, value, 0);
		return err == ETIMEDOUT ? EBUSY : err;
	}
	if (!l)
		return libc.pthread_tryjoin_np(p, value);
	if (thread_of(p)->life == THREAD_LIVES)
		return EBUSY;
	return ramet__thread_join(l, p, value, RAMET_NEVER);
}

int HOOK(pthread_clockjoin_np)(pthread_t p, void **value, clockid_t clock,
			       const struct timespec *at)
{
	struct loop *l = ours(p);
	struct thread *t = from_outside(p);

	if (!l && !t)
		return libc.pthread_clockjoin_np(p, value, clock, at);
	if ((clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) ||
	    (at && (at->tv_nsec < 0 || at->tv_nsec >= RAMET_SEC)))
		return EINVAL;
	return t ? ramet__outside_join(t, value, when_is(clock, at))
		 : ramet__thread_join(l, p, value, when_is(clock, at));
}

int HOOK(pthread_timedjoin_np)(pthread_t p, void **value,
			       const struct timespec *at)
{
	if (!ours(p) && !from_outside(p))
		return libc.pthread_timedjoin_np(p, value, at);
	return HOOK(pthread_clockjoin_np)(p, value, CLOCK_REALTIME, at);
}

int HOOK(pthread_detach)(pthread_t p)
{
	struct thread *t = from_outside(p);

	if (t)
		return ramet__outside_detach(t);
	return ours(p) ? ramet__thread_detach(p) : libc.pthread_detach(p);
}
