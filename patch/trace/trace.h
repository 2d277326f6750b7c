/* trace.h - what `ramet run` shows of a run: the report at its end, and the
 * calls that blocked the loop.
 */
#ifndef PATCH_TRACE_TRACE_H
#define PATCH_TRACE_TRACE_H

#include "core/core.h"
#include "debug/out.h"

/* ---- report.c ----------------------------------------------------------- */

/* Write a report of l when the process ends: to the file, or "-", standard
 * error. */
void ramet__report_start(struct loop *l, const char *file, bool json);

/* Standard error as it was at the start: programs close theirs. */
int ramet__report_error_fd(void);

/* Called when the process is about to end, in whatever way. */
void ramet__report_end(void);

/* Also report when SIGTERM, SIGINT or SIGHUP end the process.  Only where
 * patch/signal keeps that handler from the program's eyes: to some, a signal
 * that is handled is not for them. */
void ramet__report_at_signals(void);
void ramet__report_on_signal(int sig);

/* ---- door.c ------------------------------------------------------------- */

/* Stand in the kernel's door, once: count what the runtime calls, or time it.
 */
void ramet__door_start(void);

/* How many calls have gone through it. */
uint64_t ramet__door_calls(void);

/* ---- dispatch.c --------------------------------------------------------- */

/* Be shown each system call that the loop's OS thread makes outside of
 * libramet.so.  Returns 0, or -errno and a sentence. */
int ramet__dispatch_start(struct loop *l, const char **reason);

/* Whether it is on. */
bool ramet__dispatch_on(void);

/* Whether the caller is the OS thread that is watched. */
bool ramet__dispatch_here(void);

/* Let system calls through unseen, on that OS thread; returns what go_on needs.
 */
char ramet__dispatch_pause(void);
void ramet__dispatch_go_on(char before);

/* In a forked child, for which the kernel has ended it. */
void ramet__dispatch_again(void);

/* Make the call, or what comes closest without taking SIGSYS from us. */
long ramet__dispatch_call(long nr, const long arg[6]);

/* ---- calls.c ------------------------------------------------------------ */

/* The name of a system call in which a thread may sleep; NULL: another one. */
const char *ramet__sleeping_call(long nr);

/* ---- blocking.c --------------------------------------------------------- */

/* Make the call; if the OS thread slept in it for long, remember who made it.
 * `where` says, when it is asked, where the call was made. */
long ramet__timed_call(long nr, const long arg[6], const struct context *where);

/* For how long counts, when another ramet of l is there to be kept waiting. */
void ramet__blocking_start(struct loop *l, int64_t threshold);

struct blocked {
	uint64_t calls;
	int64_t time;
};

struct blocked ramet__blocked(void);

/* Who blocked, most first. */
void ramet__put_blocked(struct out *o);

/* Forget it: a forked child begins anew. */
void ramet__blocking_forget(void);

#endif
