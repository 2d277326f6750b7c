/* thread.c - OS threads of the runtime's own. */
#include "kernel/kernel.h"
#include "kernel/libc.h"

#include <pthread.h>
#include <signal.h>

int ramet__service_threads;

void kernel_thread_name(const char *name)
{
	ramet__libc.pthread_setname_np(pthread_self(), name);
}

/* Signals are for the program's own threads. */
int kernel_thread(void *(*fn)(void *), void *arg, size_t stack)
{
	pthread_t thread;
	pthread_attr_t attr;
	sigset_t all, old;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (stack)
		pthread_attr_setstacksize(&attr, stack);
	sigfillset(&all);
	ramet__libc.pthread_sigmask(SIG_SETMASK, &all, &old);
	err = ramet__libc.pthread_create(&thread, &attr, fn, arg);
	ramet__libc.pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}
