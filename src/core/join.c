/* join.c - who waits for ramets to end and takes over what they leave: each is
 * joined by one, or detached.
 */
#include "core/core.h"

/* ---- who may ------------------------------------------------------------ */

int ramet__mine(struct loop *l, const struct ramet *t)
{
	if (unlikely(!t))
		return -EINVAL;
	if (unlikely(t->state == STATE_FREE))
		return -ESRCH;
	return unlikely(t->loop != l) ? -EPERM : 0;
}

/* Not a main, not a group's, and nobody has claimed it. */
static bool free_to_join(const struct ramet *t)
{
	return !(t->flags & FLAG_DETACHED) && !t->cold->joiner &&
	       !t->cold->on_end && t->cold->class;
}

int ramet__joinable(struct loop *l, const struct ramet *t)
{
	int err = ramet__mine(l, t);

	if (err < 0)
		return err;
	if (t == l->current)
		return -EDEADLK;
	return free_to_join(t) ? 0 : -EINVAL;
}

/* ---- join one ----------------------------------------------------------- */

static int join(struct loop *l, struct ramet *t, void **value)
{
	int err = ramet__joinable(l, t);
	bool killed;

	if (unlikely(err < 0))
		return (int)ramet__misuse(err);
	err = ramet__interrupted(l);
	if (unlikely(err < 0))
		return err;
	if (t->state != STATE_ENDED) {
		struct joiner joiner = {.ramet = l->current, .missing = 1};

		err = ramet__owned_wait(l, WAIT_JOIN, t);
		if (unlikely(err < 0))
			return err;
		t->cold->joiner = &joiner;
		err = ramet__park(l, WAIT_JOIN, t);
		t->cold->joiner = NULL;
		if (err < 0)
			return err;
	}
	if (value)
		*value = t->cold->value;
	killed = t->flags & FLAG_KILL;
	ramet__release(t);
	return killed ? -ECHILD : 0;
}

int ramet_join(struct ramet *t, void **value)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(l ? join(l, t, value) : -ENOMEM);
}

static int detach(struct loop *l, struct ramet *t)
{
	int err = ramet__mine(l, t);

	if (err < 0 || !free_to_join(t))
		return (int)ramet__misuse(err < 0 ? err : -EINVAL);
	if (t->state == STATE_ENDED && t != l->current)
		ramet__release(t);
	else /* in a link of its own it still has its stack */
		t->flags |= FLAG_DETACHED;
	return 0;
}

int ramet_detach(struct ramet *t)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(l ? detach(l, t) : -ENOMEM);
}

/* ---- join many ---------------------------------------------------------- */

static bool ended_before(const struct ramet *a, const struct ramet *b)
{
	return a->state == STATE_ENDED &&
	       (b->state != STATE_ENDED || a->cold->ended < b->cold->ended);
}

/* Those that have ended to the front, in the order of ending.  D. L. Shell, "A
 * high-speed sorting procedure" (1959), with Knuth's increments; the ones that
 * run keep no particular order. */
static void sort_by_end(struct ramet **ts, size_t n)
{
	size_t gap = 1;

	while (gap < n / 3)
		gap = 3 * gap + 1;
	for (; gap; gap /= 3)
		for (size_t i = gap; i < n; i++) {
			struct ramet *t = ts[i];
			size_t k = i;

			for (; k >= gap && ended_before(t, ts[k - gap]);
			     k -= gap)
				ts[k] = ts[k - gap];
			ts[k] = t;
		}
}

static void unset_joiner(struct ramet **ts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ts[i]->cold->joiner = NULL;
}

/* Become the joiner of all.  Returns how many have ended, or -errno and nothing
 * is changed; one that is listed twice has a joiner the second time. */
static ssize_t set_joiner(struct loop *l, struct ramet **ts, size_t n,
			  struct joiner *joiner)
{
	ssize_t ended = 0;

	for (size_t i = 0; i < n; i++) {
		int err = ramet__joinable(l, ts[i]);

		if (err < 0) {
			unset_joiner(ts, i);
			return ramet__misuse(err);
		}
		ended += ts[i]->state == STATE_ENDED;
		ts[i]->cold->joiner = joiner;
	}
	return ended;
}

static ssize_t joinall(struct loop *l, struct ramet **ts, size_t n,
		       size_t count)
{
	struct joiner joiner = {.ramet = l->current};
	ssize_t ended = set_joiner(l, ts, n, &joiner);
	int err;

	if (ended < 0)
		return ended;
	if (count > n)
		count = n;
	err = ramet__interrupted(l);
	if (err == 0 && (size_t)ended < count) {
		joiner.missing = count - (size_t)ended;
		joiner.any = count < n;
		err = ramet__park(l, WAIT_JOIN, ts[0]);
	}
	unset_joiner(ts, n);
	sort_by_end(ts, n);
	for (ended = 0; (size_t)ended < n; ended++)
		if (ts[ended]->state != STATE_ENDED)
			break;
	return err < 0 ? err : ended;
}

int ramet_joinall(struct ramet **ts, size_t n, size_t count)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(l ? joinall(l, ts, n, count) : -ENOMEM);
}
