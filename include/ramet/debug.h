/* ramet/debug.h - seeing inside. */
#ifndef RAMET_DEBUG_H
#define RAMET_DEBUG_H

#include "ramet/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Write every ramet of the calling thread's loop to fd: number, name, state,
 * what it waits for, since when, where it was spawned, how much of its stack is
 * in use, and its backtrace.
 * SIGQUIT does the same to standard error, unless the program handles SIGQUIT
 * or RAMET_SIGQUIT=0 is in the environment; RAMET_SIGQUIT=json asks for JSON.
 * The loop stands still meanwhile: about 5 us for each ramet.
 * Returns 0, or -1: EBADF, EIO, ENOSPC as write(2), EAGAIN (fd took nothing for
 * a second), ENOMEM. */
RAMET_API int ramet_dump(int fd);

/* The same for programs: an object on one line, see ramet_dump(3). */
RAMET_API int ramet_dump_json(int fd);

/* Serve a console at a UNIX socket: who connects (ramet console PATH, or any
 * client) types commands, a line each, and sees the ramets of the calling
 * thread's loop, cancels or kills them, records; "help" lists the commands.
 * "%p" in path is the number of the process.  Only the process's own user may
 * connect.  A ramet of the loop serves it, so it answers when the loop turns;
 * it keeps neither the process nor a deadlock's report from its end.  The
 * socket is removed when the process exits or the OS thread ends; one that
 * another process has left behind is replaced.  In the child of a fork there is
 * none. RAMET_CONSOLE=path in the environment does the same in the process's
 * first loop.  NULL ends the loop's console. Returns 0, or -1: EADDRINUSE
 * (somebody serves there), EEXIST (what is there is no socket), EBUSY (the loop
 * has a console), EINVAL, ENAMETOOLONG, ENOMEM, and as socket(2) and bind(2).
 */
RAMET_API int ramet_console(const char *path);

enum ramet_deadlock_policy {
	RAMET_DEADLOCK_ERROR,   /* report, and main's wait fails with EDEADLK */
	RAMET_DEADLOCK_EXIT,    /* report, then exit with status 86 */
	RAMET_DEADLOCK_SILENT,  /* only EDEADLK */
	RAMET_DEADLOCK_WAITERS, /* report, and EDEADLK for who waits in a cycle;
				 * for everybody if there is no cycle */
};

/* What happens when nothing can ever wake anyone: nothing is ready, and no
 * timer, descriptor, offloaded call or waker can make it so.  The report on
 * standard error names who waits on whom.  RAMET_DEADLOCK=
 * error|exit|silent|waiters in the environment sets the first value.
 * RAMET_REPORTS=json makes this report, and those of lock cycles and of the
 * watchdog, JSON: see ramet_deadlock(3).  For all loops. */
RAMET_API void ramet_set_deadlock_policy(enum ramet_deadlock_policy policy);

enum ramet_lock_cycles {
	RAMET_LOCK_CYCLES_OFF,
	RAMET_LOCK_CYCLES_REPORT, /* on standard error, each once */
	RAMET_LOCK_CYCLES_ERROR,  /* and who would close it gets EDEADLK */
};

/* Look for ramets that wait for each other while others still run: at each wait
 * for a mutex, a rwlock that is being written, a once, a ramet's end, or, under
 * the patch, a pthread's mutex, rwlock or end.  Waits with a limit of time and
 * cycles across loops are left out.  What need not wait costs nothing; a wait
 * costs a step for each ramet in the chain, for pthread's locks one for each
 * ramet of the loop as well.  Off at first, or RAMET_LOCK_CYCLES=1|report|error
 * in the environment.  For all loops. */
RAMET_API void ramet_set_lock_cycles(enum ramet_lock_cycles what);

/* The watchdog says on standard error when a loop that has more than one ramet
 * has not turned for `ns`: which ramet keeps it, since when, and where, be it
 * that it computes or that a system call blocks the thread.  The same stall
 * again when it has lasted ten times as long; at most five in a minute.  It is
 * an OS thread of the library's, made with a loop's first ramet; it sleeps when
 * the loops do.  A ramet that computes is asked by SIGURG, unless the program
 * has a handler of its own. 0 ends it; 100 ms at first, or RAMET_WATCHDOG=ms in
 * the environment. Returns 0, or -1: EINVAL (less than 10 ms), ENOMEM. */
RAMET_API int ramet_set_watchdog(int64_t ns);

/* ---- metrics ------------------------------------------------------------ */

enum { RAMET_LAG_BUCKETS = 24 };

/* Of one loop, or of all together.  Of other loops than the caller's each
 * figure is right, but they may be of slightly different moments. */
