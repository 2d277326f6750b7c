/* call.c - how calls end, and numbers that come anew. */
#include "patch/socket/call.h"

/* A stream of which an unknown part has come or gone is of no use any more, and
 * who does not know of scopes would go on with it. */
void ramet__call_ended(struct io *io, long n)
{
	int kind = ramet__fd_kind(io);

	if (io->interrupted && n >= 0)
		hook_handle(io->loop);
	if (io->expired && ramet__number_is(io->number, io->generation) &&
	    (kind == FD_TCP || kind == FD_STREAM))
		kernel_shutdown(io->number, SHUT_RDWR);
}

int ramet__call_made(int fd, enum fd_kind kind, bool nonblock)
{
	if (fd < 0)
		return fd;
	if (ramet__fd_new(fd, kind, false) < 0) {
		kernel_close(fd);
		errno = ENOMEM;
		return -1;
	}
	ramet__mode_made(fd, nonblock);
	return fd;
}

int ramet__call_copied(int fd, int copy)
{
	struct info *info = ramet__info_known(fd);
	int kind = FD_UNKNOWN;

	if (copy < 0)
		return copy;
	if (info)
		kind = __atomic_load_n(&info->kind, __ATOMIC_RELAXED);
	if (ramet__fd_new(copy, (enum fd_kind)kind, info && info->ours) < 0) {
		kernel_close(copy);
		errno = ENOMEM;
		return -1;
	}
	ramet__mode_copied(fd, copy);
	return copy;
}
