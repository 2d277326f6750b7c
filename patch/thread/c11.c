/* c11.c - the threads of <threads.h>: the same ones, with other error codes. */
#include "patch/c11.h"
#include "patch/thread/life.h"

#include <string.h>

int HOOK(thrd_create)(thrd_t *out, thrd_start_t fn, void *arg)
{
	struct loop *l = thread_loop();
	void *(*as_pthread)(void *);

	if (!l)
		return libc.thrd_create(out, fn, arg);
	memcpy(&as_pthread, &fn, sizeof fn); /* and back before it is called */
	return c11_result(ramet__thread_create(l, out, NULL, as_pthread, arg,
					       true,
					       __builtin_return_address(0)));
}

int HOOK(thrd_join)(thrd_t p, int *value)
{
	struct loop *l = thread_loop();
	void *result;
	int err;

	if (!l || !thread_of(p))
		return libc.thrd_join(p, value);
	err = ramet__thread_join(l, p, &result, RAMET_NEVER);
	if (err == 0 && value)
		*value = (int)(intptr_t)result;
	return c11_result(err);
}

int HOOK(thrd_detach)(thrd_t p)
{
	if (!thread_loop() || !thread_of(p))
		return libc.thrd_detach(p);
	return c11_result(ramet__thread_detach(p));
}

void HOOK(thrd_exit)(int value)
{
	HOOK(pthread_exit)((void *)(intptr_t)value);
}

/* -1 for a signal, less for a mistake. */
int HOOK(thrd_sleep)(const struct timespec *length, struct timespec *left)
{
	int before = errno, err;

	if (!hook_loop(RAMET_THREAD))
		return libc.thrd_sleep(length, left);
	if (HOOK(nanosleep)(length, left) == 0)
		return 0;
	err = errno;
	errno = before;
	return err == EINTR ? -1 : -2;
}

void HOOK(thrd_yield)(void)
{
	HOOK(sched_yield)();
}
