/* signal.h - signals of a process whose threads share one OS thread.
 *
 * The kernel knows one mask: it lets a signal in if some thread has it
 * unblocked. To which thread it goes, and when its handler runs, is decided
 * here:
 *
 *   - at once, wherever the OS thread is, if code of the program is running;
 *     replacements called by such a handler do not park;
 *   - in the thread itself, at the end of what it waits for, if that may end
 *     with EINTR: the handler may park, and may leave by siglongjmp;
 *   - in its name, if it waits for what a signal does not end (a mutex).
 */
#ifndef PATCH_SIGNAL_SIGNAL_H
#define PATCH_SIGNAL_SIGNAL_H

#include <signal.h>

#include "patch/thread/thread.h"

/* In the child of vfork, which shares everything with its parent. */
extern bool ramet__vforked;

/* From now on l's threads have masks of their own; main's is the kernel's. */
void ramet__signals_start(struct loop *l);

/* Run the handlers of what was sent to the calling thread and is not blocked.
 */
void ramet__signals_run(struct thread *t);

/* A thread begins, with its mask set. */
void ramet__signals_begin(const struct thread *t);

/* A thread ends: the kernel's mask may change, what was sent to it is gone. */
void ramet__signals_end(struct thread *t);

/* In the child of a fork: nothing is pending, the mask is the caller's.  After
 * ramet__threads_after_fork. */
void ramet__signals_after_fork(struct loop *l);

/* Give the calling thread (NULL: a ramet that is no pthread, whose mask is
 * main's) another mask; *old, if old is not NULL, gets the one before.  For a
 * wait with a mask of its own:
 *
 *	hook_begin(l);
 *	due = mask && ramet__signal_mask_swap(t, mask, &old);
 *	n = due ? -EINTR : ...;
 *	if (n == -EINTR)
 *		hook_handle(l);
 *	if (mask)
 *		ramet__signal_mask_swap(t, &old, NULL);
 *
 * Returns whether a handler has just run or is to run now: the wait is over
 * before it has begun. */
bool ramet__signal_mask_swap(struct thread *t, const sigset_t *mask,
			     sigset_t *old);

#endif
