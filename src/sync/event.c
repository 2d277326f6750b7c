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
	if (e->waiters.first)
		sync_wake_all(&e->waiters, 0);
}

OUTSIDE_PATH static void take_in(struct ramet_event *e)
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

OUTSIDE_PATH static void set_outside(struct ramet_event *e)
{
	ramet__outside_or(&e->outside, 1, deliver);
}

void ramet_event_set(struct ramet_event *e)
{
	struct loop *l = ramet__this_loop;

	if (likely(l))
		ramet__point(l);
	if (outside_is_mine(&e->outside, l))
		set(e);
	else
		set_outside(e);
	if (likely(l))
		ramet__point(l);
}

/* The loop is about to use e: 0 if it may. */
static inline int use(struct loop *l, struct ramet_event *e)
{
	if (outside_is_mine(&e->outside, l))
		return 0;
	return ramet__outside_adopt(&e->outside, l, &e->waiters);
}

/* Whether e is on, or was set from outside. */
static inline bool is_on(struct ramet_event *e)
{
	if (!e->on && outside_pending(&e->outside))
		take_in(e);
	return e->on;
}

int ramet__event_use(struct loop *l, struct ramet_event *e)
{
	int err = use(l, e);

	return err < 0 ? err : is_on(e);
}

/* What was set before is set before it is cleared. */
void ramet_event_clear(struct ramet_event *e)
{
	struct loop *l = ramet__loop();

	if (unlikely(!l))
		return;
	ramet__point(l);
	if (use(l, e) == 0) {
		if (outside_pending(&e->outside))
			take_in(e);
		turn(e, 0);
	}
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
	err = use(l, e);
	if (likely(err == 0))
		err = ramet__interrupted(l);
	if (err == 0 && !is_on(e))
		err = sync_wait(l, &e->waiters, WAIT_EVENT, e, NULL);
	ramet__point(l);
	return err;
}

int ramet_event_wait(struct ramet_event *e)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? wait_for(l, e) : -ENOMEM);
}
