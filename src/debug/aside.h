/* aside.h - a stack to write reports on.
 *
 * Whoever notices that a report is due may be at the end of a small stack, or
 * past it.
 */
#ifndef DEBUG_ASIDE_H
#define DEBUG_ASIDE_H

#include "core/core.h"

/* The calling thread's: for its reports, and for its signal handlers if the
 * program gave them no stack.  open returns 0 or -errno. */
int ramet__aside_open(void);
void ramet__aside_close(void);

/* Where the thread keeps where they are: with thread-local storage of its own a
 * ramet has a copy. */
char **ramet__aside_stacks(void);

/* Run fn on that stack.  `here` is where the caller is suspended meanwhile, for
 * unwinding.  False, and nothing is done, if the thread has no such stack or
 * this is a report about a report. */
bool ramet__aside(void (*fn)(const struct context *here, void *arg), void *arg);

#endif
