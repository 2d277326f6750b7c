/* at.c - pread, pwrite and their like: what is in memory at once, what is not
 * while others run. */
#include "patch/hook.h"

#include "io/file.h"

static ssize_t at(struct loop *l, int fd, const struct iovec *iov, int count,
		  off_t offset, bool reading, bool unseen)
{
	struct io io;
	long n;

	hook_begin(l);
	n = ramet__io_begin_posix(&io, l, fd, WAIT_WRITE);
	io.unseen = unseen;
	if (likely(n == 0))
		n = reading ? ramet__file_readv(&io, iov, count, offset)
			    : ramet__file_writev(&io, iov, count, offset);
	return hook_end(l, n);
}

/* The loop, if the call is one that can wait; of others the kernel says what is
 * wrong with them. */
static struct loop *loop_for(off_t offset, int count, const struct iovec *iov)
{
	if (offset < 0 || count <= 0 || count > IOV_MAX || !iov)
		return NULL;
	return hook_loop(RAMET_FILE);
}

ssize_t HOOK(pread)(int fd, void *buf, size_t size, off_t offset)
{
	struct iovec iov = {buf, size};
	struct loop *l = loop_for(offset, 1, &iov);

	return l ? at(l, fd, &iov, 1, offset, true, false)
		 : libc.pread(fd, buf, size, offset);
}

ssize_t HOOK(pread64)(int fd, void *buf, size_t size, off64_t offset)
{
	return HOOK(pread)(fd, buf, size, offset);
}

ssize_t HOOK(__pread_chk)(int fd, void *buf, size_t size, off_t offset,
			  size_t room)
{
	return size > room ? libc.__pread_chk(fd, buf, size, offset, room)
			   : HOOK(pread)(fd, buf, size, offset);
}

ssize_t HOOK(__pread64_chk)(int fd, void *buf, size_t size, off64_t offset,
			    size_t room)
{
	return HOOK(__pread_chk)(fd, buf, size, offset, room);
}

ssize_t HOOK(preadv)(int fd, const struct iovec *iov, int count, off_t offset)
{
	struct loop *l = loop_for(offset, count, iov);

	return l ? at(l, fd, iov, count, offset, true, true)
		 : libc.preadv(fd, iov, count, offset);
}

ssize_t HOOK(preadv64)(int fd, const struct iovec *iov, int count,
		       off64_t offset)
{
	return HOOK(preadv)(fd, iov, count, offset);
}

ssize_t HOOK(pwrite)(int fd, const void *buf, size_t size, off_t offset)
{
	struct iovec iov = {(void *)(uintptr_t)buf, size};
	struct loop *l = loop_for(offset, 1, &iov);

	return l ? at(l, fd, &iov, 1, offset, false, false)
		 : libc.pwrite(fd, buf, size, offset);
}

ssize_t HOOK(pwrite64)(int fd, const void *buf, size_t size, off64_t offset)
{
	return HOOK(pwrite)(fd, buf, size, offset);
}

ssize_t HOOK(pwritev)(int fd, const struct iovec *iov, int count, off_t offset)
{
	struct loop *l = loop_for(offset, count, iov);

	return l ? at(l, fd, iov, count, offset, false, true)
		 : libc.pwritev(fd, iov, count, offset);
}

ssize_t HOOK(pwritev64)(int fd, const struct iovec *iov, int count,
			off64_t offset)
{
	return HOOK(pwritev)(fd, iov, count, offset);
}
