/* epoll.c - readiness by epoll: the back end that is always there.
 *
 * A descriptor is added once, edge-triggered, for everything.  The wake-up
 * eventfd is edge-triggered as well: each write is a new edge, so nobody has to
 * read it.  Files, of which there is no readiness, get a ring of their own,
 * made at the first call, whose completions are one more reason to wake up.
 */
#include "kernel/guard.h"
#include "kernel/launch.h"
#include "kernel/ring.h"
#include "kernel/calls.h"

#include <sys/eventfd.h>

#define WATCHED (EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | (uint32_t)EPOLLET)
#define WAKE_TAG UINT64_MAX

enum { RING_ENTRIES = 64 };

struct poller {
	struct kernel_fd epoll, wakeup;
	bool ms_only; /* no epoll_pwait2 here: milliseconds */
	bool ring_open, ring_refused;
	struct ring ring;
	/* Here and not on the stack, which is that of whoever parks. */
	struct epoll_event events[KERNEL_EVENTS];
};

static int add(struct poller *p, int fd, int op, uint32_t events, uint64_t tag)
{
	struct epoll_event event = {.events = events, .data.u64 = tag};

	return (int)kernel_call(SYS_epoll_ctl, p->epoll.number, op, fd,
				KERNEL_ARG(&event), 0, 0);
}

static void epoll_close(struct poller *p)
{
	if (p->ring_open)
		kernel_ring_close(&p->ring);
	kernel_unguard(&p->wakeup);
	kernel_unguard(&p->epoll);
	kernel_free(p);
}

/* Taking anything off the epoll would take it off the parent's: both have the
 * same one.  Closing our descriptors of it does nothing to that. */
static void epoll_abandon(struct poller *p)
{
	if (p->ring_open)
		kernel_ring_abandon(&p->ring);
	kernel_unguard(&p->wakeup);
	kernel_unguard(&p->epoll);
	kernel_free(p);
}

static int epoll_open(struct poller **out)
{
	struct poller *p = kernel_alloc(sizeof *p);
	int err;

	if (!p)
		return -ENOMEM;
	p->epoll.number = p->wakeup.number = -1;
	err = (int)kernel_call(SYS_epoll_create1, EPOLL_CLOEXEC, 0, 0, 0, 0, 0);
	if (err < 0)
		goto fail;
	kernel_guard(&p->epoll, err);
	err = (int)kernel_call(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK, 0,
			       0, 0, 0);
	if (err < 0)
		goto fail;
	kernel_guard(&p->wakeup, err);
	err = add(p, p->wakeup.number, EPOLL_CTL_ADD, EPOLLIN | (uint32_t)EPOLLET,
		  WAKE_TAG);
	if (err < 0)
		goto fail;
	*out = p;
	return 0;

fail:
	epoll_close(p);
	return err;
}

/* ADD is right for a new descriptor; a number that is known already, because it
 * is being watched afresh, is modified, which reports afresh. */
static int epoll_watch(struct poller *p, int fd, uint64_t tag)
{
	int err = add(p, fd, EPOLL_CTL_ADD, WATCHED, tag);

	return err == -EEXIST ? add(p, fd, EPOLL_CTL_MOD, WATCHED, tag) : err;
}

/* Closing is enough, and spares a system call.  If the file lives on in a
 * duplicate its events go on, under a tag that nobody knows any more. */
static void epoll_unwatch(struct poller *p, int fd, uint64_t tag)
{
	(void)p, (void)fd, (void)tag;
}

static int wait_for(struct poller *p, int64_t timeout)
{
	struct timespec ts = {timeout / RAMET_SEC, timeout % RAMET_SEC};
	int64_t ms = timeout / RAMET_MS + (timeout % RAMET_MS != 0);
	int n;

	if (!p->ms_only) {
		n = (int)kernel_call(SYS_epoll_pwait2, p->epoll.number,
				     KERNEL_ARG(p->events), KERNEL_EVENTS,
				     KERNEL_ARG(timeout == RAMET_NEVER ? NULL
								       : &ts),
				     0, 0);
		if (n != -ENOSYS && n != -EPERM)
			return n;
		p->ms_only = true;
	}
	if (timeout == RAMET_NEVER)
		ms = -1;
	else if (ms > INT_MAX)
		ms = INT_MAX;
	return (int)kernel_call(SYS_epoll_pwait, p->epoll.number,
				KERNEL_ARG(p->events), KERNEL_EVENTS, ms, 0, 0);
}

static int epoll_wait_events(struct poller *p, int64_t timeout,
			     struct kernel_event *out)
{
	int n = wait_for(p, timeout), got = 0;

	for (int i = 0; i < n; i++) {
		uint64_t tag = p->events[i].data.u64;

		if (tag != WAKE_TAG)
			out[got++] =
				(struct kernel_event){tag, p->events[i].events};
		else if (p->ring_open)
			kernel_ring_reap(&p->ring);
	}
	return n < 0 ? n : got;
}

static int open_ring(struct poller *p)
{
	int err = kernel_ring_open(&p->ring, RING_ENTRIES);

	if (err < 0)
		return err;
	err = kernel_ring_signal(&p->ring, p->wakeup.number);
	if (err < 0)
		kernel_ring_close(&p->ring);
	return err;
}

static int epoll_submit(struct poller *p, struct kernel_op *op)
{
	if (p->ring_refused)
		return -ENOSYS;
	if (!p->ring_open) {
		p->ring_refused = open_ring(p) < 0;
		p->ring_open = !p->ring_refused;
	}
	return p->ring_open ? kernel_ring_submit(&p->ring, op) : -ENOSYS;
}

static void epoll_cancel(struct poller *p, struct kernel_op *op)
{
	kernel_ring_cancel(&p->ring, op);
}

static void epoll_wake(struct poller *p)
{
	uint64_t one = 1;

	raw_syscall(SYS_write, p->wakeup.number, KERNEL_ARG(&one), sizeof one, 0, 0,
		    0);
}

const struct kernel ramet__epoll = {
	.name = "epoll",
	.call = kernel_real_call,
	.now = kernel_real_now,
	.alloc = kernel_real_alloc,
	.free = kernel_real_free,
	.open = epoll_open,
	.close = epoll_close,
	.abandon = epoll_abandon,
	.watch = epoll_watch,
	.unwatch = epoll_unwatch,
	.wait = epoll_wait_events,
	.wake = epoll_wake,
	.submit = epoll_submit,
	.cancel = epoll_cancel,
	.run = kernel_pool_run,
	.alone = kernel_real_alone,
	.recall = kernel_pool_recall,
	.launch = kernel_real_launch,
};
