/* cond.c - libc's condition variables, waited for by ramets.
 *
 * libc does not know of a ramet that waits, so its own signal leaves no trace
 * of itself.  But a wait may end for no reason: where another would look again
 * whether it is let on, this one returns, and its caller looks.
 */
#include "patch/lock/lock.h"

enum { MONOTONIC = 2 }; /* of __wrefs */

/* Returns 0 or an errno, with the mutex as it was. */
static int wait_cond(struct loop *l, pthread_cond_t *c, pthread_mutex_t *m,
		     const struct limit *limit)
{
	struct spot *s = spot_of(c);
	uint32_t sequence;
	int err, locked;

	__atomic_add_fetch(&s->waiters, 1, __ATOMIC_SEQ_CST);
	sequence = __atomic_load_n(&s->sequence, __ATOMIC_SEQ_CST);
	err = ramet__unlock_mutex(m);
	if (err == 0)
		err = -ramet__spot_wait(l, c, sequence, LOT_FIRM, limit,
					"for a signal on condition");
	__atomic_sub_fetch(&s->waiters, 1, __ATOMIC_SEQ_CST);
	if (err == EPERM)
		return err;
	locked = ramet__lock_mutex(l, m, NULL);
	return locked ? locked : err;
}

int LOCK_HOOK(pthread_cond_wait)(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	struct loop *l = hook_loop(RAMET_LOCK);

	return l ? wait_cond(l, cond, mutex, NULL)
		 : libc.pthread_cond_wait(cond, mutex);
}

static int wait_till(struct loop *l, pthread_cond_t *cond,
		     pthread_mutex_t *mutex, const struct limit *limit)
{
	int err = ramet__sync_check(limit);

	return err ? err : wait_cond(l, cond, mutex, limit);
}

int LOCK_HOOK(pthread_cond_timedwait)(pthread_cond_t *cond,
				      pthread_mutex_t *mutex,
				      const struct timespec *at)
{
	bool monotonic = cond->__data.__wrefs & MONOTONIC;
	struct limit limit = {monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, at};
	struct loop *l = hook_loop(RAMET_LOCK);

	return l ? wait_till(l, cond, mutex, &limit)
		 : libc.pthread_cond_timedwait(cond, mutex, at);
}

int LOCK_HOOK(pthread_cond_clockwait)(pthread_cond_t *cond,
				      pthread_mutex_t *mutex, clockid_t clock,
				      const struct timespec *at)
{
	struct limit limit = {clock, at};
	struct loop *l = hook_loop(RAMET_LOCK);

	return l ? wait_till(l, cond, mutex, &limit)
		 : libc.pthread_cond_clockwait(cond, mutex, clock, at);
}

/* Both who waits in libc and who is parked may be the one that is meant. */
int LOCK_HOOK(pthread_cond_signal)(pthread_cond_t *cond)
{
	int err = libc.pthread_cond_signal(cond);

	lock_released(cond, 1);
	return err;
}

int LOCK_HOOK(pthread_cond_broadcast)(pthread_cond_t *cond)
{
	int err = libc.pthread_cond_broadcast(cond);

	lock_released(cond, INT_MAX);
	return err;
}
