/* call.h - what the replacements on descriptors share.
 *
 *	hook_begin(l);
 *	do {
 *		n = ramet__io_begin_posix(&io, l, fd, WAIT_READ);
 *		if (n == 0)
 *			n = what is to be done with io;
 *	} while (call_again(&io, n));
 *	return call_end(&io, n);
 */
#ifndef PATCH_SOCKET_CALL_H
#define PATCH_SOCKET_CALL_H

#include "io/mode.h"
#include "kernel/calls.h"
#include "patch/hook.h"

/* Whether a signal ended it and has been handled so that it goes on.  With a
 * time limit a call never does: signal(7). */
static inline bool call_again(struct io *io, long n)
{
	bool restarts;

	if (likely(n != -EINTR))
		return false;
	restarts = hook_restarts(io->loop);
	if (io->until != RAMET_NEVER || !restarts)
		return false;
	io->loop->current->flags |= FLAG_EINTR; /* handlers make calls, too */
	return true;
}

/* What is left to be done when a scope or a signal has ended it, perhaps after
 * a part. */
void ramet__call_ended(struct io *io, long n);

static inline long call_end(struct io *io, long n)
{
	if (unlikely(io->expired || io->interrupted))
		ramet__call_ended(io, n);
	return hook_end(io->loop, n);
}

/* -1 and errno for -errno, where there is no loop to speak of. */
static inline long call_result(long n)
{
	if (likely(n >= 0))
		return n;
	errno = (int)-n;
	return -1;
}

/* For the length of a system call.  By this and not by F_SETFL, because it
 * changes nothing else. */
static inline int call_set_nonblock(int number, int on)
{
	return (int)kernel_call(SYS_ioctl, number, FIONBIO, KERNEL_ARG(&on), 0,
				0, 0);
}

/* accept4(2), waiting, on a listener that others have; -EAGAIN: once more when
 * it is ready. */
long ramet__accept_shared(struct io *io, struct sockaddr *addr, socklen_t *size,
			  int flags);

/* Whether what happens to numbers is to be told. */
static inline bool call_counts(void)
{
	return ramet__closes_seen || hook_loop(RAMET_SOCKET);
}

/* A number has come from libc or the kernel, or -1.  Returns it, or -1. */
int ramet__call_made(int fd, enum fd_kind kind, bool nonblock);

/* A duplicate has come. */
int ramet__call_copied(int fd, int copy);

#endif
