/* connect.c - connect.
 *
 * It is begun without waiting: for the length of that one system call the
 * socket has O_NONBLOCK, which nobody can see if nobody else has the socket. If
 * somebody may, a helper thread makes the call.
 */
#include "patch/socket/call.h"

enum { BACKLOG_FULL_NS = 10 * 1000 * 1000 };

static long begin(const struct io *io, const struct sockaddr *addr,
		  socklen_t size)
{
	long n = call_set_nonblock(io->number, 1);

	if (n < 0)
		return n;
	n = kernel_connect(io->number, addr, size);
	call_set_nonblock(io->number, 0);
	return n;
}

/* What became of it: the call that is made again says so, and does not wait if
 * something has. */
static long look(const struct io *io, const struct sockaddr *addr,
		 socklen_t size)
{
	struct pollfd p = {io->number, POLLOUT, 0};
	struct timespec now = {0, 0}; /* the kernel writes to it */
	int n = kernel_ppoll(&p, 1, &now);

	if (n <= 0)
		return n ? n : -EAGAIN;
	return kernel_connect(io->number, addr, size);
}

static long here(struct io *io, const struct sockaddr *addr, socklen_t size)
{
	long n = begin(io, addr, size);

	/* The backlog of a UNIX listener is full, and nothing will tell when
	 * it is not. */
	while (n == -EAGAIN && addr->sa_family == AF_UNIX) {
		n = ramet__io_back_off(io, BACKLOG_FULL_NS);
		if (n == 0)
			n = begin(io, addr, size);
	}
	if (n != -EINPROGRESS && n != -EALREADY)
		return n;
	n = ramet__io_wait(io);
	if (n == 0)
		do
			n = look(io, addr, size);
		while (ramet__io_again(io, &n));
	return n == -EAGAIN ? -EINPROGRESS : n; /* SO_SNDTIMEO */
}

static long connect_to(struct io *io, const struct sockaddr *addr,
		       socklen_t size)
{
	int kind = ramet__fd_kind(io);

	if (!(kind == FD_TCP || kind == FD_STREAM || kind == FD_DATAGRAM) ||
	    size > sizeof(struct sockaddr_storage) ||
	    ramet__mode_may_wait(io) < 0)
		return kernel_connect(io->number, addr, size);
	return ramet__mode_is_private(io)
		       ? here(io, addr, size)
		       : ramet__io_connect_elsewhere(io, addr, size);
}

int HOOK(connect)(int fd, const struct sockaddr *addr, socklen_t size)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct io io;
	long n;

	if (!l)
		return libc.connect(fd, addr, size);
	hook_begin(l);
	do {
		n = ramet__io_begin_posix(&io, l, fd, WAIT_WRITE);
		if (likely(n == 0))
			n = connect_to(&io, addr, size);
	} while (call_again(&io, n));
	return (int)call_end(&io, n);
}
