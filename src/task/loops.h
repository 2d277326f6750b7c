/* loops.h - the loops of a process: those that ramet_loops_start made, and the
 * one that asked for them.
 */
#ifndef TASK_LOOPS_H
#define TASK_LOOPS_H

#include "core/core.h"
#include "ramet/loop.h"

struct outlet;

/* The loop's outlet, kept for the caller; NULL if it has ended, is ending, or
 * without memory.  From any OS thread. */
struct outlet *ramet__loop_outlet(struct ramet_loop *loop);

/* The loop's main has ended: if it started others, they end first. */
void ramet__loops_end(struct loop *l);

/* A loop has ended, and those it sent to: what loop_go.c kept for it. */
void ramet__loop_free_requests(struct ramet_loop *loop);

/* The last thing that the OS thread of a loop does; NULL: of one of no others.
 */
void ramet__loops_left(struct ramet_loop *loop);

/* In the child of a fork: of all the loops there is the caller's. */
void ramet__loops_after_fork(struct loop *l);

#endif
