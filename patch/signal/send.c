/* send.c - signals to one thread. */
#include "patch/signal/state.h"

#include "kernel/calls.h"

static siginfo_t info_of(int sig, int code)
{
	siginfo_t info = {.si_signo = sig, .si_code = code};

	info.si_pid = (pid_t)kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
	info.si_uid = (uid_t)kernel_call(SYS_getuid, 0, 0, 0, 0, 0, 0);
	return info;
}

static bool is_number(int sig)
{
	return sig >= 0 && sig <= SIGNALS && sig != 32 && sig != 33;
}

/* To stop and to kill is done to the process. */
static bool is_the_kernels(int sig)
{
	return sig == SIGKILL || sig == SIGSTOP;
}

int HOOK(pthread_kill)(pthread_t thread, int sig)
{
	struct thread *t = ramet__signals_home ? thread_of(thread) : NULL;
	siginfo_t info;

	if (!t || ramet__vforked || is_the_kernels(sig))
		return libc.pthread_kill(t ? pthread_self() : thread, sig);
	if (!is_number(sig))
		return EINVAL;
	if (sig == 0 || t->life != THREAD_LIVES)
		return 0;
	info = info_of(sig, SI_TKILL);
	ramet__signal_send(t, sig, &info);
	return 0;
}

int HOOK(pthread_sigqueue)(pthread_t thread, int sig, const union sigval value)
{
	struct thread *t = ramet__signals_home ? thread_of(thread) : NULL;
	siginfo_t info;

	if (!t || ramet__vforked || is_the_kernels(sig))
		return libc.pthread_sigqueue(t ? pthread_self() : thread, sig,
					     value);
	if (!is_number(sig))
		return EINVAL;
	if (sig == 0 || t->life != THREAD_LIVES)
		return 0;
	info = info_of(sig, SI_QUEUE);
	info.si_value = value;
	ramet__signal_send(t, sig, &info);
	return 0;
}

/* Its handler has run when this returns. */
int HOOK(raise)(int sig)
{
	struct thread *t = signal_thread();
	siginfo_t info;

	if (!t || !is_number(sig) || sig == 0 || is_the_kernels(sig))
		return libc.raise(sig);
	info = info_of(sig, SI_TKILL);
	ramet__signal_send(t, sig, &info);
	return 0;
}

int HOOK(gsignal)(int sig)
{
	return HOOK(raise)(sig);
}

/* ---- the stack for handlers --------------------------------------------- */

/* The kernel keeps the runtime's, which is no thread's and so never goes away
 * under a handler; a thread's own is only remembered. */
int HOOK(sigaltstack)(const stack_t *stack, stack_t *before)
{
	struct thread *t = signal_thread();
	stack_t was;

	if (!t)
		return libc.sigaltstack(stack, before);
	was = t->stack.ss_sp ? t->stack : (stack_t){.ss_flags = SS_DISABLE};
	if (stack && stack->ss_flags & ~(SS_DISABLE | SS_ONSTACK))
		return (int)ramet__fail(-EINVAL);
	if (stack && !(stack->ss_flags & SS_DISABLE) &&
	    stack->ss_size < (size_t)MINSIGSTKSZ)
		return (int)ramet__fail(-ENOMEM);
	if (stack)
		t->stack = stack->ss_flags & SS_DISABLE ? (stack_t){0} : *stack;
	t->stack.ss_flags = 0;
	if (before)
		*before = was;
	return 0;
}
