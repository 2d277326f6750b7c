/* poll.c - wait for several descriptors: look, wait for any event on any of
 * them, look again. */
#include "io/poll.h"
#include "io/sock.h"

#include "kernel/calls.h"
#include "ramet/io.h"

enum { FEW = 8, MOST = 1024 };

/* How often to look where no event will tell, and where events come for what
 * nobody asked: a registration that is renewed reports all that holds. */
enum { COARSE_NS = 10 * 1000 * 1000, VAIN_NS = 1000 * 1000, VAIN_MOST = 4 };

/* Queue for one descriptor's directions.  Returns 0 or -errno. */
static int queue(struct loop *l, const struct pollfd *p, struct poll_place *w,
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
		     struct poll_place *w, int tag, int64_t *when)
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
		      struct poll_place *w)
{
	bool closed = false;

	for (size_t i = 0; i < count; i++) {
		int number = fds[i].fd;
		struct fd *f;

		waitq_remove(&w[i].in);
		waitq_remove(&w[i].out);
		if (!w[i].generation)
			continue;
		closed |= ramet__poll_closed(number, &w[i]);
		f = ramet__fd(l, number);
		if (f)
			ramet__fd_unwatch(l, f, number);
	}
	return closed;
}

/* Without being told of events: some that count may be among them, so the
 * caller has to look before he waits for more. */
static void rest(const struct poll_wait *p, int64_t *until)
{
	int64_t ms = p->vain < 10 ? p->vain : 10;
	int64_t soon = time_add(p->start, ms * VAIN_NS);

	*until = soon < *until ? soon : *until;
}

/* The event that came after no time, again and again, was not what the caller
 * waits for. */
static void judge(struct poll_wait *p)
{
	if (kernel_now() - p->start < VAIN_NS)
		p->vain++;
	else
		p->vain = 0;
}

int ramet__poll_begin(struct loop *l, struct poll_wait *p, struct poll_place *w,
		      int64_t *until)
{
	int tag = p->takes ? 0 : FD_WAITER_LOOKS;

	for (size_t i = 0; i < p->count; i++) {
		w[i].in.queue = w[i].out.queue = NULL;
		w[i].generation = 0;
	}
	p->start = kernel_now();
	p->rested = p->vain > VAIN_MOST && !p->rested;
	if (!p->rested)
		return queue_all(l, p->fds, p->count, w, tag, until);
	rest(p, until);
	return 0;
}

bool ramet__poll_closed(int number, const struct poll_place *w)
{
	return w->generation && !ramet__number_is(number, w->generation);
}

bool ramet__poll_end(struct loop *l, struct poll_wait *p, struct poll_place *w)
{
	if (!p->rested)
		judge(p);
	return leave_all(l, p->fds, p->count, w);
}

static int wait_with(struct loop *l, struct poll_wait *p, struct poll_place *w,
		     int64_t when)
{
	bool own = when <= l->current->deadline;
	int64_t until = when;
	int err = ramet__poll_begin(l, p, w, &until);

	if (err == 0)
		err = ramet__park_until(l, WAIT_POLL, p->fds, until);
	if (ramet__poll_end(l, p, w) && err == 0)
		err = -EBADF;
	if (err == -ETIMEDOUT && (own || until < when))
		return until == when;
	return err;
}

int ramet__poll_wait(struct loop *l, struct poll_wait *p, int64_t when)
{
	struct poll_place few[FEW], *w = few;
	int err;

	if (when <= kernel_now())
		return 1;
	if (p->count > FEW)
		w = kernel_alloc(p->count * sizeof *w);
	if (!w)
		return -ENOMEM;
	err = wait_with(l, p, w, when);
	if (w != few)
		kernel_free(w);
	return err;
}

int ramet__sock_poll(struct pollfd *fds, size_t count)
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
	return (int)ramet__ret(ramet__sock_poll(fds, count));
}
