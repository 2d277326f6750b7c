/* rmutex.c - a mutex whose owner may lock it again: a count beside a mutex.
 *
 * The count is the owner's: whoever is handed the mutex begins at 1.
 */
#include "sync/sync.h"

static int again(struct ramet_rmutex *m)
{
	if (unlikely(m->depth == SIZE_MAX))
		return -EAGAIN;
	m->depth++;
	return 0;
}

static int lock(struct loop *l, struct ramet_rmutex *m)
{
	int err;

	ramet__point(l);
	err = ramet__interrupted(l);
	if (unlikely(err < 0))
		return err;
	if (m->mutex.owner == l->current)
		return again(m);
	err = ramet__mutex_take(l, &m->mutex);
	if (err == 0)
		m->depth = 1;
	ramet__point(l);
	return err;
}

int ramet_rmutex_lock(struct ramet_rmutex *m)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? lock(l, m) : -ENOMEM);
}

static int trylock(struct loop *l, struct ramet_rmutex *m)
{
	const struct ramet *owner;

	ramet__point(l);
	owner = m->mutex.owner;
	if (owner == l->current)
		return again(m);
	if (owner)
		return owner->loop == l ? -EBUSY : -EPERM;
	m->mutex.owner = l->current;
	m->depth = 1;
	ramet__point(l);
	return 0;
}

int ramet_rmutex_trylock(struct ramet_rmutex *m)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? trylock(l, m) : -ENOMEM);
}

static int unlock(struct loop *l, struct ramet_rmutex *m)
{
	ramet__point(l);
	if (unlikely(m->mutex.owner != l->current))
		return (int)ramet__misuse(-EPERM);
	if (--m->depth == 0)
		ramet__mutex_pass(&m->mutex);
	ramet__point(l);
	return 0;
}

int ramet_rmutex_unlock(struct ramet_rmutex *m)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? unlock(l, m) : -ENOMEM);
}
