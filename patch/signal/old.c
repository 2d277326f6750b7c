/* old.c - BSD's and System V's ways to block signals, which shells still use. */
#include "patch/signal/state.h"

/* BSD's masks are an int: the first 32 signals. */
static int change_mask(int how, uint64_t bits)
{
	sigset_t set, before;

	sigemptyset(&set);
	sigset_assign(&set, bits);
	if (HOOK(sigprocmask)(how, &set, &before) < 0)
		return -1;
	return (int)(uint32_t)sigset_bits(&before);
}

int HOOK(sigblock)(int mask)
{
	return change_mask(SIG_BLOCK, (uint32_t)mask);
}

int HOOK(sigsetmask)(int mask)
{
	return change_mask(SIG_SETMASK, (uint32_t)mask);
}

int HOOK(siggetmask)(void)
{
	return change_mask(SIG_BLOCK, 0);
}

static int change_one(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	if (sigaddset(&set, sig) < 0)
		return -1;
	return HOOK(sigprocmask)(how, &set, NULL);
}

int HOOK(sighold)(int sig)
{
	return change_one(SIG_BLOCK, sig);
}

int HOOK(sigrelse)(int sig)
{
	return change_one(SIG_UNBLOCK, sig);
}

int HOOK(sigignore)(int sig)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	return HOOK(sigaction)(sig, &ignore, NULL);
}
