/* poll.c - wait for several descriptors: look, wait for any event on any of
 * them, look again. */
#include "io/poll.h"

#include "kernel/calls.h"
#include "ramet/io.h"

enum { FEW = 8, MOST = 1024 };

/* How often to look where no event will tell, and where events come for what
 * nobody asked: a registration that is renewed reports all that holds. */
enum { COARSE_NS = 10 * 1000 * 1000, VAIN_NS = 1000 * 1000, VAIN_MOST = 4 };

struct waiters {
	struct ramet_waiter in, out;
	uint32_t generation; /* of the number when the wait began */
};

/* Queue for one descriptor's directions.  Returns 0 or -errno. */
static int queue(struct loop *l, const struct pollfd *p, struct waiters *w,
		 int tag)
{
	struct fd *f;
	int err;

	w->in = w->out = (struct ramet_waiter){.ramet = l->current, .tag = tag};
	if (p->fd < 0)
		return 0;
	f = ramet__fd(l, p->fd);
	if (!f)
		return p->fd < FD_MAX ? -ENOMEM : -EBADF;
	w->generation = f->generation;
	err = ramet__fd_watch(l, f, p->fd);
	if (err < 0)
		return err;
	waitq_append(&f->readers, &w->in);
	if (p->events & (POLLOUT | POLLWRNORM | POLLWRBAND))
		waitq_append(&f->writers, &w->out);
	return 0;
}

/* Queue for all.  A file that is always ready, and yet has nothing to tell now,
 * never will; of one that cannot be watched (an epoll of too many epolls, too
 * many watches) no event will tell, so *when becomes a time to look again.
 * Returns 0 or -errno. */
static int queue_all(struct loop *l, const struct pollfd *fds, size_t count,
		     struct waiters *w, int tag, int64_t *when)
{
	for (size_t i = 0; i < count; i++) {
		int err = queue(l, &fds[i], &w[i], tag);

		if (err == -ENOMEM)
			return err;
		if (err < 0 && err != -EPERM) {
			int64_t soon = time_add(kernel_now(), COARSE_NS);

			*when = soon < *when ? soon : *when;
		}
	}
	return 0;
}

/* Leave the queues.  Returns whether a number meant something else by the end
 * of the wait. */
static bool leave_all(struct loop *l, const struct pollfd *fds, size_t count,
		      struct waiters *w)
{
	bool closed = false;

	for (size_t i = 0; i < count; i++) {
		int number = fds[i].fd;
		struct fd *f;

		waitq_remove(&w[i].in);
		waitq_remove(&w[i].out);
		if (!w[i].generation)
			continue;
		closed |= !ramet__number_is(number, w[i].generation);
		f = ramet__fd(l, number);
		if (f)
			ramet__fd_unwatch(l, f, number);
	}
	return closed;
}

static int wait_with(struct loop *l, const struct poll_wait *p,
		     struct waiters *w, int64_t when)
{
	bool own = when <= l->current->deadline;
	int tag = p->takes ? 0 : FD_WAITER_LOOKS;
	int64_t until = when;
	int err = queue_all(l, p->fds, p->count, w, tag, &until);

	if (err == 0)
		err = ramet__park_until(l, WAIT_POLL, p->fds, until);
	if (leave_all(l, p->fds, p->count, w) && err == 0)
		err = -EBADF;
	if (err == -ETIMEDOUT && (own || until < when))
		return until == when;
	return err;
}

/* Without being told of events: some that count may be among them, so the
 * caller has to look before he waits for more. */
static int wait_a_little(struct loop *l, const struct poll_wait *p,
			 int64_t when)
{
	int64_t ms = p->vain < 10 ? p->vain : 10;
	int64_t until = time_add(kernel_now(), ms * VAIN_NS);
	bool own = when <= l->current->deadline;
	int err;

	if (until > when)
		until = when;
	err = ramet__park_until(l, WAIT_POLL, p->fds, until);
	if (err == -ETIMEDOUT && (own || until < when))
		return until == when;
	return err;
}

/* The event that came after no time, again and again, was not what the caller
 * waits for. */
static void judge(struct poll_wait *p, int64_t start)
{
	if (kernel_now() - start < VAIN_NS)
		p->vain++;
	else
		p->vain = 0;
}

int ramet__poll_wait(struct loop *l, struct poll_wait *p, int64_t when)
{
	struct waiters few[FEW], *w = few;
	int64_t start = kernel_now();
	int err;

	if (when <= start)
		return 1;
	if (p->vain > VAIN_MOST && !p->rested) {
		p->rested = true;
		return wait_a_little(l, p, when);
	}
	p->rested = false;
	if (p->count > FEW)
		w = kernel_alloc(p->count * sizeof *w);
	else
		for (size_t i = 0; i < p->count; i++)
			w[i] = (struct waiters){.generation = 0};
	if (!w)
		return -ENOMEM;
	start = kernel_now();
	err = wait_with(l, p, w, when);
	if (err == 0)
		judge(p, start);
	if (w != few)
		kernel_free(w);
	return err;
}

static int poll_fds(struct pollfd *fds, size_t count)
{
	struct loop *l = ramet__loop();
	struct poll_wait w = {.fds = fds, .count = count};
	struct timespec now = {0, 0}; /* the kernel writes to it */
	int n, err;

	if (!l || count > MOST)
		return l ? -EINVAL : -ENOMEM;
	ramet__point(l);
	ramet__spend(l);
	for (;;) {
		err = ramet__interrupted(l); /* since the last wait */
		if (err < 0)
			return err;
		n = kernel_ppoll(fds, count, &now);
		if (n != 0 && n != -EINTR)
			return n;
		if (n == 0)
			err = ramet__poll_wait(l, &w, RAMET_NEVER);
		if (err < 0)
			return err;
	}
}

int ramet_poll(struct pollfd *fds, size_t count)
{
	return (int)ramet__ret(poll_fds(fds, count));
}