struct ramet_loop_metrics {
	unsigned loop; /* 1 for the process's first; 0: all together */
	int thread;    /* its OS thread's number; 0: all together */
	/* Ramets, now, by state.  The run queue is starting + ready. */
	uint64_t starting, ready, running, waiting, ended;
	uint64_t spawned;      /* ever, main included */
	uint64_t switches;     /* from one ramet to another */
	uint64_t kernel_waits; /* asked the kernel for events */
	uint64_t sleeps;       /* of them, those that waited for some */
	uint64_t timers;       /* armed now */
	uint64_t errands;      /* calls that others make for it now */
	/* What its stacks hold of memory, at least, in bytes: from each one's
	 * top down to where its ramet is. */
	uint64_t stack_bytes;
	int64_t lag; /* since it turned last, in ns; 0: it sleeps.  The longest
		      */
	/* How long ramets ran from one turn to the next: all of it, in ns, and
	 * how often less than 2^(10 + i) ns.  The last has the rest. */
	uint64_t lag_sum, lag_bucket[RAMET_LAG_BUCKETS];
};

struct ramet_lane_metrics {
	int limit, busy,
		queued; /* helper threads; and calls that wait for one */
};

struct ramet_metrics {
	struct ramet_loop_metrics all;
	struct ramet_lane_metrics user, file, names; /* ramet_offload_limit's */
	int helpers;          /* helper threads that there are */
	uint64_t descriptors; /* that loops know */
	uint64_t stalls;      /* that the watchdog has seen */
};

/* Fill *metrics, and loops[0..n) for the process's loops, the newest first.
 * Takes some nanoseconds for each ramet.  Never fails or blocks; from any OS
 * thread.  Returns how many loops there are. */
RAMET_API size_t ramet_get_metrics(struct ramet_metrics *metrics,
				   struct ramet_loop_metrics *loops, size_t n);

/* ---- metrics of the program's own -----------------------------------------
 */

struct ramet_metric; /* shown by ramet_http_metrics with the library's */

enum ramet_metric_kind {
	RAMET_COUNTER,   /* only grows */
	RAMET_GAUGE,     /* goes up and down */
	RAMET_HISTOGRAM, /* how often values were how large */
};

struct ramet_metric_opts {
	enum ramet_metric_kind kind;
	const char
		*name; /* "jobs_total": [a-zA-Z_:][a-zA-Z0-9_:]*, not ramet_ */
	const char *help; /* a line for people; NULL: none */
	/* Names and values in turn, NULL after the last; NULL: none.  Metrics
	 * of one name have other values. */
	const char *const *labels;
	/* RAMET_HISTOGRAM: upper ends of its buckets, rising; at most 64. */
	const double *bounds;
	size_t bound_count;
};

/* Register a metric; all is copied.  There is no end of it.  From any OS
 * thread. NULL: EINVAL (bad names, bounds), EEXIST (the same name with the same
 * labels, or another kind), ENOMEM. */
RAMET_API struct ramet_metric *ramet_metric_new(
	const struct ramet_metric_opts *opts);

/* Add to a counter (what is less than 0, or no number, is not added) or a
 * gauge; or count a value in a histogram.  From any OS thread and signal
 * handlers. Never fails or blocks.  NULL is allowed: nothing happens. */
RAMET_API void ramet_metric_add(struct ramet_metric *m, double value);

/* Set a gauge; of other kinds nothing happens. */
RAMET_API void ramet_metric_set(struct ramet_metric *m, double value);

/* The value; a histogram's sum. */
RAMET_API double ramet_metric_value(const struct ramet_metric *m);

/* Call write with the library's metrics and the program's own in Prometheus'
 * text format, version 0.0.4, one piece after the other, until it returns
 * anything but 0; ramet_http_metrics answers with that.  Returns 0; what
 * `write` returned; or -1: ENOMEM, and it has not been called.  From any OS
 * thread. */
RAMET_API int ramet_write_metrics(int (*write)(void *arg, const char *text,
					       size_t size),
				  void *arg);

/* ---- recordings --------------------------------------------------------- */

/* Record what all loops do, until ramet_trace_stop writes it to the file `path`
 * (a new one; "%p" in the path becomes the number of the process), which
 * ui.perfetto.dev and chrome://tracing show: who ran when, what for the others
 * waited, who woke them.  Each loop keeps its last 65,536 events, 24 bytes
 * each; RAMET_TRACE_EVENTS in the environment is another number.  Other loops
 * than the caller's begin and end at their next turn.  RAMET_TRACE=path in the
 * environment records from the first loop on and writes when the process exits.
 * The child of a fork records nothing. Returns 0, or -1: EBUSY (there is a
 * recording), EINVAL (no path), ENAMETOOLONG, ENOMEM, or as open(2). */
RAMET_API int ramet_trace_start(const char *path);

/* End the recording and write it; the caller's loop stands still meanwhile.
 * Returns 0, or -1: EINVAL (there is none), ENOMEM, EAGAIN (the file took
 * nothing for a second), or as open(2) and write(2); the recording has ended
 * anyway. */
RAMET_API int ramet_trace_stop(void);

#ifdef __cplusplus
}
#endif
#endif
