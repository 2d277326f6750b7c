/* ring.c - one io_uring.
 *
 * Work that the kernel has to do in our thread is put off until we ask for it
 * (DEFER_TASKRUN), and a flag in shared memory says when that is worth while:
 * looking for events when there are none costs no system call.
 */
#include "kernel/ring.h"
#include "kernel/calls.h"

/* The newest way first; what an older kernel does not know it refuses. */
static const unsigned setups[] = {
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
		IORING_SETUP_TASKRUN_FLAG,                     /* 6.1 */
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, /* 5.19 */
	0,
};

/* No completion is ever lost, and waiting takes a time limit (5.11). */
#define NEEDED (IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG)

/* One thread's ring may lie where another's has been.  The kernel puts that in
 * order, unseen by thread sanitizers: so here it is said again. */
static void order_with_others(void)
{
	static int rings;

	__atomic_add_fetch(&rings, 1, __ATOMIC_ACQ_REL);
}

static void fd_moved(struct kernel_fd *fd, int from)
{
	struct ring *r = container_of(fd, struct ring, fd);

	(void)from;
	r->uring.ring_fd = r->uring.enter_ring_fd = fd->number;
}

/* What liburing closes is none any more: it is closed as a guarded one. */
static void unmap(struct ring *r)
{
	order_with_others();
	r->uring.ring_fd = r->uring.enter_ring_fd = -1;
	io_uring_queue_exit(&r->uring);
	kernel_unguard(&r->fd);
}

int kernel_ring_open(struct ring *r, unsigned entries)
{
	int err = -EINVAL;

	r->ops = 0;
	for (size_t i = 0; i < countof(setups) && err == -EINVAL; i++) {
		struct io_uring_params p = {
			.flags = setups[i] | IORING_SETUP_CQSIZE,
			.cq_entries = 8 * entries,
		};

		ramet__calls++;
		err = io_uring_queue_init_params(entries, &r->uring, &p);
	}
	if (err < 0)
		return err;
	order_with_others();
	r->fd.moved = fd_moved;
	kernel_guard(&r->fd, r->uring.ring_fd);
	fd_moved(&r->fd, -1);
	if ((r->uring.features & NEEDED) == NEEDED)
		return 0;
	unmap(r);
	return -ENOSYS;
}

/* ---- entering the kernel ------------------------------------------------ */

/* Whether there is anything to be had or brought without waiting. */
static bool is_worth_while(struct io_uring *u)
{
	return io_uring_sq_ready(u) ||
	       __atomic_load_n(u->sq.kflags, __ATOMIC_SEQ_CST) &
		       (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN);
}

int kernel_ring_enter(struct ring *r, int64_t timeout)
{
	struct io_uring *u = &r->uring;
	struct __kernel_timespec ts = {timeout / RAMET_SEC,
				       timeout % RAMET_SEC};
	struct io_uring_cqe *cqe;
	int ret;

	if (timeout == 0 || io_uring_cq_ready(u)) {
		if (!is_worth_while(u))
			return 0;
		ramet__calls++;
		ret = io_uring_submit_and_get_events(u);
	} else {
		struct __kernel_timespec *limit =
			timeout == RAMET_NEVER ? NULL : &ts;

		ramet__calls++;
		ret = io_uring_submit_and_wait_timeout(u, &cqe, 1, limit, NULL);
	}
	return ret < 0 && ret != -ETIME ? ret : 0;
}

struct io_uring_sqe *kernel_ring_entry(struct ring *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);

	if (likely(sqe != NULL))
		return sqe;
	kernel_ring_enter(r, 0);
	return io_uring_get_sqe(&r->uring);
}

bool kernel_ring_take(struct ring *r, struct io_uring_cqe *cqe)
{
	struct io_uring_cq *cq = &r->uring.cq;

	while (io_uring_cq_ready(&r->uring)) {
		struct kernel_op *op;

		*cqe = cq->cqes[*cq->khead & cq->ring_mask];
		io_uring_cq_advance(&r->uring, 1);
		if ((cqe->user_data & RING_MASK) == RING_WATCH)
			return true;
		if ((cqe->user_data & RING_MASK) == RING_IGNORE)
			continue;
		op = (struct kernel_op *)(uintptr_t)cqe->user_data;
		op->result = cqe->res;
		r->ops--;
		op->done(op);
	}
	return false;
}

