/* lock.c - locks on files: tried at once, waited for by a helper.
 *
 * A helper may take them for us: fcntl's belong to the process or, as flock's,
 * to the open file.  Waiting for fcntl's is in the kernel, who sees deadlocks
 * between processes.
 */
#include "patch/file/lock.h"

#include "kernel/calls.h"
#include "patch/away/away.h"

#include <string.h>

/* The file's position and size are those of now, not of when a helper looks. */
static int make_absolute(int fd, struct flock *lock)
{
	struct stat st;
	long start = 0;

	if (lock->l_whence == SEEK_CUR) {
		start = kernel_call(SYS_lseek, fd, 0, SEEK_CUR, 0, 0, 0);
	} else if (lock->l_whence == SEEK_END) {
		start = kernel_fstat(fd, &st);
		start = start < 0 ? start : st.st_size;
	}
	if (start < 0)
		return (int)start;
	if (__builtin_add_overflow(lock->l_start, start, &lock->l_start))
		return -EOVERFLOW;
	lock->l_whence = SEEK_SET;
	return 0;
}

static long wait_for(struct loop *l, struct away *a, int fd)
{
	a->number[0] = fd;
	a->interruptible = true;
	a->arg[0] = fd;
	return ramet__away_make(l, a);
}

static long lock_range(struct loop *l, int fd, int cmd, const struct flock *arg)
{
	int at_once = cmd == F_SETLKW ? F_SETLK : F_OFD_SETLK;
	struct away *a;
	long n = kernel_fcntl(fd, at_once, KERNEL_ARG(arg));

	if (n != -EAGAIN && n != -EACCES)
		return n;
	a = ramet__away(sizeof *arg);
	if (!a)
		return -ENOMEM;
	memcpy(a->room, arg, sizeof *arg);
	n = make_absolute(fd, (struct flock *)(void *)a->room);
	if (n < 0) {
		ramet__away_free(a);
		return n;
	}
	a->nr = SYS_fcntl;
	a->arg[1] = cmd;
	a->arg[2] = KERNEL_ARG(a->room);
	return wait_for(l, a, fd);
}

int ramet__hook_lock_wait(struct loop *l, int fd, int cmd, void *arg)
{
	long n;

	hook_begin(l);
	do
		n = lock_range(l, fd, cmd, arg);
	while (n == -EINTR && hook_restarts(l));
	return (int)hook_end(l, n);
}

static long lock_file(struct loop *l, int fd, int op)
{
	struct away *a;
	long n = kernel_call(SYS_flock, fd, op | LOCK_NB, 0, 0, 0, 0);

	if (n != -EWOULDBLOCK || op & LOCK_NB)
		return n;
	a = ramet__away(0);
	if (!a)
		return -ENOMEM;
	a->nr = SYS_flock;
	a->arg[1] = op;
	return wait_for(l, a, fd);
}

int HOOK(flock)(int fd, int op)
{
	struct loop *l = hook_loop(RAMET_FILE);
	long n;

	if (!l)
		return libc.flock(fd, op);
	hook_begin(l);
	do
		n = lock_file(l, fd, op);
	while (n == -EINTR && hook_restarts(l));
	return (int)hook_end(l, n);
}

int HOOK(lockf)(int fd, int op, off_t size)
{
	struct loop *l = op == F_LOCK ? hook_loop(RAMET_FILE) : NULL;
	struct flock lock = {.l_type = F_WRLCK,
			     .l_whence = SEEK_CUR,
			     .l_len = size};

	if (!l)
		return libc.lockf(fd, op, size);
	return ramet__hook_lock_wait(l, fd, F_SETLKW, &lock);
}

int HOOK(lockf64)(int fd, int op, off64_t size)
{
	return HOOK(lockf)(fd, op, size);
}
