/* send.c - send and its kin. */
#include "io/iov.h"
#include "patch/socket/call.h"

static enum wait send_wait(int flags)
{
	return flags & MSG_DONTWAIT ? WAIT_NONE : WAIT_WRITE;
}

static ssize_t send_out(struct loop *l, int fd, const void *buf, size_t size,
			int flags, const struct sockaddr *to, socklen_t to_size)
{
	struct io io;
	long n;

	hook_begin(l);
	do {
		n = ramet__io_begin_posix(&io, l, fd, send_wait(flags));
		if (likely(n == 0))
			n = ramet__io_send(&io, buf, size, flags, to, to_size);
	} while (call_again(&io, n));
	return call_end(&io, n);
}

ssize_t HOOK(send)(int fd, const void *buf, size_t size, int flags)
{
	struct loop *l = hook_loop(RAMET_SOCKET);

	return l ? send_out(l, fd, buf, size, flags, NULL, 0)
		 : libc.send(fd, buf, size, flags);
}

ssize_t HOOK(sendto)(int fd, const void *buf, size_t size, int flags,
		     const struct sockaddr *to, socklen_t to_size)
{
	struct loop *l = hook_loop(RAMET_SOCKET);

	return l ? send_out(l, fd, buf, size, flags, to, to_size)
		 : libc.sendto(fd, buf, size, flags, to, to_size);
}

/* What was sent with it may have been descriptors: another process has those
 * files too, and we do not know which. */
static void look_at_control(const struct msghdr *msg)
{
	if (msg->msg_controllen)
		ramet__mode_fork();
}

ssize_t HOOK(sendmsg)(int fd, const struct msghdr *msg, int flags)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct io io;
	long n;

	if (!l)
		return libc.sendmsg(fd, msg, flags);
	hook_begin(l);
	do {
		n = ramet__io_begin_posix(&io, l, fd, send_wait(flags));
		if (likely(n == 0))
			n = ramet__io_sendmsg(&io, msg, flags);
	} while (call_again(&io, n));
	if (n >= 0)
		look_at_control(msg);
	return call_end(&io, n);
}

/* ---- several messages --------------------------------------------------- */

/* The last of those that the kernel took may be a part only.  Returns whether
 * it is whole now. */
static bool complete(struct io *io, struct mmsghdr *last, int flags)
{
	const struct msghdr *msg = &last->msg_hdr;
	size_t size = iov_total(msg->msg_iov, msg->msg_iovlen);

	if (last->msg_len >= size || ramet__mode_may_wait(io) < 0)
		return last->msg_len >= size;
	last->msg_len =
		(unsigned)ramet__io_send_rest(io, msg, flags, last->msg_len);
	return last->msg_len == size;
}

static long send_many(struct io *io, struct mmsghdr *msgs, unsigned count,
		      int flags)
{
	unsigned done = 0;
	long n = 0;

	while (n == 0) {
		const struct sockaddr *to = NULL;

		do {
			n = kernel_call(SYS_sendmmsg, io->number,
					KERNEL_ARG(msgs + done), count - done,
					flags | MSG_DONTWAIT | io->send_flags,
					0, 0);
			if (unlikely(n == -EAGAIN))
				to = msgs[done].msg_hdr.msg_name;
		} while (ramet__io_send_again(io, &n, to));
		if (n <= 0)
			break;
		done += (unsigned)n;
		look_at_control(&msgs[done - 1].msg_hdr);
		if (!complete(io, &msgs[done - 1], flags) || done >= count ||
		    ramet__mode_may_wait(io) < 0)
			break;
		io->send_flags = MSG_NOSIGNAL;
		n = ramet__io_go_on(io);
	}
	return done ? done : n;
}

int HOOK(sendmmsg)(int fd, struct mmsghdr *msgs, unsigned count, int flags)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct io io;
	long n;

	if (!l || count == 0)
		return libc.sendmmsg(fd, msgs, count, flags);
	if (count > IOV_MAX) /* as the kernel */
		count = IOV_MAX;
	hook_begin(l);
	do {
		n = ramet__io_begin_posix(&io, l, fd, send_wait(flags));
		if (likely(n == 0))
			n = send_many(&io, msgs, count, flags);
	} while (call_again(&io, n));
	return (int)call_end(&io, n);
}
