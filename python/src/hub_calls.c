/* hub_calls.c - what is to be called in the hub, by its own thread and by
 * others. */
#include "hub.h"
#include "thread.h"

void hub_run_calls(struct hub *h)
{
	struct hub_call *call;

	if (!h->now) { /* else a hub has ended amid them */
		h->now = h->calls;
		h->calls = NULL;
		h->calls_end = &h->calls;
	}
	while ((call = h->now)) {
		h->now = call->next;
		call->queued = false;
		call->fn(call);
	}
}

/* A hub that has been destroyed leaves its successor the calls. */
void hub_take_in(struct thread *t, struct hub_call *call)
{
	struct hub *h = t->hub_state;

	call->queued = true;
	call->next = NULL;
	*h->calls_end = call;
	h->calls_end = &call->next;
	if (t->hub)
		ramet_host_wake(t->hub->ramet);
}

/* What another OS thread sends. */
struct post {
	struct ramet_host_call call;
	struct hub_call *what;
	struct thread *thread; /* used */
};

/* In the loop of the thread, which may be in foreign code without the GIL, or
 * have ended. */
static void on_post(struct ramet_host_call *call)
{
	struct post *p = (struct post *)call;
	struct thread *t = p->thread;
	bool taken;

	if (t->closed)
		return;
	taken = thread_take_gil(t);
	hub_take_in(t, p->what);
	thread_put(t);
	PyMem_RawFree(p);
	thread_give_gil(taken);
}

static int post(struct thread *t, struct hub_call *call)
{
	struct post *p;

	if (t->closed) {
		PyErr_SetString(exc_invalid_thread_use,
				"the OS thread of that has ended");
		return -1;
	}
	p = PyMem_RawCalloc(1, sizeof *p);
	if (!p) {
		PyErr_NoMemory();
		return -1;
	}
	p->call.fn = on_post;
	p->what = call;
	p->thread = t;
	t->users++;
	call->queued = true;
	ramet_host_post(t->main->ramet, &p->call);
	return 0;
}

int hub_call(struct thread *t, struct hub_call *call)
{
	if (call->queued)
		return 0;
	if (t != this_thread)
		return post(t, call);
	if (!hub_get(t))
		return -1;
	hub_take_in(t, call);
	return 0;
}

static bool take_out(struct hub_call **link, struct hub_call *call)
{
	while (*link && *link != call)
		link = &(*link)->next;
	if (!*link)
		return false;
	*link = call->next;
	call->queued = false;
	return true;
}

void hub_uncall(struct thread *t, struct hub_call *call)
{
	struct hub *h = t->hub_state;

	if (!call->queued || !h || take_out(&h->now, call) ||
	    !take_out(&h->calls, call))
		return; /* it may be on its way from another thread */
	h->calls_end = &h->calls;
	while (*h->calls_end)
		h->calls_end = &(*h->calls_end)->next;
}
