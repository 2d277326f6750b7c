/* ramet/core.h - green threads: spawn, join, sleep, time limits, cancel. */
#ifndef RAMET_CORE_H
#define RAMET_CORE_H

#include "ramet/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ramet; /* a green thread */

/* ---- spawn and join ----------------------------------------------------- */

struct ramet_opts {
	/* Shown by every tool.  Copied, cut at 31 bytes.  NULL: none. */
	const char *name;
	/* Bytes of address space for the stack, rounded up to a power of two
	 * from 16 KiB to 1 GiB; 0: RAMET_STACK from the environment, else
	 * 256 KiB.  A quarter of it, at most 128 KiB, is the guard.  Memory is
	 * used only as far as the stack is touched. */
	size_t stack_size;
	/* Do not run before this many nanoseconds have passed. */
	int64_t delay;
	/* Give the ramet its own floating point environment (rounding mode,
	 * exception masks): costs 2 ns a switch. */
	int own_fenv;
};

/* Start fn(arg) as a green thread.  It runs once the caller blocks, after
 * everything that was ready before it; spawn itself never switches.  The
 * handle must be given to ramet_join or ramet_detach once.
 * Returns NULL: ENOMEM (memory, address space or mappings are short). */
RAMET_API struct ramet *ramet_spawn(void *(*fn)(void *), void *arg);

/* The same with options; NULL opts means none.  Also EINVAL: bad size. */
RAMET_API struct ramet *ramet_spawn_opts(void *(*fn)(void *), void *arg,
					 const struct ramet_opts *opts);

/* Wait until t has ended and release it; *value, if value is not NULL, gets
 * what its function returned.  Blocks.
 * Returns 0, or -1: ECHILD (t was killed: it has no value, and is released),
 * EDEADLK (t is the caller), EINVAL (t is detached or has a joiner already),
 * ESRCH (t was joined before, as far as that can be seen), EPERM (t belongs to
 * another loop).  After ETIMEDOUT and ECANCELED t is still to be joined. */
RAMET_API int ramet_join(struct ramet *t, void **value);

/* Let t release itself when it ends.
 * Returns 0, or -1: EINVAL (detached already, or somebody joins it), ESRCH,
 * EPERM as above. */
RAMET_API int ramet_detach(struct ramet *t);

/* Wait until `count` of the n ramets have ended (count >= n: all), or until
 * the scope around the call expires.  ts is reordered: the ended ones come
 * first, in the order in which they ended.  Nothing is released: join what
 * was returned, it will not wait.  Blocks.
 * Returns how many have ended, at least count, or -1: EINVAL (one is NULL,
 * detached, listed twice or joined by another), EDEADLK, EPERM, ESRCH.  After
 * ETIMEDOUT and ECANCELED, too, ts is in order and ramet_ended tells how far it
 * got. */
RAMET_API int ramet_joinall(struct ramet **ts, size_t n, size_t count);

/* Whether t has ended: 1 or 0.  Never blocks. */
RAMET_API int ramet_ended(const struct ramet *t);

/* Call fn(t, arg) when t ends, after its own clean-up, in the order of linking;
 * at once, in the caller, if it has ended.  In t fn cannot block (EDEADLK).
 * Returns 0, or -1: ENOMEM, EPERM. */
RAMET_API int ramet_link(struct ramet *t, void (*fn)(struct ramet *t, void *arg),
			 void *arg);

/* The calling ramet.  NULL if the loop cannot be made: ENOMEM. */
RAMET_API struct ramet *ramet_self(void);

/* Number of a ramet: 1 for a loop's main, then in the order of spawning. */
RAMET_API uint64_t ramet_id(const struct ramet *t);

/* The name, "" if it has none.  Valid until t is released or renamed. */
RAMET_API const char *ramet_name(const struct ramet *t);
RAMET_API void ramet_set_name(struct ramet *t, const char *name);

/* Most bytes of t's stack that were ever in use, to a page; 0 for main. */
RAMET_API size_t ramet_stack_used(const struct ramet *t);

/* ---- giving way --------------------------------------------------------- */

/* Let everything that is ready run first.  Returns 0, or -1: ETIMEDOUT,
 * ECANCELED. */
RAMET_API int ramet_yield(void);

/* Sleep at least ns nanoseconds; 0 or less yields.  The wake-up is late by at
 * most a sixteenth of ns or 1 ms, whichever is less, so that sleepers can
 * share one.  Blocks.  Returns 0 or -1. */
RAMET_API int ramet_sleep(int64_t ns);

/* Sleep until a deadline, to the microsecond.  Blocks.  Returns 0 or -1. */
RAMET_API int ramet_sleep_until(struct ramet_deadline deadline);

/* ---- time limits: scopes ------------------------------------------------
 *
 *     RAMET_WITHIN(2 * RAMET_SEC) {
 *             n = ramet_read(fd, buf, sizeof buf);
 *             ...
 *     }
 *
 * bounds every blocking call inside, however deep.  Scopes nest; the tightest
 * deadline wins.  Once it has passed, every blocking call inside fails with
 * ETIMEDOUT, so ignoring one error cannot hang a program.  `break` leaves the
 * scope (it is a loop), `return` and `goto` leave it too.
 */
struct ramet_scope {
	int64_t deadline; /* its own, in ns of CLOCK_MONOTONIC */
	int expired;      /* a call inside failed because of this scope */
	char state, shield; /* from here on the library's */
	struct ramet_scope *outer;
	int64_t outer_deadline;
	struct ramet *owner;
};

/* Bound what follows by ns from now; 0 or less has expired already.  The scope
 * lives in the caller's frame and must be closed by the same ramet, innermost
 * first.  Never fails once the loop exists; without one it bounds nothing. */
