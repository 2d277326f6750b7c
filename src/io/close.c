/* close.c - close and duplicate: a number's waiters are sent home before the
 * number means something else. */
#include "io/fd.h"

#include "kernel/calls.h"
#include "ramet/io.h"

int ramet_close(int fd)
{
	long err = ramet__loop() ? ramet__close(fd) : -ENOMEM;

	/* A second close may hit what somebody else has opened meanwhile. */
	return (int)ramet__ret(err == -EBADF && fd >= 0 ? ramet__misuse(err)
							: err);
}

/* A duplicate shares the file's flags, so it is ours if the original is. */
static int take_copy(int number, int copy)
{
	struct fd *f;
	int err;

	if (copy < 0)
		return copy;
	f = ramet__fd(ramet__loop(), number);
	err = !f ? -ENOMEM
		 : ramet__fd_new(copy,
				 f->nonblock ? (enum fd_kind)f->kind
					     : FD_UNKNOWN,
				 f->nonblock);
	if (err < 0) {
		kernel_close(copy);
		return err;
	}
	return copy;
}

int ramet_dup(int fd)
{
	if (!ramet__loop())
		return (int)ramet__fail(-ENOMEM);
	return (int)ramet__ret(take_copy(fd, kernel_dup(fd)));
}

static int dup_to(int number, int target, int flags)
{
	int err;

	if (!ramet__loop())
		return -ENOMEM;
	err = kernel_fcntl(number, F_GETFD, 0); /* or nothing happens */
	if (err < 0)
		return err;
	if (target < 0)
		return -EBADF;
	if (flags & ~O_CLOEXEC)
		return -EINVAL;
	if (ramet__number_is_held(target))
		return -EBUSY;
	ramet__fd_forget(target);
	return take_copy(number, kernel_dup3(number, target, flags));
}

int ramet_dup2(int fd, int target)
{
	if (fd == target) {
		int err =
			ramet__loop() ? kernel_fcntl(fd, F_GETFD, 0) : -ENOMEM;

		return err < 0 ? (int)ramet__fail(err) : target;
	}
	return (int)ramet__ret(dup_to(fd, target, 0));
}

int ramet_dup3(int fd, int target, int flags)
{
	return (int)ramet__ret(fd == target ? -EINVAL
					    : dup_to(fd, target, flags));
}
