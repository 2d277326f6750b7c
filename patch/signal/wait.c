/* wait.c - waiting for signals.
 *
 * What the process was sent waits in the kernel, since all threads have it
 * blocked: rt_sigtimedwait takes it, and a signalfd of the same set says when
 * to try.  What a thread was sent waits here. */
#include "patch/signal/state.h"
#include "patch/timespec.h"

#include "io/fd.h"
#include "kernel/calls.h"

#include <fcntl.h>
#include <sys/signalfd.h>

/* Where programs do not expect descriptors of others. */
enum { HIGH_FD = 512 };

/* Returns the number, or -errno. */
static int take(struct thread *t, uint64_t set, siginfo_t *info)
{
	struct timespec now = {0, 0};
	struct pending p;

	if (ramet__pending_take(t, set, &p)) {
		*info = p.info;
		info->si_signo = p.sig;
		return p.sig;
	}
	return (int)kernel_call(SYS_rt_sigtimedwait, KERNEL_ARG(&set),
				KERNEL_ARG(info), KERNEL_ARG(&now), sizeof set,
				0, 0);
}

static int open_signalfd(uint64_t set)
{
	int fd = (int)kernel_call(SYS_signalfd4, -1, KERNEL_ARG(&set),
				  sizeof set, SFD_NONBLOCK | SFD_CLOEXEC, 0, 0);
	int high;

	if (fd < 0)
		return fd;
	high = kernel_fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
	if (high >= 0) {
		kernel_close(fd);
		fd = high;
	}
	ramet__fd_new(fd, FD_PIPE, true);
	return fd;
}

/* Whether pthread_cancel or a handler is why a wait has ended. */
static bool is_asked(const struct thread *t)
{
	return (t->cancelled && !t->cancel_disabled) || signal_is_due(t) ||
	       t->handled_fails || t->handled_restarts;
}

/* Returns the number, or -errno: -EAGAIN at `when`. */
static int wait_for(struct loop *l, struct thread *t, uint64_t set,
		    siginfo_t *info, int64_t when)
{
	int fd = -1, n, err;

	while ((n = take(t, set, info)) == -EAGAIN || n == -EINTR) {
		if (fd < 0 && when > l->now)
			fd = open_signalfd(set);
		err = ramet__interrupted(l);
		if (err == 0 && is_asked(t))
			err = -EINTR;
		if (err == 0 && when <= l->now)
			err = -EAGAIN;
		if (err == 0)
			err = fd < 0 ? fd
				     : ramet__fd_wait_readable(l, fd, 0,
							       WAIT_SIGNAL,
							       NULL, when);
		if (err == -ETIMEDOUT && when <= l->now)
			err = -EAGAIN;
		if (err == -EINTR && !is_asked(t))
			err = 0; /* what was sent to it may be of the set */
		if (err == 0)
			continue;
		n = take(t, set, info); /* whatever comes first counts */
		if (n < 0)
			n = err;
		break;
	}
	if (fd >= 0)
		ramet__close(fd);
	return n;
}

/* The thread whose loop is l's caller; NULL: libc's own. */
static struct thread *waiter(struct loop **l)
{
	*l = hook_loop(RAMET_SIGNAL);
	return *l && *l == ramet__signals_home ? thread_self(*l) : NULL;
}

int HOOK(sigtimedwait)(const sigset_t *set, siginfo_t *info,
		       const struct timespec *limit)
{
	struct loop *l;
	struct thread *t = waiter(&l);
	siginfo_t got;
	int64_t when = RAMET_NEVER;
	long n;

	if (!t)
		return libc.sigtimedwait(set, info, limit);
	if (limit && !timespec_is_length(limit))
		return (int)ramet__fail(-EINVAL);
	l->now = kernel_now();
	if (limit)
		when = time_add(l->now, timespec_ns(limit));
	hook_begin(l);
	n = wait_for(l, t, sigset_bits(set), &got, when);
	if (n == -EINTR)
		hook_handle(l);
	if (n > 0 && info)
		*info = got;
	return (int)hook_end(l, n);
}

int HOOK(sigwaitinfo)(const sigset_t *set, siginfo_t *info)
{
	return HOOK(sigtimedwait)(set, info, NULL);
}

int HOOK(sigwait)(const sigset_t *set, int *sig)
{
	struct loop *l;
	struct thread *t = waiter(&l);
	int saved = errno;
	siginfo_t got;
	long n;

	if (!t)
		return libc.sigwait(set, sig);
	hook_begin(l);
	while ((n = wait_for(l, t, sigset_bits(set), &got, RAMET_NEVER)) ==
	       -EINTR)
		hook_handle(l);
	n = hook_end(l, n);
	if (n < 0) {
		n = errno;
		errno = saved;
		return (int)n;
	}
	*sig = (int)n;
	return 0;
}

/* ---- until a handler has run -------------------------------------------- */

static int suspend(struct loop *l, struct thread *t)
{
	int err = ramet__interrupted(l);

	while (err == 0 && !is_asked(t)) {
		err = ramet__park(l, WAIT_SIGNAL, NULL);
		if (err == -EINTR && !is_asked(t))
			err = 0;
	}
	return err == 0 ? -EINTR : err;
}

int HOOK(sigsuspend)(const sigset_t *mask)
{
	struct loop *l;
	struct thread *t = waiter(&l);
	sigset_t old;
	int err;

	if (!t)
		return libc.sigsuspend(mask);
	hook_begin(l);
	ramet__signal_mask_swap(t, mask, &old);
	err = suspend(l, t);
	if (err == -EINTR)
		hook_handle(l);
	ramet__signal_mask_swap(t, &old, NULL);
	return (int)hook_end(l, err);
}

int HOOK(pause)(void)
{
	struct loop *l;
	struct thread *t = waiter(&l);
	int err;

	if (!t)
		return libc.pause();
	hook_begin(l);
	err = suspend(l, t);
	if (err == -EINTR)
		hook_handle(l);
	return (int)hook_end(l, err);
}
