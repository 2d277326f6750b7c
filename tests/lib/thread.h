/* thread.h - other OS threads, each with a loop of its own. */
#ifndef THREAD_H
#define THREAD_H

#include "test.h"

#include <pthread.h>

static inline pthread_t start_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, fn, arg), 0);
	return thread;
}

static inline void join_thread(pthread_t thread)
{
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* From its start to its end; the caller's loop stands still meanwhile. */
static inline void run_thread(void *(*fn)(void *), void *arg)
{
	join_thread(start_thread(fn, arg));
}

#endif
