/* queue.h - a queue, as select sees it. */
#ifndef SYNC_QUEUE_H
#define SYNC_QUEUE_H

#include "sync/claim.h"
#include "sync/store.h"

/* What waits in a queue's lists, and what is tried. */
enum queue_op { QUEUE_PUT, QUEUE_GET, QUEUE_PEEK, QUEUE_JOIN, QUEUE_OPS };

struct ramet_queue {
	struct loop *loop; /* whose ramets may use it; NULL: shared */
	struct store store;
	struct ramet_waitq waiting[QUEUE_OPS];
	size_t undone; /* items put that nobody has called done */
	bool closed;
	struct latch latch; /* of a shared one */
};

/* What the public functions return, or -errno: -EAGAIN if the caller would have
 * to wait.  The queue is the caller's: of its loop, or locked. */
int ramet__queue_try(struct ramet_queue *q, enum queue_op op, void *item);

/* The same for a shared one that is not locked. */
int ramet__queue_try_shared(struct ramet_queue *q, enum queue_op op,
			    void *item);

/* Queue p at a shared one unless it could be done now.  Returns whether. */
bool ramet__queue_append(struct ramet_queue *q, enum queue_op op,
			 struct place *p);

#endif
