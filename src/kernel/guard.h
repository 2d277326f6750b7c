/* guard.h - the runtime's own descriptors among those of a program that does
 * not know of them.
 *
 * Programs close what they have not opened, as daemons do, and use dup2(2) on
 * numbers of their choice.  Guarded descriptors lie above those; the program's
 * close of one is refused, and what it duplicates onto one moves it.
 */
#ifndef KERNEL_GUARD_H
#define KERNEL_GUARD_H

#include "kernel/kernel.h"

struct kernel_fd {
	int number; /* atomic; -1: none */
	bool listed;
	struct kernel_fd *next;
	/* Called when it has a new number and the old one is closed; may be
	 * NULL. */
	void (*moved)(struct kernel_fd *fd, int from);
};

/* Whether there is a program to guard against.  Set before the first loop
 * starts. */
extern bool kernel_guards;

/* Take on a number that has just been made, close-on-exec; it changes to a high
 * one if there is room.  fd->moved is set by the caller. */
void kernel_guard(struct kernel_fd *fd, int number);

/* Close it; nothing if it has none. */
void kernel_unguard(struct kernel_fd *fd);

/* In the child of a fork: whoever had the list locked is not here. */
void kernel_guard_after_fork(void);

/* Any OS thread's.  The lowest that is not below first, or -1. */
int kernel_guarded_from(int first);

static inline bool kernel_is_guarded(int number)
{
	extern int kernel_guarded_least; /* atomic */

	return unlikely(number >= __atomic_load_n(&kernel_guarded_least,
						  __ATOMIC_RELAXED)) &&
	       kernel_guarded_from(number) == number;
}

/* Make way: the number is closed when it returns.  Returns 0 or -errno. */
int kernel_guard_move(int number);

#endif
