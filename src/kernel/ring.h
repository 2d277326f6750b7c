/* ring.h - one io_uring: its set-up, waiting, and system calls made by it.
 *
 * A ring serves the OS thread that opened it and no other.
 */
#ifndef KERNEL_RING_H
#define KERNEL_RING_H

#include "kernel/guard.h"

#ifdef RAMET_URING

#include <liburing.h>

struct ring {
	struct io_uring uring;
	struct kernel_fd fd; /* uring's */
	size_t ops; /* system calls under way */
};

/* What the two low bits of user_data say.  A call's is its kernel_op. */
enum { RING_OP, RING_WATCH, RING_IGNORE, RING_MASK };

/* entries: of the submission queue; completions have room for eight times as
 * many, and the kernel keeps what does not fit.  Returns 0 or -errno. */
int kernel_ring_open(struct ring *r, unsigned entries);

/* Waits for the calls that are under way: their buffers are the kernel's. */
void kernel_ring_close(struct ring *r);

/* In the child of a fork: what is under way is the parent's. */
void kernel_ring_abandon(struct ring *r);

/* An entry to fill; NULL if the kernel takes none at present. */
struct io_uring_sqe *kernel_ring_entry(struct ring *r);

/* As submit of struct kernel. */
int kernel_ring_submit(struct ring *r, struct kernel_op *op);

/* Ask that op end early; done hears of it in any case. */
void kernel_ring_cancel(struct ring *r, struct kernel_op *op);

/* Submit what was filled, and wait at most timeout for a completion.  Returns 0
 * or -errno. */
int kernel_ring_enter(struct ring *r, int64_t timeout);

/* Take the next completion that is no call's; those of calls are dealt with on
 * the way.  False when there is none. */
bool kernel_ring_take(struct ring *r, struct io_uring_cqe *cqe);

/* For a ring that only makes calls: have an eventfd signalled when some are
 * done, and deal with them. */
int kernel_ring_signal(struct ring *r, int eventfd);
void kernel_ring_reap(struct ring *r);

#else /* no liburing: every ring is refused */

struct ring {
	int none;
};

static inline int kernel_ring_open(struct ring *r, unsigned entries)
{
	(void)r, (void)entries;
	return -ENOSYS;
}

static inline void kernel_ring_close(struct ring *r)
{
	(void)r;
}

static inline void kernel_ring_abandon(struct ring *r)
{
	(void)r;
}

static inline int kernel_ring_submit(struct ring *r, struct kernel_op *op)
{
	(void)r, (void)op;
	return -ENOSYS;
}

static inline void kernel_ring_cancel(struct ring *r, struct kernel_op *op)
{
	(void)r, (void)op;
}

static inline int kernel_ring_signal(struct ring *r, int eventfd)
{
	(void)r, (void)eventfd;
	return -ENOSYS;
}

static inline void kernel_ring_reap(struct ring *r)
{
	(void)r;
}

#endif

#endif
