/* link.c - links and monitors: who is told when an actor's ramet ends.
 *
 * Each of two actors that are tied has a tie that names the other.  A tie has
 * in advance the messages that it may have to send: when something ends, memory
 * may be what has run out.  If the other has another home, what changes is told
 * by mail, and the tie itself is that mail.
 */
#include "sync/lot.h"
#include "task/actor/actor.h"

#include <string.h>

enum kind {
	LINK,    /* both have one */
	WATCHER, /* the other is told of our ends */
	WATCHED, /* and has this */
};

struct tie {
	struct tie *next, **link;
	struct ramet_actor *owner; /* kept if the tie is mail */
	struct ramet_actor *other; /* kept */
	struct tie *twin;          /* the other's, if that is at home here */
	enum kind kind;
	/* What the other is told: now, and when we have ended for good. */
	struct message *notice, *final;
	struct mail mail;
};

/* ---- ties --------------------------------------------------------------- */

static struct message *new_notice(void)
{
	struct message *m = kernel_alloc(sizeof *m + sizeof(struct ramet_exit));

	if (m)
		m->size = sizeof(struct ramet_exit);
	return m;
}

static void free_tie(struct tie *tie)
{
	kernel_free(tie->notice);
	kernel_free(tie->final);
	kernel_free(tie);
}

static struct tie *new_tie(struct ramet_actor *owner, struct ramet_actor *other,
			   enum kind kind)
{
	struct tie *tie = kernel_alloc(sizeof *tie);

	if (!tie)
		return NULL;
	tie->owner = owner;
	tie->other = other;
	tie->kind = kind;
	if (kind != WATCHED)
		tie->notice = new_notice();
	if (kind == WATCHER)
		tie->final = new_notice();
	if ((kind != WATCHED && !tie->notice) ||
	    (kind == WATCHER && !tie->final)) {
		free_tie(tie);
		return NULL;
	}
	return tie;
}

static void add(struct tie *tie)
{
	struct ramet_actor *a = tie->owner;

	ramet_actor_keep(tie->other);
	tie->next = a->ties;
	if (tie->next)
		tie->next->link = &tie->next;
	tie->link = &a->ties;
	a->ties = tie;
}

static void take_off(struct tie *tie)
{
	*tie->link = tie->next;
	if (tie->next)
		tie->next->link = tie->link;
	if (tie->twin)
		tie->twin->twin = NULL;
	tie->twin = NULL;
}

static void drop(struct tie *tie)
{
	struct ramet_actor *other = tie->other;

	take_off(tie);
	free_tie(tie);
	ramet_actor_release(other);
}

static struct tie *find(const struct ramet_actor *a,
			const struct ramet_actor *other, enum kind kind)
{
	struct tie *tie = a->ties;

	while (tie && (tie->other != other || tie->kind != kind))
		tie = tie->next;
	return tie;
}

/* The same with both at home: as long as it takes to look through the shorter
 * list. */
static struct tie *find_between(const struct ramet_actor *a, enum kind kind,
				const struct ramet_actor *b, enum kind kind_b)
{
	struct tie *x = a->ties, *y = b->ties;

	for (; x && y; x = x->next, y = y->next) {
		if (x->other == b && x->kind == kind)
			return x;
		if (y->other == a && y->kind == kind_b)
			return y->twin;
	}
	return NULL;
}

/* ---- telling ------------------------------------------------------------ */

static void fill(struct message *m, struct ramet_actor *from, uint64_t tag,
		 bool restarts)
{
	const struct ramet_exit content = {from, from->status, restarts};

	m->tag = tag;
	memcpy(m->bytes, &content, sizeof content);
}

/* At home of both.  Takes the message over. */
static void tell(struct loop *l, struct ramet_actor *to,
		 struct ramet_actor *from, struct message *m)
{
	if (to->gone) {
		ramet__message_free(l, m);
		return;
	}
	if (at_home(l, from)) {
		m->sender = from;
		from->borrowed++;
	} else {
		m->sender = ramet_actor_keep(from);
		m->flags |= SENDER_FAR;
	}
	ramet__enqueue(to, m);
}

/* A link of `to` has crashed. */
static void crash(struct loop *l, struct ramet_actor *to,
		  struct ramet_actor *from, struct message *m)
{
	if (to->traps_exits) {
		tell(l, to, from, m);
		return;
	}
	ramet__message_free(l, m);
	if (!to->gone)
		ramet__actor_kill(l, to, RAMET_WAS_LINKED);
}

/* ---- elsewhere ---------------------------------------------------------- */

static struct ramet_exit content_of(const struct message *m)
{
	struct ramet_exit content;

	memcpy(&content, m->bytes, sizeof content);
	return content;
}

