/* sem.c - a counting semaphore.
 *
 * What is posted while somebody waits is handed over and never shows in
 * `value`: no wait that comes later can take it.  A simulation may put it into
 * `value` all the same and let them race.
 */
#include "sync/sync.h"

enum { TRY_AGAIN, HANDED_OVER }; /* what wakes a wait */

void ramet_sem_init(struct ramet_sem *s, size_t value)
{
	*s = (struct ramet_sem){.value = value};
}

static int take(struct loop *l, struct ramet_sem *s)
{
	int err = 0;

	while (!s->value) {
		if (unlikely(err < 0))
			return err;
		err = sync_wait(l, &s->waiters, WAIT_SEM, s, NULL);
		if (err != TRY_AGAIN)
			return err < 0 ? err : 0;
		err = ramet__interrupted(l);
	}
	s->value--;
	return 0;
}

static int wait_for(struct loop *l, struct ramet_sem *s)
{
	int err;

	ramet__point(l);
	if (foreign(&s->waiters, l))
		return (int)ramet__misuse(-EPERM);
	err = ramet__interrupted(l);
	if (unlikely(err < 0))
		return err;
	err = take(l, s);
	ramet__point(l);
	return err;
}

int ramet_sem_wait(struct ramet_sem *s)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? wait_for(l, s) : -ENOMEM);
}

static int trywait(struct loop *l, struct ramet_sem *s)
{
	ramet__point(l);
	if (foreign(&s->waiters, l))
		return (int)ramet__misuse(-EPERM);
	if (!s->value)
		return -EAGAIN;
	s->value--;
	ramet__point(l);
	return 0;
}

int ramet_sem_trywait(struct ramet_sem *s)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? trywait(l, s) : -ENOMEM);
}

static int post(struct loop *l, struct ramet_sem *s)
{
	struct ramet_waiter *w;

	ramet__point(l);
	if (foreign(&s->waiters, l))
		return (int)ramet__misuse(-EPERM);
	if (unlikely(s->value == SIZE_MAX))
		return -EOVERFLOW;
	w = sync_next(&s->waiters);
	if (w && !kernel_pick(2)) {
		ramet__wake(w->ramet, HANDED_OVER);
	} else {
		s->value++;
		if (w)
			ramet__wake(w->ramet, TRY_AGAIN);
	}
	ramet__point(l);
	return 0;
}

int ramet_sem_post(struct ramet_sem *s)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? post(l, s) : -ENOMEM);
}
