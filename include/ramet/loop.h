/* ramet/loop.h - several loops, each on an OS thread of its own: how a program
 * uses several processors.
 *
 * A ramet stays in its loop.  Loops exchange functions to run, futures, shared
 * queues and messages to actors.  All functions may be called from any OS
 * thread unless they say otherwise.
 */
#ifndef RAMET_LOOP_H
#define RAMET_LOOP_H

#include <stddef.h>

#include "ramet/core.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ramet_loop;
struct ramet_future;

/* Have `n` loops in all: the caller's, and others on OS threads made for them;
 * 0: one for each processor the process may use.  Those there are stay.  Blocks
 * until they run.  Returns how many there are now, or -1: EAGAIN, ENOMEM, EPERM
 * (not the loop that started the first ones). */
RAMET_API int ramet_loops_start(size_t n);

/* Cancel what runs in the others, wait for it, and end their OS threads.  By the
 * loop that started them; main's end does it, too.  Blocks.  Returns 0, or -1:
 * EPERM. */
RAMET_API int ramet_loops_stop(void);

/* How many there are; the i-th, from 0, the one that started the others; NULL:
 * EINVAL.  A handle is good until ramet_loops_stop. */
RAMET_API size_t ramet_loops_count(void);
RAMET_API struct ramet_loop *ramet_loop_at(size_t i);

/* The caller's, NULL if it is none of those. */
RAMET_API struct ramet_loop *ramet_loop_self(void);

/* The one with the fewest ramets, roughly. */
RAMET_API struct ramet_loop *ramet_loop_least(void);

/* Run fn(arg) there as a ramet of its own, which nobody joins.  Like a spawn it
 * never waits, however many are under way: what bounds them is the caller's.
 * Returns 0, or -1: ENOMEM, ESRCH (it is being stopped). */
RAMET_API int ramet_loop_go(struct ramet_loop *loop, void *(*fn)(void *),
			    void *arg);

/* The same, with a future of its value, for the caller to release; it fails with
 * ECHILD if the ramet is killed, ENOMEM if it cannot be made there. NULL:
 * ENOMEM, ESRCH. */
RAMET_API struct ramet_future *ramet_loop_call(struct ramet_loop *loop,
					       void *(*fn)(void *), void *arg);

/* As ramet_listen, with SO_REUSEPORT: each loop makes a listener of its own on
 * one address, and the kernel deals connections out to them.  The port must be
 * given, or be that of the first (ramet_port).  Also EOPNOTSUPP: a UNIX address.
 */
RAMET_API int ramet_listen_shared(const char *address);

#ifdef __cplusplus
}
#endif
#endif
