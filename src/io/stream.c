/* stream.c - read and write on whatever a descriptor is.
 *
 * O_NONBLOCK belongs to the open file, which others may share, so it is never
 * set here: sockets are read with MSG_DONTWAIT, everything else with
 * RWF_NOWAIT, and what knows neither (ttys, named pipes) only after poll(2)
 * has said that it is ready.
 */
#include "io/copy.h"
#include "io/file.h"
#include "io/iov.h"
#include "io/mode.h"

#include "kernel/calls.h"
#include "ramet/io.h"

#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <string.h>

enum { PIPE_ROOM = 4096, TTY_ROOM = 128 };

/* Of a size: buffers that the kernel has not looked at yet. */
#define NOT_SEEN SIZE_MAX

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

static ssize_t write_text(const struct io *io, const struct iovec *text)
{
	size_t size = text->iov_len < TTY_ROOM ? text->iov_len : TTY_ROOM;
	const char *start = text->iov_base;
	struct iovec first = *text;
	char copy[TTY_ROOM];

	if (io->posix) {
		int err = ramet__copy_in(copy, start, size);

		if (err < 0)
			return err;
		start = copy;
	}
	first.iov_len = plain_text(start, size);
	return kernel_writev(io->number, &first, 1);
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
	if (is_tty(io))
		return write_text(io, iov);
	if (io->kind == FD_DEVICE)
		return kernel_writev(io->number, iov, count);
	first = *iov;
	if (first.iov_len > PIPE_ROOM)
		first.iov_len = PIPE_ROOM;
	return kernel_writev(io->number, &first, 1);
}

/* Call only if poll(2) says it will not block. */
static ssize_t when_ready(struct io *io, const struct iovec *iov, int count)
{
	bool reading = io->wait == WAIT_READ;
	struct pollfd p = {io->number, reading ? POLLIN : POLLOUT, 0};
	struct timespec now = {0, 0}; /* the kernel writes to it */
	int n;

	if (io->posix && ramet__mode_may_wait(io) < 0)
		return plain(io, iov, count);
	n = kernel_ppoll(&p, 1, &now);
	if (n <= 0)
		return n ? n : -EAGAIN;
	return reading ? kernel_readv(io->number, iov, count)
		       : write_some(io, iov, count);
}

static ssize_t at_once(const struct io *io, const struct iovec *iov, int count)
{
	return io->wait == WAIT_READ
		       ? kernel_preadv2(io->number, iov, count, -1, RWF_NOWAIT)
		       : kernel_pwritev2(io->number, iov, count, -1,
					 RWF_NOWAIT);
}

static bool is_refused(ssize_t n)
{
	return n == -EOPNOTSUPP || n == -ENOSYS || n == -ESPIPE;
}

static ssize_t attempt_socket(const struct io *io, const struct iovec *iov,
			      int count, size_t size)
{
	bool reading = io->wait == WAIT_READ;
	struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov,
			     .msg_iovlen = (size_t)count};
	ssize_t n = -EOPNOTSUPP;

	if (size != NOT_SEEN && count == 1 && reading)
		return kernel_recvfrom(io->number, iov->iov_base, iov->iov_len,
				       MSG_DONTWAIT, NULL, NULL);
	if (size != NOT_SEEN && count == 1)
		return kernel_sendto(io->number, iov->iov_base, iov->iov_len,
				     MSG_DONTWAIT | io->send_flags, NULL, 0);
	/* Reading nothing must not take a packet. */
	if (size == NOT_SEEN && reading && io->kind == FD_DATAGRAM)
		n = at_once(io, iov, count);
	if (!is_refused(n))
		return n;
	n = reading ? kernel_recvmsg(io->number, &msg, MSG_DONTWAIT)
		    : kernel_sendmsg(io->number, &msg,
				     MSG_DONTWAIT | io->send_flags);
	if (n == -EAGAIN && reading && size == NOT_SEEN &&
	    !iov_total(iov, (size_t)count))
		return 0;
	return n;
}

/* One attempt that does not block. */
static ssize_t attempt(struct io *io, const struct iovec *iov, int count,
		       size_t size)
{
	ssize_t n;

	if (unlikely(!size) &&
	    (io->wait == WAIT_READ || !io_is_socket(io->kind)))
		return plain(io, iov, count); /* of nothing never blocks */
	if (io_is_socket(io->kind))
		return attempt_socket(io, iov, count, size);
	if (io->fd->nonblock)
		return plain(io, iov, count);
	n = at_once(io, iov, count);
	return is_refused(n) ? when_ready(io, iov, count) : n;
}

/* Files never end with EINTR. */
static ssize_t on_file(struct io *io, const struct iovec *iov, int count,
		       bool unseen)
{
	io->unseen = unseen;
	if (io->posix)
		io->loop->current->flags &= (uint16_t)~FLAG_EINTR;
	if (io->disk_waits)
		return plain(io, iov, count);
	return io->wait == WAIT_READ ? ramet__file_readv(io, iov, count, -1)
				     : ramet__file_writev(io, iov, count, -1);
}

/* Read or write what goes in one call, waiting until something does.  size is
 * that of the buffers, or NOT_SEEN. */
static ssize_t some(struct io *io, const struct iovec *iov, int count,
		    size_t size)
{
	long n = ramet__fd_kind(io);

	if (unlikely(n < 0))
		return n;
	if (n == FD_FILE)
		return on_file(io, iov, count, size == NOT_SEEN);
	do
		n = attempt(io, iov, count, size);
	while (ramet__io_again(io, &n));
	if (unlikely(n == -ENOTSOCK && io_is_socket(io->kind))) {
		/* Others closed the socket, and the number is reused. */
		io->fd->kind = FD_UNKNOWN;
		return some(io, iov, count, size);
	}
	if (io->wait == WAIT_READ && n > 0 && io->fd->seen)
		ramet__io_read_done(io, n, iov_total(iov, (size_t)count));
	return n;
}

