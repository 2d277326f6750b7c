/* fd.h - descriptors: what is known of each number, and who waits for it.
 *
 * Two tables.  One per process holds a generation for each number, which grows
 * when the number is closed or comes anew, so that what belonged to the old
 * file never reaches the new one.  One per loop holds who waits there.
 */
#ifndef IO_FD_H
#define IO_FD_H

#include <sys/socket.h>

#include "core/core.h"

enum fd_kind {
	FD_UNKNOWN,
	FD_TCP,      /* a byte stream whose short reads mean: drained */
	FD_STREAM,   /* another socket whose writes may be partial */
	FD_DATAGRAM, /* any other socket */
	FD_PIPE,     /* pipe, eventfd, ...: what can be waited for */
	FD_DEVICE,   /* character device: the same */
	FD_FILE,     /* regular file, directory, block device: what cannot */
};

struct fd {
	struct info *info; /* the process's part; NULL: never looked at */
	uint32_t generation;
	uint8_t kind; /* enum fd_kind; of others' only sockets are kept */
	bool ours;    /* made by the library: O_NONBLOCK, closed by it */
	bool watched; /* by this loop's poller */
	bool drained; /* nothing to read until the next event */
	bool no_hint; /* an event said that short reads prove nothing */
	bool moving;  /* a call moves the file's position: see file.c */
	struct ramet_waitq readers, writers;
};

/* The tag of a waiter that only wants to know (ramet_poll): waking it wakes the
 * next one too. */
enum { FD_WAITER_LOOKS = 1 };

/* One call on one descriptor. */
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

/* A number has come from the kernel, made by the library (ours) or not. */
int ramet__fd_new(int number, enum fd_kind kind, bool ours);

/* Whoever waits for the number in any loop wakes with EBADF, and it is
 * forgotten.  Call it before the number can be used again. */
void ramet__fd_forget(int number);

/* Whether the number still means what it meant in that generation. */
bool ramet__fd_is(int number, uint32_t generation);

/* The loop's table entry; NULL when there is no memory or the number is bad. */
struct fd *ramet__fd(struct loop *l, int number);

/* Register fd with the loop's poller if that is needed. */
int ramet__fd_watch(struct loop *l, struct fd *fd, int number);

/* After a wait: end a registration that the next wait would renew anyway.
 * Others may close the descriptor, and a poller may hold the file. */
void ramet__fd_unwatch(struct loop *l, struct fd *fd, int number);

/* Another OS thread is about to make a call on the number.  Until it has been
 * released, by any thread, closing is put off, or the call might meet another
 * file under that number. */
void ramet__fd_hold(int number);
void ramet__fd_release(int number);
bool ramet__fd_is_held(int number);

/* socket(2), connect(2) and close(2) for the layer itself: -errno. */
int ramet__socket(int family, int type, int protocol);
int ramet__connect(int number, const struct sockaddr *addr, socklen_t size);
int ramet__close(int number); /* forgets it; now or when it is released */

/* For src/start.c: the loop's part, the events it gets, and its end. */
int ramet__io_open(struct loop *l);
void ramet__io_close(struct loop *l);

#endif
