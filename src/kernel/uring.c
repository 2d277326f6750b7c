/* uring.c - readiness by io_uring.
 *
 * Each watched descriptor has one multishot poll request.  Unlike epoll such a
 * request holds the file: as long as it lives, close(2) ends nothing, and the
 * peer sees no end of file.  So a request is cancelled, and seen to be gone,
 * before the descriptor is closed.
 *
 * Completions carry the number of their request, so those of an old one do not
 * touch what the descriptor means now.  They are gathered per descriptor.
 */
#include "kernel/launch.h"
#include "kernel/ring.h"
#include "kernel/calls.h"

#include <string.h>
#include <sys/eventfd.h>

#define WATCHED                                                                \
	(EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR |    \
	 (uint32_t)EPOLLET)
#define WAKING (EPOLLIN | (uint32_t)EPOLLET)
#define WAKE_TAG UINT64_MAX

enum { ENTRIES = 128, WATCHES_MIN = 64, SERIAL_MAX = INT_MAX };

/* One descriptor. */
struct watch {
	uint64_t tag;
	uint32_t serial; /* of its request */
	uint32_t events; /* not reported yet */
	int error;       /* what ended the request */
	int next;        /* with events; -1: the last */
	bool listed;     /* among those */
	bool armed;      /* its last completion has not come */
	bool settled;    /* when it comes, the request is made again */
};

struct poller {
	struct ring ring;
	struct kernel_fd wakeup;
	uint32_t serial;
	int first, last; /* of those with events, -1: none */
	int room;
	struct watch *watches; /* by descriptor */
};

/* ---- events, by descriptor ---------------------------------------------- */

static void note(struct poller *p, int fd, uint32_t events)
{
	struct watch *w = &p->watches[fd];

	w->events |= events;
	if (w->listed)
		return;
	w->listed = true;
	w->next = -1;
	if (p->last >= 0)
		p->watches[p->last].next = fd;
	else
		p->first = fd;
	p->last = fd;
}

static int report(struct poller *p, struct kernel_event *out)
{
	int n = 0;

	while (p->first >= 0 && n < KERNEL_EVENTS) {
		struct watch *w = &p->watches[p->first];

		if (w->events && w->tag != WAKE_TAG)
			out[n++] = (struct kernel_event){w->tag, w->events};
		w->events = 0;
		w->listed = false;
		p->first = w->next;
		if (p->first < 0)
			p->last = -1;
	}
	return n;
}

/* ---- requests ----------------------------------------------------------- */

static uint64_t user_data(int fd, uint32_t serial)
{
	return (uint64_t)serial << 33 | (uint64_t)(uint32_t)fd << 2 |
	       RING_WATCH;
}

/* Fill in a request; whoever enters the kernel next submits it. */
static int arm(struct poller *p, int fd)
{
	struct watch *w = &p->watches[fd];
	struct io_uring_sqe *sqe = kernel_ring_entry(&p->ring);

	if (!sqe)
		return -EAGAIN;
	w->serial = ++p->serial & SERIAL_MAX;
	w->armed = true;
	w->error = 0;
	io_uring_prep_poll_multishot(sqe, fd,
				     fd == p->wakeup.number ? WAKING : WATCHED);
	io_uring_sqe_set_data64(sqe, user_data(fd, w->serial));
	return 0;
}

/* A request has ended.  If for want of room for completions it is made again:
 * that reports what is ready then, so no edge is lost. */
static void on_end(struct poller *p, int fd, int res)
{
	struct watch *w = &p->watches[fd];

	w->armed = false;
	w->error = res;
	if (res >= 0 && w->settled)
		w->error = arm(p, fd);
	if (w->error < 0 && w->settled) /* whoever waits must look himself */
		note(p, fd, EPOLLIN | EPOLLOUT | EPOLLERR);
}

static void take_completions(struct poller *p)
{
	struct io_uring_cqe cqe;

	while (kernel_ring_take(&p->ring, &cqe)) {
		int fd = (int)(cqe.user_data >> 2 & INT_MAX);
		struct watch *w = &p->watches[fd];

		if (!w->armed || w->serial != cqe.user_data >> 33)
			continue;
		if (cqe.res > 0)
			note(p, fd, (uint32_t)cqe.res);
		if (!(cqe.flags & IORING_CQE_F_MORE))
			on_end(p, fd, cqe.res);
	}
}

/* Returns whether the cancellation will be submitted. */
static bool cancel(struct poller *p, int fd)
{
	struct io_uring_sqe *sqe = kernel_ring_entry(&p->ring);

	if (!sqe)
		return false;
	io_uring_prep_cancel64(sqe, user_data(fd, p->watches[fd].serial), 0);
	io_uring_sqe_set_data64(sqe, RING_IGNORE);
	return true;
}

/* End fd's request.  Its last completion says that the file is let go; mostly
 * it comes from the same system call. */
static void disarm(struct poller *p, int fd)
{
	struct watch *w = &p->watches[fd];
	bool cancelled = false;
	int err = 0;

	w->settled = false;
	while (w->armed &&
	       (err >= 0 || err == -EINTR || err == -EAGAIN || err == -EBUSY)) {
		int64_t patience = cancelled ? RAMET_NEVER : 0;

		cancelled = cancelled || cancel(p, fd);
		err = kernel_ring_enter(&p->ring, patience);
		take_completions(p);
	}
	w->armed = false;
	w->events = 0;
}

