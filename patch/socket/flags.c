/* flags.c - fcntl and ioctl, as far as they change how calls wait. */
#include "kernel/guard.h"
#include "patch/file/lock.h"
#include "patch/socket/call.h"

#include <stdarg.h>

/* Waiting for a lock on a file is group file's. */
static bool waits_for_lock(int cmd)
{
	return cmd == F_SETLKW || cmd == F_OFD_SETLKW;
}

int HOOK(fcntl)(int fd, int cmd, ...)
{
	va_list args;
	void *arg;
	int n;

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	if (call_counts() && kernel_is_guarded(fd)) /* none to the program */
		return (int)call_result(-EBADF);
	if (waits_for_lock(cmd) && hook_loop(RAMET_FILE))
		return ramet__hook_lock_wait(hook_loop(RAMET_FILE), fd, cmd,
					     arg);
	n = libc.fcntl(fd, cmd, arg);
	if (n < 0 || !call_counts())
		return n;
	if (cmd == F_SETFL)
		ramet__mode_nonblock(fd, (long)arg & O_NONBLOCK);
	else if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return ramet__call_copied(fd, n);
	return n;
}

int HOOK(fcntl64)(int fd, int cmd, ...)
{
	va_list args;
	void *arg;

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	return HOOK(fcntl)(fd, cmd, arg);
}

int HOOK(ioctl)(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;
	int n;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (call_counts() && kernel_is_guarded(fd))
		return (int)call_result(-EBADF);
	n = libc.ioctl(fd, request, arg);
	if (n == 0 && request == FIONBIO && call_counts())
		ramet__mode_nonblock(fd, *(const int *)arg != 0);
	return n;
}
