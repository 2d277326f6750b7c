/* kernel.h - the one door to the outside: time, system calls, readiness,
 * memory, helper threads, and who runs next.
 *
 * Behind it stand epoll.c, uring.c and sim.c.  Nothing above this layer calls
 * libc for any of these: under interposition libc is us, in a simulation the
 * answers are invented, and in the fault sweeps each of them fails in turn.
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <poll.h>
#include <sys/epoll.h>

#include "base/base.h"
#include "ramet/base.h"

struct poller; /* one loop's way to wait; each back end has its own */

/* One thing that became ready. */
struct kernel_event {
	uint64_t tag;    /* given to watch */
	uint32_t events; /* EPOLLIN, EPOLLOUT, ...: all that hold now */
};

/* At most so many at a time.  All are looked at before the first of those they
 * wake runs, and what that has brought into the cache should still be there
 * when the last one does: a connection touches some 10 KiB, the kernel's part
 * included. */
#define KERNEL_EVENTS 64

/* Kinds of calls for helper threads.  All but those of no lane may hold only so
 * many threads at a time. */
enum kernel_lane {
	LANE_NONE,
	LANE_USER,  /* ramet_offload */
	LANE_FILE,  /* calls on files, starts of programs */
	LANE_NAMES, /* look-ups */
	KERNEL_LANES
};

/* One call for a helper thread. */
struct kernel_job {
	struct kernel_job *next, *prev;
	struct kernel_queue *queue; /* NULL: a thread has it */
	enum kernel_lane lane;
	void (*run)(struct kernel_job *);
	/* Called when run has returned, in the helper thread; the job may be
	 * gone when it returns. */
	void (*done)(struct kernel_job *);
};

/* One system call on a file that may take long. */
struct kernel_op {
	long nr, arg[4];
	long result; /* once it is done: as call returns it */
	/* Called in the poller's thread, by any function of the door that takes
	 * the poller, except submit; the op may be gone when it returns. */
	void (*done)(struct kernel_op *);
};

struct kernel_launch;

struct kernel {
	const char *name;

	/* A system call by number.  Returns what the kernel does: -errno. */
	long (*call)(long nr, long a, long b, long c, long d, long e, long f);

	/* Nanoseconds on CLOCK_MONOTONIC. */
	int64_t (*now)(void);

	/* Zeroed memory, NULL when there is none; free takes NULL. */
	void *(*alloc)(size_t size);
	void (*free)(void *mem);

	/* Which of n > 1 candidates goes next; NULL: always the first. */
	uint32_t (*pick)(uint32_t n);

	/* Make and end a poller.  open returns 0 or -errno; close waits for
	 * what was submitted. */
	int (*open)(struct poller **poller);
	void (*close)(struct poller *poller);

	/* In the child of a fork: let go of a poller that is the parent's, and
	 * of nothing in it that both share. */
	void (*abandon)(struct poller *poller);

	/* Report fd's events, edge-triggered, all of EPOLLIN, EPOLLOUT,
	 * EPOLLPRI, EPOLLRDHUP, until the file is closed.  What is ready now is
	 * reported too, and EPOLLPRI may be reported in vain.  Watching again
	 * replaces the tag and reports afresh.  Returns 0 or -errno: EPERM (a
	 * file that is always ready), EBADF, ENOMEM, ENOSPC. */
	int (*watch)(struct poller *poller, int fd, uint64_t tag);

	/* Stop reporting.  Call it before a watched fd is closed: a back end
	 * may hold the file. */
	void (*unwatch)(struct poller *poller, int fd, uint64_t tag);

	/* Wait at most timeout ns (0: only look; RAMET_NEVER: for ever) for at
	 * most KERNEL_EVENTS events.  Returns how many, or -errno: EINTR. */
	int (*wait)(struct poller *poller, int64_t timeout,
		    struct kernel_event *events);

	/* End a wait, or the next one, early.  May be called from any OS thread
	 * and from a signal handler; keeps errno. */
	void (*wake)(struct poller *poller);

	/* Begin a system call that op->done hears of.  Op and what it points to
	 * must stay till then; the descriptor may be closed.  Returns 0, or
	 * -errno: ENOSYS (not this call, or none), EAGAIN; then it has to be
	 * made by a helper thread.  May be NULL: ENOSYS. */
	int (*submit)(struct poller *poller, struct kernel_op *op);

