/* group.c - a group owns its children: whoever opened it cannot leave before
 * they have ended.
 *
 * Running children are in one list, ended ones that wait for ramet_group_next
 * in another; the latter are linked through group_next alone, in the order of
 * ending.
 */
#include "core/core.h"
#include "ramet/task.h"

enum { CASE_MASK = 7, CANCELLED = 1, CLOSED = 2 };
enum { FOR_NEXT, FOR_ALL }; /* what a waiter waits for */

/* ---- children ----------------------------------------------------------- */

static void add_child(struct ramet_group *g, struct ramet *t)
{
	struct cold *c = t->cold;

	c->group = g;
	c->group_prev = NULL;
	c->group_next = g->children;
	if (g->children)
		g->children->cold->group_prev = t;
	g->children = t;
	g->running++;
}

static void remove_child(struct ramet_group *g, struct ramet *t)
{
	struct cold *c = t->cold;

	if (c->group_prev)
		c->group_prev->cold->group_next = c->group_next;
	else
		g->children = c->group_next;
	if (c->group_next)
		c->group_next->cold->group_prev = c->group_prev;
	g->running--;
}

static void *value_of(const struct ramet *t)
{
	return t->flags & FLAG_KILL ? RAMET_FAILED : t->cold->value;
}

static void wake_for(struct ramet_group *g, int what)
{
	struct ramet_waiter *w = g->waiters.first, *next;

	for (; w; w = next) {
		next = w->next;
		if (w->tag == what && w->ramet->state == STATE_PARKED) {
			waitq_remove(w);
			ramet__wake(w->ramet, 0);
		}
	}
}

/* A child's last act. */
static void on_end(struct ramet *t)
{
	struct ramet_group *g = t->cold->group;
	bool failed = value_of(t) == RAMET_FAILED;
	int policy = g->policy & CASE_MASK;

	remove_child(g, t);
	if (failed)
		g->failed++;
	else
		g->succeeded++;
	if (g->policy & RAMET_ITERATE) {
		t->cold->group_next = NULL;
		*g->ended_end = t;
		g->ended_end = &t->cold->group_next;
		wake_for(g, FOR_NEXT);
	} else {
		t->flags |= FLAG_DETACHED;
	}
	if ((policy == RAMET_FAIL_FAST && failed) ||
	    (policy == RAMET_FIRST && !failed))
		ramet_group_cancel(g);
	if (!g->running)
		wake_for(g, FOR_ALL);
}

/* ---- go ----------------------------------------------------------------- */

static int may_go(struct loop *l, const struct ramet_group *g)
{
	if (!l || (g && !g->owner))
		return -ENOMEM;
	if (!g)
		return 0;
	if (g->owner->loop != l)
		return (int)ramet__misuse(-EPERM);
	return g->cancelled ? -ECANCELED : 0;
}

static struct ramet *go(struct ramet_group *g, void *(*fn)(void *), void *arg,
			const struct ramet_opts *opts, const void *site)
{
	struct loop *l = ramet__loop();
	int err = may_go(l, g);
	struct ramet *t = NULL;

	if (err == 0)
		t = ramet__spawn(l, fn, arg, opts, site, &err);
	if (unlikely(!t)) {
		errno = -err;
		return NULL;
	}
	if (g) {
		add_child(g, t);
		t->cold->on_end = on_end;
	} else {
		t->flags |= FLAG_DETACHED;
	}
	ramet__point(l);
	return t;
}

struct ramet *ramet_go(struct ramet_group *g, void *(*fn)(void *), void *arg)
{
	return go(g, fn, arg, NULL, __builtin_return_address(0));
}

struct ramet *ramet_go_opts(struct ramet_group *g, void *(*fn)(void *),
			    void *arg, const struct ramet_opts *opts)
{
	return go(g, fn, arg, opts, __builtin_return_address(0));
}

/* ---- waiting ------------------------------------------------------------ */

/* Wait for a child to end, or for all to. */
static int wait_for(struct loop *l, struct ramet_group *g, int what)
{
	struct ramet_waiter w = {.ramet = l->current, .tag = what};
	int err;

	waitq_append(&g->waiters, &w);
	err = ramet__park(l, WAIT_GROUP, g);
	waitq_remove(&w);
	return err;
}

