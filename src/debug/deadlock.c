/* deadlock.c - nobody can go on, and nothing from outside can help.
 *
 * Each parked ramet waits for at most one certain other one, so following that
 * from every ramet finds each cycle once: whoever was met before leads to what
 * is known already.  Marks are kept in ramet->next, the link of the ready
 * queue, which is empty.
 */
#include "core/stack.h"
#include "debug/aside.h"
#include "debug/report.h"
#include "debug/symbol.h"
#include "debug/trace.h"
#include "debug/words.h"

#include "ramet/debug.h"

#include <stdlib.h>
#include <string.h>

enum { EXIT_STATUS = 86, OTHERS_MAX = 50, UNSET = -1 };

static int set_policy = UNSET; /* atomic */

/* ---- policy ------------------------------------------------------------- */

void ramet_set_deadlock_policy(enum ramet_deadlock_policy policy)
{
	__atomic_store_n(&set_policy, (int)policy, __ATOMIC_RELAXED);
}

static int policy(void)
{
	int set = __atomic_load_n(&set_policy, __ATOMIC_RELAXED);
	const char *text =
		set == UNSET ? kernel_getenv("RAMET_DEADLOCK") : NULL;

	if (set != UNSET)
		return set;
	if (text && strcmp(text, "exit") == 0)
		return RAMET_DEADLOCK_EXIT;
	if (text && strcmp(text, "silent") == 0)
		return RAMET_DEADLOCK_SILENT;
	return RAMET_DEADLOCK_ERROR;
}

/* ---- the graph ---------------------------------------------------------- */

struct report {
	struct loop *loop;
	const struct context *here;
	int64_t now;
	size_t others; /* who are in no cycle */
	struct trace trace;
	struct out out;
};

static struct ramet in_cycle; /* a mark */

static void put_waiting(struct report *r, const struct ramet *t)
{
	const void *site;

	ramet__trace_ramet(&r->trace, t, r->here);
	site = ramet__trace_caller(&r->trace);
	ramet__print(&r->out, "  ");
	ramet__put_ramet(&r->out, t);
	ramet__print(&r->out, " waits ");
	ramet__put_wait(&r->out, t, r->now);
	if (site) {
		ramet__print(&r->out, ", at ");
		ramet__put_symbol(&r->out, site);
	}
	ramet__put_origin(&r->out, t);
	ramet__print(&r->out, "\n");
}

static void put_cycle(struct report *r, struct ramet *first)
{
	struct ramet *t = first;

	do {
		put_waiting(r, t);
		t->next = &in_cycle;
		t = ramet__waits_for(t);
	} while (t != first);
}

static void unmark(struct ramet *t, void *unused)
{
	(void)unused;
	t->next = NULL;
}

/* Mark with `start` all that it leads to; what ends at a ramet with that mark
 * has gone round. */
static void follow(struct ramet *start, void *report)
{
	struct report *r = report;
	struct ramet *t = start;

	while (t && t->loop == r->loop && !t->next) {
		t->next = start;
		t = ramet__waits_for(t);
	}
	if (t && t->next == start)
		put_cycle(r, t);
}

static void put_other(struct ramet *t, void *report)
{
	struct report *r = report;

	if (t->state == STATE_PARKED && t->next != &in_cycle &&
	    r->others++ < OTHERS_MAX)
		put_waiting(r, t);
}

static void write_report(const struct context *here, void *loop)
{
	struct report r = {.loop = loop, .here = here, .now = kernel_now()};

	ramet__owners_forget();
	ramet__out_open(&r.out, 2);
	ramet__print(&r.out, "ramet: deadlock: nothing can ever wake anyone\n");
	ramet__each(r.loop, unmark, NULL);
	ramet__each(r.loop, follow, &r);
	ramet__each(r.loop, put_other, &r);
	if (r.others > OTHERS_MAX)
		ramet__print(&r.out, "  and %lu more\n", r.others - OTHERS_MAX);
	ramet__out_close(&r.out);
}

/* ---- once --------------------------------------------------------------- */

static void add_to_hash(struct ramet *t, void *hash)
{
	uint64_t *h = hash;

	if (t->state != STATE_PARKED)
		return;
	*h ^= t->id ^ (uint64_t)t->wait << 56 ^ (uintptr_t)t->wait_object;
	*h = random_next(h);
}

/* A main that tries again after EDEADLK is told of each deadlock once. */
static bool is_news(struct loop *l)
{
	static __thread uint64_t last;
	uint64_t hash = 1;

	ramet__each(l, add_to_hash, &hash);
	if (hash == last)
		return false;
	last = hash;
	return true;
}

__attribute__((noinline)) void ramet_deadlock_found(struct loop *l)
{
	__asm__ volatile("" : : "r"(l));
}

static void look_for_parked(struct ramet *t, void *parked)
{
	*(bool *)parked |= t->state == STATE_PARKED;
}

/* The child of a fork that another ramet than main made ends with its last one.
 */
static void end_without_main(struct loop *l)
{
	bool parked = false;

	ramet__each(l, look_for_parked, &parked);
	if (!parked)
		exit(0);
}

void ramet__deadlock_report(struct loop *l)
{
	int what = policy();

	if (l->main.state == STATE_ENDED)
		end_without_main(l);
	if (what != RAMET_DEADLOCK_SILENT && is_news(l)) {
		ramet_deadlock_found(l);
		ramet__aside(write_report, l);
	}
	if (what == RAMET_DEADLOCK_EXIT)
		exit(EXIT_STATUS);
}

void ramet__deadlock(struct loop *l)
{
	ramet__deadlock_report(l);
	if (l->main.state == STATE_PARKED)
		ramet__wake(&l->main, -EDEADLK);
}
