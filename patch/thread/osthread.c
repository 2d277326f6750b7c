/* osthread.c - what only an OS thread has: each of its ramets answers for it.
 */
#include "patch/thread/life.h"

/* main, whose id the kernel knows, for a thread that is a ramet. */
static pthread_t known(pthread_t p)
{
	return thread_loop() && thread_of(p) ? ramet__thread_os() : p;
}

int HOOK(pthread_getaffinity_np)(pthread_t p, size_t size, cpu_set_t *set)
{
	return libc.pthread_getaffinity_np(known(p), size, set);
}

int HOOK(pthread_setaffinity_np)(pthread_t p, size_t size, const cpu_set_t *set)
{
	return libc.pthread_setaffinity_np(known(p), size, set);
}

int HOOK(pthread_getschedparam)(pthread_t p, int *policy,
				struct sched_param *param)
{
	return libc.pthread_getschedparam(known(p), policy, param);
}

int HOOK(pthread_setschedparam)(pthread_t p, int policy,
				const struct sched_param *param)
{
	return libc.pthread_setschedparam(known(p), policy, param);
}

int HOOK(pthread_setschedprio)(pthread_t p, int priority)
{
	return libc.pthread_setschedprio(known(p), priority);
}

int HOOK(pthread_getcpuclockid)(pthread_t p, clockid_t *clock)
{
	return libc.pthread_getcpuclockid(known(p), clock);
}

/* ---- giving way ---------------------------------------------------------- */

int HOOK(sched_yield)(void)
{
	struct loop *l = hook_loop(RAMET_THREAD);

	if (!l)
		return libc.sched_yield();
	ramet__give_way(l);
	return 0;
}

int HOOK(pthread_yield)(void)
{
	return HOOK(sched_yield)();
}
