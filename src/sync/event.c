/* event.c - a switch that ramets wait for.
 *
 * Setting ends every wait there is, for good: one that was woken does not look
 * again, so setting and clearing at once lets exactly those through.
 */
#include "sync/event.h"

/* From any OS thread others may look at it. */
static inline void turn(struct ramet_event *e, int on)
{
	__atomic_store_n(&e->on, on, __ATOMIC_RELAXED);
}

static void set(struct ramet_event *e)
{
	turn(e, 1);
	sync_wake_all(&e->waiters, 0);
}

static void take_in(struct ramet_event *e)
{
	if (outside_take(&e->outside))
		set(e);
}

static void deliver(struct loop *l, struct mail *mail)
{
	struct ramet_outside *o = ramet__outside_arrived(mail);

	(void)l;
	take_in(container_of(o, struct ramet_event, outside));
}

void ramet_event_set(struct ramet_event *e)
{
	struct loop *l = ramet__this_loop;

	if (likely(l))
		ramet__point(l);
	if (outside_is_mine(&e->outside, l))
		set(e);
	else
		ramet__outside_or(&e->outside, 1, deliver);
	if (likely(l))
		ramet__point(l);
}

int ramet__event_use(struct loop *l, struct ramet_event *e)
{
	int err = 0;

	if (!outside_is_mine(&e->outside, l))
		err = ramet__outside_adopt(&e->outside, l, &e->waiters);
	if (err == 0 && outside_pending(&e->outside))
		take_in(e);
	return err;
}

/* What was set before is set before it is cleared. */
void ramet_event_clear(struct ramet_event *e)
{
	struct loop *l = ramet__loop();

	if (unlikely(!l))
		return;
	ramet__point(l);
	if (ramet__event_use(l, e) == 0)
		turn(e, 0);
	ramet__point(l);
}

int ramet_event_is_set(const struct ramet_event *e)
{
	struct loop *l = ramet__this_loop;

	if (likely(l))
		ramet__point(l);
	return __atomic_load_n(&e->on, __ATOMIC_RELAXED) ||
	       outside_pending(&e->outside);
}

static int wait_for(struct loop *l, struct ramet_event *e)
{
	int err;

	ramet__point(l);
	err = ramet__event_use(l, e);
	if (err == 0)
		err = ramet__interrupted(l);
	if (err == 0 && !e->on)
		err = sync_wait(l, &e->waiters, WAIT_EVENT, e, NULL);
	ramet__point(l);
	return err;
}

int ramet_event_wait(struct ramet_event *e)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? wait_for(l, e) : -ENOMEM);
}
