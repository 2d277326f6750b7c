/* sim_call.c - which call goes where.
 *
 * Buffers are copied through one of our own, so that the rest knows nothing of
 * vectors: what is longer is cut, as a kernel may do.
 */
#include "kernel/sim_state.h"

#include "base/syscall.h"

#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>

enum { CALL_NS = 300 };

#define PTR(x) ((void *)(uintptr_t)(x))

bool sim_would_block(const struct sim_file *f, int flags, const char *what)
{
	if (f->flags & O_NONBLOCK || flags & MSG_DONTWAIT)
		return false;
	sim_violation(SIM_EXIT_STUCK, "%s would block the loop", what);
	return true;
}

/* ---- one read, one write ------------------------------------------------ */

static ssize_t read_file(struct sim_file *f, char *buf, size_t size, int flags,
			 struct sim_address *from, size_t *whole)
{
	from->size = 0;
	*whole = 0;
	if (sim_fault(SIM_EINTR))
		return -EINTR;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (flags & MSG_OOB)
		return -EINVAL;
	switch (f->kind) {
	case SIM_EVENTFD:
		return sim_eventfd_read(f, buf, size, flags);
	case SIM_DATAGRAM:
	case SIM_SEQPACKET:
		return sim_packet_read(f, buf, size, flags, from, whole);
	default:
		return sim_stream_read(f, buf, size, flags);
	}
}

static ssize_t write_file(struct sim_file *f, const char *buf, size_t size,
			  int flags, const struct sim_address *to)
{
	if (sim_fault(SIM_EINTR))
		return -EINTR;
	switch (f->kind) {
	case SIM_EVENTFD:
		return sim_eventfd_write(f, buf, size, flags);
	case SIM_DATAGRAM:
	case SIM_SEQPACKET:
		return sim_packet_write(f, buf, size, flags, to);
	default:
		return sim_stream_write(f, buf, size, flags);
	}
}

/* ---- vectors ------------------------------------------------------------ */

static char transfer[SIM_TRANSFER_MAX];

static size_t total(const struct iovec *iov, size_t count)
{
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += iov[i].iov_len;
	return sum < sizeof transfer ? sum : sizeof transfer;
}

static size_t gather(const struct iovec *iov, size_t count)
{
	size_t done = 0;

	for (size_t i = 0; i < count && done < sizeof transfer; i++) {
		size_t n = iov[i].iov_len;

		if (n > sizeof transfer - done)
			n = sizeof transfer - done;
		if (n)
			memcpy(transfer + done, iov[i].iov_base, n);
		done += n;
	}
	return done;
}

static void scatter(const struct iovec *iov, size_t count, size_t size)
{
	size_t done = 0;

	for (size_t i = 0; i < count && done < size; i++) {
		size_t n = iov[i].iov_len;

		if (n > size - done)
			n = size - done;
		if (n)
			memcpy(iov[i].iov_base, transfer + done, n);
		done += n;
	}
}

static ssize_t readv_file(struct sim_file *f, const struct iovec *iov,
			  size_t count, int flags, struct sim_address *from,
			  size_t *whole)
{
	ssize_t n =
		read_file(f, transfer, total(iov, count), flags, from, whole);

	if (n > 0)
		scatter(iov, count, (size_t)n);
	return n;
}

static ssize_t writev_file(struct sim_file *f, const struct iovec *iov,
			   size_t count, int flags,
			   const struct sim_address *to)
{
	return write_file(f, transfer, gather(iov, count), flags, to);
}

/* ---- messages ----------------------------------------------------------- */

static ssize_t recv_from(struct sim_file *f, const struct iovec *iov, int flags,
			 struct sockaddr *addr, socklen_t *size)
{
	struct sim_address from;
	size_t whole;
	ssize_t n = readv_file(f, iov, 1, flags, &from, &whole);

	if (n >= 0 && addr)
		sim_address_write(&from, f->family, addr, size);
	return n >= 0 && flags & MSG_TRUNC ? (ssize_t)whole : n;
}

