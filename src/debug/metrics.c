/* metrics.c - figures of all loops, for whoever asks.
 *
 * A loop counts what costs nothing to count; the rest is found by a look at its
 * control blocks, which lie in arrays that stay as long as it does.  From
 * another thread they change meanwhile, so each figure is of its own moment.
 */
#include "core/stack.h"
#include "debug/registry.h"
#include "debug/watchdog.h"
#include "io/number.h"
#include "ramet/debug.h"

#include <string.h>

_Static_assert((int)RAMET_LAG_BUCKETS == (int)LAG_BUCKETS,
	       "the header's buckets are the loop's");

struct look {
	struct ramet_metrics *metrics;
	struct ramet_loop_metrics *loops;
	size_t room, count;
	int64_t now;
};

/* ---- what the loop's own thread writes without regard to us ---------------
 */

#define LOOK(place) (*(const volatile __typeof__(place) *)&(place))

SANITIZER_BLIND static void count_ramet(struct ramet_loop_metrics *m,
					const struct ramet *t)
{
	uint8_t state = LOOK(t->state);
	uint64_t top = (uintptr_t)LOOK(t->cold), sp;

	switch (state) {
	case STATE_READY:
		if (LOOK(t->flags) & FLAG_STARTED)
			m->ready++;
		else
			m->starting++;
		break;
	case STATE_RUNNING:
		m->running++;
		break;
	case STATE_PARKED:
		m->waiting++;
		break;
	case STATE_ENDED:
		m->ended++;
		break;
	default:
		return;
	}
	/* Of who runs it is where it ran last; of a main it is not ours. */
	sp = (uintptr_t)LOOK(t->context.sp) & ~(uint64_t)(STACK_PAGE - 1);
	top = (top | (STACK_PAGE - 1)) + 1;
	if (t != &t->loop->main && sp < top && top - sp < (uint64_t)1 << 31)
		m->stack_bytes += top - sp;
}

SANITIZER_BLIND static void count_class(struct ramet_loop_metrics *m,
					const struct stack_class *c)
{
	const struct slab *slab = __atomic_load_n(&c->slabs, __ATOMIC_ACQUIRE);
	size_t idle = LOOK(c->idle_count), bare = LOOK(c->trimmed);

	for (; slab; slab = __atomic_load_n(&slab->next, __ATOMIC_ACQUIRE)) {
		size_t n = LOOK(slab->ready);

		for (size_t i = 0; i < n; i++)
			count_ramet(m, &slab->ramets[i]);
	}
	if (idle > bare)
		m->stack_bytes += (idle - bare) * STACK_PAGE;
}

SANITIZER_BLIND static void count_loop(struct ramet_loop_metrics *m,
				       const struct loop *l, int64_t now)
{
	int64_t looked = LOOK(l->looked);

	count_ramet(m, &l->main);
	for (int i = 0; i < STACK_CLASSES; i++)
		count_class(m, &l->classes[i]);
	m->spawned = LOOK(l->stats.spawned);
	m->switches = LOOK(l->stats.switches);
	m->kernel_waits = LOOK(l->stats.kernel_waits);
	m->sleeps = LOOK(l->sleeps);
	m->timers = LOOK(l->timers.count);
	m->errands = LOOK(l->errands);
	m->lag_sum = LOOK(l->lag.sum);
	for (int i = 0; i < LAG_BUCKETS; i++)
		m->lag_bucket[i] = LOOK(l->lag.bucket[i]);
	if (!__atomic_load_n(&l->sleeping, __ATOMIC_SEQ_CST) && now > looked)
		m->lag = now - looked;
}

/* ---- all ----------------------------------------------------------------- */

static void add(struct ramet_loop_metrics *all,
		const struct ramet_loop_metrics *m)
{
	all->starting += m->starting;
	all->ready += m->ready;
	all->running += m->running;
	all->waiting += m->waiting;
	all->ended += m->ended;
	all->spawned += m->spawned;
	all->switches += m->switches;
	all->kernel_waits += m->kernel_waits;
	all->sleeps += m->sleeps;
	all->timers += m->timers;
	all->errands += m->errands;
	all->stack_bytes += m->stack_bytes;
	all->lag_sum += m->lag_sum;
	for (int i = 0; i < LAG_BUCKETS; i++)
		all->lag_bucket[i] += m->lag_bucket[i];
	if (m->lag > all->lag)
		all->lag = m->lag;
}

static void visit(struct seen *s, void *arg)
{
	struct look *look = arg;
	struct ramet_loop_metrics m = {.loop = s->number, .thread = s->tid};

	count_loop(&m, s->loop, look->now);
	add(&look->metrics->all, &m);
	if (look->count < look->room)
		look->loops[look->count] = m;
	look->count++;
}

static struct ramet_lane_metrics lane(const struct kernel_lane_use *use)
{
	return (struct ramet_lane_metrics){use->limit, use->busy, use->waiting};
}

size_t ramet_get_metrics(struct ramet_metrics *metrics,
			 struct ramet_loop_metrics *loops, size_t n)
{
	struct kernel_lane_use use[KERNEL_LANES];
	struct look look = {.metrics = metrics,
			    .loops = loops,
			    .room = n,
			    .now = ramet_now()};

	memset(metrics, 0, sizeof *metrics);
	ramet__registry_each(visit, &look);
	metrics->helpers = kernel_pool_look(use);
	metrics->user = lane(&use[LANE_USER]);
	metrics->file = lane(&use[LANE_FILE]);
	metrics->names = lane(&use[LANE_NAMES]);
	metrics->descriptors = ramet__numbers_known();
	metrics->stalls = __atomic_load_n(&ramet__stalls, __ATOMIC_RELAXED);
	return look.count;
}
