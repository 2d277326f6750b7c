/* make.c - calls that make a descriptor: nothing waits, but what the number
 * meant before is over, and what it means now is known. */
#include "patch/socket/call.h"

static int made(int fd, enum fd_kind kind, bool nonblock)
{
	return call_counts() ? ramet__call_made(fd, kind, nonblock) : fd;
}

/* Both or neither. */
static int made_two(int err, int fds[2], enum fd_kind kind, bool nonblock)
{
	if (err < 0)
		return err;
	if (made(fds[0], kind, nonblock) < 0) {
		kernel_close(fds[1]);
		return -1;
	}
	if (made(fds[1], kind, nonblock) < 0) {
		ramet__close(fds[0]);
		return -1;
	}
	return err;
}

int HOOK(socket)(int family, int type, int protocol)
{
	return made(libc.socket(family, type, protocol),
		    ramet__socket_kind(family, type, protocol),
		    type & SOCK_NONBLOCK);
}

int HOOK(socketpair)(int family, int type, int protocol, int fds[2])
{
	return made_two(libc.socketpair(family, type, protocol, fds), fds,
			ramet__socket_kind(family, type, protocol),
			type & SOCK_NONBLOCK);
}

int HOOK(pipe)(int fds[2])
{
	return made_two(libc.pipe(fds), fds, FD_PIPE, false);
}

int HOOK(pipe2)(int fds[2], int flags)
{
	return made_two(libc.pipe2(fds, flags), fds, FD_PIPE,
			flags & O_NONBLOCK);
}

int HOOK(eventfd)(unsigned count, int flags)
{
	return made(libc.eventfd(count, flags), FD_EVENT, flags & EFD_NONBLOCK);
}

int HOOK(timerfd_create)(int clock, int flags)
{
	return made(libc.timerfd_create(clock, flags), FD_EVENT,
		    flags & TFD_NONBLOCK);
}
