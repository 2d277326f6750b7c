/* away.h - system calls that take their time, made by a helper thread.
 *
 * A signal, the scope's end or cancel may end a wait that POSIX lets signals
 * end: then the helper's system call is interrupted, and what it has come to is
 * the result, so that it may use the caller's memory.  Everything else goes on
 * when its caller leaves, and must bring its memory in `room`.
 */
#ifndef PATCH_AWAY_AWAY_H
#define PATCH_AWAY_AWAY_H

#include "core/errand.h"
#include "patch/hook.h"

struct away {
	/* The caller's: */
	long nr, arg[6];
	long (*call)(struct away *); /* instead, if not NULL: -errno */
	int number[2];               /* descriptors it is about, or -1 */
	bool interruptible;
	int64_t until;                   /* its own limit, if interruptible */
	void (*unwanted)(struct away *); /* undo what nobody waits for */
	/* The rest is ours. */
	long result;
	struct errand errand;
	uint32_t state; /* atomic */
	int tid;        /* of the helper */
	bool leave;     /* atomic: what it waits for is not wanted any more */
	char room[] __attribute__((aligned(16)));
};

/* With room for what the call points to.  NULL: no memory. */
struct away *ramet__away(size_t room);
void ramet__away_free(struct away *a);

/* Make the call, and free a.  Returns what it returned, or -errno: also -EINTR,
 * -ETIMEDOUT, -ECANCELED, -EBADF (a number was closed), -EAGAIN (no helper to
 * be had). */
long ramet__away_make(struct loop *l, struct away *a);

/* A system call on a descriptor (or -1) without pointers, in one go. */
long ramet__away_call(struct loop *l, int number, long nr, long a, long b,
		      long c, long d);

/* Interrupt the system call that another OS thread is in, if it is in one. */
void ramet__poke(int tid);

#endif
