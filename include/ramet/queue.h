/* ramet/queue.h - queues of items of one size: first in first out, last in first
 * out, or the least first.
 *
 * A queue belongs to the loop that makes it, unless it is made to be shared:
 * then ramets of any loop, and OS threads without one, put and get, and its
 * functions may be called from any OS thread.  Who waits is served first come,
 * first served.
 */
#ifndef RAMET_QUEUE_H
#define RAMET_QUEUE_H

#include "ramet/core.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ramet_queue;

enum ramet_queue_order { RAMET_FIFO, RAMET_LIFO, RAMET_PRIORITY };

struct ramet_queue_opts {
	size_t item_size;
	size_t capacity; /* the most items inside; 0: as memory allows */
	enum ramet_queue_order order;
	/* RAMET_PRIORITY: < 0 if a comes before b, as for qsort; of equals the
	 * first put comes first.  Must not block. */
	int (*compare)(const void *a, const void *b);
	int shared; /* between loops and OS threads */
};

/* NULL: EINVAL (no compare for RAMET_PRIORITY, bad order), ENOMEM. */
RAMET_API struct ramet_queue *ramet_queue_new(
	const struct ramet_queue_opts *opts);

/* Nobody may use it any more; items inside are gone.  NULL is allowed. */
RAMET_API void ramet_queue_free(struct ramet_queue *q);

/* Copy *item in, waiting for room.  Blocks.  Returns 1, or -1: EPIPE (shut
 * down; also while waiting), ENOMEM.  On error nothing was put. */
RAMET_API int ramet_queue_put(struct ramet_queue *q, const void *item);

/* Copy the next item out, waiting for one.  Blocks.  Returns 1, 0 once the
 * queue is shut down and empty, or -1. */
RAMET_API int ramet_queue_get(struct ramet_queue *q, void *item);

/* The same without waiting: -1 and EAGAIN instead. */
RAMET_API int ramet_queue_tryput(struct ramet_queue *q, const void *item);
RAMET_API int ramet_queue_tryget(struct ramet_queue *q, void *item);

/* Copy out what get would take, and leave it inside; waits, or does not. */
RAMET_API int ramet_queue_peek(struct ramet_queue *q, void *item);
RAMET_API int ramet_queue_trypeek(struct ramet_queue *q, void *item);

/* Items inside now, and the capacity: 0 if there is none. */
RAMET_API size_t ramet_queue_count(struct ramet_queue *q);
RAMET_API size_t ramet_queue_capacity(struct ramet_queue *q);

/* Say that the work for one item that was got is done; wait until that was said
 * for each item ever put.  done returns 0, or -1: EINVAL (for more than were
 * put).  join blocks, returns 0 or -1. */
RAMET_API int ramet_queue_done(struct ramet_queue *q);
RAMET_API int ramet_queue_join(struct ramet_queue *q);

/* Put no more: puts fail, gets take what is inside, then return 0.  With `now`
 * what is inside is dropped, and counts as done.  Returns 0, or -1: EPIPE (shut
 * down before, and there is nothing to drop). */
RAMET_API int ramet_queue_shutdown(struct ramet_queue *q, int now);

#ifdef __cplusplus
}
#endif
#endif
