/* poll.c - poll and ppoll. */
#include "patch/select/wait.h"

#include "io/poll.h"
#include "kernel/calls.h"

struct polling {
	struct watching watching;
	struct pollfd *fds;
	struct poll_wait wait;
};

static long look(struct watching *w)
{
	struct polling *p = container_of(w, struct polling, watching);
	struct timespec now = {0, 0}; /* the kernel writes to it */

	return kernel_ppoll(p->fds, p->wait.count, &now);
}

/* A number that has been closed is one more thing to report: POLLNVAL, unless
 * it is in use again. */
static int park(struct loop *l, struct watching *w, int64_t when)
{
	struct polling *p = container_of(w, struct polling, watching);
	int err = ramet__poll_wait(l, &p->wait, when);

	return err == -EBADF ? 0 : err;
}

static int poll_fds(struct loop *l, struct pollfd *fds, nfds_t count,
		    int64_t limit, const sigset_t *mask)
{
	struct polling p = {
		.watching = {.look = look,
			     .park = park,
			     .limit = limit,
			     .mask = mask},
		.fds = fds,
		.wait = {.fds = fds, .count = count},
	};
	long n = ramet__hook_watch(l, &p.watching);

	n = ramet__hook_hang_up(&p.watching, fds, count, n);
	return ramet__hook_watched(l, &p.watching, n);
}

int HOOK(poll)(struct pollfd *fds, nfds_t count, int ms)
{
	struct loop *l = hook_loop(RAMET_SELECT);

	if (!l)
		return libc.poll(fds, count, ms);
	return poll_fds(l, fds, count, hook_limit_ms(ms), NULL);
}

int HOOK(__poll_chk)(struct pollfd *fds, nfds_t count, int ms, size_t size)
{
	if (size / sizeof *fds < count)
		__chk_fail();
	return HOOK(poll)(fds, count, ms);
}

int HOOK(ppoll)(struct pollfd *fds, nfds_t count, const struct timespec *limit,
		const sigset_t *mask)
{
	struct loop *l = hook_loop(RAMET_SELECT);
	int64_t ns = ramet__hook_limit(limit);

	if (!l || ns < 0)
		return libc.ppoll(fds, count, limit, mask);
	return poll_fds(l, fds, count, ns, mask);
}

int HOOK(__ppoll_chk)(struct pollfd *fds, nfds_t count,
		      const struct timespec *limit, const sigset_t *mask,
		      size_t size)
{
	if (size / sizeof *fds < count)
		__chk_fail();
	return HOOK(ppoll)(fds, count, limit, mask);
}
