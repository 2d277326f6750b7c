/* sem.c - libc's semaphores, waited for by ramets. */
#include "patch/lock/lock.h"

static int take(void *sem)
{
	int keep = errno;

	if (libc.sem_trywait(sem) == 0)
		return 0;
	errno = keep;
	return EBUSY;
}

/* What ends a wait from outside ends it as a signal does.  That may be a host,
 * which does so once.  A cancelled ramet stays cancelled, and who waits again
 * after EINTR would do so for ever. */
static int wait_here(struct loop *l, sem_t *sem, const struct limit *limit)
{
	int mode = l->host ? LOT_EINTR | LOT_SCOPE : LOT_EINTR, err;

	hook_begin(l);
	err = -ramet__lock_wait(l, sem, take, mode, limit, "for semaphore");
	if (err == -EINTR)
		hook_handle(l);
	return (int)hook_end(l, err);
}

static int wait_sem(struct loop *l, sem_t *sem, const struct limit *limit)
{
	if (take(sem) == 0)
		return 0;
	if (ramet__sync_check(limit)) {
		errno = EINVAL;
		return -1;
	}
	return wait_here(l, sem, limit);
}

int LOCK_HOOK(sem_wait)(sem_t *sem)
{
	struct loop *l = hook_loop(RAMET_SEM);

	return l ? wait_sem(l, sem, NULL) : libc.sem_wait(sem);
}

int LOCK_HOOK(sem_timedwait)(sem_t *sem, const struct timespec *at)
{
	struct limit limit = {CLOCK_REALTIME, at};
	struct loop *l = hook_loop(RAMET_SEM);

	return l ? wait_sem(l, sem, &limit) : libc.sem_timedwait(sem, at);
}

int LOCK_HOOK(sem_clockwait)(sem_t *sem, clockid_t clock,
			     const struct timespec *at)
{
	struct limit limit = {clock, at};
	struct loop *l = hook_loop(RAMET_SEM);

	return l ? wait_sem(l, sem, &limit)
		 : libc.sem_clockwait(sem, clock, at);
}

int LOCK_HOOK(sem_post)(sem_t *sem)
{
	int err = libc.sem_post(sem);

	if (err == 0)
		lock_released(sem, 1);
	return err;
}
