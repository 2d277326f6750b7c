/* wg.c - wait until a number of things are done.
 *
 * Reaching zero ends every wait there is; adding again right after does not
 * catch those that were woken.
 */
#include "sync/sync.h"

void ramet_wg_add(struct ramet_wg *wg, size_t n)
{
	struct loop *l = ramet__loop();

	if (likely(l))
		ramet__point(l);
	if (unlikely(foreign(&wg->waiters, l) || n > SIZE_MAX - wg->count)) {
		ramet__misuse(n > SIZE_MAX - wg->count ? -EOVERFLOW : -EPERM);
		return;
	}
	wg->count += n;
	if (likely(l))
		ramet__point(l);
}

static int done(struct loop *l, struct ramet_wg *wg)
{
	ramet__point(l);
	if (foreign(&wg->waiters, l))
		return (int)ramet__misuse(-EPERM);
	if (!wg->count)
		return (int)ramet__misuse(-EINVAL);
	if (--wg->count == 0)
		sync_wake_all(&wg->waiters, 0);
	ramet__point(l);
	return 0;
}

int ramet_wg_done(struct ramet_wg *wg)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? done(l, wg) : -ENOMEM);
}

static int wait_for(struct loop *l, struct ramet_wg *wg)
{
	int err;

	ramet__point(l);
	if (foreign(&wg->waiters, l))
		return (int)ramet__misuse(-EPERM);
	err = ramet__interrupted(l);
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
