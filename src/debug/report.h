/* report.h - what the runtime says when something has gone wrong, or when it is
 * asked. */
#ifndef DEBUG_REPORT_H
#define DEBUG_REPORT_H

#include "core/core.h"

/* For src/start.c: the calling thread's part, and, once, the signal handlers.
 * open returns 0 or -errno. */
int ramet__debug_open(struct loop *l);
void ramet__debug_close(struct loop *l);

/* Nothing can ever wake anyone: report, and wake main with -EDEADLK. */
void ramet__deadlock(struct loop *l);

/* The report alone, once for each deadlock; the process may end, by the policy. */
void ramet__deadlock_report(struct loop *l);

/* Called before each report of a deadlock: a place for a breakpoint. */
void ramet_deadlock_found(struct loop *l);

/* With RAMET_STRICT=1: report each misuse of the library, and abort. */
void ramet__misuse_install(void);

/* Report each supervisor that gives up. */
void ramet__give_up_install(void);

/* Handle SIGSEGV and SIGBUS (overflow.c), and SIGQUIT (quit.c). */
void ramet__overflow_install(void);
void ramet__quit_install(void);

/* Let SIGQUIT reach this loop, or no longer. */
int ramet__quit_open(struct loop *l);
void ramet__quit_close(struct loop *l);

/* In the child of a fork: only l is left. */
void ramet__quit_after_fork(struct loop *l);

/* Write all of l's ramets to fd.  Returns 0 or -errno. */
int ramet__dump(struct loop *l, int fd);

#endif
