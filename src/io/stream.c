/* stream.c - read and write on whatever a descriptor is.
 *
 * O_NONBLOCK belongs to the open file, which others may share, so it is never
 * set here: sockets are read with MSG_DONTWAIT, everything else with
 * RWF_NOWAIT, and what knows neither (ttys, named pipes) only after poll(2)
 * has said that it is ready.
 */
#include "io/file.h"
#include "io/iov.h"

#include "kernel/calls.h"
#include "ramet/io.h"

#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <string.h>

enum { PIPE_ROOM = 4096, TTY_ROOM = 128 };

static bool is_socket(int kind)
{
	return kind == FD_TCP || kind == FD_STREAM || kind == FD_DATAGRAM;
}

static ssize_t plain(const struct io *io, const struct iovec *iov, int count)
{
	return io->wait == WAIT_READ ? kernel_readv(io->number, iov, count)
				     : kernel_writev(io->number, iov, count);
}

static bool is_tty(const struct io *io)
{
	struct termios t;

	return io->kind == FD_DEVICE &&
	       kernel_call(SYS_ioctl, io->number, TCGETS, KERNEL_ARG(&t), 0, 0,
			   0) == 0;
}

/* A tty may make several characters of one of these, and look for room before
 * each; what comes before the first of them it takes at once. */
static size_t plain_text(const char *text, size_t size)
{
	size_t n = 0;

	while (n < size && n < TTY_ROOM && !memchr("\n\r\t\b", text[n], 4))
		n++;
	return n ? n : 1;
}

/* Write what does not block where poll(2) says that something does not.
 * Devices other than ttys take a write whole: it may be a message. */
static ssize_t write_some(const struct io *io, const struct iovec *iov,
			  int count)
{
	size_t size = iov_total(iov, (size_t)count);
	struct iovec first;

	if (size <= 1 || (io->kind != FD_DEVICE && size <= PIPE_ROOM))
		return kernel_writev(io->number, iov, count);
	while (!iov->iov_len)
		iov++;
	first = *iov;
	if (is_tty(io))
		first.iov_len = plain_text(first.iov_base, first.iov_len);
	else if (io->kind == FD_DEVICE)
		return kernel_writev(io->number, iov, count);
	else if (first.iov_len > PIPE_ROOM)
		first.iov_len = PIPE_ROOM;
	return kernel_writev(io->number, &first, 1);
}

/* Call only if poll(2) says it will not block. */
static ssize_t when_ready(const struct io *io, const struct iovec *iov,
			  int count)
{
	bool reading = io->wait == WAIT_READ;
	struct pollfd p = {io->number, reading ? POLLIN : POLLOUT, 0};
	struct timespec now = {0, 0}; /* the kernel writes to it */
	int n = kernel_ppoll(&p, 1, &now);

	if (n <= 0)
		return n ? n : -EAGAIN;
	return reading ? kernel_readv(io->number, iov, count)
		       : write_some(io, iov, count);
}

