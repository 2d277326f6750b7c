/* mask.c - each thread's mask, and the one the kernel knows.
 *
 * A signal is blocked in the kernel if every thread has blocked it.  Unblocking
 * never needs a look at the others; blocking looks at them until one is found
 * that has it unblocked, mostly the first. */
#include "patch/signal/state.h"

#include "kernel/calls.h"
#include "task/signals.h"

struct loop *ramet__signals_home;
bool ramet__vforked;

static uint64_t in_kernel; /* what all have blocked */

uint64_t ramet__kernel_mask(uint64_t mask)
{
	uint64_t before = 0;

	mask |= __atomic_load_n(&ramet__signals_held, __ATOMIC_RELAXED);
	kernel_call(SYS_rt_sigprocmask, SIG_SETMASK, KERNEL_ARG(&mask),
		    KERNEL_ARG(&before), sizeof mask, 0, 0);
	return before;
}

uint64_t ramet__kernel_mask_known(void)
{
	return in_kernel;
}

/* Which of `set` all threads but `except` have blocked. */
static uint64_t blocked_by_all(const struct thread *except, uint64_t set)
{
	for (struct thread *t = ramet__threads; t && set; t = t->next)
		if (t != except && t->life == THREAD_LIVES)
			set &= sigset_bits(&t->mask);
	return set;
}

static void tell_kernel(uint64_t mask)
{
	if (mask == in_kernel && !ramet__interruptions)
		return;   /* during a handler the kernel's is another */
	in_kernel = mask; /* first: a handler may run at once */
	ramet__kernel_mask(mask);
}

void ramet__signal_mask(struct thread *t, uint64_t mask)
{
	uint64_t before = sigset_bits(&t->mask), more;

	mask &= ~NEVER_BLOCKED;
	more = mask & ~before;
	sigset_assign(&t->mask, mask);
	if (more)
		more = blocked_by_all(t, more);
	tell_kernel((in_kernel & ~(before & ~mask)) | more);
	if (signal_is_due(t))
		t->asked = true;
}

void ramet__signal_mask_again(void)
{
	in_kernel = blocked_by_all(NULL, ~NEVER_BLOCKED);
	ramet__kernel_mask(in_kernel);
}

void ramet__signals_start(struct loop *l)
{
	uint64_t mask = 0;

	kernel_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, KERNEL_ARG(&mask),
		    sizeof mask, 0, 0);
	in_kernel = mask;
	for (struct thread *t = ramet__threads; t; t = t->next)
		sigset_assign(&t->mask, mask);
	ramet__signals_home = ramet__threads ? l : NULL;
	l->on_fork = ramet__threads ? ramet__signals_after_fork : NULL;
}

void ramet__signals_begin(const struct thread *t)
{
	if (ramet__signals_home)
		tell_kernel(in_kernel & sigset_bits(&t->mask));
}

void ramet__signals_end(struct thread *t)
{
	if (!ramet__signals_home)
		return;
	ramet__pending_drop_of(t);
	tell_kernel(in_kernel |
		    blocked_by_all(t, ~sigset_bits(&t->mask) & ~NEVER_BLOCKED));
}

void ramet__signals_after_fork(struct loop *l)
{
	struct thread *t = l->current->cold->thread;

	ramet__threads_after_fork(l);
	ramet__vforked = false;
	ramet__pending_drop_all();
	ramet__deliver_after_fork();
	if (!t)
		t = ramet__threads;
	if (t)
		tell_kernel(sigset_bits(&t->mask));
}

/* ---- the program's calls ------------------------------------------------ */

bool ramet__signal_mask_swap(struct thread *t, const sigset_t *mask,
			     sigset_t *old)
{
	if (!t)
		t = signal_thread();
	if (!t) {
		libc.pthread_sigmask(SIG_SETMASK, mask, old);
		return false;
	}
	if (old) {
		sigemptyset(old);
		sigset_assign(old, sigset_bits(&t->mask));
	}
	ramet__signal_mask(t, sigset_bits(mask));
	return signal_is_due(t) || t->handled_fails || t->handled_restarts;
}

static int change(struct thread *t, int how, uint64_t set)
{
	uint64_t mask = sigset_bits(&t->mask);

	if (how == SIG_BLOCK)
		mask |= set;
	else if (how == SIG_UNBLOCK)
		mask &= ~set;
	else if (how == SIG_SETMASK)
		mask = set;
	else
		return EINVAL;
	ramet__signal_mask(t, mask);
	/* At least one that was pending is handled before this returns. */
	if (t->asked && ramet__this_loop->current->cold->thread == t &&
	    signal_is_due(t))
		ramet__signals_run(t);
	return 0;
}

int HOOK(pthread_sigmask)(int how, const sigset_t *set, sigset_t *before)
{
	struct thread *t = signal_thread();
	uint64_t mask, wanted;

	if (!t)
		return libc.pthread_sigmask(how, set, before);
	mask = sigset_bits(&t->mask);
	wanted = set ? sigset_bits(set) : 0; /* may be the same place */
	if (before) {
		sigemptyset(before);
		sigset_assign(before, mask);
	}
	return set ? change(t, how, wanted) : 0;
}

int HOOK(sigprocmask)(int how, const sigset_t *set, sigset_t *before)
{
	int err;

	if (!signal_thread())
		return libc.sigprocmask(how, set, before);
	err = HOOK(pthread_sigmask)(how, set, before);
	return (int)(err ? ramet__fail(-err) : 0);
}

int HOOK(sigpending)(sigset_t *set)
{
	struct thread *t = signal_thread();
	int err = libc.sigpending(set);

	if (t && err == 0)
		sigset_assign(set, (sigset_bits(set) | ramet__pending_bits(t)) &
					   sigset_bits(&t->mask));
	return err;
}
