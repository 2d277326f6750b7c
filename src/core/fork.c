/* fork.c - the child of a fork has one ramet: the caller.
 *
 * The others' stacks were copied, but what they waited for is the parent's.
 * They end as if they had been killed: a group that waits for one is told, and
 * the caller may still join those whose handles it has.
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

/* What it had deferred, its values and whom it would have told are not run: as
 * after fork of a process with threads. */
static void end_other(struct ramet *t, void *loop)
{
	struct loop *l = loop;
	struct cold *c = t->cold;

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

	if (t == l->current || !c->on_end || c->thread)
		return;
	c->on_end(t);
	c->on_end = NULL;
}

/* The caller may hold a group's ended child, or one that it can join. */
static void reclaim(struct ramet *t, void *loop)
{
	struct loop *l = loop;

	if (t == l->current || t == &l->main)
		return;
	if (t->cold->thread || t->flags & FLAG_DETACHED)
		ramet__release(t);
}

/* Whoever would have joined the caller is gone. */
static void orphan(struct loop *l, struct ramet *me)
{
	struct cold *c = me->cold;

	c->joiner = NULL;
	if (me == &l->main)
		return;
	l->stats.live--; /* main */
	if (c->thread)
		return;
	c->on_end = NULL;
	me->flags |= FLAG_DETACHED;
}

void ramet__core_after_fork(struct loop *l)
{
	struct ramet *me = l->current;

	l->ready = NULL;
	l->ready_end = &l->ready;
	__atomic_store_n(&l->inbox, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&l->sleeping, 0, __ATOMIC_RELAXED);
	l->outside = 0;
	l->reachable = false;
	l->errands = 0;
	l->left = me;
	l->zombie = NULL; /* one that had ended, detached: reclaimed below */
	if (l->poller)
		ramet__kernel->abandon(l->poller);
	l->poller = NULL;
	ramet__outlet_abandon(l);
	ramet__each(l, end_other, l);
	ramet__timers_init(&l->timers, l->now);
	ramet__each(l, tell_owner, l);
	ramet__each(l, reclaim, l);
	orphan(l, me);
	check(ramet__loop_changed(l));
}
