/* poll.c - wait for several descriptors: look, wait for any event on any of
 * them, look again. */
#include "io/fd.h"

#include "kernel/calls.h"
#include "ramet/io.h"

enum { FEW = 8, MOST = 1024 };

struct waiters {
	struct ramet_waiter in, out;
	uint32_t generation; /* of the number when the wait began */
};

/* Queue for one descriptor's directions.  A file that is always ready, and yet
 * has nothing to tell now, never will.  Returns 0 or -errno. */
static int queue(struct loop *l, const struct pollfd *p, struct waiters *w)
{
	struct fd *f;
	int err;

	w->in = w->out = (struct ramet_waiter){.ramet = l->current,
					       .tag = FD_WAITER_LOOKS};
	if (p->fd < 0)
		return 0;
	f = ramet__fd(l, p->fd);
	if (!f)
		return -ENOMEM;
	w->generation = f->generation;
	err = ramet__fd_watch(l, f, p->fd);
	if (err < 0)
		return err == -EPERM ? 0 : err;
	waitq_append(&f->readers, &w->in);
	if (p->events & (POLLOUT | POLLWRNORM | POLLWRBAND))
		waitq_append(&f->writers, &w->out);
	return 0;
}

static void unwatch(struct loop *l, const struct pollfd *p)
{
	struct fd *f = p->fd < 0 ? NULL : ramet__fd(l, p->fd);

	if (f)
		ramet__fd_unwatch(l, f, p->fd);
}

/* Whether the number meant something else by the end of the wait. */
static bool closed(const struct pollfd *p, const struct waiters *w)
{
	return p->fd >= 0 && !ramet__number_is(p->fd, w->generation);
}

static int wait_any(struct loop *l, const struct pollfd *fds, size_t count,
		    struct waiters *w)
{
	size_t queued = 0;
	int err = 0;

	while (queued < count && err == 0) {
		err = queue(l, &fds[queued], &w[queued]);
		queued++;
	}
	if (err == 0)
		err = ramet__park(l, WAIT_POLL, fds);
	for (size_t i = 0; i < queued; i++) {
		waitq_remove(&w[i].in);
		waitq_remove(&w[i].out);
		unwatch(l, &fds[i]);
		if (err == 0 && closed(&fds[i], &w[i]))
			err = -EBADF;
	}
	return err;
}

/* Look and wait in turn. */
static int poll_with(struct loop *l, struct pollfd *fds, size_t count,
		     struct waiters *w)
{
	struct timespec now = {0, 0}; /* the kernel writes to it */
	int n, err = ramet__interrupted(l);

	while (err == 0) {
		n = kernel_ppoll(fds, count, &now);
		if (n != 0 && n != -EINTR)
			return n;
		err = ramet__interrupted(l); /* since the last wait */
		if (err == 0 && n == 0)
			err = wait_any(l, fds, count, w);
	}
	return err;
}

static int poll_fds(struct pollfd *fds, size_t count)
{
	struct loop *l = ramet__loop();
	struct waiters few[FEW], *w = few;
	int n;

	if (!l || count > MOST)
		return l ? -EINVAL : -ENOMEM;
	ramet__point(l);
	ramet__spend(l);
	if (count > FEW) {
		w = kernel_alloc(count * sizeof *w);
		if (!w)
			return -ENOMEM;
	}
	n = poll_with(l, fds, count, w);
	if (w != few)
		kernel_free(w);
	return n;
}

int ramet_poll(struct pollfd *fds, size_t count)
{
	return (int)ramet__ret(poll_fds(fds, count));
}
