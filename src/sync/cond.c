/* cond.c - wait with a mutex released, return with it held.
 *
 * Nothing runs between releasing the mutex and waiting, so no signal is lost.
 * Who is woken asks for the mutex like anyone else, but for as long as it
 * takes: neither cancel nor a scope ends that wait.
 */
#include "sync/sync.h"

static int take_back(struct loop *l, struct ramet_mutex *m)
{
	struct ramet_scope shield;
	int err;

	if (likely(!m->owner)) {
		m->owner = l->current;
		return 0;
	}
	ramet_shield_open(&shield, RAMET_NEVER);
	err = ramet__mutex_take(l, m);
	ramet_scope_close(&shield);
	return err;
}

static int wait_for(struct loop *l, struct ramet_cond *c, struct ramet_mutex *m)
{
	int err, lost;

	ramet__point(l);
	if (m->owner != l->current || foreign(&c->waiters, l))
		return (int)ramet__misuse(-EPERM);
	err = ramet__interrupted(l);
	if (err < 0)
		return err;
	if (l->current->state != STATE_RUNNING)
		return -EDEADLK; /* it cannot wait: keep m */
	ramet__mutex_pass(m);
	err = sync_wait(l, &c->waiters, WAIT_COND, c, NULL);
	/* Only a certain deadlock keeps main from having m again. */
	lost = take_back(l, m);
	ramet__point(l);
	return unlikely(lost < 0) ? lost : err;
}

int ramet_cond_wait(struct ramet_cond *c, struct ramet_mutex *m)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? wait_for(l, c, m) : -ENOMEM);
}

size_t ramet_cond_signal(struct ramet_cond *c)
{
	struct loop *l = ramet__loop();
	struct ramet_waiter *w;

	if (unlikely(!l))
		return 0; /* nor does any of its ramets wait */
	ramet__point(l);
	if (foreign(&c->waiters, l)) {
		ramet__misuse(-EPERM);
		return 0;
	}
	w = sync_next(&c->waiters);
	if (w)
		ramet__wake(w->ramet, 0);
	ramet__point(l);
	return w != NULL;
}

size_t ramet_cond_broadcast(struct ramet_cond *c)
{
	struct loop *l = ramet__loop();
	size_t n;

	if (unlikely(!l))
		return 0;
	ramet__point(l);
	if (foreign(&c->waiters, l)) {
		ramet__misuse(-EPERM);
		return 0;
	}
	n = sync_wake_all(&c->waiters, 0);
	ramet__point(l);
	return n;
}
