/* socket.c - the socket calls: try, and wait for the descriptor if there is
 * nothing to be had. */
#include "io/call.h"
#include "io/iov.h"

#include "kernel/calls.h"
#include "ramet/io.h"

#include <netinet/in.h>

enum {
	SHORT_OF_FDS_NS = 10 * 1000 * 1000,
	PEER_FULL_NS = 1000 * 1000,
};

/* ---- making them -------------------------------------------------------- */

/* Only of TCP is it known that a short read leaves nothing behind. */
static enum fd_kind kind_of(int family, int type, int protocol)
{
	type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (type != SOCK_STREAM)
		return FD_DATAGRAM;
	if (family != AF_INET && family != AF_INET6)
		return FD_STREAM;
	return protocol == 0 || protocol == IPPROTO_TCP ? FD_TCP : FD_STREAM;
}

/* Take on a descriptor that the kernel has just made. */
static int take(int number, enum fd_kind kind)
{
	int err = number < 0 ? number : ramet__fd_new(number, kind, true);

	if (number >= 0 && err < 0) {
		kernel_close(number);
		return err;
	}
	return number;
}

int ramet__socket(int family, int type, int protocol)
{
	return take(kernel_socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
				  protocol),
		    kind_of(family, type, protocol));
}

int ramet_socket(int family, int type, int protocol)
{
	return (int)ramet__ret(ramet__loop()
				       ? ramet__socket(family, type, protocol)
				       : -ENOMEM);
}

/* Take both or neither. */
static int take_two(int err, int fds[2], enum fd_kind kind)
{
	if (err < 0)
		return err;
	err = take(fds[0], kind);
	if (err < 0) {
		kernel_close(fds[1]);
		return err;
	}
	err = take(fds[1], kind);
	if (err < 0)
		ramet__close(fds[0]);
	return err < 0 ? err : 0;
}

int ramet_socketpair(int family, int type, int protocol, int fds[2])
{
	if (!ramet__loop())
		return (int)ramet__fail(-ENOMEM);
	return (int)ramet__ret(
		take_two(kernel_socketpair(family,
					   type | SOCK_NONBLOCK | SOCK_CLOEXEC,
					   protocol, fds),
			 fds, kind_of(family, type, protocol)));
}

int ramet_pipe(int fds[2], int flags)
{
	if (!ramet__loop())
		return (int)ramet__fail(-ENOMEM);
	return (int)ramet__ret(
		take_two(kernel_pipe2(fds, flags | O_NONBLOCK | O_CLOEXEC), fds,
			 FD_PIPE));
}

/* ---- accept ------------------------------------------------------------- */

/* A listener that others made may block; it is asked first.  (Between the two
 * calls another process can take the connection: share only listeners that are
 * O_NONBLOCK.) */
static int accept_once(struct io *io, struct sockaddr *addr, socklen_t *size,
		       int flags)
{
	if (!io->fd->ours) {
		struct pollfd p = {io->number, POLLIN, 0};
		struct timespec now = {0, 0}; /* the kernel writes to it */
		int n = kernel_ppoll(&p, 1, &now);

		if (n <= 0)
			return n ? n : -EAGAIN;
	}
	return kernel_accept4(io->number, addr, size,
			      flags | SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* Errors of the connection that was not accepted, and of a shortage that will
 * pass: neither is a reason to give up serving. */
static bool retry_accept(long err)
{
	switch (-err) {
	case ECONNABORTED:
	case EPROTO:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return true;
	}
	return false;
}

static bool short_of_fds(long err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOBUFS ||
	       err == -ENOMEM;
}

static int accept_on(int number, struct sockaddr *addr, socklen_t *size,
		     int flags)
{
	struct io io;
	long n = ramet__io_begin(&io, number, WAIT_READ);

	while (n == 0) {
		do
			n = accept_once(&io, addr, size, flags);
		while (ramet__io_again(&io, &n));
		if (n >= 0) /* what others listen on may not be what it was */
			return take((int)n,
				    io.fd->ours ? io.fd->kind : FD_UNKNOWN);
		if (short_of_fds(n)) /* others run meanwhile, and close some */
			n = ramet__io_back_off(&io, SHORT_OF_FDS_NS);
		else if (retry_accept(n))
			n = ramet__io_go_on(&io);
	}
	return (int)n;
}

int ramet_accept4(int fd, struct sockaddr *addr, socklen_t *size, int flags)
{
	return (int)ramet__ret(accept_on(fd, addr, size, flags));
}

int ramet_accept(int fd, struct sockaddr *addr, socklen_t *size)
{
	return ramet_accept4(fd, addr, size, 0);
}

/* ---- receive ------------------------------------------------------------ */

/* Urgent data and the error queue are there or not. */
static enum wait recv_wait(int flags)
{
	return flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE) ? WAIT_NONE
							       : WAIT_READ;
}

/* Whether a short read means that the buffer is drained. */
static bool takes_data(int flags)
{
	return !(flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE));
}

