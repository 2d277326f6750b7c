/* epoll.c - the program's own epoll descriptors: one more kind of descriptor to
 * wait for.
 *
 * What is reported, and once or again, the real epoll decides, asked at once.
 * Who has been given something wakes the next who waits: as long as more is
 * left the kernel would, too.
 */
#include "patch/select/wait.h"

#include "io/poll.h"
#include "kernel/calls.h"
#include "patch/socket/call.h"

struct epolling {
	struct watching watching;
	int epfd, most;
	struct epoll_event *events;
	struct pollfd fd;
	struct poll_wait wait;
};

static long look(struct watching *w)
{
	struct epolling *e = container_of(w, struct epolling, watching);

	return kernel_call(SYS_epoll_pwait, e->epfd, KERNEL_ARG(e->events),
			   e->most, 0, 0, 0);
}

static int park(struct loop *l, struct watching *w, int64_t when)
{
	struct epolling *e = container_of(w, struct epolling, watching);

	return ramet__poll_wait(l, &e->wait, when);
}

static int wait_for(struct loop *l, struct epolling *e)
{
	struct fd *f;
	long n;

	e->watching.look = look;
	e->watching.park = park;
	e->fd = (struct pollfd){e->epfd, POLLIN, 0};
	e->wait = (struct poll_wait){.fds = &e->fd, .count = 1, .takes = true};
	n = ramet__hook_watch(l, &e->watching);
	f = n > 0 ? ramet__fd(l, e->epfd) : NULL;
	if (f && f->readers.first)
		ramet__fd_wake_next(&f->readers);
	return ramet__hook_watched(l, &e->watching, n);
}

int HOOK(epoll_wait)(int epfd, struct epoll_event *events, int most, int ms)
{
	struct loop *l = hook_loop(RAMET_SELECT);
	struct epolling e = {.watching.limit = hook_limit_ms(ms),
			     .epfd = epfd,
			     .events = events,
			     .most = most};

	return l ? wait_for(l, &e) : libc.epoll_wait(epfd, events, most, ms);
}

int HOOK(epoll_pwait)(int epfd, struct epoll_event *events, int most, int ms,
		      const sigset_t *mask)
{
	struct loop *l = hook_loop(RAMET_SELECT);
	struct epolling e = {.watching = {.limit = hook_limit_ms(ms),
					  .mask = mask},
			     .epfd = epfd,
			     .events = events,
			     .most = most};

	return l ? wait_for(l, &e)
		 : libc.epoll_pwait(epfd, events, most, ms, mask);
}

int HOOK(epoll_pwait2)(int epfd, struct epoll_event *events, int most,
		       const struct timespec *limit, const sigset_t *mask)
{
	struct loop *l = hook_loop(RAMET_SELECT);
	struct epolling e = {.watching = {.limit = ramet__hook_limit(limit),
					  .mask = mask},
			     .epfd = epfd,
			     .events = events,
			     .most = most};

	if (!l || e.watching.limit < 0)
		return libc.epoll_pwait2(epfd, events, most, limit, mask);
	return wait_for(l, &e);
}

/* What the number was before is over. */
static int made(int fd)
{
	return call_counts() ? ramet__call_made(fd, FD_EVENT, false) : fd;
}

int HOOK(epoll_create)(int size)
{
	return made(libc.epoll_create(size));
}

int HOOK(epoll_create1)(int flags)
{
	return made(libc.epoll_create1(flags));
}
