/* ramet/host.h - for language runtimes: ramets that run interpreted code.
 *
 * An interpreter keeps a state for each OS thread (frames, the exception being
 * handled, depth of recursion) and often one lock that only the running thread
 * holds.  A loop whose ramets run such code has a host, which swaps that state
 * at each switch, gives the lock away while the loop sleeps, and wakes ramets
 * by its own rules.  A guest is what the host knows a ramet by.
 *
 * In the child of a fork the guests go on, unlike other ramets.
 *
 * Everything here is for the loop's own thread except ramet_host_post.
 */
#ifndef RAMET_HOST_H
#define RAMET_HOST_H

#include "ramet/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* None of these may block, and all but may_park may be called on the stack of a
 * ramet that is parked. */
struct ramet_host {
	/* `from` stops running and `to` goes on: swap the state.  Either may be
	 * NULL: a ramet that is no guest.  A guest that has ended is not told
	 * of again. */
	void (*on_switch)(void *from, void *to);

	/* The loop is going to wait in the kernel, and has come back: give the
	 * lock away and take it again.  `interrupted`: by a signal. */
	void (*on_sleep)(void);
	void (*on_wake)(int interrupted);

	/* A function that stands in libc's place (ramet/patch.h) asks whether
	 * its caller may be parked there: 0 as long as it holds the lock, and
	 * so relies on nothing else running. */
	int (*may_park)(void);

	/* Asked before each wait in the kernel, unless it is NULL: whether
	 * nothing of what the loop waits for counts.  Else that is so when no
	 * ramet waits for anything from outside or for a time. */
	int (*is_stuck)(void);

	/* Nothing that the loop knows of can ever wake anyone.  Make a ramet
	 * ready (ramet_host_end), or say after how many ns to ask again: until
	 * then the loop sleeps, if no signal and no ramet_host_post comes. */
	int64_t (*on_deadlock)(void);

	/* For reports: call put(arg, ...) for each function of the guest's own
	 * that is being run, the innermost first; file NULL and line 0 where
	 * they are not known.  put copies what it is given.  The guest may run,
	 * be suspended or not have begun; this is called in signal handlers on
	 * its OS thread, and in a copy of the process (fork) on another thread,
	 * so nothing may be allocated, locked or waited for.  May be NULL. */
	void (*describe)(void *guest,
			 void (*put)(void *arg, const char *function,
				     const char *file, int line),
			 void *arg);

	/* The same of where the guest was spawned: put is called once, or not
	 * at all if that is not known; the C function that called
	 * ramet_host_spawn is shown then.  May be NULL. */
	void (*describe_spawn)(void *guest,
			       void (*put)(void *arg, const char *function,
					   const char *file, int line),
			       void *arg);
};

/* Give the calling thread's loop a host, and its main the guest `main`.  `host`
 * is not copied.  Returns 0, or -1: EBUSY (it has one), ENOMEM. */
RAMET_API int ramet_host_open(const struct ramet_host *host, void *main);

/* The loop has no host any more; nothing of it is called again.  Its guests
 * must not run again. */
RAMET_API void ramet_host_close(void);

/* A guest that runs fn(arg) once it is woken or switched to.  It releases
 * itself when it ends.  Tools call it what ramet_set_name says.  stack_size as
 * in struct ramet_opts.  Returns NULL: ENOMEM, EINVAL (bad size). */
RAMET_API struct ramet *ramet_host_spawn(void *(*fn)(void *), void *arg,
					 void *guest, size_t stack_size);

/* Wait to be woken; at most until `when`, in ns of CLOCK_MONOTONIC, RAMET_NEVER
 * for no limit.  `what`, a string that stays, is what tools say it waits for.
 * Scopes and cancel end it as any other wait.
 * Returns 0 when woken, or -1: what ramet_host_end was given; ETIMEDOUT. */
RAMET_API int ramet_host_park(const char *what, int64_t when);

/* The same for what another guest of the loop has to give, whom tools then
 * name: a deadlock's report shows who waits for whom, and RAMET_LOCK_CYCLES
 * finds those who do so in a circle (-1 and EDEADLK, where that is to be an
 * error). A lock, told apart by its address, and who holds it: a number of
 * ramet_host_self, 0 for nobody known; read whenever it is asked for. */