/* Whether to go on till the buffer is full. */
static bool wants_all(struct io *io, int flags)
{
	int kind;

	if (!(flags & MSG_WAITALL) || io->wait == WAIT_NONE || flags & MSG_PEEK)
		return false;
	if (!io->fd->ours)
		io->fd->kind = FD_UNKNOWN; /* it may not be what it was */
	kind = ramet__fd_kind(io);
	return kind == FD_TCP || kind == FD_STREAM;
}

static ssize_t recv_from(int number, char *buf, size_t size, int flags,
			 struct sockaddr *from, socklen_t *from_size)
{
	struct io io;
	long n = ramet__io_begin(&io, number, recv_wait(flags));
	size_t done = 0;

	while (n == 0) {
		do
			n = kernel_recvfrom(number, buf + done, size - done,
					    flags | MSG_DONTWAIT, from,
					    from_size);
		while (ramet__io_again(&io, &n));
		if (n <= 0)
			break;
		if (takes_data(flags))
			ramet__io_read_done(&io, n, size - done);
		done += (size_t)n;
		if (done >= size || !wants_all(&io, flags))
			break;
		n = ramet__io_go_on(&io);
	}
	return done ? (ssize_t)done : n;
}

ssize_t ramet_recv(int fd, void *buf, size_t size, int flags)
{
	return ramet__ret(recv_from(fd, buf, size, flags, NULL, NULL));
}

ssize_t ramet_recvfrom(int fd, void *buf, size_t size, int flags,
		       struct sockaddr *from, socklen_t *from_size)
{
	return ramet__ret(recv_from(fd, buf, size, flags, from, from_size));
}

/* The rest of a message of which n bytes have come without control messages;
 * it ends early where some come, as the kernel ends it. */
static ssize_t recv_rest(struct io *io, struct msghdr *msg, int flags,
			 size_t control_room, size_t n)
{
	struct msghdr rest = *msg;
	size_t done = n;
	struct iovs v;
	long ret = iovs_copy(&v, msg->msg_iov, msg->msg_iovlen);

	if (ret < 0)
		return (ssize_t)done;
	while (msg->msg_controllen == 0) {
		iovs_skip(&v, n);
		rest.msg_iov = v.next;
		rest.msg_iovlen = v.count;
		rest.msg_controllen = control_room;
		if (!v.count || ramet__io_go_on(io) < 0)
			break;
		do
			ret = kernel_recvmsg(io->number, &rest,
					     flags | MSG_DONTWAIT);
		while (ramet__io_again(io, &ret));
		if (ret <= 0)
			break;
		done += n = (size_t)ret;
		msg->msg_controllen = rest.msg_controllen;
		msg->msg_flags = rest.msg_flags;
	}
	iovs_free(&v);
	return (ssize_t)done;
}

static ssize_t recv_msg(int number, struct msghdr *msg, int flags)
{
	struct io io;
	size_t control_room = 0;
	long n = ramet__io_begin(&io, number, recv_wait(flags));

	if (n < 0)
		return n;
	if (flags & MSG_WAITALL)
		control_room = msg->msg_controllen;
	do
		n = kernel_recvmsg(number, msg, flags | MSG_DONTWAIT);
	while (ramet__io_again(&io, &n));
	if (n > 0 && wants_all(&io, flags))
		return recv_rest(&io, msg, flags, control_room, (size_t)n);
	return n;
}