/* What was sent before the other undid the tie comes to nothing. */
static void on_notice(struct loop *l, struct mail *mail)
{
	struct message *m = container_of(mail, struct message, mail);
	struct ramet_exit content = content_of(m);
	struct ramet_actor *to = m->to, *from = content.actor;
	bool crashed = m->tag == RAMET_TAG_EXIT;
	struct tie *tie = find(to, from, crashed ? LINK : WATCHED);

	m->to = NULL;
	if (!tie)
		ramet__message_free(l, m);
	else if (crashed)
		crash(l, to, from, m);
	else
		tell(l, to, from, m);
	if (tie && (crashed || !content.restarts))
		drop(tie);
	ramet_actor_release(from);
	ramet_actor_release(to);
}

static void post_notice(struct loop *l, struct ramet_actor *to,
			struct ramet_actor *from, struct message *m)
{
	m->to = ramet_actor_keep(to);
	ramet_actor_keep(from);
	m->mail.deliver = on_notice;
	if (to->forks == ramet__lot_forks &&
	    ramet__outlet_post(to->home, &m->mail))
		return;
	m->to = NULL;
	ramet__message_free(l, m);
	ramet_actor_release(from);
	ramet_actor_release(to);
}

/* Mail that is a tie: its owner is whose home it goes to.  Returns false, and
 * frees it, if there is none. */
static bool post_tie(struct tie *tie,
		     void (*deliver)(struct loop *, struct mail *))
{
	ramet_actor_keep(tie->owner);
	ramet_actor_keep(tie->other);
	tie->mail.deliver = deliver;
	if (tie->owner->forks == ramet__lot_forks &&
	    ramet__outlet_post(tie->owner->home, &tie->mail))
		return true;
	ramet_actor_release(tie->owner);
	ramet_actor_release(tie->other);
	free_tie(tie);
	return false;
}

static void on_untie(struct loop *l, struct mail *mail)
{
	struct tie *request = container_of(mail, struct tie, mail);
	struct ramet_actor *owner = request->owner, *other = request->other;
	struct tie *tie = find(owner, other, request->kind);

	(void)l;
	if (tie)
		drop(tie);
	free_tie(request);
	ramet_actor_release(owner);
	ramet_actor_release(other);
}

static enum kind opposite(enum kind kind)
{
	return kind == LINK ? LINK : kind == WATCHER ? WATCHED : WATCHER;
}

/* Undo a tie on both sides. */
static void untie(struct loop *l, struct tie *tie)
{
	struct ramet_actor *owner = tie->owner, *other = tie->other;

	if (at_home(l, other)) {
		if (tie->twin)
			drop(tie->twin);
		drop(tie);
		return;
	}
	take_off(tie);
	tie->owner = other;
	tie->other = owner;
	tie->kind = opposite(tie->kind);
	post_tie(tie, on_untie);
	ramet_actor_release(other);
}

/* ---- ends --------------------------------------------------------------- */

static void end_link(struct loop *l, struct ramet_actor *a, struct tie *tie,
		     bool restarts)
{
	struct ramet_actor *other = ramet_actor_keep(tie->other);
	struct message *m = tie->notice;

	if (a->status == 0) {
		untie(l, tie);
	} else {
		tie->notice = NULL;
		fill(m, a, RAMET_TAG_EXIT, restarts);
		if (at_home(l, other)) {
			untie(l, tie);
			crash(l, other, a, m);
		} else {
			drop(tie);
			post_notice(l, other, a, m);
		}
	}
	ramet_actor_release(other);
}

/* A ramet that could not even be started has not ended: but who watches is told
 * of the end for good. */
static void tell_watcher(struct loop *l, struct ramet_actor *a, struct tie *tie,
			 bool restarts)
{
	struct ramet_actor *other = ramet_actor_keep(tie->other);
	struct message *m = restarts ? tie->notice : tie->final;
	bool here = at_home(l, other);

	if (restarts)
		tie->notice = NULL;
	else
		tie->final = NULL;
	if (!restarts && here)
		untie(l, tie);
	else if (!restarts)
		drop(tie);
	if (m) {
		fill(m, a, RAMET_TAG_DOWN, restarts);
		if (here)
			tell(l, other, a, m);
		else
			post_notice(l, other, a, m);
	}
	ramet_actor_release(other);
}

/* In the order in which they were made, which is not that of the list. */
static struct tie *reverse(struct ramet_actor *a)
{
	struct tie *reversed = NULL, *tie, *next;

	for (tie = a->ties; tie; tie = next) {
		next = tie->next;
		tie->next = reversed;
		if (reversed)
			reversed->link = &tie->next;
		reversed = tie;
	}
	a->ties = reversed;
	if (reversed)
		reversed->link = &a->ties;
	return reversed;
}

