/* ramet/pool.h - so many jobs at a time, each in a ramet of its own.
 *
 * A pool keeps its ramets for the next jobs; each begins as if its ramet were
 * new.  One of no bound is what gevent calls a Group.  Who waits for a place
 * takes turns: a map gets one for one of its jobs, then it is behind the
 * others.  A job that waits for a place in its own full pool may wait for ever.
 * A pool belongs to the loop that makes it: EPERM elsewhere.
 */
#ifndef RAMET_POOL_H
#define RAMET_POOL_H

#include "ramet/core.h"
#include "ramet/sync.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ramet_pool;

/* At most `size` jobs at a time, 0: no bound; opts as for ramet_spawn_opts,
 * without delay.  NULL: ENOMEM, EINVAL (bad stack size). */
RAMET_API struct ramet_pool *ramet_pool_new(size_t size,
					    const struct ramet_opts *opts);

/* Cancel what runs, wait for it, shielded, and free.  Called by a job of the
 * pool, or in a function of ramet_link, it does not wait: the pool goes with
 * its last job.  NULL is allowed; errno is kept. */
RAMET_API void ramet_pool_free(struct ramet_pool *p);

/* Run fn(arg) in the pool, waiting for a place.  Its value is dropped.  Blocks.
 * Returns 0, or -1: ENOMEM, EPIPE (the pool is being freed, or was cancelled or
 * killed meanwhile). */
RAMET_API int ramet_pool_spawn(struct ramet_pool *p, void *(*fn)(void *),
			       void *arg);
/* The same without waiting: -1 and EAGAIN when the pool is full. */
RAMET_API int ramet_pool_tryspawn(struct ramet_pool *p, void *(*fn)(void *),
				  void *arg);

/* Run fn(arg) in the pool and wait for its value.  Blocks.  If the wait fails
 * the job is cancelled and waited for, so that arg may lie in the caller's
 * frame.  Returns 0, or -1: ECHILD (it was killed), ENOMEM, EPIPE. */
RAMET_API int ramet_pool_apply(struct ramet_pool *p, void *(*fn)(void *),
			       void *arg, void **value);

/* values[i] = fn(args[i]) for each i < n, as many at a time as the pool has
 * places, or fewer if memory is short.  values may be args, or NULL.  Blocks.
 * If the wait fails, what runs is cancelled and waited for.  Returns 0, or -1:
 * ECHILD (one was killed: RAMET_FAILED is its value; the others are complete),
 * ENOMEM (no job could begin), EPIPE (RAMET_FAILED is the value of those that
 * did not run). */
RAMET_API int ramet_pool_map(struct ramet_pool *p, void *(*fn)(void *),
			     void *const *args, void **values, size_t n);

/* ---- one value after the other ------------------------------------------ */

enum { RAMET_ORDERED, RAMET_UNORDERED };

struct ramet_imap; /* a map under way */

/* fn of each argument that `next` has to give, whose values come by
 * ramet_imap_next in the order of the arguments, or of ending.  next(from,
 * &arg) returns 1, or 0 when there are no more; it may block; it is called only
 * as results are taken, so that at most `ahead` jobs are under way or have
 * ended (0: as many as the pool has places).  If a scope or cancel cuts its
 * wait short it is called again for the next value.  Only one ramet may use it
 * at a time. NULL: EINVAL (bad order; ahead is 0 and the pool has no bound),
 * ENOMEM. */
RAMET_API struct ramet_imap *ramet_imap_new(struct ramet_pool *p,
					    void *(*fn)(void *),
					    int (*next)(void *from, void **arg),
					    void *from, int order,
					    size_t ahead);

/* The next value; RAMET_FAILED of a job that was killed.  Blocks.  Returns 1, 0
 * after the last, or -1: ENOMEM, EPIPE (it was refused, as a spawn may be). */
RAMET_API int ramet_imap_next(struct ramet_imap *m, void **value);

/* Cancel what is under way, wait for it, shielded, and free.  NULL is allowed;
 * errno is kept. */
RAMET_API void ramet_imap_free(struct ramet_imap *m);

/* ---- the pool as a whole ------------------------------------------------ */

/* Jobs that run now; and how many more there is room for, SIZE_MAX without a
 * bound. */
RAMET_API size_t ramet_pool_running(const struct ramet_pool *p);
RAMET_API size_t ramet_pool_room(const struct ramet_pool *p);

/* Wait until no job runs.  Blocks.  Returns 0, or -1: EDEADLK (the caller is
 * one of them). */
RAMET_API int ramet_pool_wait(struct ramet_pool *p);

/* Cancel, or kill, the jobs that run now, and refuse who waits for a place. One
 * that was spawned and has not begun begins cancelled; or, killed, never does.
 */
RAMET_API void ramet_pool_cancel(struct ramet_pool *p);
RAMET_API void ramet_pool_kill(struct ramet_pool *p);

#ifdef __cplusplus
}
#endif
#endif