ssize_t ramet_recvmsg(int fd, struct msghdr *msg, int flags)
{
	return ramet__ret(recv_msg(fd, msg, flags));
}

/* ---- send --------------------------------------------------------------- */

static enum wait send_wait(int flags)
{
	return flags & MSG_DONTWAIT ? WAIT_NONE : WAIT_WRITE;
}

/* As ramet__io_again.  That a UNIX socket to which the sender is not connected
 * has room again, no event tells. */
static bool send_again(struct io *io, long *n, const struct sockaddr *to)
{
	if (unlikely(*n == -EAGAIN && to && to->sa_family == AF_UNIX &&
		     io->wait == WAIT_WRITE)) {
		*n = ramet__io_back_off(io, PEER_FULL_NS);
		return *n == 0;
	}
	return ramet__io_again(io, n);
}

/* Streams take all of it, as a blocking socket does. */
static ssize_t send_to(int number, const char *buf, size_t size, int flags,
		       const struct sockaddr *to, socklen_t to_size)
{
	struct io io;
	long n = ramet__io_begin(&io, number, send_wait(flags));
	size_t done = 0;

	while (n == 0) {
		do
			n = kernel_sendto(number, buf + done, size - done,
					  flags | MSG_DONTWAIT | MSG_NOSIGNAL,
					  to, to_size);
		while (send_again(&io, &n, to));
		if (n <= 0)
			break;
		done += (size_t)n;
		if (done == size || flags & MSG_DONTWAIT)
			break;
		n = ramet__io_go_on(&io);
	}
	return done ? (ssize_t)done : n;
}

ssize_t ramet_send(int fd, const void *buf, size_t size, int flags)
{
	return ramet__ret(send_to(fd, buf, size, flags, NULL, 0));
}

ssize_t ramet_sendto(int fd, const void *buf, size_t size, int flags,
		     const struct sockaddr *to, socklen_t to_size)
{
	return ramet__ret(send_to(fd, buf, size, flags, to, to_size));
}

/* What a first sendmsg has left of its buffers: without the control messages,
 * which went with the first part. */
static ssize_t send_rest(struct io *io, const struct msghdr *msg, int flags,
			 size_t n)
{
	struct msghdr rest = *msg;
	size_t done = n;
	struct iovs v;
	long ret = iovs_copy(&v, msg->msg_iov, msg->msg_iovlen);

	if (ret < 0)
		return (ssize_t)done;
	rest.msg_controllen = 0;
	for (;;) {
		iovs_skip(&v, n);
		rest.msg_iov = v.next;
		rest.msg_iovlen = v.count;
		if (!v.count || ramet__io_go_on(io) < 0)
			break;
		do
			ret = kernel_sendmsg(io->number, &rest,
					     flags | MSG_DONTWAIT |
						     MSG_NOSIGNAL);
		while (ramet__io_again(io, &ret));
		if (ret <= 0)
			break;
		done += n = (size_t)ret;
	}
	iovs_free(&v);
	return (ssize_t)done;
}

static ssize_t send_msg(int number, const struct msghdr *msg, int flags)
{
	struct io io;
	long n = ramet__io_begin(&io, number, send_wait(flags));

	if (n < 0)
		return n;
	do
		n = kernel_sendmsg(number, msg,
				   flags | MSG_DONTWAIT | MSG_NOSIGNAL);
	while (send_again(&io, &n, msg->msg_name));
	if (n > 0 && !(flags & MSG_DONTWAIT) &&
	    (size_t)n < iov_total(msg->msg_iov, msg->msg_iovlen))
		return send_rest(&io, msg, flags, (size_t)n);
	return n;
}

ssize_t ramet_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return ramet__ret(send_msg(fd, msg, flags));
}

/* ---- the rest ----------------------------------------------------------- */

int ramet_shutdown(int fd, int how)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(l ? kernel_shutdown(fd, how) : -ENOMEM);
}
