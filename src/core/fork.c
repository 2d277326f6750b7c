/* fork.c - the child of a fork has one ramet: the caller.
 *
 * The others' stacks were copied, but what they waited for is the parent's.
 * They end as if they had been killed: a group that waits for one is told, and
 * the caller may still join those whose handles it has.
 *
 * Guests of a host go on, main as well.  Time passes for them as before; who
 * waits for a descriptor looks again (io/fd.c), and other waits for what is
 * outside the loop end with ECANCELED.
 */
#include "core/errand.h"
#include "core/outlet.h"
#include "core/stack.h"
#include "core/valid.h"

static void free_callbacks(struct callback *c)
{
	for (struct callback *next; c; c = next) {
		next = c->next;
		kernel_free(c);
	}
}

static bool goes_on(const struct loop *l, const struct ramet *t)
{
	return l->host && t->flags & FLAG_GUEST && t->state != STATE_ENDED;
}

/* What it had deferred, its values and whom it would have told are not run: as
 * after fork of a process with threads. */
static void end_other(struct ramet *t, void *loop)
{
	struct loop *l = loop;
	struct cold *c = t->cold;

	if (goes_on(l, t) && t != l->current)
		return;
	t->timer.link = NULL;
	if (t == l->current)
		return;
	c->joiner = NULL; /* the caller joins nobody now */
	if (t->state == STATE_ENDED)
		return;
	free_callbacks(c->defers);
	free_callbacks(c->links);
	kernel_free(c->locals);
	c->defers = c->links = NULL;
	c->links_end = &c->links;
	c->locals = NULL;
	c->local_count = 0;
	t->state = STATE_ENDED;
	t->wait = WAIT_NONE;
	t->flags |= FLAG_CANCEL | FLAG_KILL | FLAG_STARTED;
	c->ended = ++l->ended;
}

/* Only when all have ended: a group may cancel its other children. */
static void tell_owner(struct ramet *t, void *loop)
{
	struct loop *l = loop;
	struct cold *c = t->cold;

	if (t == l->current || !c->on_end || c->thread || goes_on(l, t))
		return;
	c->on_end(t);
	c->on_end = NULL;
}

/* The caller may hold a group's ended child, or one that it can join. */
static void reclaim(struct ramet *t, void *loop)
{
	struct loop *l = loop;

	if (t == l->current || t == &l->main || goes_on(l, t))
		return;
	if (t->cold->thread || t->flags & FLAG_DETACHED)
		ramet__release(t);
}

/* After all timers have been forgotten. */
static void go_on(struct ramet *t, void *loop)
{
	struct loop *l = loop;

	if (!goes_on(l, t) || t == l->current)
		return;
	if (timer_armed(&t->timer)) {
		t->timer.link = NULL;
		if (t->state == STATE_PARKED && t->until != RAMET_NEVER)
			ramet__timer_arm(&l->timers, &t->timer, t->until);
	}
	if (t->state == STATE_PARKED && t->wait >= WAIT_OUTSIDE) {
		l->outside++;
		if (!(t->flags & FLAG_SHIELD))
			ramet__wake(t, -ECANCELED);
	}
}

/* `t` and those behind it were ready. */
static void queue_again(struct loop *l, struct ramet *t)
{
	for (struct ramet *next; t; t = next) {
		next = t->next;
		if (t->state == STATE_READY && goes_on(l, t))
			ramet__ready(l, t);
	}
}

/* Whoever would have joined the caller is gone. */
static void orphan(struct loop *l, struct ramet *me)
{
	struct cold *c = me->cold;

	c->joiner = NULL;
	if (me == &l->main || goes_on(l, &l->main))
		return;
	l->stats.live--; /* main */
	if (c->thread)
		return;
	c->on_end = NULL;
	me->flags |= FLAG_DETACHED;
}

void ramet__core_after_fork(struct loop *l)
{
	struct ramet *me = l->current, *ready = l->ready;

	l->ready = NULL;
	l->ready_end = &l->ready;
	__atomic_store_n(&l->inbox, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&l->sleeping, 0, __ATOMIC_RELAXED);
	l->outside = l->tools_outside = 0;
	l->reachable = false;
	l->forked = true;
	l->errands = 0;
	l->left = me;
	l->zombie = NULL; /* one that had ended, detached: reclaimed below */
	if (l->poller)
		ramet__kernel->abandon(l->poller);
	l->poller = NULL;
	ramet__outlet_abandon(l);
	ramet__each(l, end_other, l);
	ramet__timers_init(&l->timers, l->now);
	queue_again(l, ready);
	ramet__each(l, go_on, l);
	ramet__each(l, tell_owner, l);
	ramet__each(l, reclaim, l);
	orphan(l, me);
	check(ramet__loop_changed(l));
}
