/* cond.c - wait with a mutex released, return with it held.
 *
 * Nothing runs between releasing the mutex and waiting, so no signal is lost.
 * Who is woken asks for the mutex like anyone else, but for as long as it
 * takes: neither cancel nor a scope ends that wait.
 */
#include "sync/outside.h"
#include "sync/sync.h"

/* In the count: signals are below it. */
#define BROADCAST (UINT64_C(1) << 63)

static size_t signal_one(struct ramet_cond *c)
{
	struct ramet_waiter *w = sync_next(&c->waiters);

	if (w)
		ramet__wake(w->ramet, 0);
	return w != NULL;
}

/* Returns whether there was something. */
OUTSIDE_PATH static bool take_in(struct ramet_cond *c)
{
	uint64_t n = outside_take(&c->outside);
	bool any = n;

	if (n & BROADCAST)
		sync_wake_all(&c->waiters, 0);
	else
		while (n && signal_one(c))
			n--;
	return any;
}

static void deliver(struct loop *l, struct mail *mail)
{
	struct ramet_outside *o = ramet__outside_arrived(mail);

	(void)l;
	take_in(container_of(o, struct ramet_cond, outside));
}

/* ---- waiting ------------------------------------------------------------ */

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

enum { SIGNALLED = 1 };

/* 0 if the caller may wait.  What was signalled while no loop had used c may
 * have come after the caller has looked at what it waits for. */
static int use(struct loop *l, struct ramet_cond *c)
{
	int err;

	if (outside_is_mine(&c->outside, l))
		return 0;
	err = ramet__outside_adopt(&c->outside, l, &c->waiters);
	if (err == 0 && take_in(c))
		return SIGNALLED;
	return err;
}

static int wait_for(struct loop *l, struct ramet_cond *c, struct ramet_mutex *m)
{
	int err, lost, used;

	ramet__point(l);
	if (m->owner != l->current)
		return (int)ramet__misuse(-EPERM);
	used = use(l, c);
	err = used < 0 ? used : ramet__interrupted(l);
	if (err < 0 || used == SIGNALLED)
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

/* ---- signalling --------------------------------------------------------- */

size_t ramet_cond_signal(struct ramet_cond *c)
{
	struct loop *l = ramet__this_loop;
	size_t n = 0;

	if (likely(l))
		ramet__point(l);
	if (outside_is_mine(&c->outside, l))
		n = signal_one(c);
	else
		ramet__outside_add(&c->outside, 1, deliver);
	if (likely(l))
		ramet__point(l);
	return n;
}

size_t ramet_cond_broadcast(struct ramet_cond *c)
{
	struct loop *l = ramet__this_loop;
	size_t n = 0;

	if (likely(l))
		ramet__point(l);
	if (outside_is_mine(&c->outside, l))
		n = sync_wake_all(&c->waiters, 0);
	else
		ramet__outside_or(&c->outside, BROADCAST, deliver);
	if (likely(l))
		ramet__point(l);
	return n;
}
