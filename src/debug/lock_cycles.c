/* lock_cycles.c - ramets that wait for each other, noticed when the last of
 * them is about to, while others still run.
 *
 * At each wait for what one certain ramet of the loop has to give, follow whom
 * that one waits for.  Whoever closes a cycle comes by here, so a chain that
 * does not lead back to the caller is none of his business.  A wait that ends
 * by itself, in time, is no part of a cycle.
 */
#include "debug/aside.h"
#include "debug/graph.h"
#include "debug/owners.h"
#include "debug/report.h"
#include "debug/words.h"

#include "ramet/debug.h"

#include <string.h>

enum { STEPS_MAX = 1000, KNOWN_MAX = 64 };

static int fails; /* atomic: who would close a cycle does not wait */

/* Those that were reported.  A slot that another thread takes costs a report
 * twice. */
static uint64_t known[KNOWN_MAX]; /* atomic */
static uint32_t known_count;      /* atomic */

/* What surely ends only by the one that ramet__wants tells. */
static bool is_certain(const struct ramet *t)
{
	const struct ramet *joined = t->wait_object;

	switch (t->wait) {
	case WAIT_MUTEX:
	case WAIT_RDLOCK:
	case WAIT_WRLOCK:
	case WAIT_ONCE:
	case WAIT_LOT:
	case WAIT_LOT_OPEN:
	case WAIT_HOST_LOCK:
	case WAIT_HOST_JOIN:
		return true;
	case WAIT_JOIN:
		return !joined->cold->joiner || !joined->cold->joiner->any;
	default:
		return false;
	}
}

/* Whether whom `me` wants leads back to it. */
static bool closes_cycle(const struct ramet *me)
{
	const struct ramet *t = ramet__wants(me);

	for (int n = 0; t && t != me && n < STEPS_MAX; n++) {
		if (t->loop != me->loop || t->state != STATE_PARKED ||
		    timer_armed(&t->timer) || !is_certain(t))
			return false;
		t = ramet__wants(t);
	}
	return t == me;
}

/* The same whoever closes it. */
static bool is_news(const struct ramet *me)
{
	const struct ramet *t = me;
	uint64_t sum = 0;
	uint32_t n;

	do {
		uint64_t h = t->id ^ (uint64_t)t->wait << 56 ^
			     (uintptr_t)t->wait_object << 8;

		sum += random_next(&h);
		t = ramet__wants(t);
	} while (t != me);
	for (n = 0; n < KNOWN_MAX; n++)
		if (__atomic_load_n(&known[n], __ATOMIC_RELAXED) == sum)
			return false;
	n = __atomic_fetch_add(&known_count, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&known[n % KNOWN_MAX], sum, __ATOMIC_RELAXED);
	return true;
}

static void write_report(const struct context *here, void *ramet)
{
	struct ramet *me = ramet;
	struct graph g;

	ramet__graph_open(&g, me->loop, here, "lock cycle",
			  "none of these can go on");
	ramet__graph_put_cycle(&g, me);
	ramet__graph_close(&g);
}

static bool is_in_cycle(const struct ramet *me)
{
	bool is;

	ramet__owners_forget();
	is = closes_cycle(me);
	ramet__owners_forget();
	return is;
}

static int look_at(struct ramet *me)
{
	if (!is_in_cycle(me))
		return 0;
	if (is_news(me))
		ramet__aside(write_report, me);
	return __atomic_load_n(&fails, __ATOMIC_RELAXED) ? -EDEADLK : 0;
}

/* The caller's wait is noted as if it had begun. */
static int look(struct loop *l, enum wait wait, const void *object)
{
	struct ramet *me = l->current;
	int err;

	if (me->state != STATE_RUNNING)
		return 0;
	me->wait = (uint8_t)wait;
	me->wait_object = object;
	err = look_at(me);
	me->wait = WAIT_NONE;
	return err;
}

void ramet_set_lock_cycles(enum ramet_lock_cycles what)
{
	__atomic_store_n(&fails, what == RAMET_LOCK_CYCLES_ERROR,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&ramet__on_owned_wait,
			 what == RAMET_LOCK_CYCLES_OFF ? NULL : look,
			 __ATOMIC_RELAXED);
}

void ramet__lock_cycles_install(void)
{
	const char *text = kernel_getenv("RAMET_LOCK_CYCLES");

	if (text && strcmp(text, "error") == 0)
		ramet_set_lock_cycles(RAMET_LOCK_CYCLES_ERROR);
	else if (text && (!strcmp(text, "1") || !strcmp(text, "report")))
		ramet_set_lock_cycles(RAMET_LOCK_CYCLES_REPORT);
}