static ssize_t send_to(struct sim_file *f, const struct iovec *iov, int flags,
		       const struct sockaddr *addr, socklen_t size)
{
	struct sim_address to;
	int err = sim_address_read(&to, addr, size);

	return err < 0 ? err : writev_file(f, iov, 1, flags, &to);
}

/* Control messages are not carried. */
static ssize_t recv_msg(struct sim_file *f, struct msghdr *msg, int flags)
{
	struct sim_address from;
	size_t whole;
	ssize_t n = readv_file(f, msg->msg_iov, msg->msg_iovlen, flags, &from,
			       &whole);

	if (n < 0)
		return n;
	if (msg->msg_name)
		sim_address_write(&from, f->family, msg->msg_name,
				  &msg->msg_namelen);
	msg->msg_controllen = 0;
	msg->msg_flags = whole > (size_t)n ? MSG_TRUNC : 0;
	return n;
}

static ssize_t send_msg(struct sim_file *f, const struct msghdr *msg, int flags)
{
	struct sim_address to;
	int err = sim_address_read(&to, msg->msg_name, msg->msg_namelen);

	return err < 0 ? err
		       : writev_file(f, msg->msg_iov, msg->msg_iovlen, flags,
				     &to);
}

/* ---- by number ---------------------------------------------------------- */

static long make(long nr, long a, long b, long d)
{
	switch (nr) {
	case SYS_socket:
		return sim_socket((int)a, (int)b);
	case SYS_socketpair:
		return sim_socketpair((int)a, (int)b, PTR(d));
	case SYS_pipe2:
		return sim_pipe(PTR(a), (int)b);
	default:
		return sim_eventfd((unsigned)a, (int)b);
	}
}

static long socket_call(struct sim_file *f, long nr, long b, long c, long d,
			long e)
{
	struct sim_address name;
	int err;

	switch (nr) {
	case SYS_bind:
		err = sim_address_read(&name, PTR(b), (socklen_t)c);
		return err < 0 ? err : sim_bind(f, &name);
	case SYS_listen:
		return sim_listen(f, (int)b);
	case SYS_accept4:
		return sim_accept(f, PTR(b), PTR(c), (int)d);
	case SYS_connect:
		return sim_connect(f, PTR(b), (socklen_t)c);
	case SYS_shutdown:
		return sim_shutdown(f, (int)b);
	case SYS_getsockopt:
		return sim_getsockopt(f, (int)b, (int)c, PTR(d), PTR(e));
	case SYS_setsockopt:
		return sim_setsockopt(f, (int)b, (int)c, PTR(d), (socklen_t)e);
	case SYS_getsockname:
		sim_address_write(&f->name, f->family, PTR(b), PTR(c));
		return 0;
	case SYS_getpeername:
		if (f->phase != SIM_CONNECTED && !f->peer_name.size)
			return -ENOTCONN;
		sim_address_write(&f->peer_name, f->family, PTR(b), PTR(c));
		return 0;
	}
	return -ENOSYS;
}

/* RWF_NOWAIT is what MSG_DONTWAIT is to sockets. */
static int from_rwf(long flags)
{
	return flags & RWF_NOWAIT ? MSG_DONTWAIT : 0;
}

