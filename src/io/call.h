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
	/* Made in libc's place: the program's O_NONBLOCK and time limits are
	 * obeyed, a signal may end a wait, writing to nobody raises SIGPIPE,
	 * and the caller's pointers are shown to the kernel before we look. */
	bool posix;
	bool may_wait;    /* then: looked at, and it may, until: */
	bool disk_waits;  /* then: files are read and written here */
	bool expired;     /* a scope around it, or cancel, has ended it */
	bool interrupted; /* a signal has */
	bool unseen;      /* nobody has looked at the program's iovec yet */
	int send_flags;   /* MSG_NOSIGNAL, or 0 */
	int64_t until;
};

/* Set up a call, let others run if it is their turn, and wait if it would find
 * nothing.  Returns 0, or -EBADF, -ENOMEM, -ETIMEDOUT, -ECANCELED. */
int ramet__io_begin(struct io *io, int number, enum wait wait);

/* The same in libc's place: what is known of the loop is given, and a scope
 * that has expired ends only calls on sockets before they have to wait. */
int ramet__io_begin_posix(struct io *io, struct loop *l, int number,
			  enum wait wait);

/* The same before each further part of a call: the number may have been closed
 * since, and then what it means now is not the caller's. */
int ramet__io_go_on(struct io *io);

/* Whether the number still is the file with which the call began. */
static inline bool io_is_same(const struct io *io)
{
	return likely(info_generation(io->fd->info) == io->generation);
}

/* Whether to try again after a system call that returned *ret: waits if it was
 * EAGAIN.  When false, *ret is the result, and nobody else has run since. */
bool ramet__io_again(struct io *io, long *ret);

/* Wait until the descriptor may be ready.  Returns 0 or -errno: -EBADF if it
 * was closed, even if the number is in use again; in libc's place also -EINTR,
 * and -EAGAIN if it must not wait, or no longer. */
int ramet__io_wait(struct io *io);

/* What io_wait makes of the result of a park until io->until. */
int ramet__io_ended(struct io *io, int err);

/* Try again after ns, where no event will tell when.  The same errors. */
int ramet__io_back_off(struct io *io, int64_t ns);

/* After a read of n bytes into room for size, at once: does that mean drained?
 */
void ramet__io_read_done(struct io *io, long n, size_t size);

/* The kind, found out if it is not known.  Or -EBADF. */
int ramet__fd_kind(struct io *io);

/* What a socket is that was made so. */
enum fd_kind ramet__socket_kind(int family, int type, int protocol);

/* ---- calls, once they have begun ---------------------------------------- */

struct msghdr;

/* As ramet__sock_sendfile. */
ssize_t ramet__io_sendfile(struct io *out, int file, off_t offset, size_t size);

ssize_t ramet__io_recv(struct io *io, void *buf, size_t size, int flags,
		       struct sockaddr *from, socklen_t *from_size);
ssize_t ramet__io_recvmsg(struct io *io, struct msghdr *msg, int flags);
ssize_t ramet__io_send(struct io *io, const void *buf, size_t size, int flags,
		       const struct sockaddr *to, socklen_t to_size);
ssize_t ramet__io_sendmsg(struct io *io, const struct msghdr *msg, int flags);

/* The rest of a message of which n bytes have gone out. */
ssize_t ramet__io_send_rest(struct io *io, const struct msghdr *msg, int flags,
			    size_t n);

/* As ramet__io_again, for a send to an address. */
bool ramet__io_send_again(struct io *io, long *n, const struct sockaddr *to);

/* read(2), readv(2), write(2) and writev(2), on whatever it is. */
ssize_t ramet__io_read(struct io *io, void *buf, size_t size);
ssize_t ramet__io_readv(struct io *io, const struct iovec *iov, int count);
ssize_t ramet__io_write(struct io *io, const void *buf, size_t size);
ssize_t ramet__io_writev(struct io *io, const struct iovec *iov, int count);

/* connect(2) by a helper thread, on a descriptor that must not be touched. */
int ramet__io_connect_elsewhere(struct io *io, const struct sockaddr *addr,
				socklen_t size);

static inline bool io_is_socket(int kind)
{
	return kind >= FD_TCP && kind <= FD_DATAGRAM;
}

#endif
