/* action.c - what the program wants done with each signal.
 *
 * The kernel calls ramet__on_signal in place of every handler; what the program
 * has set is kept here.  Handlers read it, so it is changed with all signals
 * blocked, and a reader on another OS thread tries again. */
#include "patch/signal/state.h"
#include "patch/trace/report.h"

#include "debug/stall.h"
#include "kernel/calls.h"

static struct sigaction actions[SIGNALS + 1];
static struct sigaction runtimes[SIGNALS + 1]; /* in force where none is set */
static bool known[SIGNALS + 1];
static uint64_t interrupting; /* siginterrupt(sig, 1) */
static uint32_t version;      /* atomic; odd while one is being changed */
static int lock;              /* atomic */

static uint64_t change_begin(void)
{
	uint64_t mask = ramet__kernel_mask(~UINT64_C(0));

	while (__atomic_exchange_n(&lock, 1, __ATOMIC_SEQ_CST))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	__atomic_add_fetch(&version, 1, __ATOMIC_SEQ_CST);
	return mask;
}

static void change_end(uint64_t mask)
{
	__atomic_add_fetch(&version, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&lock, 0, __ATOMIC_SEQ_CST);
	ramet__kernel_mask(mask);
}

void ramet__signal_action(int sig, struct sigaction *out)
{
	uint32_t before, after;

	do {
		before = __atomic_load_n(&version, __ATOMIC_SEQ_CST);
		*out = actions[sig];
		after = __atomic_load_n(&version, __ATOMIC_SEQ_CST);
	} while (before != after || before & 1);
}

/* The runtime's own handlers are from before; to the program they are none. */
static void get_to_know(int sig)
{
	struct sigaction now;

	if (known[sig] || libc.sigaction(sig, NULL, &now) < 0)
		return;
	known[sig] = true;
	runtimes[sig].sa_handler = SIG_DFL;
	if ((sig == SIGSEGV || sig == SIGBUS || sig == SIGQUIT ||
	     (sig == SIGURG && ramet__stall_installed()) ||
	     now.sa_handler == ramet__report_on_signal) &&
	    now.sa_handler != SIG_IGN) {
		runtimes[sig] = now;
		now = (struct sigaction){.sa_handler = SIG_DFL};
	}
	actions[sig] = now;
}

/* What the kernel is to know of it. */
static struct sigaction for_kernel(int sig, const struct sigaction *a)
{
	struct sigaction k = *a;

	if (a->sa_handler == SIG_DFL) {
		if (runtimes[sig].sa_handler != SIG_DFL)
			return runtimes[sig];
	} else if (a->sa_handler != SIG_IGN) {
		k.sa_flags |= SA_SIGINFO;
		k.sa_sigaction = ramet__on_signal;
	}
	return k;
}

/* Where it is the kernel's alone: bad numbers, libc's own, a child of vfork. */
static bool is_ours(int sig)
{
	return sig > 0 && sig <= SIGNALS && sig != SIGKILL && sig != SIGSTOP &&
	       sig != 32 && sig != 33 && !ramet__vforked;
}

/* POSIX: ignoring a signal discards those that are pending. */
static bool discards(int sig, const struct sigaction *a)
{
	return a->sa_handler == SIG_IGN ||
	       (a->sa_handler == SIG_DFL &&
		(sig == SIGCHLD || sig == SIGURG || sig == SIGWINCH));
}

int HOOK(sigaction)(int sig, const struct sigaction *action,
		    struct sigaction *before)
{
	struct sigaction k, was;
	uint64_t mask;
	int err = 0;

	if (!is_ours(sig))
		return libc.sigaction(sig, action, before);
	mask = change_begin();
	get_to_know(sig);
	was = actions[sig];
	if (action) {
		actions[sig] = *action;
		k = for_kernel(sig, action);
		err = libc.sigaction(sig, &k, NULL);
		if (err < 0)
			actions[sig] = was;
		else if (discards(sig, action))
			ramet__pending_drop(sig);
	}
	change_end(mask);
	if (before && err == 0)
		*before = was;
	return err;
}

/* SA_RESETHAND: the kernel has done it already, or cannot know. */
void ramet__signal_reset(int sig)
{
	struct sigaction none = {.sa_handler = SIG_DFL};

	HOOK(sigaction)(sig, &none, NULL);
}

/* ---- the older ways ----------------------------------------------------- */

static sighandler_t set(int sig, sighandler_t handler, int flags, uint64_t mask)
{
	struct sigaction a = {.sa_handler = handler, .sa_flags = flags}, was;

	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	sigset_assign(&a.sa_mask, mask);
	return HOOK(sigaction)(sig, &a, &was) < 0 ? SIG_ERR : was.sa_handler;
}

static uint64_t valid_bit(int sig)
{
	return sig > 0 && sig <= SIGNALS ? sigset_bit(sig) : 0;
}

sighandler_t HOOK(signal)(int sig, sighandler_t handler)
{
	bool fails = interrupting & valid_bit(sig);

	return set(sig, handler, fails ? 0 : SA_RESTART, valid_bit(sig));
}

sighandler_t HOOK(bsd_signal)(int sig, sighandler_t handler)
{
	return HOOK(signal)(sig, handler);
}

sighandler_t HOOK(ssignal)(int sig, sighandler_t handler)
{
	return HOOK(signal)(sig, handler);
}

sighandler_t HOOK(__sysv_signal)(int sig, sighandler_t handler)
{
	return set(sig, handler, (int)SA_RESETHAND | SA_NODEFER, 0);
}

sighandler_t HOOK(sysv_signal)(int sig, sighandler_t handler)
{
	return HOOK(__sysv_signal)(sig, handler);
}

int HOOK(siginterrupt)(int sig, int interrupts)
{
	struct sigaction a;

	if (HOOK(sigaction)(sig, NULL, &a) < 0)
		return -1;
	if (interrupts) {
		interrupting |= valid_bit(sig);
		a.sa_flags &= ~SA_RESTART;
	} else {
		interrupting &= ~valid_bit(sig);
		a.sa_flags |= SA_RESTART;
	}
	return HOOK(sigaction)(sig, &a, NULL);
}
