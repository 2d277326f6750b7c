/* lane.c - so many look-ups at a time, first come, first served.
 *
 * A name server that does not answer holds a helper for half a minute; a
 * thousand ramets that ask it must not hold all of them. */
#include "task/lane.h"

enum { AT_ONCE = 16 };

struct lane {
	int busy;
	struct ramet_waitq turns;
};

static struct lane *lane_of(struct loop *l)
{
	if (!l->lane)
		l->lane = kernel_alloc(sizeof(struct lane));
	return l->lane;
}

/* Whoever is woken takes the turn: it may not run before others ask. */
static void end_turn(struct lane *lane)
{
	struct ramet_waiter *w = waitq_take(&lane->turns);

	if (w && w->ramet->state == STATE_PARKED)
		ramet__wake(w->ramet, 0);
	else
		lane->busy--;
}

static int take_turn(struct loop *l, struct lane *lane)
{
	struct ramet_waiter w = {.ramet = l->current};
	int err = ramet__interrupted(l);

	if (err < 0)
		return err;
	if (lane->busy < AT_ONCE) {
		lane->busy++;
		return 0;
	}
	waitq_append(&lane->turns, &w);
	err = ramet__park(l, WAIT_OFFLOAD, NULL);
	waitq_remove(&w);
	return err;
}

static void run(struct errand *e)
{
	struct lane_call *c = container_of(e, struct lane_call, errand);

	c->run(c);
}

/* It is nobody's errand, so this is called whenever it is back. */
static void come_back(struct loop *l, struct errand *e)
{
	struct lane_call *c = container_of(e, struct lane_call, errand);
	struct ramet_waiter *w;

	if (l)
		end_turn(l->lane);
	if (!l || c->left) {
		c->free(c);
		return;
	}
	c->back = true;
	w = waitq_take(&c->waiter);
	if (w && w->ramet->state == STATE_PARKED)
		ramet__wake(w->ramet, 0);
}

int ramet__lane_send(struct loop *l, struct lane_call *c)
{
	struct lane *lane = lane_of(l);
	int err = lane ? take_turn(l, lane) : -ENOMEM;

	if (err < 0)
		return err;
	c->errand.run = run;
	c->errand.drop = come_back;
	err = ramet__errand_send(l, &c->errand);
	if (err < 0)
		end_turn(lane);
	else
		c->errand.owner = NULL;
	return err;
}

int ramet__lane_wait(struct loop *l, struct lane_call *c)
{
	struct ramet_waiter w = {.ramet = l->current};
	int err = c->back ? 0 : ramet__interrupted(l);

	if (err < 0 || c->back)
		return err;
	waitq_append(&c->waiter, &w);
	err = ramet__park(l, WAIT_OFFLOAD, NULL);
	waitq_remove(&w);
	return c->back ? 0 : err;
}

void ramet__lane_wait_firm(struct loop *l, struct lane_call *c)
{
	struct ramet_waiter w = {.ramet = l->current};

	while (!c->back) {
		waitq_append(&c->waiter, &w);
		ramet__park_firm(l, WAIT_OFFLOAD, NULL, RAMET_NEVER);
		waitq_remove(&w);
	}
}

void ramet__lane_leave(struct lane_call *c)
{
	if (c->back)
		c->free(c);
	else
		c->left = true;
}

void ramet__lane_after_fork(struct loop *l)
{
	kernel_free(l->lane);
	l->lane = NULL;
}