RAMET_API void ramet_scope_open(struct ramet_scope *scope, int64_t ns);

/* Shield what follows from cancel and from the scopes around it, for at most
 * ns: clean-up time. */
RAMET_API void ramet_shield_open(struct ramet_scope *scope, int64_t ns);

/* Close the scope, and those inside that were left open.  Closing twice is
 * allowed.  errno is kept. */
RAMET_API void ramet_scope_close(struct ramet_scope *scope);

/* The tightest deadline in force, RAMET_NEVER if there is none. */
RAMET_API struct ramet_deadline ramet_scope_deadline(void);

static inline struct ramet_scope ramet__scope_fresh(void)
{
	struct ramet_scope scope;

	__builtin_memset(&scope, 0, sizeof scope);
	return scope;
}

#define RAMET__PASTE(a, b) a##b
#define RAMET__SCOPE(open, ns, n) RAMET__SCOPE_AS(open, ns, RAMET__PASTE(ramet__s, n))
#define RAMET__SCOPE_AS(open, ns, s)                                           \
	for (__attribute__((cleanup(ramet_scope_close))) struct ramet_scope s = \
		     ramet__scope_fresh();                                     \
	     !s.state && (open(&s, (ns)), 1);)

#define RAMET_WITHIN(ns) RAMET__SCOPE(ramet_scope_open, ns, __COUNTER__)
#define RAMET_SHIELD(ns) RAMET__SCOPE(ramet_shield_open, ns, __COUNTER__)

/* ---- cancel and kill ---------------------------------------------------- */

/* Ask t to end: from now on each of its blocking calls, the present one
 * included, fails with ECANCELED, except inside RAMET_SHIELD.  A ramet that
 * was cancelled before its first run still runs, to release what it was
 * given.  Returns 0 (also if t has ended), or -1: EPERM. */
RAMET_API int ramet_cancel(struct ramet *t);

/* Whether the caller is cancelled: 1 or 0, shield or not. */
RAMET_API int ramet_cancelled(void);

/* End t at its present or next blocking call: its stack is unwound (C++
 * destructors and cleanup attributes run, the latter only in code built with
 * -fexceptions), then its ramet_defer list runs.  One that has never run never
 * will.  A ramet may kill itself: then the call does not return.  A second kill
 * changes nothing.  Blocking calls made while unwinding fail with ECANCELED,
 * except inside RAMET_SHIELD.
 * Returns 0 (also if t has ended), or -1: EPERM; EOPNOTSUPP if its stack cannot
 * be unwound to the base (a frame without unwind table): then it is cancelled
 * instead; EINVAL (t is a loop's main). */
RAMET_API int ramet_kill(struct ramet *t);

/* Call fn(arg) when the calling ramet ends, however it ends; the last deferred
 * is called first.  fn may block and spawn; what it defers runs as well.
 * Returns 0, or -1: ENOMEM. */
RAMET_API int ramet_defer(void (*fn)(void *), void *arg);

/* ---- values per ramet --------------------------------------------------- */

struct ramet_local; /* a key; any number of them */

/* A new key.  destroy, if not NULL, is called with each value that is not NULL
 * when its ramet ends, while fn may still block.  Keys are for all loops and
 * are never freed.  May be called from any OS thread.  NULL: ENOMEM. */
RAMET_API struct ramet_local *ramet_local_new(void (*destroy)(void *value));

/* The caller's value, NULL if it was never set. */
RAMET_API void *ramet_local_get(const struct ramet_local *key);

/* Returns 0, or -1: ENOMEM. */
RAMET_API int ramet_local_set(struct ramet_local *key, void *value);

/* ---- from outside ------------------------------------------------------- */

/* A waker is how another OS thread, or a signal handler, reaches a ramet. */
struct ramet_waker;

/* A waker of the caller's loop.  NULL: ENOMEM. */
RAMET_API struct ramet_waker *ramet_waker_new(void);

/* Wake whoever waits, or the next one to wait: wakes are remembered, once.
 * May be called from any OS thread and from a signal handler.  Never fails. */
RAMET_API void ramet_waker_wake(struct ramet_waker *waker);

/* Wait for a wake.  One ramet at a time.  Blocks.  Returns 0, or -1: EBUSY
 * (somebody waits already), EPERM (not the loop that made it). */
RAMET_API int ramet_waker_wait(struct ramet_waker *waker);

/* Free it; nobody may wait on it or wake it any more.  NULL is allowed. */
RAMET_API void ramet_waker_free(struct ramet_waker *waker);

/* ---- the loop ----------------------------------------------------------- */

struct ramet_stats {
	uint64_t spawned;       /* ramets ever */
	uint64_t live;          /* now, main included */
	uint64_t live_max;      /* at most, at one time */
	uint64_t switches;      /* from one ramet to another */
	uint64_t kernel_waits;  /* asked the kernel for events */
	uint64_t system_calls;  /* made by the runtime, those included */
	uint64_t stacks_idle;   /* in the pool */
};

/* Counters of the calling thread's loop.  Returns 0, or -1: ENOMEM. */
RAMET_API int ramet_get_stats(struct ramet_stats *stats);

/* Give the memory of idle stacks back to the system now; it is done by itself
 * for stacks that were not needed for a second.  Returns how many. */
RAMET_API size_t ramet_trim(void);

/* The back end in use: "epoll", "uring" or "sim", and why it was chosen. */
RAMET_API const char *ramet_kernel_name(void);
RAMET_API const char *ramet_kernel_reason(void);

/* The version of the library that is loaded, as "0.1.0". */
RAMET_API const char *ramet_version(void);

#ifdef __cplusplus
}
#endif
#endif
