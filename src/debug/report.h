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

/* The report alone, once for each deadlock; the process may end, by the policy.
 */
void ramet__deadlock_report(struct loop *l);

/* Called before each report of a deadlock: a place for a breakpoint. */
void ramet_deadlock_found(struct loop *l);

/* With RAMET_STRICT=1: report each misuse of the library, and abort. */
void ramet__misuse_install(void);

/* Look for cycles, if RAMET_LOCK_CYCLES asks for it. */
void ramet__lock_cycles_install(void);

/* Report each supervisor that gives up. */
void ramet__give_up_install(void);

/* Handle SIGSEGV and SIGBUS (overflow.c), and SIGQUIT (quit.c). */
void ramet__overflow_install(void);
void ramet__quit_install(void);

/* Write all of l's ramets to fd.  Returns 0 or -errno: -EBUSY in a report. */
int ramet__dump(struct loop *l, int fd, bool json);

/* The same in a signal handler that interrupted l at pc. */
int ramet__dump_interrupted(struct loop *l, int fd, bool json, const void *pc);

/* The same in another process or thread than l's, which stands still, `at`. */
int ramet__dump_blocked(struct loop *l, int fd, bool json,
			const struct context *at, long process, long thread);

/* Whether reports are to be JSON (RAMET_REPORTS), an object on a line. */
extern bool ramet__reports_json;

/* Whether SIGQUIT asks for JSON. */
extern bool ramet__quit_json;

#endif
