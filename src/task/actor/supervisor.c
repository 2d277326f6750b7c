/* supervisor.c - an actor that starts others, and starts them again.
 *
 * It handles one thing after the other: the end of a child, or a request.  What
 * happens meanwhile queues.  Its children are told what to do by orders, which
 * work in any loop, and come back when their ramet has ended.
 */
#include "task/actor/supervisor.h"

#include "sync/lot.h"
#include "task/actor/children.h"
#include "task/actor/request.h"

struct supervisor {
	uint32_t users; /* atomic: the actor, and each care */
	struct ramet_actor *me;
	const struct ramet_supervisor *spec;
	struct children children;
	struct restarts restarts;
	struct care *ended, **ended_end; /* and not yet dealt with */
	bool waits;
	bool closed; /* children that come back are forgotten */
};

void (*ramet__on_give_up)(const struct give_up *g);

/* ---- children that have ended ------------------------------------------- */

static void release(struct supervisor *s)
{
	if (__atomic_sub_fetch(&s->users, 1, __ATOMIC_ACQ_REL))
		return;
	ramet_actor_release(s->me);
	kernel_free(s->children.place);
	kernel_free(s->restarts.times);
	kernel_free(s);
}

static void free_care(struct care *c)
{
	struct supervisor *s = c->supervisor;

	ramet_actor_release(c->child);
	kernel_free(c);
	release(s);
}

static void queue(struct supervisor *s, struct care *c)
{
	c->next = NULL;
	c->link = s->ended_end;
	*c->link = c;
	s->ended_end = &c->next;
}

static void unqueue(struct supervisor *s, struct care *c)
{
	if (!c->link)
		return;
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	else
		s->ended_end = c->link;
	c->link = NULL;
}

static void wake(struct supervisor *s)
{
	if (!s->waits || s->me->ramet->state != STATE_PARKED)
		return;
	s->waits = false;
	ramet__wake(s->me->ramet, 0);
}

void ramet__supervisor_wake(struct ramet_actor *a)
{
	if (a->supervising)
		wake(a->supervising);
}

/* The child is back with its supervisor, at whose home this is. */
static void come_back(struct loop *l, struct care *c)
{
	struct supervisor *s = c->supervisor;

	c->runs = false;
	if (s->closed) {
		ramet__order(l, c->child, ORDER_FORGET);
		free_care(c);
		return;
	}
	queue(s, c);
	wake(s);
}

static void on_ended(struct loop *l, struct mail *mail)
{
	come_back(l, container_of(mail, struct care, mail));
}

/* False: the supervisor's home has ended, and left the care to the child's. */
static bool send_back(struct loop *l, struct care *c)
{
	struct ramet_actor *me = c->supervisor->me;

	if (at_home(l, me)) {
		come_back(l, c);
		return true;
	}
	c->mail.deliver = on_ended;
	if (me->forks == ramet__lot_forks &&
	    ramet__outlet_post(me->home, &c->mail))
		return true;
	c->child->care = NULL;
	free_care(c);
	return false;
}

bool ramet__child_ended(struct loop *l, struct ramet_actor *child)
{
	return send_back(l, child->care);
}

void ramet__child_lost(struct loop *l, struct ramet_actor *child)
{
	struct care *c = child->care;

	child->care = NULL;
	c->lost = true;
	send_back(l, c);
}

/* ---- starting and ending children --------------------------------------- */

static struct care *new_care(struct supervisor *s,
			     const struct ramet_child *spec)
{
	struct care *c = kernel_alloc(sizeof *c);

	if (!c)
		return NULL;
	c->supervisor = s;
	c->kind = spec->kind;
	c->shutdown = spec->shutdown;
	__atomic_add_fetch(&s->users, 1, __ATOMIC_RELAXED);
	return c;
}

/* Returns 0 or -errno; then there is no such child. */
static int add_child(struct loop *l, struct supervisor *s,
		     const struct ramet_child *spec, const void *site,
		     struct care **added)
{
	struct care *c = new_care(s, spec);
	int err = c ? ramet__children_add(&s->children, c) : -ENOMEM;