static long transfer_call(struct sim_file *f, long nr, long b, long c, long d,
			  long e, long last)
{
	struct iovec one = {PTR(b), (size_t)c};
	struct sim_address none = {.size = 0};
	size_t whole;

	switch (nr) {
	case SYS_read:
		return readv_file(f, &one, 1, 0, &none, &whole);
	case SYS_readv:
		return readv_file(f, PTR(b), (size_t)c, 0, &none, &whole);
	case SYS_preadv2:
		return readv_file(f, PTR(b), (size_t)c, from_rwf(last), &none,
				  &whole);
	case SYS_recvfrom:
		return recv_from(f, &one, (int)d, PTR(e), PTR(last));
	case SYS_recvmsg:
		return recv_msg(f, PTR(b), (int)c);
	case SYS_write:
		return writev_file(f, &one, 1, 0, &none);
	case SYS_writev:
		return writev_file(f, PTR(b), (size_t)c, 0, &none);
	case SYS_pwritev2:
		return writev_file(f, PTR(b), (size_t)c, from_rwf(last), &none);
	case SYS_sendto:
		return send_to(f, &one, (int)d, PTR(e), (socklen_t)last);
	case SYS_sendmsg:
		return send_msg(f, PTR(b), (int)c);
	}
	return -ENOSYS;
}

/* A call on one of our descriptors, or on one that might be. */
static long fd_call(int fd, long nr, long b, long c, long d, long e, long last)
{
	struct sim_file *f = sim_file(fd);
	long ret;

	if (!f)
		return -EBADF;
	switch (nr) {
	case SYS_close:
		return sim_fd_close(fd);
	case SYS_dup:
		return sim_fd_dup(fd, -1);
	case SYS_dup3:
		return sim_fd_dup(fd, (int)b);
	case SYS_fcntl:
		return sim_fcntl(fd, (int)b, c);
	case SYS_fstat:
		return sim_fstat(f, PTR(b));
	case SYS_ioctl:
		return -ENOTTY;
	case SYS_fsync:
		return -EINVAL;
	}
	/* Only the file's own position, which none of ours has. */
	if ((nr == SYS_preadv2 || nr == SYS_pwritev2) && d >= 0)
		return -ESPIPE;
	ret = transfer_call(f, nr, b, c, d, e, last);
	if (ret != -ENOSYS)
		return ret;
	return f->kind < SIM_STREAM ? -ENOTSOCK
				    : socket_call(f, nr, b, c, d, e);
}

static bool takes_fd(long nr)
{
	switch (nr) {
	case SYS_close:
	case SYS_dup:
	case SYS_dup3:
	case SYS_fcntl:
	case SYS_fstat:
	case SYS_ioctl:
	case SYS_fsync:
	case SYS_bind:
	case SYS_listen:
	case SYS_accept4:
	case SYS_connect:
	case SYS_shutdown:
	case SYS_getsockopt:
	case SYS_setsockopt:
	case SYS_getsockname:
	case SYS_getpeername:
	case SYS_read:
	case SYS_readv:
	case SYS_preadv2:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_write:
	case SYS_writev:
	case SYS_pwritev2:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendfile: /* which none of ours knows */
		return true;
	}
	return false;
}

/* Only what is simulated takes time or counts as an event: how many other calls
 * there are depends on the real kernel. */
static long simulated(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;

	SIM->time += CALL_NS;
	sim_step();
	if (nr == SYS_ppoll)
		ret = sim_ppoll(PTR(a), (size_t)b, PTR(c));
	else if (takes_fd(nr))
		ret = fd_call((int)a, nr, b, c, d, e, f);
	else
		ret = make(nr, a, b, d);
	sim_trace(SIM_CALLED, (uint64_t)nr << 48 |
				      (uint64_t)(takes_fd(nr) ? a : 0) << 32 |
				      (uint32_t)ret);
	return ret;
}

long sim_call(long nr, long a, long b, long c, long d, long e, long f)
{
	if (sim_is_real())
		return kernel_real_call(nr, a, b, c, d, e, f);
	switch (nr) {
	case SYS_mmap:
	case SYS_munmap:
		return sim_map(nr, a, b, c, d, e, f);
	case SYS_socket:
	case SYS_socketpair:
	case SYS_pipe2:
	case SYS_eventfd2:
	case SYS_ppoll:
		return simulated(nr, a, b, c, d, e, f);
	}
	if (takes_fd(nr) && sim_has((int)a))
		return simulated(nr, a, b, c, d, e, f);
	return kernel_real_call(nr, a, b, c, d, e, f);
}
