/* chan.h - a channel, as select sees it. */
#ifndef SYNC_CHAN_H
#define SYNC_CHAN_H

#include "sync/claim.h"

struct ramet_chan {
	struct loop *loop; /* whose ramets may use it */
	size_t item_size, capacity, count;
	char *oldest, *vacant; /* where the next item is taken, and put */
	char *end;             /* of the items */
	struct ramet_waitq senders, receivers;
	bool closed;
	char items[] __attribute__((aligned(16)));
};

/* Send or receive now.  Return what the public ones do, or -EPIPE; -EAGAIN if
 * the caller would have to wait. */
int ramet__chan_trysend(struct ramet_chan *ch, const void *item);
int ramet__chan_tryrecv(struct ramet_chan *ch, void *item);

#endif
