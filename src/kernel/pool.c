/* pool.c - helper OS threads, for what can only be done by blocking.
 *
 * A thread is made when there is a job that no idle one will take: a job may
 * block for ever, so none may have to wait for another one's end as long as
 * threads can be had.  An idle thread ends after a while.
 */
#include "kernel/kernel.h"
#include "kernel/libc.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

enum { POOL_MAX = 256, IDLE_SECONDS = 10 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct kernel_job *first, **end = &first;
static int threads, idle; /* idle ones may have been called already */
static int coming;        /* are new, or have done a job: will look for the next */
static int queued;

int ramet__helpers_most;

static struct kernel_job *take(void)
{
	struct kernel_job *job = first;

	if (!job)
		return NULL;
	first = job->next;
	if (!first)
		end = &first;
	queued--;
	return job;
}

/* The next job, or NULL when none came for a while.  Called with the lock. */
static struct kernel_job *next_job(void)
{
	struct timespec until;
	int err = 0;

	if (first)
		return take();
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_SECONDS;
	idle++;
	while (!first && err != ETIMEDOUT)
		err = ramet__libc.pthread_cond_clockwait(&more, &lock, CLOCK_MONOTONIC,
					     &until);
	idle--;
	return take();
}

static void *work(void *unused)
{
	struct kernel_job *job;

	ramet__libc.pthread_setname_np(pthread_self(), "ramet helper");
	ramet__libc.pthread_mutex_lock(&lock);
	coming--;
	while ((job = next_job())) {
		ramet__libc.pthread_mutex_unlock(&lock);
		job->run(job);
		/* Whoever hears of it may have the next job at once. */
		ramet__libc.pthread_mutex_lock(&lock);
		coming++;
		ramet__libc.pthread_mutex_unlock(&lock);
		job->done(job);
		ramet__libc.pthread_mutex_lock(&lock);
		coming--;
	}
	threads--;
	ramet__libc.pthread_mutex_unlock(&lock);
	return unused;
}

/* Signals are for the program's own threads. */
static int start_thread(void)
{
	pthread_t thread;
	pthread_attr_t attr;
	sigset_t all, old;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	ramet__libc.pthread_sigmask(SIG_SETMASK, &all, &old);
	err = ramet__libc.pthread_create(&thread, &attr, work, NULL);
	ramet__libc.pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

int kernel_pool_idle(void)
{
	int n;

	ramet__libc.pthread_mutex_lock(&lock);
	n = queued ? 0 : idle;
	ramet__libc.pthread_mutex_unlock(&lock);
	return n;
}

/* ---- fork --------------------------------------------------------------- */

static void before_fork(void)
{
	ramet__libc.pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	ramet__libc.pthread_mutex_unlock(&lock);
}

/* A child has no helpers, and the jobs are the parent's. */
static void in_child(void)
{
	static const pthread_cond_t fresh = PTHREAD_COND_INITIALIZER;

	threads = idle = coming = queued = 0;
	first = NULL;
	end = &first;
	more = fresh;
	ramet__libc.pthread_mutex_unlock(&lock);
}

int kernel_pool_run(struct kernel_job *job)
{
	static bool minded; /* under the lock */
	int err = 0;

	job->next = NULL;
	ramet__libc.pthread_mutex_lock(&lock);
	if (!minded) {
		pthread_atfork(before_fork, after_fork, in_child);
		minded = true;
	}
	if (queued >= idle + coming && threads < POOL_MAX) {
		err = start_thread();
		if (err == 0)
			coming++;
		if (err == 0 && ++threads > ramet__helpers_most)
			ramet__helpers_most = threads;
		if (err && threads)
			err = 0; /* those there are will come to it */
	}
	if (err == 0) {
		*end = job;
		end = &job->next;
		queued++;
		ramet__libc.pthread_cond_signal(&more);
	}
	ramet__libc.pthread_mutex_unlock(&lock);
	return err;
}
