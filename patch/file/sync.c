/* sync.c - what waits for disks to have written, and what makes or takes away
 * room on them. */
#include "patch/away/away.h"

#include "io/file.h"
#include "kernel/calls.h"

static int sync_fd(struct loop *l, int fd, bool data_only)
{
	struct io io;
	long n;

	hook_begin(l);
	n = ramet__io_begin_posix(&io, l, fd, WAIT_WRITE);
	if (likely(n == 0))
		n = ramet__file_sync(&io, data_only);
	return (int)hook_end(l, n);
}

int HOOK(fsync)(int fd)
{
	struct loop *l = hook_loop(RAMET_FILE);

	return l ? sync_fd(l, fd, false) : libc.fsync(fd);
}

int HOOK(fdatasync)(int fd)
{
	struct loop *l = hook_loop(RAMET_FILE);

	return l ? sync_fd(l, fd, true) : libc.fdatasync(fd);
}

/* By a helper; a cancellation point or not. */
static int elsewhere(struct loop *l, bool point, int number, long nr, long a,
		     long b, long c, long d)
{
	long n;

	if (point)
		hook_begin(l);
	n = ramet__away_call(l, number, nr, a, b, c, d);
	return (int)hook_end(l, n);
}

int HOOK(sync_file_range)(int fd, off64_t offset, off64_t size, unsigned flags)
{
	struct loop *l = hook_loop(RAMET_FILE);

	if (!l)
		return libc.sync_file_range(fd, offset, size, flags);
	return elsewhere(l, true, fd, SYS_sync_file_range, fd, offset, size,
			 (long)flags);
}

int HOOK(syncfs)(int fd)
{
	struct loop *l = hook_loop(RAMET_FILE);

	return l ? elsewhere(l, false, fd, SYS_syncfs, fd, 0, 0, 0)
		 : libc.syncfs(fd);
}

void HOOK(sync)(void)
{
	struct loop *l = hook_loop(RAMET_FILE);
	int saved = errno;

	if (!l)
		libc.sync();
	else if (elsewhere(l, false, -1, SYS_sync, 0, 0, 0, 0) < 0)
		errno = saved;
}

/* What does not wait is not worth the way. */
int HOOK(msync)(void *start, size_t size, int flags)
{
	struct loop *l = flags & MS_SYNC ? hook_loop(RAMET_FILE) : NULL;

	if (!l)
		return libc.msync(start, size, flags);
	return elsewhere(l, true, -1, SYS_msync, KERNEL_ARG(start), (long)size,
			 flags, 0);
}

int HOOK(fallocate)(int fd, int mode, off_t offset, off_t size)
{
	struct loop *l = hook_loop(RAMET_FILE);

	if (!l)
		return libc.fallocate(fd, mode, offset, size);
	return elsewhere(l, true, fd, SYS_fallocate, fd, mode, offset, size);
}

int HOOK(fallocate64)(int fd, int mode, off64_t offset, off64_t size)
{
	return HOOK(fallocate)(fd, mode, offset, size);
}

int HOOK(ftruncate)(int fd, off_t size)
{
	struct loop *l = hook_loop(RAMET_FILE);

	if (!l)
		return libc.ftruncate(fd, size);
	return elsewhere(l, false, fd, SYS_ftruncate, fd, size, 0, 0);
}

int HOOK(ftruncate64)(int fd, off64_t size)
{
	return HOOK(ftruncate)(fd, size);
}

/* libc's own: where the file system cannot, it writes to each block. */
static long allocate(struct away *a)
{
	return -libc.posix_fallocate((int)a->arg[0], a->arg[1], a->arg[2]);
}

static long allocate_away(struct loop *l, int fd, off_t offset, off_t size)
{
	struct away *a = ramet__away(0);

	if (!a)
		return -ENOMEM;
	a->call = allocate;
	a->number[0] = fd;
	a->arg[0] = fd;
	a->arg[1] = offset;
	a->arg[2] = size;
	return ramet__away_make(l, a);
}

int HOOK(posix_fallocate)(int fd, off_t offset, off_t size)
{
	struct loop *l = hook_loop(RAMET_FILE);
	long n;

	if (!l)
		return libc.posix_fallocate(fd, offset, size);
	hook_begin(l);
	n = allocate_away(l, fd, offset, size);
	hook_end(l, 0);
	return (int)-n;
}

int HOOK(posix_fallocate64)(int fd, off64_t offset, off64_t size)
{
	return HOOK(posix_fallocate)(fd, offset, size);
}