/* ---- the door ----------------------------------------------------------- */

static int make_room(struct poller *p, int fd)
{
	int room = p->room ? p->room : WATCHES_MIN;
	struct watch *more;

	if (fd < 0)
		return -EBADF;
	if (likely(fd < p->room))
		return 0;
	while (room <= fd)
		if (__builtin_mul_overflow(room, 2, &room))
			return -ENOMEM;
	more = kernel_alloc((size_t)room * sizeof *more);
	if (!more)
		return -ENOMEM;
	if (p->room)
		memcpy(more, p->watches, (size_t)p->room * sizeof *more);
	kernel_free(p->watches);
	p->watches = more;
	p->room = room;
	return 0;
}

/* A request that ends at once, although there is room for completions: the file
 * is always ready, or cannot be polled. */
static int try(struct poller *p, int fd)
{
	struct watch *w = &p->watches[fd];
	int err = arm(p, fd);

	if (err < 0)
		return err;
	kernel_ring_enter(&p->ring, 0);
	take_completions(p);
	if (w->armed)
		return 0;
	w->events = 0;
	return w->error >= 0 || w->error == -EINVAL ? -EPERM : w->error;
}

/* Submitted at once, for its error. */
static int uring_watch(struct poller *p, int fd, uint64_t tag)
{
	int err = make_room(p, fd);
	struct watch *w;

	if (err < 0)
		return err;
	w = &p->watches[fd];
	if (w->armed)
		disarm(p, fd);
	w->tag = tag;
	w->events = 0;
	w->settled = false;
	err = try(p, fd);
	if (err == -EPERM) /* there may have been no room */
		err = try(p, fd);
	w->settled = err == 0;
	return err;
}

static void uring_unwatch(struct poller *p, int fd, uint64_t tag)
{
	if (fd < p->room && p->watches[fd].armed && p->watches[fd].tag == tag)
		disarm(p, fd);
}

static int uring_wait(struct poller *p, int64_t timeout,
		      struct kernel_event *out)
{
	int err = kernel_ring_enter(&p->ring, p->first >= 0 ? 0 : timeout);
	int n;

	take_completions(p);
	n = report(p, out);
	return n ? n : err;
}

/* The eventfd's request is a multishot one like all others: each write is a new
 * edge, and nobody has to read it. */
static void uring_wake(struct poller *p)
{
	uint64_t one = 1;

	raw_syscall(SYS_write, p->wakeup.number, KERNEL_ARG(&one), sizeof one, 0, 0,
		    0);
}

static int uring_submit(struct poller *p, struct kernel_op *op)
{
	return kernel_ring_submit(&p->ring, op);
}

static void uring_cancel(struct poller *p, struct kernel_op *op)
{
	kernel_ring_cancel(&p->ring, op);
}

static void uring_close(struct poller *p)
{
	kernel_ring_close(&p->ring);
	kernel_unguard(&p->wakeup);
	kernel_free(p->watches);
	kernel_free(p);
}

static void uring_abandon(struct poller *p)
{
	kernel_ring_abandon(&p->ring);
	kernel_unguard(&p->wakeup);
	kernel_free(p->watches);
	kernel_free(p);
}

/* Requests are known by their number. */
static void wakeup_moved(struct kernel_fd *wakeup, int from)
{
	struct poller *p = container_of(wakeup, struct poller, wakeup);

	uring_unwatch(p, from, WAKE_TAG);
	uring_watch(p, wakeup->number, WAKE_TAG);
}

static int uring_open(struct poller **out)
{
	struct poller *p = kernel_alloc(sizeof *p);
	int err;

	if (!p)
		return -ENOMEM;
	err = kernel_ring_open(&p->ring, ENTRIES);
	if (err < 0) {
		kernel_free(p);
		return err;
	}
	p->first = p->last = -1;
	p->wakeup = (struct kernel_fd){.number = -1, .moved = wakeup_moved};
	err = (int)kernel_call(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK, 0,
			       0, 0, 0);
	if (err >= 0) {
		kernel_guard(&p->wakeup, err);
		err = uring_watch(p, p->wakeup.number, WAKE_TAG);
	}
	if (err < 0) {
		uring_close(p);
		return err == -EPERM ? -ENOSYS : err; /* before 5.13 */
	}
	*out = p;
	return 0;
}

const struct kernel ramet__uring = {
	.name = "uring",
	.call = kernel_real_call,
	.now = kernel_real_now,
	.alloc = kernel_real_alloc,
	.free = kernel_real_free,
	.open = uring_open,
	.close = uring_close,
	.abandon = uring_abandon,
	.watch = uring_watch,
	.unwatch = uring_unwatch,
	.wait = uring_wait,
	.wake = uring_wake,
	.submit = uring_submit,
	.cancel = uring_cancel,
	.run = kernel_pool_run,
	.alone = kernel_real_alone,
	.recall = kernel_pool_recall,
	.launch = kernel_real_launch,
};
