/* deadlock.c - nobody can go on, and nothing from outside can help.
 *
 * Each parked ramet waits for at most one certain other one, so following that
 * from every ramet finds each cycle once: whoever was met before leads to what
 * is known already.  Marks are kept in ramet->next, the link of the ready
 * queue, which is empty.
 */
#include "core/stack.h"
#include "debug/aside.h"
#include "debug/graph.h"
#include "debug/owners.h"
#include "debug/report.h"
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
	if (text && strcmp(text, "waiters") == 0)
		return RAMET_DEADLOCK_WAITERS;
	return RAMET_DEADLOCK_ERROR;
}

/* ---- cycles ------------------------------------------------------------- */

struct cycles {
	struct loop *loop;
	struct graph *graph; /* NULL: they are only marked */
	size_t count;
};

static struct ramet in_cycle; /* a mark */

static void unmark(struct ramet *t, void *unused)
{
	(void)unused;
	t->next = NULL;
}

static void mark_cycle(struct cycles *c, struct ramet *first)
{
	struct ramet *t = first;

	c->count++;
	if (c->graph)
		ramet__graph_put_cycle(c->graph, first);
	do {
		t->next = &in_cycle;
		t = ramet__waits_for(t);
	} while (t != first);
}

/* Mark with `start` all that it leads to; what ends at a ramet with that mark
 * has gone round. */
static void follow(struct ramet *start, void *cycles)
{
	struct cycles *c = cycles;
	struct ramet *t = start;

	while (t && t->loop == c->loop && !t->next) {
		t->next = start;
		t = ramet__waits_for(t);
	}
	if (t && t->next == start)
		mark_cycle(c, t);
}

static void find_cycles(struct cycles *c)
{
	ramet__each(c->loop, unmark, NULL);
	ramet__each(c->loop, follow, c);
}

/* ---- others ------------------------------------------------------------- */

/* Those who wait for the same at the same place, and come from the same. */
struct kin {
	struct ramet *first;
	const void *site;
	size_t count;
};

struct others {
	struct graph *graph;
	size_t kinds, left_out;
	struct kin kin[OTHERS_MAX];
};

static bool is_kin(const struct kin *k, const struct ramet *t, const void *site)
{
	const struct ramet *a = k->first;

	return a->wait == t->wait && a->wait_object == t->wait_object &&
	       k->site == site && a->cold->spawn_site == t->cold->spawn_site &&
	       strcmp(a->cold->name, t->cold->name) == 0;
}

static struct kin *kin_of(struct others *o, struct ramet *t)
{
	const void *site = ramet__graph_look(o->graph, t);
	struct kin *k;

	for (k = o->kin; k < o->kin + o->kinds; k++)
		if (is_kin(k, t, site))
			return k;
	if (o->kinds == OTHERS_MAX)
		return NULL;
	o->kinds++;
	*k = (struct kin){t, site, 0};
	return k;
}

static void sort_other(struct ramet *t, void *others)
{
	struct others *o = others;
	struct kin *k;

	if (t->state != STATE_PARKED || t->next == &in_cycle)
		return;
	k = kin_of(o, t);
	if (k)
		k->count++;
	else
		o->left_out++;
}

/* Advice is for what nobody can end, not for who waits for such a one. */
static void put_kin(struct graph *g, const struct kin *k)
{
	const struct ramet *holder = ramet__waits_for(k->first);

	ramet__graph_put_other(g, k->first, k->count);
	if (!holder || holder->state != STATE_PARKED)
		ramet__graph_note(g, k->first);
}

static void put_others(struct graph *g)
{
	struct others o = {.graph = g};

	ramet__graph_others(g);
	ramet__each(g->loop, sort_other, &o);
	for (size_t i = 0; i < o.kinds; i++)
		put_kin(g, &o.kin[i]);
	if (o.left_out)
		ramet__graph_left_out(g, o.left_out);
}

static void write_report(const struct context *here, void *loop)
{
	struct graph g;
	struct cycles c = {loop, &g, 0};

	ramet__graph_open(&g, loop, here, "deadlock",
			  "nothing can ever wake anyone");
	find_cycles(&c);
	put_others(&g);
	ramet__graph_close(&g);
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

/* ---- who is told -------------------------------------------------------- */

struct told {
	bool all;     /* not only those in cycles */
	size_t count; /* of those who can end their wait */
};

/* Waits in the parking lot go on, as libc's would; an idle worker of a pool
 * waits for nothing. */
static void tell(struct ramet *t, void *told)
{
	struct told *w = told;

	if (t->state != STATE_PARKED || t->wait == WAIT_IDLE ||
	    !(w->all || t->next == &in_cycle))
		return;
	w->count += t->wait != WAIT_LOT;
	ramet__wake(t, -EDEADLK);
}

static void tell_waiters(struct loop *l)
{
	struct cycles c = {.loop = l};
	struct told told = {.all = false};

	ramet__owners_forget();
	find_cycles(&c);
	ramet__owners_forget();
	ramet__each(l, tell, &told);
	if (told.count)
		return;
	told.all = true;
	ramet__each(l, tell, &told);
}

void ramet__deadlock(struct loop *l)
{
	ramet__deadlock_report(l);
	if (policy() == RAMET_DEADLOCK_WAITERS)
		tell_waiters(l);
	else if (l->main.state == STATE_PARKED)
		ramet__wake(&l->main, -EDEADLK);
}
