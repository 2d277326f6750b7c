/* claim.c - who takes a claim holds the object's lock until it has woken the
 * ramet, or posted the wake to another loop; and who waits takes that lock once
 * more before it goes on.  So neither the claim nor the loop can be gone too
 * early.
 */
#include "sync/claim.h"

#include "kernel/calls.h"
#include "sync/lot.h"

enum { OPEN, TAKEN, LEFT };          /* the claim's state */
enum { NO_MAIL, POSTED, DELIVERED }; /* its mail */
enum { SPINS = 100 }; /* then the lock's holder may need our processor */

/* ---- the lock ----------------------------------------------------------- */

void ramet__latch_init(struct latch *s)
{
	s->lock = 0;
	s->forks = ramet__lot_forks;
}

static bool forget(struct latch *s)
{
	s->forks = ramet__lot_forks;
	s->lock = 1;
	return true;
}

bool ramet__latch_lock(struct latch *s)
{
	if (unlikely(s->forks != ramet__lot_forks))
		return forget(s); /* there is one OS thread */
	for (int n = 0; __atomic_exchange_n(&s->lock, 1, __ATOMIC_ACQUIRE);) {
		while (__atomic_load_n(&s->lock, __ATOMIC_RELAXED))
			if (++n >= SPINS)
				kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	}
	return false;
}

void ramet__latch_unlock(struct latch *s)
{
	__atomic_store_n(&s->lock, 0, __ATOMIC_RELEASE);
}

/* ---- places ------------------------------------------------------------- */

void ramet__place_append(struct places *q, struct place *p, struct latch *s)
{
	p->next = NULL;
	p->prev = q->last;
	p->queue = q;
	p->latch = s;
	if (q->last)
		q->last->next = p;
	else
		q->first = p;
	q->last = p;
}

static void take_off(struct place *p)
{
	struct places *q = p->queue;

	if (!q)
		return;
	if (p->prev)
		p->prev->next = p->next;
	else
		q->first = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else
		q->last = p->prev;
	p->queue = NULL;
}

/* A child's object may have forgotten it. */
void ramet__place_leave(struct place *p)
{
	if (!p->latch)
		return;
	if (ramet__latch_lock(p->latch))
		p->queue = NULL;
	take_off(p);
	ramet__latch_unlock(p->latch);
	p->latch = NULL;
}

/* The first, unless a simulation picks. */
static struct place *choose(struct places *q)
{
	struct place *p = q->first;
	uint32_t n = 0, skip;

	if (!p || likely(!kernel_picks()))
		return p;
	for (struct place *c = p; c; c = c->next)
		n++;
	for (skip = kernel_pick(n); skip; skip--)
		p = p->next;
	return p;
}

/* ---- claims ------------------------------------------------------------- */

static void on_mail(struct loop *l, struct mail *mail)
{
	struct claim *c = container_of(mail, struct claim, mail);

	(void)l;
	__atomic_store_n(&c->mailed, DELIVERED, __ATOMIC_RELAXED);
	if (c->ramet->state == STATE_PARKED)
		ramet__wake(c->ramet, 0);
}

void ramet__claim_init(struct loop *l, struct claim *c, struct place *places,
		       size_t count)
{
	c->ramet = l ? l->current : NULL;
	c->state = OPEN;
	c->mailed = NO_MAIL;
	c->mail.deliver = on_mail;
	c->places = places;
	c->count = count;
	for (size_t i = 0; i < count; i++) {
		places[i].claim = c;
		places[i].queue = NULL;
		places[i].latch = NULL;
	}
}

static bool change(struct claim *c, uint32_t state)
{
	uint32_t open = OPEN;

	return __atomic_compare_exchange_n(&c->state, &open, state, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

bool ramet__claim_take(struct claim *c)
{
	return change(c, TAKEN);
}

/* One of this loop that is not parked has been woken otherwise: it is about to
 * leave. */
static bool take_from(struct claim *c)
{
	const struct ramet *t = c->ramet;

	if (t && t->loop == ramet__this_loop && t->state != STATE_PARKED)
		return false;
	return ramet__claim_take(c);
}

struct place *ramet__place_next(struct places *q)
{
	struct place *p;

	do {
		p = choose(q);
		if (p)
			take_off(p);
	} while (p && !take_from(p->claim));
	return p;
}

/* In its own loop it may be ready by now, because its time has come. */
void ramet__claim_wake(struct claim *c)
{
	if (!c->ramet) {
		ramet__lot_wake(&c->state, 1, UINT32_MAX);
	} else if (c->ramet->loop != ramet__this_loop) {
		__atomic_store_n(&c->mailed, POSTED, __ATOMIC_RELAXED);
		ramet__post(c->ramet->loop, &c->mail);
	} else if (c->ramet->state == STATE_PARKED) {
		ramet__wake(c->ramet, 0);
	}
}

/* ---- waiting ------------------------------------------------------------ */

static void enlist(struct loop *l, struct claim *c)
{
	struct claim *first = l->claims;

	c->next = first;
	c->link = (struct claim **)&l->claims;
	if (first)
		first->link = &c->next;
	l->claims = c;
}

static void delist(struct claim *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
}

enum wait ramet__claim_begin(struct claim *c, enum wait inside, enum wait open)
{
	struct loop *l = c->ramet->loop;

	enlist(l, c);
	return ramet__lot_alone(l) && !l->errands ? inside : open;
}

/* Whoever has taken it may still be at its mail, which is written here: its
 * lock says when. */
static void await_mail(struct claim *c, enum wait open, const void *object)
{
	struct loop *l = c->ramet->loop;

	for (size_t i = 0; i < c->count; i++)
		ramet__place_leave(&c->places[i]);
	while (__atomic_load_n(&c->mailed, __ATOMIC_RELAXED) == POSTED)
		ramet__park_firm(l, open, object, RAMET_NEVER);
}

bool ramet__claim_end(struct claim *c, enum wait open, const void *object)
{
	delist(c);
	if (change(c, LEFT))
		return false;
	if (__atomic_load_n(&c->mailed, __ATOMIC_RELAXED) != DELIVERED)
		await_mail(c, open, object);
	return true;
}

static int wait_as_ramet(struct claim *c, enum wait inside, enum wait open,
			 const void *object)
{
	enum wait wait = ramet__claim_begin(c, inside, open);
	int err = ramet__park(c->ramet->loop, wait, object);

	return ramet__claim_end(c, open, object) ? 0 : err;
}

static void wait_as_os_thread(const struct claim *c)
{
	ramet__lot_alone(NULL);
	while (__atomic_load_n(&c->state, __ATOMIC_ACQUIRE) == OPEN)
		ramet__lot_wait(&c->state, OPEN, UINT32_MAX, RAMET_NEVER,
				LOT_FIRM, NULL);
}

int ramet__claim_wait(struct claim *c, enum wait inside, enum wait open,
		      const void *object)
{
	if (c->ramet)
		return wait_as_ramet(c, inside, open, object);
	wait_as_os_thread(c);
	return 0;
}

int ramet__place_wait(struct place *p, enum wait inside, enum wait open,
		      const void *object)
{
	int err = ramet__claim_wait(p->claim, inside, open, object);

	ramet__place_leave(p);
	return err < 0 ? err : p->result;
}

/* ---- ends --------------------------------------------------------------- */

void ramet__claims_leave(struct loop *l)
{
	for (struct claim *c = l->claims; c; c = c->next)
		for (size_t i = 0; i < c->count; i++)
			ramet__place_leave(&c->places[i]);
	l->claims = NULL;
}

void ramet__claims_after_fork(struct loop *l)
{
	l->claims = NULL;
}
