/* faults.c - which calls may fail, and with what. */
#include "faults.h"

#include "kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

static const struct kernel *real;
static struct kernel failing;
static struct faults *faults;

/* Whether this is the chance to be taken. */
static bool take(uint64_t *chances, enum fault kind)
{
	uint64_t n = __atomic_add_fetch(chances, 1, __ATOMIC_RELAXED);

	return faults->kind == kind && n == faults->only;
}

static bool fails(void)
{
	return take(&faults->errors, FAULT_ERROR);
}

/* One error that Linux documents for the call, 0 if it has none that a correct
 * caller may get. */
static int error_of(long nr, long b)
{
	switch (nr) {
	case SYS_read:
	case SYS_readv:
	case SYS_pread64:
	case SYS_preadv2:
	case SYS_fsync:
	case SYS_getdents64:
	case SYS_sendfile:
	case SYS_close:
		return EIO;
	case SYS_write:
	case SYS_writev:
	case SYS_pwrite64:
	case SYS_pwritev2:
		return ENOSPC;
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_sendto:
	case SYS_sendmsg:
		return ECONNRESET;
	case SYS_connect:
		return ECONNREFUSED;
	case SYS_bind:
	case SYS_listen:
		return EADDRINUSE;
	case SYS_shutdown:
		return ENOTCONN;
	case SYS_getsockopt:
	case SYS_setsockopt:
	case SYS_getsockname:
	case SYS_getpeername:
		return ENOBUFS;
	case SYS_socket:
	case SYS_socketpair:
	case SYS_accept4:
	case SYS_openat:
	case SYS_openat2:
	case SYS_pipe2:
	case SYS_dup:
	case SYS_dup3:
	case SYS_eventfd2:
	case SYS_epoll_create1:
		return EMFILE;
	case SYS_fcntl:
		return b == F_DUPFD || b == F_DUPFD_CLOEXEC ? EMFILE : 0;
	case SYS_mmap:
	case SYS_mprotect:
	case SYS_madvise:
	case SYS_fstat:
	case SYS_newfstatat:
	case SYS_ppoll:
		return ENOMEM;
	case SYS_epoll_ctl:
		return ENOSPC;
	}
	return 0;
}

static bool is_interruptible(long nr)
{
	switch (nr) {
	case SYS_read:
	case SYS_readv:
	case SYS_preadv2:
	case SYS_write:
	case SYS_writev:
	case SYS_pwritev2:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendfile:
	case SYS_accept4:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
	case SYS_ppoll:
	case SYS_close:
		return true;
	}
	return false;
}

/* close frees the number even if it fails. */
static long failing_close(long fd, int error)
{
	long err = real->call(SYS_close, fd, 0, 0, 0, 0, 0);

	return err < 0 ? err : -error;
}

static long failing_call(long nr, long a, long b, long c, long d, long e,
			 long f)
{
	int error = error_of(nr, b);

	if (!error || !fails())
		error = 0;
	if (is_interruptible(nr) && take(&faults->eintrs, FAULT_EINTR))
		error = EINTR;
	if (!error)
		return real->call(nr, a, b, c, d, e, f);
	return nr == SYS_close ? failing_close(a, error) : -error;
}

static void *failing_alloc(size_t size)
{
	return fails() ? NULL : real->alloc(size);
}

static int failing_open(struct poller **poller)
{
	return fails() ? -EMFILE : real->open(poller);
}

static int failing_watch(struct poller *poller, int fd, uint64_t tag)
{
	return fails() ? -ENOMEM : real->watch(poller, fd, tag);
}

static int failing_submit(struct poller *poller, struct kernel_op *op)
{
	return fails() ? -EAGAIN : real->submit(poller, op);
}

static int failing_run(struct kernel_job *job)
{
	return fails() ? -EAGAIN : real->run(job);
}

static int failing_launch(struct kernel_launch *launch)
{
	return fails() ? -EAGAIN : real->launch(launch);
}

void faults_begin(struct faults *shared)
{
	kernel_choose();
	faults = shared;
	real = ramet__kernel;
	failing = *real;
	failing.call = failing_call;
	failing.alloc = failing_alloc;
	failing.open = failing_open;
	failing.watch = failing_watch;
	failing.submit = real->submit ? failing_submit : NULL;
	failing.run = failing_run;
	failing.launch = failing_launch;
	ramet__kernel = &failing;
}
