/* lane.c - look-ups take turns: a name server that does not answer holds a
 * helper for half a minute, and a thousand ramets that ask it must not hold all
 * of them.  The turns are the helper pool's. */
#include "task/lane.h"

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
	int err = ramet__interrupted(l);

	if (err < 0)
		return err;
	c->errand.run = run;
	c->errand.drop = come_back;
	c->errand.lane = LANE_NAMES;
	err = ramet__errand_send(l, &c->errand);
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

bool ramet__lane_recall(struct loop *l, struct lane_call *c)
{
	return !c->back && ramet__errand_recall(l, &c->errand);
}

void ramet__lane_leave(struct loop *l, struct lane_call *c)
{
	if (c->back || ramet__lane_recall(l, c))
		c->free(c);
	else
		c->left = true;
}
