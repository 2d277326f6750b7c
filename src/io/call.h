/* call.h - one call on one descriptor: the loop that every read, write, accept
 * goes through.
 *
 *	err = ramet__io_begin(&io, number, WAIT_READ);
 *	do
 *		n = a system call that does not block;
 *	while (ramet__io_again(&io, &n));
 */
#ifndef IO_CALL_H
#define IO_CALL_H

#include "io/fd.h"

struct io {
	struct loop *loop;
	struct fd *fd;
	int number;
	uint32_t generation; /* of the number when the call began */
	enum wait wait;      /* WAIT_READ, WAIT_WRITE; WAIT_NONE: do not wait */
	enum fd_kind kind;   /* once ramet__fd_kind has been asked */
};

/* Set up a call, let others run if it is their turn, and wait if it would find
 * nothing.  Returns 0, or -EBADF, -ENOMEM, -ETIMEDOUT, -ECANCELED. */
int ramet__io_begin(struct io *io, int number, enum wait wait);

/* The same before each further part of a call: the number may have been closed
 * since, and then what it means now is not the caller's. */
int ramet__io_go_on(struct io *io);

/* Whether to try again after a system call that returned *ret: waits if it was
 * EAGAIN.  When false, *ret is the result, and nobody else has run since. */
bool ramet__io_again(struct io *io, long *ret);

/* Wait until the descriptor may be ready.  Returns 0 or -errno: -EBADF if it
 * was closed, even if the number is in use again. */
int ramet__io_wait(struct io *io);

/* Try again after ns, where no event will tell when.  The same errors. */
int ramet__io_back_off(struct io *io, int64_t ns);

/* After a read of n bytes into room for size, at once: does that mean drained?
 */
void ramet__io_read_done(struct io *io, long n, size_t size);

/* The kind, found out if it is not known.  Or -EBADF. */
int ramet__fd_kind(struct io *io);

#endif
