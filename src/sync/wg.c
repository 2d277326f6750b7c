/* wg.c - wait until a number of things are done.
 *
 * Reaching zero ends every wait there is; adding again right after does not
 * catch those that were woken.
 */
#include "sync/outside.h"
#include "sync/sync.h"

/* See done_outside, which looks. */
static inline void set_count(struct ramet_wg *wg, size_t count)
{
	__atomic_store_n(&wg->count, count, __ATOMIC_RELAXED);
}

static void subtract(struct ramet_wg *wg, size_t n)
{
	set_count(wg, wg->count - n);
	if (!wg->count && wg->waiters.first)
		sync_wake_all(&wg->waiters, 0);
}

/* What is done more often than was added is dropped. */
OUTSIDE_PATH static void take_in(struct ramet_wg *wg)
{
	uint64_t n = outside_take(&wg->outside);

	if (n > wg->count)
		n = wg->count;
	if (n)
		subtract(wg, n);
}

static void deliver(struct loop *l, struct mail *mail)
{
	struct ramet_outside *o = ramet__outside_arrived(mail);

	(void)l;
	take_in(container_of(o, struct ramet_wg, outside));
}

/* The loop is about to use wg: 0 if it may. */
static inline int use(struct loop *l, struct ramet_wg *wg)
{
	if (outside_is_mine(&wg->outside, l))
		return 0;
	return ramet__outside_adopt(&wg->outside, l, &wg->waiters);
}

void ramet_wg_add(struct ramet_wg *wg, size_t n)
{
	struct loop *l = ramet__loop();

	if (unlikely(!l))
		return;
	ramet__point(l);
	if (use(l, wg) < 0)
		return;
	if (outside_pending(&wg->outside))
		take_in(wg); /* nothing of what is added now */
	if (unlikely(n > SIZE_MAX - wg->count)) {
		ramet__misuse(-EOVERFLOW);
		return;
	}
	set_count(wg, wg->count + n);
	ramet__point(l);
}

static int done(struct loop *l, struct ramet_wg *wg)
{
	ramet__point(l);
	if (!wg->count)
		return (int)ramet__misuse(-EINVAL);
	subtract(wg, 1);
	ramet__point(l);
	return 0;
}

/* As long as no loop has used it, nothing was added. */
OUTSIDE_PATH static int done_outside(struct loop *l, struct ramet_wg *wg)
{
	if (l)
		ramet__point(l);
	if (!outside_is_used(&wg->outside) &&
	    !__atomic_load_n(&wg->count, __ATOMIC_RELAXED))
		return l ? (int)ramet__misuse(-EINVAL) : -EINVAL;
	ramet__outside_add(&wg->outside, 1, deliver);
	if (l)
		ramet__point(l);
	return 0;
}

int ramet_wg_done(struct ramet_wg *wg)
{
	struct loop *l = ramet__this_loop;

	return (int)ramet__ret(outside_is_mine(&wg->outside, l)
				       ? done(l, wg)
				       : done_outside(l, wg));
}

static int wait_for(struct loop *l, struct ramet_wg *wg)
{
	int err;

	ramet__point(l);
	err = use(l, wg);
	if (likely(err == 0))
		err = ramet__interrupted(l);
	if (err == 0 && wg->count && outside_pending(&wg->outside))
		take_in(wg);
	if (err == 0 && wg->count)
		err = sync_wait(l, &wg->waiters, WAIT_WG, wg, NULL);
	ramet__point(l);
	return err;
}

int ramet_wg_wait(struct ramet_wg *wg)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? wait_for(l, wg) : -ENOMEM);
}
