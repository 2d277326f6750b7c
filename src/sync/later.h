/* later.h - what a signal handler would have done, but must not: the loop does
 * it at its next turn. */
#ifndef SYNC_LATER_H
#define SYNC_LATER_H

#include "core/core.h"

/* Have the loop call(word, n); calls for the same word may be made as one, with
 * the sum.  From anywhere. */
void ramet__later(struct loop *l, void (*call)(uint32_t *word, int n),
		  uint32_t *word, int n);

/* The loop's end: what is under way to it is lost. */
void ramet__later_leave(const struct loop *l);

/* In the child of a fork: nothing is under way. */
void ramet__later_after_fork(void);

#endif