static ssize_t attempt_socket(const struct io *io, const struct iovec *iov,
			      int count)
{
	bool reading = io->wait == WAIT_READ;
	struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov,
			     .msg_iovlen = (size_t)count};

	if (count == 1 && reading)
		return kernel_recvfrom(io->number, iov->iov_base, iov->iov_len,
				       MSG_DONTWAIT, NULL, NULL);
	if (count == 1)
		return kernel_sendto(io->number, iov->iov_base, iov->iov_len,
				     MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
	return reading ? kernel_recvmsg(io->number, &msg, MSG_DONTWAIT)
		       : kernel_sendmsg(io->number, &msg,
					MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* One attempt that does not block. */
static ssize_t attempt(const struct io *io, const struct iovec *iov, int count,
		       size_t size)
{
	ssize_t n;

	if (unlikely(!size) && (io->wait == WAIT_READ || !is_socket(io->kind)))
		return plain(io, iov, count); /* of nothing never blocks */
	if (is_socket(io->kind))
		return attempt_socket(io, iov, count);
	if (io->fd->ours)
		return plain(io, iov, count);
	n = io->wait == WAIT_READ
		    ? kernel_preadv2(io->number, iov, count, -1, RWF_NOWAIT)
		    : kernel_pwritev2(io->number, iov, count, -1, RWF_NOWAIT);
	if (n == -EOPNOTSUPP || n == -ENOSYS || n == -ESPIPE)
		return when_ready(io, iov, count);
	return n;
}

/* Read or write what goes in one call, waiting until something does. */
static ssize_t some(struct io *io, const struct iovec *iov, int count)
{
	bool reading = io->wait == WAIT_READ;
	size_t size = iov_total(iov, (size_t)count);
	long n = ramet__fd_kind(io);

	if (unlikely(n < 0))
		return n;
	if (n == FD_FILE)
		return reading ? ramet__file_readv(io, iov, count, -1)
			       : ramet__file_writev(io, iov, count, -1);
	do
		n = attempt(io, iov, count, size);
	while (ramet__io_again(io, &n));
	if (unlikely(n == -ENOTSOCK && is_socket(io->kind))) {
		/* Others closed the socket, and the number is reused. */
		io->fd->kind = FD_UNKNOWN;
		return some(io, iov, count);
	}
	if (reading)
		ramet__io_read_done(io, n, size);
	return n;
}

/* ---- sockets of our own ------------------------------------------------- */

/* One buffer and a socket that we made: what servers do all day, so it goes
 * straight to the system call.  What is left takes the general way. */
static bool is_own_socket(const struct io *io)
{
	return likely(io->fd->ours && is_socket(io->fd->kind));
}

static ssize_t receive(struct io *io, void *buf, size_t size)
{
	long n;

	do
		n = kernel_recvfrom(io->number, buf, size, MSG_DONTWAIT, NULL,
				    NULL);
	while (ramet__io_again(io, &n));
	ramet__io_read_done(io, n, size);
	return n;
}

static ssize_t send_once(struct io *io, const void *buf, size_t size)
{
	long n;

	do
		n = kernel_sendto(io->number, buf, size,
				  MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
	while (ramet__io_again(io, &n));
	return n;
}

/* ---- read --------------------------------------------------------------- */

static ssize_t readv_fd(int number, const struct iovec *iov, int count)
{
	struct io io;
	int err = ramet__io_begin(&io, number, WAIT_READ);

	return unlikely(err < 0) ? err : some(&io, iov, count);
}

static ssize_t read_all(int number, char *buf, size_t size)
{
	struct io io;
	size_t done = 0;
	ssize_t n = ramet__io_begin(&io, number, WAIT_READ);

	while (n == 0 && done < size) {
		struct iovec rest = {buf + done, size - done};

		n = some(&io, &rest, 1);
		if (n <= 0)
			break;
		done += (size_t)n;
		n = done < size ? ramet__io_go_on(&io) : 0;
	}
	return done ? (ssize_t)done : n;
}

static ssize_t read_fd(int number, void *buf, size_t size)
{
	struct iovec iov = {buf, size};
	struct io io;
	int err = ramet__io_begin(&io, number, WAIT_READ);

	if (unlikely(err < 0))
		return err;
	return size && is_own_socket(&io) ? receive(&io, buf, size)
					  : some(&io, &iov, 1);
}

ssize_t ramet_read(int fd, void *buf, size_t size)
{
	return ramet__ret(read_fd(fd, buf, size));
}

static bool bad_iov(const struct iovec *iov, int count)
{
	return count <= 0 || count > IOV_MAX || !iov;
}

ssize_t ramet_readv(int fd, const struct iovec *iov, int count)
{
	return ramet__ret(bad_iov(iov, count) ? -EINVAL
					      : readv_fd(fd, iov, count));
}

ssize_t ramet_read_all(int fd, void *buf, size_t size)
{
	return ramet__ret(read_all(fd, buf, size));
}

/* ---- write -------------------------------------------------------------- */

/* Write all of it, as a blocking write does.  Returns 0 or -errno; *done counts
 * what went out. */
static int write_whole(struct io *io, struct iovs *v, size_t *done)
{
	for (;;) {
		ssize_t n = some(io, v->next, (int)v->count);
		int err;

		if (n < 0)
			return (int)n;
		*done += (size_t)n;
		iovs_skip(v, (size_t)n);
		if (!v->count)
			return 0;
		err = n ? ramet__io_go_on(io) : -EIO;
		if (err < 0)
			return err;
	}
}

/* The rest of a write of which `done` bytes have gone out.  What an error
 * leaves unsaid, because something had gone out before, the next call says;
 * unless it is all or nothing. */
static ssize_t write_rest(struct io *io, struct iovs *v, size_t done, bool all)
{
	int err;

	iovs_skip(v, done);
	err = v->count || !done ? write_whole(io, v, &done) : 0;
	iovs_free(v);
	return err < 0 && (all || !done) ? err : (ssize_t)done;
}

static ssize_t writev_fd(int number, const struct iovec *iov, int count,
			 bool all)
{
	struct iovs v;
	struct io io;
	int err = ramet__io_begin(&io, number, WAIT_WRITE);

	if (unlikely(err < 0))
		return err;
	err = iovs_copy(&v, iov, (size_t)count);
	return err < 0 ? err : write_rest(&io, &v, 0, all);
}

static ssize_t write_fd(int number, const void *buf, size_t size, bool all)
{
	struct iovec iov = {(void *)(uintptr_t)buf, size};
	struct iovs v;
	struct io io;
	ssize_t n = ramet__io_begin(&io, number, WAIT_WRITE);

	if (unlikely(n < 0))
		return n;
	if (is_own_socket(&io)) {
		n = send_once(&io, buf, size);
		if (likely(n < 0 || (size_t)n == size))
			return n;
	}
	iovs_copy(&v, &iov, 1); /* of one it needs no memory */
	return write_rest(&io, &v, (size_t)n, all);
}

ssize_t ramet_write(int fd, const void *buf, size_t size)
{
	return ramet__ret(write_fd(fd, buf, size, false));
}

ssize_t ramet_writev(int fd, const struct iovec *iov, int count)
{
	return ramet__ret(bad_iov(iov, count)
				  ? -EINVAL
				  : writev_fd(fd, iov, count, false));
}

ssize_t ramet_write_all(int fd, const void *buf, size_t size)
{
	return ramet__ret(write_fd(fd, buf, size, true));
}
