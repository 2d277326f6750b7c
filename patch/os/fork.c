/* fork.c - new processes.  What the runtime does in the child is in src/start.c
 * and src/core/fork.c. */
#include "patch/os/mask.h"
#include "patch/signal/state.h"

#include "io/number.h"
#include "kernel/calls.h"

/* Handlers of pthread_atfork may park, in libc's lock: one at a time. */
static bool forking;
static struct ramet_waitq turns;

static void enter(struct loop *l)
{
	struct ramet_waiter w = {.ramet = l->current};

	while (forking) {
		waitq_append(&turns, &w);
		ramet__park_firm(l, WAIT_EVENT, &turns, RAMET_NEVER);
		waitq_remove(&w);
	}
	forking = true;
}

static void leave(pid_t pid)
{
	struct ramet_waiter *w;

	forking = false;
	if (pid == 0) {
		turns = (struct ramet_waitq){0}; /* those are the parent's */
		return;
	}
	w = waitq_take(&turns);
	if (w && w->ramet->state == STATE_PARKED)
		ramet__wake(w->ramet, 0);
}

pid_t HOOK(fork)(void)
{
	struct loop *l = hook_loop(RAMET_OS);
	pid_t pid;

	if (!l)
		return libc.fork();
	enter(l);
	pid = libc.fork();
	leave(pid);
	return pid;
}

/* libc runs no handlers, so ours must be called. */
pid_t HOOK(_Fork)(void)
{
	pid_t pid = libc._Fork();

	if (pid == 0 && ramet__this_loop) {
		ramet__after_fork(ramet__this_loop);
		leave(0);
	}
	return pid;
}

/* ---- vfork -------------------------------------------------------------- */

/* The child runs in our memory while we stand still: it must not touch what the
 * runtime knows, and will only set up descriptors and exec. */
static uint32_t hooks_before;
static bool closes_before;

RAMET_API long ramet__vfork_returns(long pid);

__attribute__((used)) long ramet__vfork_returns(long pid)
{
	struct loop *l = ramet__this_loop;

	if (pid == 0 && l) {
		os_mask_own();
		hooks_before = l->hooks;
		closes_before = ramet__closes_seen;
		l->hooks = 0;
		ramet__closes_seen = false;
		ramet__vforked = true;
	} else if (ramet__vforked) {
		l->hooks = hooks_before;
		ramet__closes_seen = closes_before;
		ramet__vforked = false;
	}
	return ramet__ret(pid);
}

/* The return address waits in a register: the child's calls overwrite the stack
 * below the caller's frame. */
__attribute__((naked)) pid_t HOOK(vfork)(void)
{
	__asm__("pop %%rdi\n\t"
		"mov %0, %%eax\n\t"
		"syscall\n\t"
		"push %%rdi\n\t"
		"sub $8, %%rsp\n\t"
		"mov %%rax, %%rdi\n\t"
		"call ramet__vfork_returns\n\t"
		"add $8, %%rsp\n\t"
		"ret"
		:
		: "i"(SYS_vfork));
}
