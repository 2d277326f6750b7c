/* rwlock.c - many readers or one writer, in the order of asking.
 *
 * Who waits is handed the lock before it runs.  While the first that waits
 * cannot have the lock, nobody else gets it: so no writer is overtaken, and
 * readers that stand together get it together.  Whoever releases the lock, or
 * leaves the queue, lets in those who may now.
 */
#include "sync/sync.h"

/* What a waiter's item says. */
static bool writes(const struct ramet_waiter *w)
{
	return w->item != NULL;
}

/* Hand the lock to those in front who can have it. */
static void let_in(struct ramet_rwlock *rw)
{
	struct ramet_waiter *w;

	while (!rw->writer && (w = sync_first(&rw->waiters)) &&
	       !(writes(w) && rw->readers)) {
		waitq_remove(w);
		if (writes(w))
			rw->writer = w->ramet;
		else
			rw->readers++;
		ramet__wake(w->ramet, 0);
	}
}

/* Take the lock if the caller may have it now: 0, -EBUSY, -EDEADLK, -EPERM. */
static int take(struct loop *l, struct ramet_rwlock *rw, bool write)
{
	if (unlikely(foreign(&rw->waiters, l) ||
		     (rw->writer && rw->writer->loop != l)))
		return -EPERM;
	if (unlikely(rw->writer == l->current))
		return -EDEADLK;
	if (unlikely(rw->waiters.first != NULL))
		let_in(rw); /* one in front may be about to leave */
	if (rw->writer || rw->waiters.first || (write && rw->readers))
		return -EBUSY;
	if (write)
		rw->writer = l->current;
	else
		rw->readers++;
	return 0;
}

/* ---- locking ------------------------------------------------------------ */

static int wait_for(struct loop *l, struct ramet_rwlock *rw, bool write)
{
	enum wait wait = write ? WAIT_WRLOCK : WAIT_RDLOCK;
	int err = ramet__owned_wait(l, wait, rw);

	if (unlikely(err < 0))
		return err;
	err = sync_wait(l, &rw->waiters, wait, rw, write ? rw : NULL);
	if (err < 0)
		let_in(rw); /* those who stood behind the caller */
	return err;
}

static int lock(struct loop *l, struct ramet_rwlock *rw, bool write)
{
	int err;

	ramet__point(l);
	err = ramet__interrupted(l);
	if (unlikely(err < 0))
		return err;
	err = take(l, rw, write);
	if (err == -EBUSY)
		err = wait_for(l, rw, write);
	else if (unlikely(err < 0))
		return (int)ramet__misuse(err);
	ramet__point(l);
	return err;
}

int ramet_rwlock_rdlock(struct ramet_rwlock *rw)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? lock(l, rw, false) : -ENOMEM);
}

int ramet_rwlock_wrlock(struct ramet_rwlock *rw)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? lock(l, rw, true) : -ENOMEM);
}

static int trylock(struct loop *l, struct ramet_rwlock *rw, bool write)
{
	int err;

	ramet__point(l);
	err = take(l, rw, write);
	if (err == 0)
		ramet__point(l);
	return err == -EDEADLK ? -EBUSY : err;
}

int ramet_rwlock_tryrdlock(struct ramet_rwlock *rw)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? trylock(l, rw, false) : -ENOMEM);
}

int ramet_rwlock_trywrlock(struct ramet_rwlock *rw)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? trylock(l, rw, true) : -ENOMEM);
}

/* ---- unlocking ---------------------------------------------------------- */

static int unlock(struct loop *l, struct ramet_rwlock *rw)
{
	ramet__point(l);
	if (rw->writer == l->current)
		rw->writer = NULL;
	else if (likely(!rw->writer && rw->readers))
		rw->readers--;
	else
		return (int)ramet__misuse(-EPERM);
	let_in(rw);
	ramet__point(l);
	return 0;
}

int ramet_rwlock_unlock(struct ramet_rwlock *rw)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? unlock(l, rw) : -ENOMEM);
}
