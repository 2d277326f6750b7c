/* act.c - what a thread does at the points where it may be interrupted. */
#include "patch/signal/signal.h"
#include "patch/thread/life.h"

void ramet__thread_ask(struct thread *t)
{
	t->asked = true;
	if (t->ramet)
		ramet__interrupt(t->ramet);
}

void ramet__thread_act(struct thread *t)
{
	t->asked = false;
	ramet__signals_run(t);
	if (thread_must_end(t))
		ramet__thread_exit(ramet__this_loop, PTHREAD_CANCELED);
}

bool ramet__thread_handle(struct loop *l)
{
	struct thread *t = thread_self(l);
	bool fails;

	if (!t)
		return true;
	if (t->asked)
		ramet__thread_act(t);
	fails = t->handled_fails;
	t->handled_fails = t->handled_restarts = false;
	return fails;
}
