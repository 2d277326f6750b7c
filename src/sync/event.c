/* event.c - a switch that ramets wait for.
 *
 * Setting ends every wait there is, for good: one that was woken does not look
 * again, so setting and clearing at once lets exactly those through.
 */
#include "sync/sync.h"

void ramet_event_set(struct ramet_event *e)
{
	struct loop *l = ramet__loop();

	if (likely(l))
		ramet__point(l);
	if (unlikely(foreign(&e->waiters, l))) {
		ramet__misuse(-EPERM);
		return;
	}
	e->on = 1;
	sync_wake_all(&e->waiters, 0);
	if (likely(l))
		ramet__point(l);
}

void ramet_event_clear(struct ramet_event *e)
{
	struct loop *l = ramet__loop();

	if (likely(l))
		ramet__point(l);
	e->on = 0;
	if (likely(l))
		ramet__point(l);
}

int ramet_event_is_set(const struct ramet_event *e)
{
	struct loop *l = ramet__loop();

	if (likely(l))
		ramet__point(l);
	return e->on != 0;
}

static int wait_for(struct loop *l, struct ramet_event *e)
{
	int err;

	ramet__point(l);
	if (foreign(&e->waiters, l))
		return (int)ramet__misuse(-EPERM);
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
