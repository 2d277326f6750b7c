/* hub_timer.c - what the hub calls at a time: a binary heap, earliest first. */
#include "hub.h"

enum { TIMER_GRAIN = 1000 * 1000 /* ns */ };

static void put(struct hub *h, size_t place, struct hub_timer *timer)
{
	h->timers[place] = timer;
	timer->place = place;
}

static void rise(struct hub *h, size_t i)
{
	struct hub_timer *timer = h->timers[i];

	for (; i > 1 && h->timers[i / 2]->when > timer->when; i /= 2)
		put(h, i, h->timers[i / 2]);
	put(h, i, timer);
}

static void sink(struct hub *h, size_t i)
{
	struct hub_timer *timer = h->timers[i];

	for (size_t child = 2 * i; child <= h->timer_count; child = 2 * i) {
		if (child < h->timer_count &&
		    h->timers[child + 1]->when < h->timers[child]->when)
			child++;
		if (h->timers[child]->when >= timer->when)
			break;
		put(h, i, h->timers[child]);
		i = child;
	}
	put(h, i, timer);
}

static int make_room(struct hub *h)
{
	size_t room = h->timer_room ? 2 * h->timer_room : 64;
	struct hub_timer **more;

	if (h->timer_count + 1 < h->timer_room)
		return 0;
	more = PyMem_Realloc(h->timers, room * sizeof *more);
	if (!more) {
		PyErr_NoMemory();
		return -1;
	}
	h->timers = more;
	h->timer_room = room;
	return 0;
}

static void publish(struct thread *t, const struct hub *h)
{
	int64_t due = h->timer_count ? h->timers[1]->when : RAMET_NEVER;

	if (due != t->hub_due)
		__atomic_store_n(&t->hub_due, due, __ATOMIC_RELAXED);
}

int hub_timer_start(struct thread *t, struct hub_timer *timer, int64_t when)
{
	struct greenlet *hub = hub_get(t);
	struct hub *h = t->hub_state;

	if (!hub || make_room(h) < 0)
		return -1;
	hub_timer_stop(t, timer);
	timer->when = when;
	h->timer_refs += !timer->unref;
	put(h, ++h->timer_count, timer);
	rise(h, timer->place);
	publish(t, h);
	if (timer->place == 1)
		ramet_host_wake(hub->ramet); /* it waits for a later one */
	return 0;
}

void hub_timer_stop(struct thread *t, struct hub_timer *timer)
{
	struct hub *h = t->hub_state;
	size_t place = timer->place;
	struct hub_timer *last;

	if (!place)
		return;
	timer->place = 0;
	if (!h) /* the thread has ended */
		return;
	h->timer_refs -= !timer->unref;
	last = h->timers[h->timer_count--];
	if (last != timer) {
		put(h, place, last);
		rise(h, place);
		sink(h, last->place);
	}
	publish(t, h);
}

/* Those of one moment.  If the hub is late, others that slept until a time
 * between two of them are to run between. */
void hub_run_timers(struct thread *t, struct hub *h)
{
	size_t most = h->timer_count; /* some may be started again at once */
	int64_t now, moment;

	if (!most)
		return;
	now = ramet_now();
	moment = h->timers[1]->when + TIMER_GRAIN;
	if (moment > now)
		moment = now;
	while (most-- && h->timer_count && h->timers[1]->when <= moment) {
		struct hub_timer *timer = h->timers[1];

		hub_timer_stop(t, timer);
		timer->fn(timer);
	}
}
