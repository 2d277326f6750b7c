/* ramet/task.h - groups of ramets, and work for other OS threads. */
#ifndef RAMET_TASK_H
#define RAMET_TASK_H

#include "ramet/core.h"
#include "ramet/sync.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- groups --------------------------------------------------------------
 *
 * A group owns its children: it cannot be left while they run, so they may
 * point into the frame that opened it.  A child fails by returning
 * RAMET_FAILED, or by being killed.
 */
#define RAMET_FAILED ((void *)-1)

enum {
	RAMET_ALL,         /* wait for all, whatever becomes of one */
	RAMET_FAIL_FAST,   /* the first failure cancels the others */
	RAMET_FIRST,       /* the first success cancels the others */
	RAMET_ITERATE = 8, /* or-ed in: keep what ended for ramet_group_next */
};

struct ramet_group {
	int policy;
	size_t running;   /* children that have not ended */
	size_t failed;    /* children that have ended in failure, ever */
	size_t succeeded; /* and in success */
	struct ramet *owner; /* from here on the library's */
	struct ramet *children, *ended, **ended_end;
	struct ramet_waitq waiters;
	int cancelled;
};

/* Open a group of the caller, in the caller's frame.  Never fails once the loop
 * exists; without one, ramet_go fails. */
RAMET_API void ramet_group_open(struct ramet_group *g, int policy);

/* Run fn(arg) as a child of g.  With g NULL nobody waits for it: it releases
 * itself when it ends.  The handle is for ramet_cancel and ramet_kill while
 * the child runs, and must not be joined.
 * Returns NULL: ENOMEM; ECANCELED (the group is cancelled or closed); EPERM (of
 * another loop). */
RAMET_API struct ramet *ramet_go(struct ramet_group *g, void *(*fn)(void *),
				 void *arg);
RAMET_API struct ramet *ramet_go_opts(struct ramet_group *g,
				      void *(*fn)(void *), void *arg,
				      const struct ramet_opts *opts);

/* Wait until all children have ended.  Blocks.  Returns 0, or -1: ECHILD (a
 * child failed; with RAMET_FIRST: and none succeeded), EPERM. */
RAMET_API int ramet_group_wait(struct ramet_group *g);

/* Wait for the next child to end, in the order of ending; *value, if value is
 * not NULL, gets its value (RAMET_FAILED if it was killed).  Needs
 * RAMET_ITERATE, and the stacks of ended children stay until it is their turn.
 * Blocks.  Returns 1, 0 when there is none left, or -1: EINVAL (opened without
 * RAMET_ITERATE), EPERM. */
RAMET_API int ramet_group_next(struct ramet_group *g, void **value);

/* Cancel the children that run now; no new ones may start. */
RAMET_API void ramet_group_cancel(struct ramet_group *g);

/* Kill the children that run now; no new ones may start. */
RAMET_API void ramet_group_kill(struct ramet_group *g);

/* Cancel what still runs, wait for it (shielded from cancel and scopes) and
 * close.  In a function of ramet_link, which cannot wait, what runs is left to
 * end on its own.  Closing twice is allowed.  errno is kept. */
RAMET_API void ramet_group_close(struct ramet_group *g);

/* A group that is closed when its scope is left. */
#define ramet_auto_group                                                       \
	__attribute__((cleanup(ramet_group_close))) struct ramet_group

/* ---- offload ------------------------------------------------------------
 *
 * Helper threads, shared by all loops of the process, do what can only be done
 * by blocking.  They come when they are needed, at most 256, and end when they
 * have had nothing to do for ten seconds.
 */

/* Run fn(arg) on a helper thread and wait for its value; only the caller waits.
 * For calls that block or compute for long and know nothing of ramets.  If the
 * wait is cancelled or timed out, fn goes on and its value is dropped, so arg
 * must outlive it then: allocate it, or shield the call.  If it was still waiting
 * for its turn (ramet_offload_limit) it never begins.  Blocks.
 * Returns 0, or -1: ENOMEM, EAGAIN (no OS thread to be had). */
RAMET_API int ramet_offload(void *(*fn)(void *), void *arg, void **value);

/* The same without waiting: a future that gets the value, for the caller to
 * release, at any time.  NULL: ENOMEM, EAGAIN. */
struct ramet_future; /* ramet/future.h */
RAMET_API struct ramet_future *ramet_offload_start(void *(*fn)(void *),
						   void *arg);

/* What calls on helper threads are for.  Each lane holds at most so many of
 * them at a time; further calls wait for their turn, first come, first served. */
enum ramet_lane {
	RAMET_LANE_USER,  /* ramet_offload: 128, or RAMET_OFFLOAD_USER from the
			   * environment */
	RAMET_LANE_FILE,  /* calls on files that the kernel cannot complete by
			   * itself, starts of programs: 64, or
			   * RAMET_OFFLOAD_FILE */
	RAMET_LANE_NAMES, /* look-ups of names: 16, or RAMET_OFFLOAD_NAMES */
};

/* Set a lane's limit, 1 to 256, for the whole process; 0 only asks.  What runs
 * goes on.  From any OS thread.
 * Returns what the limit was, or -1: EINVAL (no such lane or limit). */
RAMET_API int ramet_offload_limit(enum ramet_lane lane, int limit);

#ifdef __cplusplus
}
#endif
#endif
