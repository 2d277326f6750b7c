/* sem.c - a counting semaphore.
 *
 * What is posted while somebody waits is handed over and never shows in
 * `value`: no wait that comes later can take it.  A simulation may put it into
 * `value` all the same and let them race.
 */
#include "sync/outside.h"
#include "sync/sync.h"

enum { TRY_AGAIN, HANDED_OVER }; /* what wakes a wait */

void ramet_sem_init(struct ramet_sem *s, size_t value)
{
	*s = (struct ramet_sem){.value = value};
}

void ramet_sem_init_bounded(struct ramet_sem *s, size_t value, size_t limit)
{
	*s = (struct ramet_sem){.value = value, .limit = limit};
}

static inline size_t most(const struct ramet_sem *s)
{
	return s->limit ? s->limit : SIZE_MAX;
}

/* See post_outside, which looks. */
static inline void set_value(struct ramet_sem *s, size_t value)
{
	__atomic_store_n(&s->value, value, __ATOMIC_RELEASE);
}

/* ---- posting ------------------------------------------------------------ */

static int give(struct ramet_sem *s)
{
	struct ramet_waiter *w;

	if (unlikely(s->value >= most(s)))
		return -EOVERFLOW;
	w = sync_next(&s->waiters);
	if (w && !kernel_pick(2)) {
		ramet__wake(w->ramet, HANDED_OVER);
		return 0;
	}
	set_value(s, s->value + 1);
	if (w)
		ramet__wake(w->ramet, TRY_AGAIN);
	return 0;
}

/* What is too much is dropped. */
OUTSIDE_PATH static void take_in(struct ramet_sem *s)
{
	uint64_t n = outside_take(&s->outside);

	while (n && give(s) == 0)
		n--;
}

static void deliver(struct loop *l, struct mail *mail)
{
	struct ramet_outside *o = ramet__outside_arrived(mail);

	(void)l;
	take_in(container_of(o, struct ramet_sem, outside));
}

static int post(struct loop *l, struct ramet_sem *s)
{
	int err;

	ramet__point(l);
	err = give(s);
	ramet__point(l);
	return err;
}

/* As long as no loop has used it, nobody takes and the value stands still.  Who
 * sees a value that a loop has changed also sees that it has taken the count.
 */
static bool is_full(const struct ramet_sem *s)
{
	size_t value = __atomic_load_n(&s->value, __ATOMIC_ACQUIRE);

	return value >= most(s) ||
	       __atomic_load_n(&s->outside.count, __ATOMIC_RELAXED) >=
		       most(s) - value;
}

OUTSIDE_PATH static int post_outside(struct loop *l, struct ramet_sem *s)
{
	if (l)
		ramet__point(l);
	if (!outside_is_used(&s->outside) && is_full(s) &&
	    !outside_is_used(&s->outside))
		return -EOVERFLOW;
	ramet__outside_add(&s->outside, 1, deliver);
	if (l)
		ramet__point(l);
	return 0;
}

int ramet_sem_post(struct ramet_sem *s)
{
	struct loop *l = ramet__this_loop;

	return (int)ramet__ret(outside_is_mine(&s->outside, l)
				       ? post(l, s)
				       : post_outside(l, s));
}

/* ---- waiting ------------------------------------------------------------ */

/* The loop is about to use s: 0 if it may. */
static inline int use(struct loop *l, struct ramet_sem *s)
{
	int err;

	if (outside_is_mine(&s->outside, l))
		return 0;
	err = ramet__outside_adopt(&s->outside, l, &s->waiters);
	if (err == 0)
		take_in(s);
	return err;
}

/* Whether there is one to take. */
static inline bool has_value(struct ramet_sem *s)
{
	if (!s->value && outside_pending(&s->outside))
		take_in(s);
	return s->value;
}

static int take(struct loop *l, struct ramet_sem *s)
{
	int err = 0;

	while (!has_value(s)) {
		if (unlikely(err < 0))
			return err;
		err = sync_wait(l, &s->waiters, WAIT_SEM, s, NULL);
		if (err != TRY_AGAIN)
			return err < 0 ? err : 0;
		err = ramet__interrupted(l);
	}
	set_value(s, s->value - 1);
	return 0;
}

static int wait_for(struct loop *l, struct ramet_sem *s)
{
	int err;

	ramet__point(l);
	err = use(l, s);
	if (likely(err == 0))
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
	int err;

	ramet__point(l);
	err = use(l, s);
	if (unlikely(err < 0))
		return err;
	if (!has_value(s))
		return -EAGAIN;
	set_value(s, s->value - 1);
	ramet__point(l);
	return 0;
}

int ramet_sem_trywait(struct ramet_sem *s)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(likely(l) ? trywait(l, s) : -ENOMEM);
}
