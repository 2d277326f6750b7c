/* claim.c - who takes a claim holds the latch until it has woken the ramet, or
 * posted the wake to another loop; and who waits takes the latch once more
 * before it goes on.  So neither the claim nor the loop is gone too early.
 */
#include "sync/claim.h"

#include "kernel/calls.h"
#include "sync/lot.h"

enum { OPEN, TAKEN, LEFT };          /* the claim's state */
enum { NO_MAIL, POSTED, DELIVERED }; /* its mail */
enum { SPINS = 100 }; /* then the latch's holder may need our processor */

/* ---- the latch ---------------------------------------------------------- */

void ramet__latch_init(struct latch *latch)
{
	latch->lock = 0;
	latch->forks = ramet__lot_forks;
}

static void lock_slowly(struct latch *latch)
{
	int n = 0;

	do
		while (__atomic_load_n(&latch->lock, __ATOMIC_RELAXED))
			if (++n > SPINS)
				kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	while (__atomic_exchange_n(&latch->lock, 1, __ATOMIC_ACQUIRE));
}

bool ramet__latch_lock(struct latch *latch)
{
	if (unlikely(latch->forks != ramet__lot_forks)) {
		latch->forks = ramet__lot_forks;
		latch->lock = 1; /* there is one OS thread */
		return true;
	}
	if (unlikely(__atomic_exchange_n(&latch->lock, 1, __ATOMIC_ACQUIRE)))
		lock_slowly(latch);
	return false;
}

/* ---- places ------------------------------------------------------------- */

void ramet__place_append(struct ramet_waitq *q, struct place *p,
			 struct latch *latch)
{
	p->latch = latch;
	waitq_append(q, &p->waiter);
}

void ramet__place_leave(struct place *p)
{
	if (!p->latch)
		return;
	if (ramet__latch_lock(p->latch))
		p->waiter.queue = NULL; /* forgotten */
	waitq_remove(&p->waiter);
	latch_unlock(p->latch);
	p->latch = NULL;
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
		places[i].latch = NULL;
		places[i].waiter.queue = NULL;
		places[i].waiter.ramet = c->ramet;
		places[i].waiter.claim = c;
		places[i].waiter.tag = WAITER_WAITS;
	}
}

static bool change(struct claim *c, uint32_t state)
{
	uint32_t open = OPEN;

	return __atomic_compare_exchange_n(&c->state, &open, state, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* A ramet of this loop that is not parked has been woken otherwise, and is
 * about to leave. */
bool ramet__claim_take(const struct ramet_waiter *w)
{
	const struct ramet *t = w->ramet;

	if (t && t->loop == ramet__this_loop && t->state != STATE_PARKED)
		return false;
	return change(w->claim, TAKEN);
}

void ramet__claim_wake(struct claim *c)
{
	if (!c->ramet) {
		ramet__lot_wake(&c->state, 1, UINT32_MAX);
	} else if (c->ramet->loop == ramet__this_loop) {
		ramet__wake(c->ramet, 0);
	} else {
		__atomic_store_n(&c->mailed, POSTED, __ATOMIC_RELAXED);
		ramet__post(c->ramet->loop, &c->mail);
	}
}

/* ---- waiting ------------------------------------------------------------ */

static void enlist(struct loop *l, struct claim *c)
{
	c->next = l->claims;
	c->link = &l->claims;
	if (c->next)
		c->next->link = &c->next;
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

/* Once the places are left, whoever has taken it has posted the mail if it is
 * to come by mail: it is in this claim. */
bool ramet__claim_end(struct claim *c, enum wait open, const void *object)
{
	delist(c);
	if (change(c, LEFT))
		return false;
	if (__atomic_load_n(&c->mailed, __ATOMIC_RELAXED) == DELIVERED)
		return true;
	for (size_t i = 0; i < c->count; i++)
		ramet__place_leave(&c->places[i]);
	while (__atomic_load_n(&c->mailed, __ATOMIC_RELAXED) == POSTED)
		ramet__park_firm(c->ramet->loop, open, object, RAMET_NEVER);
	return true;
}

static int wait_as_ramet(struct claim *c, enum wait inside, enum wait open,
			 const void *object)
{
	enum wait wait = ramet__claim_begin(c, inside, open);
	int err = ramet__park(c->ramet->loop, wait, object);

	return ramet__claim_end(c, open, object) ? 0 : err;
}

static int wait_as_os_thread(const struct claim *c)
{
	ramet__lot_alone(NULL);
	while (__atomic_load_n(&c->state, __ATOMIC_ACQUIRE) == OPEN)
		ramet__lot_wait(&c->state, OPEN, UINT32_MAX, RAMET_NEVER,
				LOT_FIRM, NULL);
	return 0;
}

int ramet__place_wait(struct place *p, enum wait inside, enum wait open,
		      const void *object)
{
	struct claim *c = p->waiter.claim;
	int err = c->ramet ? wait_as_ramet(c, inside, open, object)
			   : wait_as_os_thread(c);

	ramet__place_leave(p);
	return err < 0 ? err : p->waiter.result;
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
