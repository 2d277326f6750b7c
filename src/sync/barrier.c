/* barrier.c - rounds of ramets that wait for each other.
 *
 * `arrived` is the length of the queue.  One whose wait has ended otherwise
 * leaves the queue when it runs, or when it is looked for and found not to wait
 * any more, whichever is first.
 */
#include "sync/sync.h"

void ramet_barrier_init(struct ramet_barrier *b, size_t count)
{
	*b = (struct ramet_barrier){.count = count};
}

static void leave(struct ramet_barrier *b, struct ramet_waiter *w)
{
	if (!w->queue)
		return;
	waitq_remove(w);
	b->arrived--;
}

/* Have those leave who do not wait any more. */
static void recount(struct ramet_barrier *b)
{
	struct ramet_waiter *next;

	for (struct ramet_waiter *w = b->waiters.first; w; w = next) {
		next = w->next;
		if (w->ramet->state != STATE_PARKED)
			leave(b, w);
	}
}

/* The caller is the last of the round. */
static void open_for_all(struct ramet_barrier *b)
{
	b->arrived = 0;
	sync_wake_all(&b->waiters, 0);
}

static int arrive(struct loop *l, struct ramet_barrier *b)
{
	struct ramet_waiter w = {.ramet = l->current};
	int err;

	b->arrived++;
	waitq_append(&b->waiters, &w);
	err = ramet__park(l, WAIT_BARRIER, b);
	leave(b, &w);
	return err;
}

static int wait_for(struct loop *l, struct ramet_barrier *b)
{
	int r;

	ramet__point(l);
	if (unlikely(!b->count || foreign(&b->waiters, l)))
		return (int)ramet__misuse(b->count ? -EPERM : -EINVAL);
	r = ramet__interrupted(l);
	if (unlikely(r < 0))
		return r;
	if (b->arrived + 1 >= b->count)
		recount(b);
	if (b->arrived + 1 >= b->count) {
		open_for_all(b);
		ramet__spend(l);
		r = 1;
	} else {
		r = arrive(l, b);
	}
	ramet__point(l);
	return r;
}

int ramet_barrier_wait(struct ramet_barrier *b)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? wait_for(l, b) : -ENOMEM);
}
