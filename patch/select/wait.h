/* wait.h - what poll, select and epoll_wait have in common: look, wait, look
 * again. */
#ifndef PATCH_SELECT_WAIT_H
#define PATCH_SELECT_WAIT_H

#include "patch/hook.h"

#include <poll.h>

struct watching {
	/* The system call itself, at once: how many are ready, or -errno. */
	long (*look)(struct watching *);
	/* As ramet__poll_wait; after -EBADF there is no look. */
	int (*park)(struct loop *l, struct watching *, int64_t when);
	int64_t limit;        /* ns, or RAMET_NEVER */
	const sigset_t *mask; /* the thread's during the wait, or NULL */
	int64_t when;         /* out: when the limit ends, if it waited */
	sigset_t before;      /* the thread's own mask */
	bool due;             /* the mask has let a signal in */
};

/* Cancellation point.  Returns what is ready, 0 after the limit, or -errno:
 * then free what has been allocated, for the second part may not return.  That
 * makes libc's result of it. */
long ramet__hook_watch(struct loop *l, struct watching *w);
int ramet__hook_watched(struct loop *l, struct watching *w, long n);

/* After ramet__hook_watch has returned n: if a scope has ended the wait, hang up
 * the connections waited for, and report that instead.  Who does not know of
 * scopes would take the error for the end of a wait only, ask something else of
 * the same connection, and get the answer that is still on its way. */
long ramet__hook_hang_up(struct watching *w, const struct pollfd *fds,
			 size_t count, long n);

/* A limit in ns: RAMET_NEVER for NULL, or -1 if it is none.  What is too long
 * to be told from for ever is RAMET_NEVER. */
int64_t ramet__hook_limit(const struct timespec *limit);

/* The same of poll(2)'s. */
static inline int64_t hook_limit_ms(int ms)
{
	return ms < 0 ? RAMET_NEVER : ms * RAMET_MS;
}

/* In libc: what a call of FORTIFY_SOURCE ends in. */
extern _Noreturn void __chk_fail(void);

#endif