	if (err < 0)
		goto free_care;
	c->child = ramet__actor_new(l, spec->fn, spec->arg, &spec->opts, c,
				    site, &err);
	if (!c->child)
		goto remove;
	__atomic_store_n(&c->child->place, c->at, __ATOMIC_RELAXED);
	c->runs = true;
	*added = c;
	return 0;

remove:
	ramet__children_remove(&s->children, c);
free_care:
	if (c)
		free_care(c);
	return err;
}

/* It has ended for good. */
static void forget(struct loop *l, struct supervisor *s, struct care *c)
{
	unqueue(s, c);
	ramet__children_remove(&s->children, c);
	ramet__order(l, c->child, ORDER_FORGET);
	free_care(c);
}

static void start_again(struct loop *l, struct care *c)
{
	c->runs = true;
	ramet__order(l, c->child, ORDER_START);
}

static int64_t limit_of(const struct care *c)
{
	bool limited = c->shutdown > 0 && c->shutdown != RAMET_NEVER;

	return limited ? time_add(kernel_now(), c->shutdown) : RAMET_NEVER;
}

/* Have it end, as its spec says, and wait for that.  Behind a shield. */
static void end_child(struct loop *l, struct supervisor *s, struct care *c)
{
	int64_t when = limit_of(c);
	int err;

	if (c->runs)
		ramet__order(l, c->child,
			     c->shutdown ? ORDER_STOP : ORDER_KILL);
	while (c->runs) {
		s->waits = true;
		err = ramet__actor_park(l, "for the end of", c->child, when);
		s->waits = false;
		if (err == -ETIMEDOUT && c->runs) {
			ramet__order(l, c->child, ORDER_KILL);
			when = RAMET_NEVER;
		}
	}
}

/* ---- strategies --------------------------------------------------------- */

/* Whether one that ended by itself is to be started again. */
static bool comes_again(const struct care *c)
{
	const struct ramet_actor *child = c->child;

	if (c->lost || c->kind == RAMET_TEMPORARY)
		return false;
	return c->kind == RAMET_PERMANENT ||
	       (child->status != 0 && !child->stopped);
}

/* End a sibling, to be started again with the one that crashed. */
static void end_sibling(struct loop *l, struct supervisor *s, struct care *c)
{
	bool ended = !c->runs;

	end_child(l, s, c);
	unqueue(s, c);
	if (c->lost || c->kind == RAMET_TEMPORARY || (ended && !comes_again(c)))
		forget(l, s, c);
	else
		ramet__order(l, c->child, ORDER_TOLD);
}

/* End all from that place on, the last first, and start them in order. */
static void start_anew(struct loop *l, struct supervisor *s, size_t from,
		       const struct care *crashed)
{
	struct care *c;

	for (size_t i = s->children.end; i-- > from;) {
		c = i < s->children.end ? s->children.place[i] : NULL;
		if (c && c != crashed)
			end_sibling(l, s, c);
	}
	for (size_t i = from; i < s->children.end; i++)
		if ((c = s->children.place[i]))
			start_again(l, c);
}

static bool too_often(struct supervisor *s, const struct care *c)
{
	const struct ramet_supervisor *spec = s->spec;
	const struct give_up g = {s->me, c->child, spec->restarts,
				  spec->within};

	if (!ramet__restarts_count(&s->restarts, kernel_now(), spec->restarts,
				   spec->within))
		return false;
	if (ramet__on_give_up)
		ramet__on_give_up(&g);
	return true;
}

/* Deal with the child that ended first.  Returns 0 or RAMET_GAVE_UP. */
static int mind(struct loop *l, struct supervisor *s)
{
	struct care *c = s->ended;

	if (!comes_again(c)) {
		forget(l, s, c);
		return 0;
	}
	if (too_often(s, c))
		return RAMET_GAVE_UP;
	unqueue(s, c);
	ramet__order(l, c->child, ORDER_TOLD);
	if (s->spec->strategy == RAMET_ONE_FOR_ALL)
		start_anew(l, s, 0, c);
	else if (s->spec->strategy == RAMET_REST_FOR_ONE)
		start_anew(l, s, c->at, c);
	else
		start_again(l, c);
	ramet__spend(l);
	return 0;
}

