/* signals.c - signals as a stream: a signalfd.
 *
 * The signals are blocked in the calling OS thread, so nothing happens when one
 * comes but that the descriptor can be read.  The runtime's own threads have
 * all signals blocked.
 */
#include "task/signals.h"

#include "io/fd.h"
#include "kernel/calls.h"
#include "kernel/libc.h"
#include "ramet/process.h"

#include <signal.h>
#include <sys/signalfd.h>

/* libc keeps two below SIGRTMIN for itself. */
enum { SIGNALS = 64, LIBC_FIRST = 32, LIBC_LAST = 33 };

struct ramet_signals {
	struct loop *loop;
	int fd;
	uint64_t set;
	sigset_t unblock; /* those that were not blocked before */
};

uint64_t ramet__signals_held;

static bool may_be_taken(int sig)
{
	switch (sig) {
	case SIGKILL:
	case SIGSTOP:
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
	case SIGSYS:
		return false;
	}
	return sig >= 1 && sig <= SIGNALS &&
	       (sig < LIBC_FIRST || sig > LIBC_LAST);
}

static int set_of(const int *signals, size_t count, uint64_t *set)
{
	*set = 0;
	for (size_t i = 0; i < count; i++) {
		if (!may_be_taken(signals[i]))
			return -EINVAL;
		*set |= UINT64_C(1) << (signals[i] - 1);
	}
	return *set ? 0 : -EINVAL;
}

/* Take them for one stream: all or none. */
static int hold(uint64_t set)
{
	uint64_t held = __atomic_load_n(&ramet__signals_held, __ATOMIC_RELAXED);

	do
		if (held & set)
			return -EBUSY;
	while (!__atomic_compare_exchange_n(&ramet__signals_held, &held,
					    held | set, true, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED));
	return 0;
}

static void let_go(uint64_t set)
{
	__atomic_and_fetch(&ramet__signals_held, ~set, __ATOMIC_SEQ_CST);
}

static int open_signalfd(uint64_t set)
{
	int fd = (int)kernel_call(SYS_signalfd4, -1, KERNEL_ARG(&set),
				  sizeof set, SFD_NONBLOCK | SFD_CLOEXEC, 0, 0);

	if (fd >= 0 && ramet__fd_new(fd, FD_EVENT, true) < 0) {
		kernel_close(fd);
		return -ENOMEM;
	}
	return fd;
}

/* ---- begin and end ------------------------------------------------------ */

static void block(struct ramet_signals *s)
{
	sigset_t all, before;

	sigemptyset(&all);
	for (int sig = 1; sig <= SIGNALS; sig++)
		if (s->set >> (sig - 1) & 1)
			sigaddset(&all, sig);
	ramet__libc.pthread_sigmask(SIG_BLOCK, &all, &before);
	s->unblock = all;
	for (int sig = 1; sig <= SIGNALS; sig++)
		if (sigismember(&before, sig) == 1)
			sigdelset(&s->unblock, sig);
}

static int open_stream(struct ramet_signals *s)
{
	int err = hold(s->set);

	if (err < 0)
		return err;
	s->fd = open_signalfd(s->set);
	if (s->fd < 0) {
		let_go(s->set);
		return s->fd;
	}
	block(s);
	return 0;
}

static struct ramet_signals *new_stream(const int *signals, size_t count,
					int *err)
{
	struct loop *l = ramet__loop();
	struct ramet_signals *s;
	uint64_t set;

	*err = l ? set_of(signals, count, &set) : -ENOMEM;
	if (*err < 0)
		return NULL;
	s = kernel_alloc(sizeof *s);
	if (!s) {
		*err = -ENOMEM;
		return NULL;
	}
	s->loop = l;
	s->set = set;
	*err = open_stream(s);
	if (*err == 0)
		return s;
	kernel_free(s);
	return NULL;
}

struct ramet_signals *ramet_signals_new(const int *signals, size_t count)
{
	int err;
	struct ramet_signals *s = new_stream(signals, count, &err);

	if (!s)
		ramet__fail(err);
	return s;
}

static int mine(struct loop *l, const struct ramet_signals *s)
{
	if (!l)
		return -ENOMEM;
	return s->loop == l ? 0 : (int)ramet__misuse(-EPERM);
}

void ramet_signals_free(struct ramet_signals *s)
{
	int saved = errno;

	if (s && mine(ramet__loop(), s) == 0) {
		ramet__close(s->fd);
		let_go(s->set);
		ramet__libc.pthread_sigmask(SIG_UNBLOCK, &s->unblock, NULL);
		kernel_free(s);
	}
	errno = saved;
}

/* ---- next --------------------------------------------------------------- */

/* Returns 0, or -EAGAIN and the like. */
static int take(const struct ramet_signals *s, struct signalfd_siginfo *info)
{
	long n;

	do
		n = kernel_read(s->fd, info, sizeof *info);
	while (n == -EINTR);
	return n < 0 ? (int)n : 0;
}

/* The signal that woke us may not be the only one. */
static void pass_on(struct loop *l, const struct ramet_signals *s)
{
	struct fd *fd = ramet__fd(l, s->fd);

	if (fd)
		ramet__fd_wake_next(&fd->readers);
}

static int wait_for(struct loop *l, const struct ramet_signals *s)
{
	return ramet__fd_wait_readable(l, s->fd, 0, WAIT_SIGNAL, s,
				       RAMET_NEVER);
}

static void describe(struct ramet_signal *to,
		     const struct signalfd_siginfo *info)
{
	*to = (struct ramet_signal){.number = (int)info->ssi_signo,
				    .code = info->ssi_code,
				    .pid = (pid_t)info->ssi_pid,
				    .uid = info->ssi_uid,
				    .status = info->ssi_status,
				    .value = (int64_t)info->ssi_ptr};
}

static int next(struct ramet_signals *s, struct ramet_signal *signal)
{
	struct loop *l = ramet__loop();
	struct signalfd_siginfo info;
	int err = mine(l, s);

	if (err < 0)
		return err;
	ramet__point(l);
	ramet__spend(l);
	err = ramet__interrupted(l);
	while (err == 0) {
		err = take(s, &info); /* first: the wake was for one */
		if (err != -EAGAIN)
			break;
		err = ramet__interrupted(l); /* since it was woken */
		if (err == 0)
			err = wait_for(l, s);
	}
	if (err < 0)
		return err;
	pass_on(l, s);
	if (signal)
		describe(signal, &info);
	ramet__point(l);
	return (int)info.ssi_signo;
}

int ramet_signals_next(struct ramet_signals *s, struct ramet_signal *signal)
{
	return (int)ramet__ret(next(s, signal));
}