void ramet__ties_end(struct loop *l, struct ramet_actor *a, bool restarts)
{
	struct tie *tie, *next;

	for (tie = reverse(a); tie; tie = next) {
		next = tie->next;
		if (tie->kind == LINK)
			end_link(l, a, tie, restarts);
		else if (tie->kind == WATCHER)
			tell_watcher(l, a, tie, restarts);
		else if (!restarts)
			untie(l, tie);
	}
	reverse(a);
}

int ramet__ties_refill(struct ramet_actor *a)
{
	for (struct tie *tie = a->ties; tie; tie = tie->next)
		if (tie->kind == WATCHER && !tie->notice) {
			tie->notice = new_notice();
			if (!tie->notice)
				return -ENOMEM;
		}
	return 0;
}

/* ---- making ties -------------------------------------------------------- */

static void on_tie(struct loop *l, struct mail *mail)
{
	struct tie *tie = container_of(mail, struct tie, mail);
	struct ramet_actor *owner = tie->owner, *other = tie->other;
	bool links = tie->kind == LINK;
	struct message *m = links ? tie->notice : tie->final;

	if (!owner->gone && !find(owner, other, tie->kind)) {
		add(tie);
		tie = NULL;
	} else if (owner->gone) {
		fill(m, owner, links ? RAMET_TAG_EXIT : RAMET_TAG_DOWN, false);
		post_notice(l, other, owner, m);
		if (links)
			tie->notice = NULL;
		else
			tie->final = NULL;
	}
	if (tie)
		free_tie(tie);
	ramet_actor_release(owner);
	ramet_actor_release(other);
}

/* It has ended for good before. */
static int find_gone(struct loop *l, struct ramet_actor *me,
		     struct ramet_actor *a, enum kind kind)
{
	struct message *m = new_notice();

	if (!m)
		return -ENOMEM;
	fill(m, a, kind == LINK ? RAMET_TAG_EXIT : RAMET_TAG_DOWN, false);
	if (kind == LINK)
		crash(l, me, a, m);
	else
		tell(l, me, a, m);
	return 0;
}

static int tie_together(struct loop *l, struct ramet_actor *me,
			struct ramet_actor *a, enum kind kind)
{
	struct tie *mine = new_tie(me, a, kind);
	struct tie *its = mine ? new_tie(a, me, opposite(kind)) : NULL;

	if (!its) {
		if (mine)
			free_tie(mine);
		return -ENOMEM;
	}
	add(mine);
	if (at_home(l, a)) {
		mine->twin = its;
		its->twin = mine;
		add(its);
	} else if (!post_tie(its, on_tie)) {
		drop(mine);
		return find_gone(l, me, a, kind);
	}
	return 0;
}

/* Returns 1 if there is something to do. */
static int may_tie(struct loop *l, const struct ramet_actor *me,
		   const struct ramet_actor *a)
{
	if (!is_me(l, me))
		return ramet__not_me(l);
	ramet__point(l);
	return a != me;
}

static int tie_to(struct ramet_actor *me, struct ramet_actor *a, enum kind kind)
{
	struct loop *l = ramet__this_loop;
	int err = may_tie(l, me, a);
	bool tied;

	if (err <= 0)
		return err;
	if (is_gone(a) || a->forks != ramet__lot_forks)
		return find_gone(l, me, a, kind);
	tied = at_home(l, a) ? find_between(me, kind, a, opposite(kind))
			     : find(me, a, kind);
	return tied ? 0 : tie_together(l, me, a, kind);
}

static int untie_from(struct ramet_actor *me, struct ramet_actor *a,
		      enum kind kind)
{
	struct loop *l = ramet__this_loop;
	int err = may_tie(l, me, a);
	struct tie *tie;

	if (err <= 0)
		return err;
	if (at_home(l, a))
		tie = find_between(me, kind, a, opposite(kind));
	else
		tie = find(me, a, kind);
	if (tie)
		untie(l, tie);
	return 0;
}

int ramet_actor_link(struct ramet_actor *me, struct ramet_actor *a)
{
	return (int)ramet__ret(tie_to(me, a, LINK));
}

int ramet_actor_unlink(struct ramet_actor *me, struct ramet_actor *a)
{
	return (int)ramet__ret(untie_from(me, a, LINK));
}

int ramet_actor_monitor(struct ramet_actor *me, struct ramet_actor *a)
{
	return (int)ramet__ret(tie_to(me, a, WATCHED));
}

int ramet_actor_demonitor(struct ramet_actor *me, struct ramet_actor *a)
{
	return (int)ramet__ret(untie_from(me, a, WATCHED));
}