static int enter(struct loop *l, const struct ramet_group *g)
{
	if (!l || !g->owner)
		return -ENOMEM;
	if (g->owner->loop != l)
		return (int)ramet__misuse(-EPERM);
	return ramet__interrupted(l);
}

static int wait_all(struct ramet_group *g)
{
	struct loop *l = ramet__loop();
	int err = enter(l, g);

	while (err == 0 && g->running)
		err = wait_for(l, g, FOR_ALL);
	if (err < 0 || !g->failed)
		return err;
	return (g->policy & CASE_MASK) == RAMET_FIRST && g->succeeded ? 0
								      : -ECHILD;
}

int ramet_group_wait(struct ramet_group *g)
{
	return (int)ramet__ret(wait_all(g));
}

/* Take the one that ended first off the list; there must be one. */
static void *take_ended(struct ramet_group *g)
{
	struct ramet *t = g->ended;
	void *value = value_of(t);

	g->ended = t->cold->group_next;
	if (!g->ended)
		g->ended_end = &g->ended;
	ramet__release(t);
	return value;
}

static int next(struct ramet_group *g, void **value)
{
	struct loop *l = ramet__loop();
	int err = enter(l, g);
	void *got;

	if (err == 0 && !(g->policy & RAMET_ITERATE))
		err = (int)ramet__misuse(-EINVAL);
	while (err == 0 && !g->ended && g->running)
		err = wait_for(l, g, FOR_NEXT);
	if (err < 0 || !g->ended)
		return err;
	got = take_ended(g);
	if (value)
		*value = got;
	return 1;
}

int ramet_group_next(struct ramet_group *g, void **value)
{
	return (int)ramet__ret(next(g, value));
}

/* ---- open, cancel, close ------------------------------------------------ */

void ramet_group_open(struct ramet_group *g, int policy)
{
	struct loop *l = ramet__loop();

	*g = (struct ramet_group){.policy = policy,
				  .owner = l ? l->current : NULL};
	g->ended_end = &g->ended;
}

void ramet_group_cancel(struct ramet_group *g)
{
	g->cancelled |= CANCELLED;
	for (struct ramet *t = g->children; t; t = t->cold->group_next)
		ramet_cancel(t);
}

/* A child that kills its own group goes last: that does not return. */
void ramet_group_kill(struct ramet_group *g)
{
	struct ramet *me = ramet_self();
	bool mine = false;

	g->cancelled |= CANCELLED;
	for (struct ramet *t = g->children; t; t = t->cold->group_next)
		if (t == me)
			mine = true;
		else
			ramet_kill(t);
	if (mine)
		ramet_kill(me);
}

/* The children wait for what only the closer could give them, behind a shield.
 * It cannot leave, so their waits have to fail. */
static void break_deadlock(struct ramet_group *g)
{
	for (struct ramet *t = g->children; t; t = t->cold->group_next)
		if (t->state == STATE_PARKED)
			ramet__wake(t, -EDEADLK);
}

/* In a function of ramet_link nobody can wait: let the children, which have
 * been cancelled, end on their own. */
static void leave_behind(struct ramet_group *g)
{
	while (g->children) {
		struct ramet *t = g->children;

		remove_child(g, t);
		t->cold->on_end = NULL;
		t->flags |= FLAG_DETACHED;
	}
}

void ramet_group_close(struct ramet_group *g)
{
	int saved = errno;
	struct ramet_scope shield;
	struct loop *l;

	if (!g->owner || g->cancelled & CLOSED)
		return;
	l = g->owner->loop;
	ramet_group_cancel(g);
	g->cancelled |= CLOSED;
	if (l->current->state != STATE_RUNNING)
		leave_behind(g);
	ramet_shield_open(&shield, RAMET_NEVER);
	while (g->running)
		if (wait_for(l, g, FOR_ALL) == -EDEADLK)
			break_deadlock(g);
	ramet_scope_close(&shield);
	while (g->ended)
		take_ended(g);
	errno = saved;
}
