/* pool.c - helper OS threads, for what can only be done by blocking.
 *
 * A thread is made when there is a job that no idle one will take: a job may
 * block for ever, so none may have to wait for another one's end as long as
 * threads can be had.  An idle thread ends after a while.
 *
 * Jobs of one lane may hold only so many threads: those that are too many wait
 * here, first come, first served, until one of theirs has ended.
 */
#include "kernel/kernel.h"
#include "kernel/libc.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { POOL_MAX = 256, IDLE_SECONDS = 10 };

/* First come, first served. */
struct kernel_queue {
	struct kernel_job *first, *last;
};

struct lane {
	const char *setting; /* of its limit, in the environment */
	int limit, busy;     /* threads; busy ones may have yet to begin */
	struct kernel_queue waiting;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct kernel_queue ready;
static struct lane lanes[KERNEL_LANES] = {
	[LANE_NONE] = {.limit = INT_MAX},
	[LANE_USER] = {.setting = "RAMET_OFFLOAD_USER", .limit = 128},
	[LANE_FILE] = {.setting = "RAMET_OFFLOAD_FILE", .limit = 64},
	[LANE_NAMES] = {.setting = "RAMET_OFFLOAD_NAMES", .limit = 16},
};
static int threads, idle; /* idle ones may have been called already */
static int coming; /* are new, or have done a job: will look for the next */
static int queued;

int ramet__helpers_most;

/* ---- queues ------------------------------------------------------------- */

static void append(struct kernel_queue *q, struct kernel_job *job)
{
	job->next = NULL;
	job->prev = q->last;
	job->queue = q;
	if (q->last)
		q->last->next = job;
	else
		q->first = job;
	q->last = job;
	queued += q == &ready;
}

static void withdraw(struct kernel_job *job)
{
	struct kernel_queue *q = job->queue;

	if (job->prev)
		job->prev->next = job->next;
	else
		q->first = job->next;
	if (job->next)
		job->next->prev = job->prev;
	else
		q->last = job->prev;
	job->queue = NULL;
	queued -= q == &ready;
}

/* ---- threads ------------------------------------------------------------ */

static void *work(void *unused);

/* Let a thread have it: an idle one, or a new one. */
static int admit(struct lane *lane, struct kernel_job *job)
{
	int err = 0;

	if (queued >= idle + coming && threads < POOL_MAX) {
		err = kernel_thread(work, NULL, 0);
		if (err == 0)
			coming++;
		if (err == 0 && ++threads > ramet__helpers_most)
			ramet__helpers_most = threads;
		if (err && threads)
			err = 0; /* those there are will come to it */
	}
	if (err)
		return err;
	lane->busy++;
	append(&ready, job);
	ramet__libc.pthread_cond_signal(&more);
	return 0;
}

/* A lane may hold more threads.  If others wait in it there are some. */
static void admit_more(struct lane *lane)
{
	struct kernel_job *job;

	while ((job = lane->waiting.first) && lane->busy < lane->limit) {
		withdraw(job);
		if (admit(lane, job) < 0) {
			append(&lane->waiting, job);
			return;
		}
	}
}

static struct kernel_job *take(void)
{
	struct kernel_job *job = ready.first;

	if (job)
		withdraw(job);
	return job;
}

/* The next job, or NULL when none came for a while.  Called with the lock. */
static struct kernel_job *next_job(void)
{
	struct timespec until;
	int err = 0;

	if (ready.first)
		return take();
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_SECONDS;
	idle++;
	while (!ready.first && err != ETIMEDOUT)
		err = ramet__libc.pthread_cond_clockwait(&more, &lock,
							 CLOCK_MONOTONIC,
							 &until);
	idle--;
	return take();
}

static void *work(void *unused)
{
	struct kernel_job *job;

	kernel_thread_name("ramet helper");
	ramet__libc.pthread_mutex_lock(&lock);
	coming--;
	while ((job = next_job())) {
		ramet__libc.pthread_mutex_unlock(&lock);
		job->run(job);
		/* Whoever hears of it may have the next job at once. */
		ramet__libc.pthread_mutex_lock(&lock);
		coming++;
		lanes[job->lane].busy--;
		admit_more(&lanes[job->lane]);
		ramet__libc.pthread_mutex_unlock(&lock);
		job->done(job);
		ramet__libc.pthread_mutex_lock(&lock);
		coming--;
	}
	threads--;
	ramet__libc.pthread_mutex_unlock(&lock);
	return unused;
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
	ready = (struct kernel_queue){0};
	for (int i = 0; i < KERNEL_LANES; i++) {
		lanes[i].busy = 0;
		lanes[i].waiting = (struct kernel_queue){0};
	}
	more = fresh;
	ramet__libc.pthread_mutex_unlock(&lock);
}

/* Before there is anybody who could have the lock: a fork that has begun does
 * not call what is registered meanwhile. */
__attribute__((constructor)) static void mind_forks(void)
{
	pthread_atfork(before_fork, after_fork, in_child);
}

/* ---- jobs --------------------------------------------------------------- */

static void read_setting(struct lane *lane)
{
	const char *text = lane->setting ? kernel_getenv(lane->setting) : NULL;
	int limit = text ? atoi(text) : 0;

	if (limit > 0 && limit <= POOL_MAX)
		lane->limit = limit;
}

/* Once, with the lock. */
static void begin(void)
{
	static bool begun;

	if (begun)
		return;
	begun = true;
	for (int i = 0; i < KERNEL_LANES; i++)
		read_setting(&lanes[i]);
}

int kernel_pool_run(struct kernel_job *job)
{
	struct lane *lane = &lanes[job->lane];
	int err = 0;

	ramet__libc.pthread_mutex_lock(&lock);
	begin();
	if (lane->busy < lane->limit)
		err = admit(lane, job);
	else
		append(&lane->waiting, job);
	ramet__libc.pthread_mutex_unlock(&lock);
	return err;
}

bool kernel_pool_recall(struct kernel_job *job)
{
	bool recalled;

	ramet__libc.pthread_mutex_lock(&lock);
	recalled = job->queue == &lanes[job->lane].waiting;
	if (recalled)
		withdraw(job);
	ramet__libc.pthread_mutex_unlock(&lock);
	return recalled;
}

int kernel_lane_limit(enum kernel_lane lane, int limit)
{
	int before;

	if (limit < 0 || limit > POOL_MAX)
		return -EINVAL;
	ramet__libc.pthread_mutex_lock(&lock);
	begin();
	before = lanes[lane].limit;
	if (limit) {
		lanes[lane].limit = limit;
		admit_more(&lanes[lane]);
	}
	ramet__libc.pthread_mutex_unlock(&lock);
	return before;
}

int kernel_pool_look(struct kernel_lane_use use[KERNEL_LANES])
{
	int n;

	ramet__libc.pthread_mutex_lock(&lock);
	begin();
	for (int i = 0; i < KERNEL_LANES; i++) {
		const struct lane *lane = &lanes[i];

		use[i] = (struct kernel_lane_use){lane->limit, lane->busy, 0};
		for (struct kernel_job *j = lane->waiting.first; j; j = j->next)
			use[i].waiting++;
	}
	n = threads;
	ramet__libc.pthread_mutex_unlock(&lock);
	return n;
}

int kernel_pool_idle(void)
{
	int n;

	ramet__libc.pthread_mutex_lock(&lock);
	n = queued ? 0 : idle;
	ramet__libc.pthread_mutex_unlock(&lock);
	return n;
}
