/* graph.c - who waits for whom, in the lines of a report; as JSON by
 * graph_json.c. */
#include "debug/graph.h"

#include "core/stack.h"
#include "debug/guest.h"
#include "debug/owners.h"
#include "debug/report.h"
#include "debug/symbol.h"
#include "debug/words.h"

enum { CHAIN = 64 };

/* ---- one ---------------------------------------------------------------- */

const void *ramet__graph_look(struct graph *g, const struct ramet *t)
{
	ramet__trace_ramet(&g->trace, t, g->here);
	return ramet__trace_caller(&g->trace);
}

size_t ramet__graph_callers(const struct graph *g,
			    const void *callers[GRAPH_CALLERS])
{
	const struct trace *trace = &g->trace;
	size_t n = 0, i = ramet__trace_caller_at(trace);

	while (n < GRAPH_CALLERS && i < trace->count &&
	       !ramet__trace_is_outermost(trace, i))
		callers[n++] = trace->frames[++i].pc;
	return n;
}

static void put(struct graph *g, const struct ramet *t)
{
	const void *site = ramet__trace_caller(&g->trace);

	ramet__print(&g->out, "  ");
	ramet__put_ramet(&g->out, t);
	ramet__print(&g->out, " waits ");
	ramet__put_wait(&g->out, t, g->now);
	if (ramet__graph_givers(g, t) == 0)
		ramet__print(&g->out, ", which nobody else is left to end");
	if (ramet__guest_speaks(t)) {
		ramet__print(&g->out, ", at ");
		ramet__put_guest_site(&g->out, t);
	} else if (site) {
		ramet__print(&g->out, ", at ");
		ramet__put_symbol(&g->out, site);
	}
	ramet__put_origin(&g->out, t);
}

static void put_callers(struct graph *g)
{
	const void *callers[GRAPH_CALLERS];
	size_t n = ramet__graph_callers(g, callers);

	for (size_t i = 0; i < n; i++) {
		ramet__print(&g->out, "    from ");
		ramet__put_symbol(&g->out, callers[i]);
		ramet__print(&g->out, "\n");
	}
}

/* ---- a cycle ------------------------------------------------------------ */

static bool is_lock(const struct ramet *t)
{
	return t->wait == WAIT_MUTEX || t->wait == WAIT_RDLOCK ||
	       t->wait == WAIT_WRLOCK || t->wait == WAIT_LOT ||
	       t->wait == WAIT_LOT_OPEN || t->wait == WAIT_HOST_LOCK;
}

void ramet__graph_note(struct graph *g, const struct ramet *t)
{
	g->kinds |= 1ull << t->wait;
}

static void put_in_cycle(struct graph *g, const struct ramet *t)
{
	ramet__graph_look(g, t);
	if (ramet__reports_json) {
		ramet__graph_json_put(g, t, true, 1);
		return;
	}
	put(g, t);
	ramet__print(&g->out, "\n");
	put_callers(g);
}

void ramet__graph_put_cycle(struct graph *g, struct ramet *first)
{
	struct ramet *t = first;
	size_t locks = 0;

	if (ramet__reports_json)
		ramet__json_open(&g->json, NULL, '[');
	do {
		put_in_cycle(g, t);
		locks += is_lock(t);
		t = ramet__wants(t);
	} while (t != first);
	if (ramet__reports_json)
		ramet__json_close(&g->json, ']');
	do {
		if (!is_lock(t))
			ramet__graph_note(g, t);
		t = ramet__wants(t);
	} while (t != first);
	g->crosswise |= locks != 0;
}

/* ---- others ------------------------------------------------------------- */

void ramet__graph_others(struct graph *g)
{
	if (!ramet__reports_json)
		return;
	ramet__json_close(&g->json, ']');
	ramet__json_open(&g->json, "others", '[');
}

void ramet__graph_put_other(struct graph *g, const struct ramet *t,
			    size_t count)
{
	ramet__graph_look(g, t);
	if (ramet__reports_json) {
		ramet__graph_json_put(g, t, false, count);
		return;
	}
	put(g, t);
	if (count > 1)
		ramet__print(&g->out, "; so do %lu like it", count - 1);
	ramet__print(&g->out, "\n");
}

void ramet__graph_left_out(struct graph *g, size_t count)
{
	g->left_out = count;
	if (!ramet__reports_json)
		ramet__print(&g->out, "  and %lu more\n", count);
}

/* ---- who could help ----------------------------------------------------- */

struct givers {
	const struct ramet *who;
	long count;
};

/* Whether t, in the end, waits for the same as `who`, or goes round. */
static bool ends_there(const struct ramet *t, const struct ramet *who)
{
	const struct ramet *next;

	for (int n = 0; n < CHAIN; n++) {
		if (t->wait_object == who->wait_object && t->wait == who->wait)
			return true;
		if (t->wait == WAIT_LOT || !(next = ramet__waits_for(t)))
			return false;
		t = next;
	}
	return true;
}

static void count_giver(struct ramet *t, void *arg)
{
	struct givers *g = arg;

	if (t->state == STATE_PARKED && t->wait != WAIT_IDLE &&
	    !ends_there(t, g->who))
		g->count++;
}

#define SIGNALLED                                                              \
	(1ull << WAIT_COND | 1ull << WAIT_SEM | 1ull << WAIT_EVENT |           \
	 1ull << WAIT_WG | 1ull << WAIT_SEND | 1ull << WAIT_RECV |             \
	 1ull << WAIT_BARRIER | 1ull << WAIT_FUTURE | 1ull << WAIT_PUT |       \
	 1ull << WAIT_GET | 1ull << WAIT_DONE)

long ramet__graph_givers(const struct graph *g, const struct ramet *t)
{
	struct givers givers = {t, 0};

	if (!(SIGNALLED >> t->wait & 1))
		return -1;
	ramet__each(g->loop, count_giver, &givers);
	return givers.count;
}

/* ---- all ---------------------------------------------------------------- */

void ramet__graph_open(struct graph *g, struct loop *l,
		       const struct context *here, const char *kind,
		       const char *what)
{
	g->loop = l;
	g->here = here;
	g->now = kernel_now();
	g->kinds = 0;
	g->crosswise = false;
	g->left_out = 0;
	ramet__owners_forget();
	ramet__out_open(&g->out, 2);
	if (ramet__reports_json)
		ramet__graph_json_open(g, kind);
	else
		ramet__print(&g->out, "ramet: %s: %s\n", kind, what);
}

static void put_advice(struct graph *g, const char *text)
{
	ramet__print(&g->out, "  advice: %s\n", text);
}

void ramet__graph_close(struct graph *g)
{
	if (ramet__reports_json)
		ramet__graph_json_close(g);
	else
		ramet__graph_advise(g, put_advice);
	ramet__out_close(&g->out);
	ramet__owners_forget();
}
