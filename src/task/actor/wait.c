/* wait.c - waiting for actors, and whether that may end.
 *
 * As long as there is one OS thread only ramets can send messages, and when all
 * of them wait that is a deadlock.
 */
#include "core/stack.h"
#include "sync/lot.h"
#include "task/actor/actor.h"

#include <sys/single_threaded.h>

/* Of the preloaded library: under `ramet run` the OS threads are the runtime's
 * own. */
extern char ramet__names_taken[] __attribute__((weak));

static bool others_may_send(void)
{
	return !ramet__names_taken && !__libc_single_threaded;
}

int ramet__actor_park(struct loop *l, const char *what,
		      const struct ramet_actor *a, int64_t when)
{
	const struct actor_wait wait = {what, a};

	return ramet__park_until(l,
				 others_may_send() ? WAIT_ACTOR_OPEN
						   : WAIT_ACTOR,
				 &wait, when);
}

static int wait_here(struct loop *l, struct ramet_actor *a)
{
	struct ramet_waiter w = {.ramet = l->current};
	int err;

	if (is_me(l, a))
		return (int)ramet__misuse(-EDEADLK);
	ramet__point(l);
	err = ramet__interrupted(l);
	if (err < 0 || a->gone)
		return err;
	waitq_append(&a->waiters, &w);
	err = ramet__actor_park(l, "for the end of", a, RAMET_NEVER);
	waitq_remove(&w);
	ramet__point(l);
	return err;
}

static int wait_elsewhere(const struct ramet_actor *a)
{
	const struct lot_reason reason = {.what = "for the end of actor",
					  .object = a};
	int err;

	if (a->forks != ramet__lot_forks)
		return 0; /* of the parent's */
	while (!is_gone(a)) {
		err = ramet__lot_wait(&a->gone, 0, UINT32_MAX, RAMET_NEVER,
				      LOT_SCOPE, &reason);
		if (err < 0 && err != -EAGAIN)
			return err;
	}
	return 0;
}

int ramet_actor_wait(struct ramet_actor *a, int *status)
{
	struct loop *l = ramet__this_loop;
	int err = at_home(l, a) ? wait_here(l, a) : wait_elsewhere(a);

	if (err == 0 && status)
		*status = a->status;
	return (int)ramet__ret(err);
}

void ramet_actor_get_stats(const struct ramet_actor *a,
			   struct ramet_actor_stats *stats)
{
	stats->received = __atomic_load_n(&a->received, __ATOMIC_RELAXED);
	stats->dropped = __atomic_load_n(&a->dropped, __ATOMIC_RELAXED);
	stats->waiting = __atomic_load_n(&a->waiting, __ATOMIC_RELAXED);
	stats->restarts = __atomic_load_n(&a->restarts, __ATOMIC_RELAXED);
}

/* ---- deadlock ----------------------------------------------------------- */

static void open_wait(struct ramet *t, void *loop)
{
	struct loop *l = loop;

	if (t->state != STATE_PARKED || t->wait != WAIT_ACTOR)
		return;
	t->wait = WAIT_ACTOR_OPEN;
	l->outside++;
}

bool ramet__actors_open(struct loop *l)
{
	if (!others_may_send())
		return false;
	ramet__each(l, open_wait, l);
	return loop_outside(l);
}
