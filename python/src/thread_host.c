/* thread_host.c - what the library asks of the interpreter: the GIL while the
 * loop sleeps, who may park, and what becomes of a deadlock. */
#include "hub.h"
#include "thread.h"

#include <errno.h>

enum { ASK_AGAIN_NS = 20 * 1000 * 1000 };

static void on_sleep(void)
{
	struct thread *t = this_thread;

	t->gave_gil = pystate_holds_gil(t->ts);
	if (t->gave_gil)
		PyEval_SaveThread();
}

/* Python runs handlers of signals in the main greenlet: whatever that waits for
 * says EINTR. */
static void on_wake(int interrupted)
{
	struct thread *t = this_thread;

	if (t->gave_gil)
		PyEval_RestoreThread(t->ts);
	if (interrupted)
		ramet_host_end(t->main->ramet, EINTR);
}

/* Who calls a patched function with the GIL relies on it; other threads' calls
 * are none of ours.  A debugger that waits in a trace function for its user has
 * stopped the thread. */
static int may_park(void)
{
	const PyThreadState *ts = this_thread->ts;

	return !pystate_holds_gil(ts) && !pystate_is_tracing(ts);
}

/* Other threads of Python may wake us yet. */
static bool is_alone(const struct thread *t)
{
	PyThreadState *ts = PyInterpreterState_ThreadHead(t->ts->interp);
	int n = 0;

	for (; ts; ts = PyThreadState_Next(ts))
		n++;
	return n <= 1 + thread_idle_workers;
}

static int is_stuck(void)
{
	return hub_is_stuck(this_thread);
}

/* Who waits for the end of the loop does not care about other threads. */
static int64_t on_deadlock(void)
{
	struct thread *t = this_thread;
	bool taken = thread_take_gil(t);

	if (t->mails == 0 &&
	    ((t->hub_state && t->hub_state->joined) || is_alone(t)))
		ramet_host_end(t->main->ramet, EDEADLK);
	thread_give_gil(taken);
	return ASK_AGAIN_NS;
}

const struct ramet_host thread_host = {
	thread_on_switch,  on_sleep,
	on_wake,           may_park,
	is_stuck,          on_deadlock,
	greenlet_describe, greenlet_describe_spawn,
};