/* ---- sockets ------------------------------------------------------------ */

/* One buffer and a socket known to be one: what servers do all day, so it goes
 * straight to the system call.  What is left takes the general way. */
static bool is_known_socket(const struct io *io)
{
	return likely(io->fd->seen && io_is_socket(io->fd->kind));
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
				  MSG_DONTWAIT | io->send_flags, NULL, 0);
	while (ramet__io_again(io, &n));
	return n;
}

/* ---- read --------------------------------------------------------------- */

ssize_t ramet__io_read(struct io *io, void *buf, size_t size)
{
	struct iovec iov = {buf, size};
	ssize_t n;

	if (!size || !is_known_socket(io))
		return some(io, &iov, 1, size);
	n = receive(io, buf, size);
	return likely(n != -ENOTSOCK) ? n : some(io, &iov, 1, size);
}

ssize_t ramet__io_readv(struct io *io, const struct iovec *iov, int count)
{
	return some(io, iov, count,
		    io->posix ? NOT_SEEN : iov_total(iov, (size_t)count));
}

static ssize_t readv_fd(int number, const struct iovec *iov, int count)
{
	struct io io;
	int err = ramet__io_begin(&io, number, WAIT_READ);

	return unlikely(err < 0) ? err : ramet__io_readv(&io, iov, count);
}

static ssize_t read_all(int number, char *buf, size_t size)
{
	struct io io;
	size_t done = 0;
	ssize_t n = ramet__io_begin(&io, number, WAIT_READ);

	while (n == 0 && done < size) {
		struct iovec rest = {buf + done, size - done};

		n = some(&io, &rest, 1, rest.iov_len);
		if (n <= 0)
			break;
		done += (size_t)n;
		n = done < size ? ramet__io_go_on(&io) : 0;
	}
	return done ? (ssize_t)done : n;
}

static ssize_t read_fd(int number, void *buf, size_t size)
{
	struct io io;
	int err = ramet__io_begin(&io, number, WAIT_READ);

	return unlikely(err < 0) ? err : ramet__io_read(&io, buf, size);
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
		int err = ramet__io_go_on(io);
		ssize_t n;

		if (err < 0)
			return err;
		n = some(io, v->next, (int)v->count,
			 iov_total(v->next, v->count));
		if (n <= 0)
			return n ? (int)n : -EIO;
		*done += (size_t)n;
		iovs_skip(v, (size_t)n);
		if (!v->count)
			return 0;
	}
}

/* Whether what was not written at once is to follow: of an eventfd or a packet
 * nothing is.  In libc's place only if the call may wait. */
static bool goes_on(struct io *io)
{
	int kind = ramet__fd_kind(io);

	if (kind < 0 || kind == FD_DATAGRAM || kind == FD_EVENT)
		return false;
	if (!io->posix)
		return true;
	return kind != FD_FILE && ramet__mode_may_wait(io) == 0;
}

/* The rest of a write of which `done` bytes have gone out.  What an error
 * leaves unsaid, because something had gone out before, the next call says;
 * unless it is all or nothing. */
static ssize_t write_rest(struct io *io, const struct iovec *iov, int count,
			  size_t done, bool all)
{
	struct iovs v;
	int err = done ? iovs_copy(&v, iov, (size_t)count) : -EIO;

	if (err < 0)
		return done && !all ? (ssize_t)done : err;
	iovs_skip(&v, done);
	io->send_flags = MSG_NOSIGNAL;
	err = write_whole(io, &v, &done);
	iovs_free(&v);
	return err < 0 && all ? err : (ssize_t)done;
}

static ssize_t write_vector(struct io *io, const struct iovec *iov, int count,
			    size_t size, bool all)
{
	ssize_t n = some(io, iov, count, size);

	if (n < 0)
		return n;
	if (size == NOT_SEEN)
		size = iov_total(iov, (size_t)count);
	return (size_t)n == size || !goes_on(io)
		       ? n
		       : write_rest(io, iov, count, (size_t)n, all);
}

static ssize_t write_buffer(struct io *io, const void *buf, size_t size,
			    bool all)
{
	struct iovec iov = {(void *)(uintptr_t)buf, size};
	ssize_t n;

	if (!is_known_socket(io))
		return write_vector(io, &iov, 1, size, all);
	n = send_once(io, buf, size);
	if (likely(n == (ssize_t)size))
		return n;
	if (n == -ENOTSOCK)
		return write_vector(io, &iov, 1, size, all);
	return n < 0 || !goes_on(io) ? n
				     : write_rest(io, &iov, 1, (size_t)n, all);
}

ssize_t ramet__io_write(struct io *io, const void *buf, size_t size)
{
	return write_buffer(io, buf, size, false);
}

ssize_t ramet__io_writev(struct io *io, const struct iovec *iov, int count)
{
	return write_vector(io, iov, count, NOT_SEEN, false);
}

static ssize_t writev_fd(int number, const struct iovec *iov, int count,
			 bool all)
{
	struct io io;
	int err = ramet__io_begin(&io, number, WAIT_WRITE);

	return unlikely(err < 0)
		       ? err
		       : write_vector(&io, iov, count,
				      iov_total(iov, (size_t)count), all);
}

static ssize_t write_fd(int number, const void *buf, size_t size, bool all)
{
	struct io io;
	int err = ramet__io_begin(&io, number, WAIT_WRITE);

	return unlikely(err < 0) ? err : write_buffer(&io, buf, size, all);
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
