/* lane.h - the look-up lane: calls into libc that wait for the network, on a
 * few helper threads.
 *
 * Who waits may leave; the call goes on and is freed when it is back, so
 * nothing that it uses may belong to the caller.
 */
#ifndef TASK_LANE_H
#define TASK_LANE_H

#include "core/errand.h"

struct lane_call {
	/* The maker's: what the helper runs, and how to free it. */
	void (*run)(struct lane_call *);
	void (*free)(struct lane_call *);
	/* The rest is ours. */
	struct errand errand;
	struct ramet_waitq waiter;
	bool back, left;
};

/* Send it out; it begins when it is its turn.  Returns 0, then wait; or -errno,
 * and the call is still the caller's: -ETIMEDOUT, -ECANCELED, -ENOMEM, -EAGAIN
 * (no thread to be had). */
int ramet__lane_send(struct loop *l, struct lane_call *c);

/* Wait until it is back: 0.  Or -EINTR, -ETIMEDOUT, -ECANCELED: it is still
 * under way, wait again or leave. */
int ramet__lane_wait(struct loop *l, struct lane_call *c);

/* The same, and nothing ends it before. */
void ramet__lane_wait_firm(struct loop *l, struct lane_call *c);

/* Take it back if it waits for its turn.  Returns whether: it is the caller's, as it
 * was before it was sent. */
bool ramet__lane_recall(struct loop *l, struct lane_call *c);

/* Free it, now or when it is back. */
void ramet__lane_leave(struct loop *l, struct lane_call *c);

#endif