	/* Ask that a call that was begun end early, with ECANCELED if it can;
	 * done hears of it in any case.  NULL where submit is. */
	void (*cancel)(struct poller *poller, struct kernel_op *op);

	/* Hand a job to a helper thread.  Returns 0, or -errno: EAGAIN (no
	 * thread to be had). */
	int (*run)(struct kernel_job *job);

	/* Whether the calling OS thread is the only one of the process that
	 * runs the program's code: idle helpers do not.  May say no wrongly; a
	 * system call, unless there never was another. */
	bool (*alone)(void);
	/* Take back a job that waits for its lane.  Returns whether: then
	 * nothing of it will be called. */
	bool (*recall)(struct kernel_job *job);
	/* Start a program in a new process: see launch.h. */
	int (*launch)(struct kernel_launch *launch);
};

extern const struct kernel ramet__epoll, ramet__sim;
#ifdef RAMET_URING
extern const struct kernel ramet__uring;
#endif

/* The back end in use.  Set once, by kernel_choose. */
extern const struct kernel *ramet__kernel;
extern const char *ramet__kernel_reason; /* why this one */

/* Choose the back end: RAMET_KERNEL if it can be had, else epoll.  Again is
 * harmless. */
void kernel_choose(void);

/* A setting from the environment, NULL in setuid programs and when not set. */
const char *kernel_getenv(const char *name);

/* Have `end` called with `value` when the calling OS thread ends.  Returns 0 or
 * -errno. */
int kernel_at_thread_exit(void (*end)(void *), void *value);

/* The calling OS thread will not end: take that back. */
void kernel_not_at_thread_exit(void);

/* sigaction(2).  Returns 0 or -errno. */
struct sigaction;
int kernel_sigaction(int sig, const struct sigaction *action,
		     struct sigaction *before);

/* What the real back ends share. */
long kernel_real_call(long nr, long a, long b, long c, long d, long e, long f);
int64_t kernel_real_now(void);
void *kernel_real_alloc(size_t size);
void kernel_real_free(void *mem);
bool kernel_real_alone(void);
int kernel_pool_run(struct kernel_job *job);
bool kernel_pool_recall(struct kernel_job *job);

/* How many helper threads a lane may hold, from now on; limit 0 changes nothing.
 * Returns what it was, or -EINVAL. */
int kernel_lane_limit(enum kernel_lane lane, int limit);

/* What the helper threads are about. */
struct kernel_lane_use {
	int limit, busy, waiting; /* threads; and jobs that wait for one */
};

/* Of each lane; returns how many threads there are. */
int kernel_pool_look(struct kernel_lane_use use[KERNEL_LANES]);

/* How many helper threads have nothing to do. */
int kernel_pool_idle(void);

/* Start an OS thread for the runtime: fn(arg), detached, with all signals
 * blocked; `stack` is its stack's size, 0 the default.  Returns 0, or -errno:
 * EAGAIN. */
int kernel_thread(void *(*fn)(void *), void *arg, size_t stack);

/* What tools call the calling OS thread; 15 characters at most. */
void kernel_thread_name(const char *name);

/* How many of these are neither helpers nor the program's; atomic. */
extern int ramet__service_threads;

/* How many helper threads there were at most. */
extern int ramet__helpers_most;

/* How many system calls this OS thread made through the door. */
extern __thread uint64_t ramet__calls
	__attribute__((tls_model("initial-exec")));

static inline int64_t kernel_now(void)
{
	return ramet__kernel->now();
}

static inline void *kernel_alloc(size_t size)
{
	return ramet__kernel->alloc(size);
}

static inline void kernel_free(void *mem)
{
	ramet__kernel->free(mem);
}

static inline uint32_t kernel_pick(uint32_t n)
{
	return likely(!ramet__kernel->pick) || n < 2 ? 0
						     : ramet__kernel->pick(n);
}

/* Whether something else than "first come" decides: only a simulation. */
static inline bool kernel_picks(void)
{
	return unlikely(ramet__kernel->pick != NULL);
}

#endif
