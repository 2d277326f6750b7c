/* errand.h - what is done elsewhere while a ramet waits.
 *
 * An errand is a function for a helper thread, or a system call that the kernel
 * completes by itself.  Whoever waits for it may leave at any time, and so may
 * the whole loop: the errand goes on, and is dropped by whoever is last.
 * Nothing it uses may therefore belong to the waiter.
 */
#ifndef CORE_ERRAND_H
#define CORE_ERRAND_H

#include "core/core.h"

struct errand {
	/* The maker's: */
	void (*run)(struct errand *);
	/* Free it.  l is NULL when the loop has ended: then in any thread. */
	void (*drop)(struct loop *l, struct errand *);
	struct kernel_op op;
	enum kernel_lane lane; /* of what a helper does */
	/* The rest is ours. */
	struct kernel_job job;
	struct mail mail;
	struct outlet *outlet;
	struct ramet *owner; /* NULL: has left */
	bool back;
};

/* Have op made by the kernel.  Returns 0, then wait, or -errno: as submit of
 * struct kernel, ENOMEM. */
int ramet__errand_submit(struct loop *l, struct errand *e);

/* Have run called by a helper thread.  Returns 0, then wait, or -errno: EAGAIN
 * (no thread to be had), ENOMEM. */
int ramet__errand_send(struct loop *l, struct errand *e);

/* Take back an errand that waits for its turn in a lane; it is the caller's
 * then, as it was before.  Returns whether. */
bool ramet__errand_recall(struct loop *l, struct errand *e);

/* Wait for e to come back, in `queue` if that is not NULL: a wake with an error
 * ends the wait.  Returns 0: it has come back; or what park returns: e is the
 * caller's no more, and has been dropped if it waited for its turn in a lane. */
int ramet__errand_wait(struct loop *l, struct errand *e, enum wait wait,
		       const void *object, struct ramet_waitq *queue);

#endif
