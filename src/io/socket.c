/* socket.c - the socket calls: try, and wait for the descriptor if there is
 * nothing to be had. */
#include "io/copy.h"
#include "io/iov.h"
#include "io/mode.h"
#include "io/sock.h"

#include "kernel/calls.h"
#include "ramet/io.h"

#include <netinet/in.h>

enum {
	SHORT_OF_FDS_NS = 10 * 1000 * 1000,
	PEER_FULL_NS = 1000 * 1000,
};

/* ---- making them -------------------------------------------------------- */

/* Only of TCP is it known that a short read leaves nothing behind. */
enum fd_kind ramet__socket_kind(int family, int type, int protocol)
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
		    ramet__socket_kind(family, type, protocol));
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
			 fds, ramet__socket_kind(family, type, protocol)));
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
	if (!io->fd->nonblock) {
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

int ramet__sock_accept(int number, struct sockaddr *addr, socklen_t *size,
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
				    io.fd->seen ? io.fd->kind : FD_UNKNOWN);
		if (short_of_fds(n)) /* others run meanwhile, and close some */
			n = ramet__io_back_off(&io, SHORT_OF_FDS_NS);
		else if (retry_accept(n))
			n = ramet__io_go_on(&io);
	}
	return (int)n;
}

int ramet_accept4(int fd, struct sockaddr *addr, socklen_t *size, int flags)
{
	return (int)ramet__ret(ramet__sock_accept(fd, addr, size, flags));
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
	if (!io->fd->seen)
		io->fd->kind = FD_UNKNOWN; /* it may not be what it was */
	kind = ramet__fd_kind(io);
	return kind == FD_TCP || kind == FD_STREAM;
}

ssize_t ramet__io_recv(struct io *io, void *buf, size_t size, int flags,
		       struct sockaddr *from, socklen_t *from_size)
{
	size_t done = 0;
	long n = 0;

	while (n == 0) {
		do
			n = kernel_recvfrom(io->number, (char *)buf + done,
					    size - done, flags | MSG_DONTWAIT,
					    from, from_size);
		while (ramet__io_again(io, &n));
		if (n <= 0)
			break;
		if (takes_data(flags))
			ramet__io_read_done(io, n, size - done);
		done += (size_t)n;
		if (likely(done >= size || !wants_all(io, flags)))
			break;
		n = ramet__io_go_on(io);
	}
	return done ? (ssize_t)done : n;
}

ssize_t ramet__sock_recv(int number, void *buf, size_t size, int flags,
			 struct sockaddr *from, socklen_t *from_size)
{
	struct io io;
	int err = ramet__io_begin(&io, number, recv_wait(flags));

	return err < 0 ? err
		       : ramet__io_recv(&io, buf, size, flags, from, from_size);
}

ssize_t ramet_recv(int fd, void *buf, size_t size, int flags)
{
	return ramet__ret(ramet__sock_recv(fd, buf, size, flags, NULL, NULL));
}

