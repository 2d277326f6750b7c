/* pool.h - where the workers of a pool get their jobs.
 *
 * Whatever has jobs for a pool is a feed, and stands in line: a spawn with one
 * job, a map with many.  A worker takes a job of the first, which goes to the
 * end of the line if it has more.  No worker is told beforehand what it is to
 * run, so jobs begin in the order of the line, and one worker runs those that
 * do not wait, one after the other, without a switch.
 */
#ifndef TASK_POOL_H
#define TASK_POOL_H

#include "core/core.h"
#include "ramet/pool.h"

struct feed;

/* COMING: is ready, and will look for a job. */
enum worker_state { WORKER_COMING, WORKER_BUSY, WORKER_IDLE };

struct worker {
	struct worker *next, *prev; /* of the pool, newest first */
	struct worker *next_idle;
	struct ramet_pool *pool;
	struct ramet *ramet;
	enum worker_state state;
	/* Its job; feed is NULL if nobody hears of its end. */
	struct feed *feed;
	void *(*fn)(void *);
	void *arg;
	size_t number;  /* the feed's */
	bool cancelled; /* before it began */
};

struct feed_kind {
	/* Begin one of the jobs that are left: w's fn, arg and number.  A feed
	 * that sets w->feed to NULL may be gone when this returns. */
	void (*begin)(struct feed *f, struct worker *w);
	/* One has ended.  The feed may be gone when this returns, if none is
	 * left or running. */
	void (*ended)(struct feed *f, size_t number, void *value, bool killed);
	/* Those that are left will not run, for this error, and are withdrawn.
	 * The feed may be gone when this returns. */
	void (*refused)(struct feed *f, int err);
};

struct feed {
	/* In line while jobs are left.  Its ramet, if not NULL, is one that
	 * waits: if it is not parked it is about to withdraw them. */
	struct ramet_waiter turn;
	const struct feed_kind *kind;
	struct ramet_pool *pool;
	size_t left, running;
	bool cancelled; /* what is left begins cancelled */
};

/* A pool is there as long as its owner, a worker or an imap has it. */
struct ramet_pool {
	struct loop *loop;
	size_t size;    /* SIZE_MAX: no bound */
	size_t running; /* workers with a job */
	size_t queued;  /* jobs left in line */
	size_t coming;  /* workers that will look for one; running + coming is
			 * at most size, and 0 only if no job is in line, or
			 * each place is taken, or memory was short */
	size_t placed;  /* jobs in line whose ramet_pool_spawn has returned */
	size_t burst;   /* how many more workers are called next */
	size_t workers, idle_count, users;
	struct ramet_waitq line;
	struct ramet_waitq empty; /* who waits until no job is left */
	struct worker *all, *idle;
	struct ramet *closer;  /* waits for the last worker */
	struct placed *unused; /* records of spawns, to be used again */
	struct ramet_opts opts;
	struct fenv_state fenv;
	const void *site;
	bool closing;
	char name[32];
};

/* ---- workers (worker.c) ------------------------------------------------- */

/* Have one more worker come: an idle one, or a new one.  There must be a place
 * for its job.  Returns 0 or -ENOMEM. */
int ramet__pool_call(struct ramet_pool *p);

/* Put f, which has jobs left, in line, and see to it that somebody comes for
 * them.  Returns 0; or -ENOMEM, and f is not in line, if the pool has no worker
 * and there cannot be one. */
int ramet__feed_put(struct feed *f);

/* Take what is left out of line.  Any number of times. */
void ramet__feed_withdraw(struct feed *f);

/* Withdraw what is left, cancel what runs and wait for it, shielded.  `ended`
 * wakes the caller when nothing runs any more. */
void ramet__feed_end(struct loop *l, struct feed *f);

/* Cancel or kill who runs a job (of feed f, if that is not NULL); the caller
 * last: a kill of that does not return. */
void ramet__pool_end_jobs(struct ramet_pool *p, const struct feed *f,
			  int (*end)(struct ramet *));

/* The deadlock around the caller, which cannot leave, is broken: who runs a job
 * (of feed f, if that is not NULL) waits no more, but gets EDEADLK. */
void ramet__pool_break_deadlock(struct ramet_pool *p, const struct feed *f);

/* Let go of workers that have no job. */
void ramet__pool_dismiss(struct ramet_pool *p);

/* What t is to the pool: one of its workers, with a job, or NULL. */
struct worker *ramet__pool_worker(const struct ramet_pool *p,
				  const struct ramet *t);

/* Refuse those who wait in line.  What a spawn has left there begins cancelled,
 * to release what it was given; or, `kill`, never does. */
void ramet__pool_clear_line(struct ramet_pool *p, bool kill);

void ramet__pool_release(struct ramet_pool *p);

/* ---- what the debug layer asks ------------------------------------------ */

/* Jobs that have a place. */
static inline size_t pool_placed(const struct ramet_pool *p)
{
	size_t n = p->running + p->queued;

	return n < p->size ? n : p->size;
}

/* One that runs a job; NULL: none. */
static inline struct ramet *pool_someone(const struct ramet_pool *p)
{
	struct worker *w = p->all;

	while (w && w->state != WORKER_BUSY)
		w = w->next;
	return w ? w->ramet : NULL;
}

#endif
