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

/* The last thing that the OS thread of a loop does; NULL: of one of no others.
 */
void ramet__loops_left(struct ramet_loop *loop);

/* In the child of a fork: of all the loops there is the caller's. */
void ramet__loops_after_fork(struct loop *l);

/* ---- loop_life.c and loop_go.c, for loops.c ------------------------------ */

/* The caller's loop gets the handle and opens its gate.  Returns 0 or -errno.
 */
int ramet__loop_enlist(struct loop *l, struct ramet_loop *h);

/* Make an OS thread with a loop, and wait until it has the handle, firmly: it
 * takes no longer than a thread does to start.  Returns 0, -EAGAIN, -ENOMEM. */
int ramet__loop_thread(struct ramet_loop *h);

/* Have it end; its gate is closed. */
void ramet__loop_stop(struct ramet_loop *h);

/* Wait while *err is 0 and its state is `from`; mode as of ramet__lot_wait. */
void ramet__loop_await(struct ramet_loop *h, uint32_t from, int mode, int *err);

/* By the loop: what was sent before the gate closed begins. */
void ramet__loop_take_last(struct loop *l, struct ramet_loop *h);

/* It has ended, and those it sent to: what loop_go.c kept for it. */
void ramet__loop_free_requests(struct ramet_loop *h);

#endif