ssize_t ramet_recvfrom(int fd, void *buf, size_t size, int flags,
		       struct sockaddr *from, socklen_t *from_size)
{
	return ramet__ret(
		ramet__sock_recv(fd, buf, size, flags, from, from_size));
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

ssize_t ramet__io_recvmsg(struct io *io, struct msghdr *msg, int flags)
{
	struct msghdr before = {.msg_controllen = 0};
	long n = 0;

	if (flags & MSG_WAITALL && io->posix)
		n = ramet__copy_in(&before, msg, sizeof before);
	else if (flags & MSG_WAITALL)
		before = *msg;
	if (n < 0)
		return n;
	do
		n = kernel_recvmsg(io->number, msg, flags | MSG_DONTWAIT);
	while (ramet__io_again(io, &n));
	if (n > 0 && wants_all(io, flags))
		return recv_rest(io, msg, flags, before.msg_controllen,
				 (size_t)n);
	return n;
}

ssize_t ramet__sock_recvmsg(int number, struct msghdr *msg, int flags)
{
	struct io io;
	int err = ramet__io_begin(&io, number, recv_wait(flags));

	return err < 0 ? err : ramet__io_recvmsg(&io, msg, flags);
}

ssize_t ramet_recvmsg(int fd, struct msghdr *msg, int flags)
{
	return ramet__ret(ramet__sock_recvmsg(fd, msg, flags));
}

/* ---- send --------------------------------------------------------------- */

static enum wait send_wait(int flags)
{
	return flags & MSG_DONTWAIT ? WAIT_NONE : WAIT_WRITE;
}

/* As ramet__io_again.  That a UNIX socket to which the sender is not connected
 * has room again, no event tells. */
bool ramet__io_send_again(struct io *io, long *n, const struct sockaddr *to)
{
	if (unlikely(*n == -EAGAIN && to && to->sa_family == AF_UNIX &&
		     io->wait == WAIT_WRITE)) {
		*n = ramet__io_back_off(io, PEER_FULL_NS);
		return *n == 0;
	}
	return ramet__io_again(io, n);
}

/* What is left of a call that could not be made at once is made without
 * SIGPIPE, as the kernel does. */
static bool goes_on(struct io *io, int flags)
{
	if (flags & MSG_DONTWAIT || (io->posix && ramet__mode_may_wait(io) < 0))
		return false;
	io->send_flags = MSG_NOSIGNAL;
	return true;
}

/* A first packet with data (TCP Fast Open) may have had to go without. */
static bool connects(struct io *io, long *n, int *flags,
		     const struct sockaddr **to)
{
	if (likely(*n != -EINPROGRESS || !(*flags & MSG_FASTOPEN)) ||
	    (io->posix && ramet__mode_may_wait(io) < 0))
		return false;
	*flags &= ~MSG_FASTOPEN;
	*to = NULL;
	*n = 0;
	return true;
}

/* Streams take all of it, as a blocking socket does. */
ssize_t ramet__io_send(struct io *io, const void *buf, size_t size, int flags,
		       const struct sockaddr *to, socklen_t to_size)
{
	size_t done = 0;
	long n = 0;

	while (n == 0) {
		do
			n = kernel_sendto(io->number, (const char *)buf + done,
					  size - done,
					  flags | MSG_DONTWAIT | io->send_flags,
					  to, to ? to_size : 0);
		while (ramet__io_send_again(io, &n, to));
		if (connects(io, &n, &flags, &to))
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
		if (likely(done == size) || !goes_on(io, flags))
			break;
		n = ramet__io_go_on(io);
	}
	return done ? (ssize_t)done : n;
}

ssize_t ramet__sock_send(int number, const void *buf, size_t size, int flags,
			 const struct sockaddr *to, socklen_t to_size)
{
	struct io io;
	int err = ramet__io_begin(&io, number, send_wait(flags));

	return err < 0 ? err
		       : ramet__io_send(&io, buf, size, flags, to, to_size);
}

ssize_t ramet_send(int fd, const void *buf, size_t size, int flags)
{
	return ramet__ret(ramet__sock_send(fd, buf, size, flags, NULL, 0));
}

ssize_t ramet_sendto(int fd, const void *buf, size_t size, int flags,
		     const struct sockaddr *to, socklen_t to_size)
{
	return ramet__ret(ramet__sock_send(fd, buf, size, flags, to, to_size));
}

/* What a first sendmsg has left of its buffers: without the control messages,
 * which went with the first part. */
ssize_t ramet__io_send_rest(struct io *io, const struct msghdr *msg, int flags,
			    size_t n)
{
	struct msghdr rest = *msg;
	size_t done = n;
	struct iovs v;
	long ret = iovs_copy(&v, msg->msg_iov, msg->msg_iovlen);

	if (ret < 0)
		return (ssize_t)done;
	io->send_flags = MSG_NOSIGNAL;
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
						     io->send_flags);
		while (ramet__io_again(io, &ret));
		if (ret <= 0)
			break;
		done += n = (size_t)ret;
	}
	iovs_free(&v);
	return (ssize_t)done;
}

ssize_t ramet__io_sendmsg(struct io *io, const struct msghdr *msg, int flags)
{
	const struct sockaddr *to = NULL;
	long n;

	do {
		n = kernel_sendmsg(io->number, msg,
				   flags | MSG_DONTWAIT | io->send_flags);
		if (unlikely(n == -EAGAIN)) /* and so the kernel has seen it */
			to = msg->msg_name;
	} while (ramet__io_send_again(io, &n, to));
	if (n > 0 && (size_t)n < iov_total(msg->msg_iov, msg->msg_iovlen) &&
	    goes_on(io, flags))
		return ramet__io_send_rest(io, msg, flags, (size_t)n);
	return n;
}

ssize_t ramet__sock_sendmsg(int number, const struct msghdr *msg, int flags)
{
	struct io io;
	int err = ramet__io_begin(&io, number, send_wait(flags));

	return err < 0 ? err : ramet__io_sendmsg(&io, msg, flags);
}

ssize_t ramet_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return ramet__ret(ramet__sock_sendmsg(fd, msg, flags));
}

/* ---- the rest ----------------------------------------------------------- */

int ramet_shutdown(int fd, int how)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(l ? kernel_shutdown(fd, how) : -ENOMEM);
}
