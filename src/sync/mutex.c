/* mutex.c - a mutex that is handed over.
 *
 * Unlocking makes the first waiter the owner before it runs, so nobody can
 * overtake it, and unlocking and locking again in a loop starves nobody.  A
 * simulation may leave the mutex free instead, for whoever comes first: only
 * `owner` says who holds it.
 */
#include "sync/sync.h"

int ramet__mutex_take(struct loop *l, struct ramet_mutex *m)
{
	struct ramet *me = l->current;
	int err = 0;

	if (unlikely(m->owner == me))
		return (int)ramet__misuse(-EDEADLK);
	while (m->owner && err == 0) {
		if (unlikely(m->owner->loop != l))
			return (int)ramet__misuse(-EPERM);
		err = ramet__owned_wait(l, WAIT_MUTEX, m);
		if (unlikely(err < 0))
			return err;
		err = sync_wait(l, &m->waiters, WAIT_MUTEX, m, NULL);
		if (err < 0 || likely(m->owner == me))
			return err;
		/* Overtaken.  A mutex left free is taken even so: the others
		 * count on whom the unlock woke. */
		err = m->owner ? ramet__interrupted(l) : 0;
	}
	if (err == 0)
		m->owner = me;
	return err;
}

void ramet__mutex_pass(struct ramet_mutex *m)
{
	struct ramet_waiter *w = sync_next(&m->waiters);

	m->owner = w && !kernel_pick(2) ? w->ramet : NULL;
	if (w)
		ramet__wake(w->ramet, 0);
}

static int lock(struct loop *l, struct ramet_mutex *m)
{
	int err;

	ramet__point(l);
	err = ramet__interrupted(l);
	if (unlikely(err < 0))
		return err;
	if (likely(!m->owner))
		m->owner = l->current;
	else
		err = ramet__mutex_take(l, m);
	ramet__point(l);
	return err;
}

int ramet_mutex_lock(struct ramet_mutex *m)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? lock(l, m) : -ENOMEM);
}

static int trylock(struct loop *l, struct ramet_mutex *m)
{
	ramet__point(l);
	if (m->owner)
		return m->owner->loop == l ? -EBUSY : -EPERM;
	m->owner = l->current;
	ramet__point(l);
	return 0;
}

int ramet_mutex_trylock(struct ramet_mutex *m)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? trylock(l, m) : -ENOMEM);
}

static int unlock(struct loop *l, struct ramet_mutex *m)
{
	ramet__point(l);
	if (unlikely(m->owner != l->current))
		return (int)ramet__misuse(-EPERM);
	if (likely(!m->waiters.first))
		m->owner = NULL;
	else
		ramet__mutex_pass(m);
	ramet__point(l);
	return 0;
}

int ramet_mutex_unlock(struct ramet_mutex *m)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? unlock(l, m) : -ENOMEM);
}
