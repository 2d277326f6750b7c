/* stream.c - read and write, on whatever it is. */
#include "patch/socket/call.h"

#include <limits.h>
#include <unistd.h>

static int begin(struct io *io, struct loop *l, int fd, enum wait wait)
{
	int err = ramet__io_begin_posix(io, l, fd, wait);

	io->disk_waits = !(l->hooks & RAMET_FILE);
	return err;
}

ssize_t HOOK(read)(int fd, void *buf, size_t size)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct io io;
	long n;

	if (!l)
		return libc.read(fd, buf, size);
	hook_begin(l);
	do {
		n = begin(&io, l, fd, WAIT_READ);
		if (likely(n == 0))
			n = ramet__io_read(&io, buf, size);
	} while (call_again(&io, n));
	return call_end(&io, n);
}

ssize_t HOOK(__read_chk)(int fd, void *buf, size_t size, size_t room)
{
	return size > room ? libc.__read_chk(fd, buf, size, room)
			   : HOOK(read)(fd, buf, size);
}

/* A runtime guards its buffer of what programs say by OS thread: while one
 * ramet waits here, another that says something would seem to be the same. */
static bool is_said(const struct loop *l, int fd)
{
	return l->host && (fd == STDOUT_FILENO || fd == STDERR_FILENO);
}

ssize_t HOOK(write)(int fd, const void *buf, size_t size)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct io io;
	long n;

	if (!l || unlikely(is_said(l, fd)))
		return libc.write(fd, buf, size);
	hook_begin(l);
	do {
		n = begin(&io, l, fd, WAIT_WRITE);
		if (likely(n == 0))
			n = ramet__io_write(&io, buf, size);
	} while (call_again(&io, n));
	return call_end(&io, n);
}

/* ---- several buffers ---------------------------------------------------- */

/* Of the others the kernel says what is wrong with them. */
static bool is_count(int count)
{
	return count > 0 && count <= IOV_MAX;
}

ssize_t HOOK(readv)(int fd, const struct iovec *iov, int count)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct io io;
	long n;

	if (!l || !is_count(count))
		return libc.readv(fd, iov, count);
	hook_begin(l);
	do {
		n = begin(&io, l, fd, WAIT_READ);
		if (likely(n == 0))
			n = ramet__io_readv(&io, iov, count);
	} while (call_again(&io, n));
	return call_end(&io, n);
}

ssize_t HOOK(writev)(int fd, const struct iovec *iov, int count)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct io io;
	long n;

	if (!l || !is_count(count))
		return libc.writev(fd, iov, count);
	hook_begin(l);
	do {
		n = begin(&io, l, fd, WAIT_WRITE);
		if (likely(n == 0))
			n = ramet__io_writev(&io, iov, count);
	} while (call_again(&io, n));
	return call_end(&io, n);
}

/* At no offset and without flags they are the above.  Only files have offsets,
 * and flags are about files too, except the one not to wait. */
ssize_t HOOK(preadv2)(int fd, const struct iovec *iov, int count, off_t offset,
		      int flags)
{
	return offset == -1 && !flags
		       ? HOOK(readv)(fd, iov, count)
		       : libc.preadv2(fd, iov, count, offset, flags);
}

ssize_t HOOK(preadv64v2)(int fd, const struct iovec *iov, int count,
			 off64_t offset, int flags)
{
	return HOOK(preadv2)(fd, iov, count, offset, flags);
}

ssize_t HOOK(pwritev2)(int fd, const struct iovec *iov, int count, off_t offset,
		       int flags)
{
	return offset == -1 && !flags
		       ? HOOK(writev)(fd, iov, count)
		       : libc.pwritev2(fd, iov, count, offset, flags);
}

ssize_t HOOK(pwritev64v2)(int fd, const struct iovec *iov, int count,
			  off64_t offset, int flags)
{
	return HOOK(pwritev2)(fd, iov, count, offset, flags);
}
