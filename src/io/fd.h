/* fd.h - descriptors: what this loop knows of each number, and who waits for it
 * here.
 */
#ifndef IO_FD_H
#define IO_FD_H

#include <sys/socket.h>

#include "core/core.h"
#include "io/number.h"

struct fd {
	struct info *info; /* the process's part; NULL: never looked at */
	uint32_t generation;
	uint8_t kind;  /* enum fd_kind; of what is not seen only sockets' */
	bool nonblock; /* O_NONBLOCK, by the library, which made it */
	bool seen;     /* it cannot be closed without our knowing */
	bool watched;  /* by this loop's poller */
	bool drained;  /* nothing to read until the next event */
	bool no_hint;  /* an event said that short reads prove nothing */
	bool moving;   /* a call moves the file's position: see file.c */
	struct ramet_waitq readers, writers;
	/* file.c's, of the generation in disk_generation: */
	uint32_t disk_generation;
	bool disk_local;    /* calls on its file system take no time, mostly */
	int64_t slow_until; /* they did, just now */
};

/* The tag of a waiter that only wants to know (ramet_poll): waking it wakes the
 * next one too. */
enum { FD_WAITER_LOOKS = 1 };

/* The loop's table entry; NULL when there is no memory or the number is bad. */
struct fd *ramet__fd(struct loop *l, int number);

/* Register fd with the loop's poller if that is needed. */
int ramet__fd_watch(struct loop *l, struct fd *fd, int number);

/* After a wait: end a registration that the next wait would renew anyway.
 * Others may close the descriptor, and a poller may hold the file. */
void ramet__fd_unwatch(struct loop *l, struct fd *fd, int number);

/* Wake the next who waits, and those before it that only want to know. */
void ramet__fd_wake_next(struct ramet_waitq *q);

/* A number has come from the kernel, made by the library (ours) or not. */
int ramet__fd_new(int number, enum fd_kind kind, bool ours);

/* Whoever waits for the number in any loop wakes with EBADF, and it is
 * forgotten.  Call it before the number can be used again; from any OS thread.
 */
void ramet__fd_forget(int number);

/* In the child of a fork, whose only ramet is the caller: what the loop had
 * registered, and those who waited, are the parent's. */
void ramet__io_after_fork(struct loop *l);

/* socket(2), connect(2) and close(2) for the layer itself: -errno. */
int ramet__socket(int family, int type, int protocol);
int ramet__connect(int number, const struct sockaddr *addr, socklen_t size);
int ramet__close(int number); /* forgets it; now or when it is released */

/* For src/start.c: the loop's part, the events it gets, and its end. */
int ramet__io_open(struct loop *l);
void ramet__io_close(struct loop *l);

/* Wait until `number`, a descriptor of the runtime's own, may be read from, at
 * most until `when`; `tag` as above.  `wait` and `object` are what is waited
 * for in the eyes of tools.  Returns 0, -EBADF (closed meanwhile), -ENOMEM, or
 * what ramet__park_until does.  The caller has looked at ramet__interrupted. */
int ramet__fd_wait_readable(struct loop *l, int number, int tag, enum wait wait,
			    const void *object, int64_t when);

#endif