RAMET_API int ramet_host_park_lock(const void *lock, const uint32_t *holder,
				   int64_t when);

/* The end of t, which has not ended. */
RAMET_API int ramet_host_park_join(struct ramet *t, int64_t when);

/* The caller as a holder of locks; never 0. */
RAMET_API uint32_t ramet_host_self(void);

/* The guest that t, of the caller's loop, waits for in one of these two; NULL
 * if it does not, or nobody knows. */
RAMET_API void *ramet_host_holder(const struct ramet *t);

/* End t's ramet_host_park with 0, or let it begin.  It runs after everything
 * that is ready.  Returns 1, or 0 and does nothing: it is not parked there. */
RAMET_API int ramet_host_wake(struct ramet *t);

/* The same, but it runs before everything else; so does one that is ready
 * already. */
RAMET_API int ramet_host_wake_first(struct ramet *t);

/* Let t run at once, if ramet_host_wake_first can, and the caller right after
 * it, before anything else. */
RAMET_API void ramet_host_run(struct ramet *t);

/* End whatever t waits for, in ramet_host_park or in any call that blocks, with
 * the error `err`: an errno, ECANCELED where it is not known to be a
 * ramet_host_park.  Once: its next wait is a new one.  Returns 1, or 0: t is
 * not waiting, has not begun, or is shielded. */
RAMET_API int ramet_host_end(struct ramet *t, int err);

/* Let `to` run at once, whatever it waits for (ECANCELED, where that is not
 * ramet_host_park), and wait as ramet_host_park(what, RAMET_NEVER) does. */
RAMET_API int ramet_host_switch(struct ramet *to, const char *what);

/* Whether t waits in ramet_host_park: what for; NULL if it does not. */
RAMET_API const char *ramet_host_waits_for(const struct ramet *t);

/* How many ramets of the loop wait for descriptors, children or other OS
 * threads, and whether any but `but`, which may be NULL, waits for a time to
 * come. */
RAMET_API size_t ramet_host_outside(void);
RAMET_API int ramet_host_timed(const struct ramet *but);

/* What another OS thread has to tell: fn(call) is called by the loop, on any
 * stack; it must not block.  The call stays untouched until then. */
struct ramet_host_call {
	void (*fn)(struct ramet_host_call *);
	void *reserved[2];
};

/* Send it to the loop of t, which lives.  From any OS thread or signal handler.
 */
RAMET_API void ramet_host_post(struct ramet *t, struct ramet_host_call *call);

/* ---- descriptors ----------------------------------------------------------
 *
 * For hosts that make calls on sockets by themselves, so that they do not wait
 * (MSG_DONTWAIT, O_NONBLOCK), and wait here if there was nothing to be had. */

/* After such a call has found EAGAIN: wait until fd may be ready for `events`,
 * POLLIN or POLLOUT, at most until `when`; those who do wait in line.  What
 * cannot be waited for (a file) is ready.
 * Returns 0, or -1: ETIMEDOUT; EBADF (also if it is closed meanwhile), ENOMEM,
 * ECANCELED and what ramet_host_end was given. */
RAMET_API int ramet_host_await(int fd, int events, int64_t when);

/* After an await, once the call has returned anything but EAGAIN: the event was
 * for whoever waited first, the next one tries now. */
RAMET_API void ramet_host_pass(int fd, int events);

/* Whether it is known without asking that there is nothing to read. */
RAMET_API int ramet_host_drained(int fd);

/* fd is a socket that others have made with these arguments, O_NONBLOCK is set
 * and will stay, and it will be closed by ramet_close.  So it need not be
 * registered anew for each wait.  Returns 0, or -1: ENOMEM. */
RAMET_API int ramet_host_adopt(int fd, int family, int type, int protocol);

/* fd is somebody else's from now on, to close or to keep.  Whoever waits for it
 * wakes with EBADF.  Also for what was closed behind the library's back. */
RAMET_API void ramet_host_disown(int fd);

#ifdef __cplusplus
}
#endif
#endif
