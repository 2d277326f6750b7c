/* hook.h - what every replacement starts from.
 *
 *	int HOOK(usleep)(useconds_t us)
 *	{
 *		struct loop *l = hook_loop(RAMET_TIME);
 *
 *		if (!l)
 *			return libc.usleep(us);
 *		...
 *	}
 *
 * A replacement is called in libc's place, so it promises what POSIX does: the
 * same results and errors, EINTR and cancellation where those are allowed, and
 * errno kept where nothing failed.  It may be called by any OS thread, before
 * main, in a signal handler, and in the child of a fork.
 */
#ifndef PATCH_HOOK_H
#define PATCH_HOOK_H

#include "core/core.h"
#include "patch/engine/libc.h"
#include "patch/thread/thread.h"
#include "ramet/host.h"
#include "ramet/patch.h"

#define HOOK(name) ramet__hook_##name

/* Called by the preloaded library, and through patched tables. */
#define PATCH_DECLARE(group, type, name, params) \
	RAMET_API type HOOK(name) params;
PATCH_TABLE(PATCH_DECLARE)
#undef PATCH_DECLARE

/* The loop, if the caller is a ramet whose calls of this group are to
 * cooperate; NULL: call libc.  loop->hooks has the groups, and is 0 while a
 * signal handler runs, which must not park what it has interrupted. */
static inline struct loop *hook_loop(uint32_t group)
{
	struct loop *l = ramet__this_loop;

	if (unlikely(!(l && l->hooks & group &&
		       l->current->state == STATE_RUNNING)))
		return NULL;
	return likely(!l->host) || l->host->may_park() ? l : NULL;
}

/* ---- cancellation points and signals ------------------------------------
 *
 *	hook_begin(l);
 *	do
 *		n = something that parks and may return -EINTR;
 *	while (n == -EINTR && hook_restarts(l));
 *	return hook_end(l, n);
 *
 * Between hook_begin and hook_end a park may end with -EINTR, because
 * pthread_cancel or a signal was sent to this thread.  hook_restarts then runs
 * the handlers, does not return if the thread is cancelled, and says whether the
 * call is to go on, as after SA_RESTART; calls that never restart (poll, sleep,
 * sem_wait: signal(7)) do not ask but call hook_handle. */

/* Do what has been asked of the thread: may not return. */
void ramet__thread_act(struct thread *t);

static inline void hook_begin(struct loop *l)
{
	struct ramet *me = l->current;
	struct thread *t = me->cold->thread;

	if (unlikely(t && t->asked))
		ramet__thread_act(t);
	me->flags = (uint16_t)((me->flags & ~FLAG_INTERRUPTED) | FLAG_EINTR);
}

/* Whether hook_handle would not return: let go of what is held first. */
static inline bool hook_is_cancelled(struct loop *l)
{
	struct thread *t = l->current->cold->thread;

	return t && t->cancelled && !t->cancel_disabled && !t->exiting;
}

/* -1 and errno for -errno. */
static inline long hook_end(struct loop *l, long n)
{
	l->current->flags &= (uint16_t)~FLAG_EINTR;
	if (likely(n >= 0))
		return n;
	errno = (int)-n;
	return -1;
}

/* After -EINTR: run handlers, or end.  Returns whether one of the handlers was
 * installed without SA_RESTART. */
bool ramet__thread_handle(struct loop *l);

static inline bool hook_restarts(struct loop *l)
{
	return !ramet__thread_handle(l);
}

static inline void hook_handle(struct loop *l)
{
	ramet__thread_handle(l);
}

#endif
