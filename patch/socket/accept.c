/* accept.c - accept and accept4. */
#include "patch/socket/call.h"

/* One that may wait is asked first whether it has to. */
static long attempt(struct io *io, struct sockaddr *addr, socklen_t *size,
		    int flags)
{
	struct pollfd p = {io->number, POLLIN, 0};
	struct timespec now = {0, 0}; /* the kernel writes to it */
	int n = 1;

	if (ramet__mode_may_wait(io) == 0)
		n = kernel_ppoll(&p, 1, &now);
	if (n <= 0)
		return n ? n : -EAGAIN;
	return kernel_accept4(io->number, addr, size, flags);
}

/* What cannot wait says what is wrong with it. */
static bool is_wrong(struct io *io, int flags)
{
	return flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC) ||
	       !io_is_socket(ramet__fd_kind(io));
}

static bool is_shared(const struct io *io)
{
	return io->fd->seen && !ramet__mode_is_private(io);
}

static long take(struct io *io, struct sockaddr *addr, socklen_t *size,
		 int flags)
{
	long n;

	if (is_wrong(io, flags))
		return kernel_accept4(io->number, addr, size, flags);
	if (is_shared(io) && ramet__mode_may_wait(io) == 0) {
		do
			n = ramet__accept_shared(io, addr, size, flags);
		while (n == -EAGAIN && (n = ramet__io_wait(io)) == 0);
		return n;
	}
	do
		n = attempt(io, addr, size, flags);
	while (ramet__io_again(io, &n));
	return n;
}

static int accept_on(struct loop *l, int fd, struct sockaddr *addr,
		     socklen_t *size, int flags)
{
	struct io io;
	long n;

	hook_begin(l);
	do {
		n = ramet__io_begin_posix(&io, l, fd, WAIT_READ);
		if (likely(n == 0))
			n = take(&io, addr, size, flags);
	} while (call_again(&io, n));
	io.expired = false; /* a listener is as good as before */
	n = call_end(&io, n);
	if (n < 0)
		return (int)n;
	return ramet__call_made((int)n,
				io.fd->seen ? (enum fd_kind)io.fd->kind
					    : FD_UNKNOWN,
				flags & SOCK_NONBLOCK);
}

int HOOK(accept4)(int fd, struct sockaddr *addr, socklen_t *size, int flags)
{
	struct loop *l = hook_loop(RAMET_SOCKET);

	if (l)
		return accept_on(l, fd, addr, size, flags);
	fd = libc.accept4(fd, addr, size, flags);
	return ramet__closes_seen
		       ? ramet__call_made(fd, FD_UNKNOWN, flags & SOCK_NONBLOCK)
		       : fd;
}

int HOOK(accept)(int fd, struct sockaddr *addr, socklen_t *size)
{
	return HOOK(accept4)(fd, addr, size, 0);
}