int kernel_ring_signal(struct ring *r, int eventfd)
{
	ramet__calls++;
	return io_uring_register_eventfd(&r->uring, eventfd);
}

static void set_signal(struct io_uring *u, bool on)
{
	if (u->cq.kflags)
		__atomic_store_n(u->cq.kflags,
				 on ? 0 : IORING_CQ_EVENTFD_DISABLED,
				 __ATOMIC_SEQ_CST);
}

static void drain(struct ring *r)
{
	struct io_uring_cqe cqe;

	kernel_ring_enter(r, 0);
	while (kernel_ring_take(r, &cqe))
		;
}

/* Entering the kernel makes completions, of which we need not be told: that
 * would end the next wait for nothing.  What comes meanwhile is found by the
 * last look, when the signal is on again.  The flag that says that there is
 * work may outlive the work, so do not wait for it to go. */
void kernel_ring_reap(struct ring *r)
{
	set_signal(&r->uring, false);
	drain(r);
	set_signal(&r->uring, true);
	drain(r);
}

/* ---- system calls ------------------------------------------------------- */

/* What is left out is done by helper threads of the kernel, which has fewer of
 * them than we have, or, open(2) of a named pipe, wrongly. */
static bool prepare(struct io_uring_sqe *sqe, const struct kernel_op *op)
{
	int fd = (int)op->arg[0];
	void *buf = (void *)op->arg[1];
	unsigned size = (unsigned)op->arg[2];
	uint64_t offset = (uint64_t)op->arg[3];

	switch (op->nr) {
	case SYS_pread64:
		io_uring_prep_read(sqe, fd, buf, size, offset);
		break;
	case SYS_pwrite64:
		io_uring_prep_write(sqe, fd, buf, size, offset);
		break;
	case SYS_fsync:
		io_uring_prep_fsync(sqe, fd, 0);
		break;
	case SYS_accept4:
		io_uring_prep_accept(sqe, fd, buf, (socklen_t *)op->arg[2],
				     (int)op->arg[3]);
		break;
	case SYS_fdatasync:
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
		break;
	default:
		return false;
	}
	io_uring_sqe_set_data64(sqe, (uintptr_t)op);
	return true;
}

static void prepare_nothing(struct io_uring_sqe *sqe)
{
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, RING_IGNORE);
}

/* At once, not with the next wait: from here on the kernel holds the file, and
 * the number may be closed and come to mean another. */
int kernel_ring_submit(struct ring *r, struct kernel_op *op)
{
	struct io_uring_sqe *sqe = kernel_ring_entry(r);

	if (!sqe)
		return -EAGAIN;
	if (!prepare(sqe, op)) {
		prepare_nothing(sqe);
		return -ENOSYS;
	}
	ramet__calls++;
	io_uring_submit(&r->uring);
	if (io_uring_sq_ready(&r->uring)) { /* refused for now */
		prepare_nothing(sqe);
		return -EAGAIN;
	}
	r->ops++;
	return 0;
}

void kernel_ring_cancel(struct ring *r, struct kernel_op *op)
{
	struct io_uring_sqe *sqe = kernel_ring_entry(r);

	if (!sqe)
		return;
	io_uring_prep_cancel64(sqe, (uintptr_t)op, 0);
	io_uring_sqe_set_data64(sqe, RING_IGNORE);
	ramet__calls++;
	io_uring_submit(&r->uring);
}

/* ---- the end ------------------------------------------------------------ */

static void cancel_all(struct ring *r)
{
	struct io_uring_sqe *sqe = kernel_ring_entry(r);

	if (!sqe)
		return;
	io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY);
	io_uring_sqe_set_data64(sqe, RING_IGNORE);
}

/* Were the ring closed first, the kernel might still write into buffers. */
void kernel_ring_close(struct ring *r)
{
	struct io_uring_cqe cqe;
	int err = 0;

	if (r->ops)
		cancel_all(r);
	while (r->ops && (err == 0 || err == -EINTR)) {
		err = kernel_ring_enter(r, RAMET_NEVER);
		while (kernel_ring_take(r, &cqe))
			;
	}
	unmap(r);
}

void kernel_ring_abandon(struct ring *r)
{
	unmap(r);
}
