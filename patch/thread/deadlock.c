/* deadlock.c - nobody can go on: said, and waited for all the same.
 *
 * A pthread program cannot be told by an error, and natively it would hang, so
 * it does.  If it has handlers for signals, one of them may be what everybody
 * waits for: then nothing is said.
 */
#include "patch/thread/life.h"

#include "debug/report.h"

/* What the program has set, not what the kernel knows. */
static bool handles_signals(void)
{
	struct sigaction a;

	for (int sig = 1; sig < NSIG; sig++)
		if (HOOK(sigaction)(sig, NULL, &a) == 0 &&
		    a.sa_handler != SIG_DFL && a.sa_handler != SIG_IGN)
			return true;
	return false;
}

void ramet__thread_deadlock(struct loop *l)
{
	if (!handles_signals())
		ramet__deadlock_report(l);
}