/* ---- requests ----------------------------------------------------------- */

static long add_one(struct loop *l, struct supervisor *s, struct request *r)
{
	struct care *c;
	int err = add_child(l, s, &r->spec, r->site, &c);

	if (err == 0)
		r->actor = ramet_actor_keep(c->child);
	return err;
}

static long remove_one(struct loop *l, struct supervisor *s, struct request *r)
{
	struct care *c = ramet__children_find(&s->children, r->actor);

	if (!c)
		return -ESRCH;
	end_child(l, s, c);
	forget(l, s, c);
	return 0;
}

static long look_up(struct supervisor *s, struct request *r)
{
	const struct care *c = ramet__children_at(&s->children, r->index);

	if (!c)
		return -ESRCH;
	r->actor = ramet_actor_keep(c->child);
	return 0;
}

static void serve(struct loop *l, struct supervisor *s)
{
	struct request *r = ramet__request_take(s->me);

	switch (r->what) {
	case REQUEST_ADD:
		ramet__request_end(r, add_one(l, s, r));
		break;
	case REQUEST_REMOVE:
		ramet__request_end(r, remove_one(l, s, r));
		break;
	case REQUEST_CHILD:
		ramet__request_end(r, look_up(s, r));
		break;
	}
	ramet__spend(l);
}

/* ---- the supervisor's life ---------------------------------------------- */

static int start_all(struct loop *l, struct supervisor *s, const void *site)
{
	struct care *c;
	int err = 0;

	for (size_t i = 0; i < s->spec->count && err == 0; i++)
		err = add_child(l, s, &s->spec->children[i], site, &c);
	return -err;
}

static int work(struct loop *l, struct supervisor *s)
{
	struct ramet_scope shield;
	int err = 0;

	while (err == 0 && ramet__interrupted(l) == 0) {
		if (!s->ended && !s->me->requests) {
			s->waits = true;
			ramet__actor_park(l, "for the children of", s->me,
					  RAMET_NEVER);
			s->waits = false;
			continue;
		}
		ramet_shield_open(&shield, RAMET_NEVER);
		if (s->ended)
			err = mind(l, s);
		else
			serve(l, s);
		ramet_scope_close(&shield);
	}
	return err;
}

static void end_all(struct loop *l, struct supervisor *s)
{
	struct ramet_scope shield;

	ramet_shield_open(&shield, RAMET_NEVER);
	for (size_t i = s->children.end; i-- > 0;) {
		struct care *c =
			i < s->children.end ? s->children.place[i] : NULL;

		if (!c)
			continue;
		end_child(l, s, c);
		forget(l, s, c);
	}
	ramet_scope_close(&shield);
}

int ramet_supervise(struct ramet_actor *me, void *supervisor)
{
	struct loop *l = ramet__this_loop;
	struct supervisor *s;
	int err;

	if (!is_me(l, me) || me->supervising)
		return -ramet__not_me(l);
	s = kernel_alloc(sizeof *s);
	if (!s)
		return ENOMEM;
	s->users = 1;
	s->me = ramet_actor_keep(me);
	s->spec = supervisor;
	s->ended_end = &s->ended;
	me->supervising = s;
	me->supervises = true;
	err = start_all(l, s, __builtin_return_address(0));
	if (err == 0)
		err = work(l, s);
	end_all(l, s);
	s->closed = true;
	me->supervising = NULL;
	ramet__requests_refuse(me, -ECONNRESET);
	release(s);
	return err;
}

/* Nobody is left who could wait for them. */
void ramet__supervisor_abandon(struct loop *l, struct ramet_actor *a)
{
	struct supervisor *s = a->supervising;

	ramet__requests_refuse(a, -ECONNRESET);
	if (!s)
		return;
	a->supervising = NULL;
	s->closed = true;
	for (size_t i = s->children.end; i-- > 0;) {
		struct care *c = s->children.place[i];

		if (c && !c->runs) {
			ramet__order(l, c->child, ORDER_FORGET);
			free_care(c);
		} else if (c && !(l->actors->ending && at_home(l, c->child))) {
			ramet__order(l, c->child, ORDER_KILL);
		}
	}
	s->children.end = 0;
	release(s);
}
