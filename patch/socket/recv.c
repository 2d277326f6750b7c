/* recv.c - recv and its kin. */
#include "patch/socket/call.h"
#include "patch/timespec.h"

#include "io/copy.h"

/* Urgent data and the error queue are there or not. */
static enum wait recv_wait(int flags)
{
	return flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE) ? WAIT_NONE
							       : WAIT_READ;
}

static ssize_t receive(struct loop *l, int fd, void *buf, size_t size,
		       int flags, struct sockaddr *from, socklen_t *from_size)
{
	struct io io;
	long n;

	hook_begin(l);
	do {
		n = ramet__io_begin_posix(&io, l, fd, recv_wait(flags));
		if (likely(n == 0))
			n = ramet__io_recv(&io, buf, size, flags, from,
					   from_size);
	} while (call_again(&io, n));
	return call_end(&io, n);
}

ssize_t HOOK(recv)(int fd, void *buf, size_t size, int flags)
{
	struct loop *l = hook_loop(RAMET_SOCKET);

	return l ? receive(l, fd, buf, size, flags, NULL, NULL)
		 : libc.recv(fd, buf, size, flags);
}

ssize_t HOOK(recvfrom)(int fd, void *buf, size_t size, int flags,
		       struct sockaddr *from, socklen_t *from_size)
{
	struct loop *l = hook_loop(RAMET_SOCKET);

	return l ? receive(l, fd, buf, size, flags, from, from_size)
		 : libc.recvfrom(fd, buf, size, flags, from, from_size);
}

/* What _FORTIFY_SOURCE calls: libc's own says what is wrong, and aborts. */
ssize_t HOOK(__recv_chk)(int fd, void *buf, size_t size, size_t room, int flags)
{
	return size > room ? libc.__recv_chk(fd, buf, size, room, flags)
			   : HOOK(recv)(fd, buf, size, flags);
}

ssize_t HOOK(__recvfrom_chk)(int fd, void *buf, size_t size, size_t room,
			     int flags, struct sockaddr *from,
			     socklen_t *from_size)
{
	return size > room
		       ? libc.__recvfrom_chk(fd, buf, size, room, flags, from,
					     from_size)
		       : HOOK(recvfrom)(fd, buf, size, flags, from, from_size);
}

ssize_t HOOK(recvmsg)(int fd, struct msghdr *msg, int flags)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct io io;
	long n;

	if (!l)
		return libc.recvmsg(fd, msg, flags);
	hook_begin(l);
	do {
		n = ramet__io_begin_posix(&io, l, fd, recv_wait(flags));
		if (likely(n == 0))
			n = ramet__io_recvmsg(&io, msg, flags);
	} while (call_again(&io, n));
	return call_end(&io, n);
}

/* ---- several messages --------------------------------------------------- */

/* The kernel looks at the time only when a message has come, and so waits for
 * the first of them without limit; we do not wait past it for the others. */
static long receive_many(struct io *io, struct mmsghdr *msgs, unsigned count,
			 int flags, int64_t until)
{
	unsigned done = 0;
	long n = 0;

	while (n == 0) {
		do
			n = kernel_call(SYS_recvmmsg, io->number,
					KERNEL_ARG(msgs + done), count - done,
					flags | MSG_DONTWAIT, 0, 0);
		while (ramet__io_again(io, &n));
		if (n <= 0)
			break;
		done += (unsigned)n;
		if (done >= count || flags & (MSG_WAITFORONE | MSG_DONTWAIT) ||
		    (until != RAMET_NEVER && until <= kernel_now()) ||
		    ramet__mode_may_wait(io) < 0)
			break;
		if (until < io->until)
			io->until = until;
		n = ramet__io_go_on(io);
	}
	return done ? done : n;
}

static long many(struct loop *l, int fd, struct mmsghdr *msgs, unsigned count,
		 int flags, int64_t until)
{
	struct io io;
	long n;

	hook_begin(l);
	do {
		n = ramet__io_begin_posix(&io, l, fd, recv_wait(flags));
		if (likely(n == 0))
			n = receive_many(&io, msgs, count, flags, until);
	} while (call_again(&io, n));
	return call_end(&io, n);
}

int HOOK(recvmmsg)(int fd, struct mmsghdr *msgs, unsigned count, int flags,
		   struct timespec *timeout)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	int64_t until = RAMET_NEVER;
	struct timespec limit;
	int n;

	if (!l || count == 0)
		return libc.recvmmsg(fd, msgs, count, flags, timeout);
	if (timeout) {
		if (ramet__copy_in(&limit, timeout, sizeof limit) < 0)
			return (int)call_result(-EFAULT);
		if (!timespec_is_length(&limit))
			return (int)call_result(-EINVAL);
		until = time_add(kernel_now(), timespec_ns(&limit));
	}
	n = (int)many(l, fd, msgs, count, flags, until);
	if (n > 0 && until != RAMET_NEVER)
		*timeout = timespec_of(until - kernel_now());
	return n;
}
