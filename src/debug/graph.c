/* graph.c - who waits for whom, in the lines of a report. */
#include "debug/graph.h"

#include "core/stack.h"
#include "debug/guest.h"
#include "debug/symbol.h"
#include "debug/words.h"

enum { CALLERS = 3, CHAIN = 64 };

void ramet__graph_open(struct graph *g, struct loop *l,
		       const struct context *here)
{
	g->loop = l;
	g->here = here;
	g->now = kernel_now();
	g->kinds = 0;
	g->crosswise = false;
	ramet__owners_forget();
	ramet__out_open(&g->out, 2);
}

void ramet__graph_close(struct graph *g)
{
	ramet__out_close(&g->out);
}

/* ---- one ---------------------------------------------------------------- */

void ramet__graph_look(struct graph *g, const struct ramet *t)
{
	ramet__trace_ramet(&g->trace, t, g->here);
}

void ramet__graph_put(struct graph *g, const struct ramet *t)
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

void ramet__graph_put_callers(struct graph *g)
{
	const struct trace *trace = &g->trace;
	size_t i = ramet__trace_caller_at(trace);

	for (int n = 0; n < CALLERS && i < trace->count &&
			!ramet__trace_is_outermost(trace, i);
	     n++) {
		ramet__print(&g->out, "    from ");
		ramet__put_symbol(&g->out, trace->frames[++i].pc);
		ramet__print(&g->out, "\n");
	}
}

/* ---- a cycle ------------------------------------------------------------ */

static bool is_lock(const struct ramet *t)
{
	return t->wait == WAIT_MUTEX || t->wait == WAIT_RDLOCK ||
	       t->wait == WAIT_WRLOCK || t->wait == WAIT_LOT ||
	       t->wait == WAIT_LOT_OPEN;
}

void ramet__graph_note(struct graph *g, const struct ramet *t)
{
	g->kinds |= 1ull << t->wait;
}

void ramet__graph_put_cycle(struct graph *g, struct ramet *first)
{
	struct ramet *t = first;
	size_t locks = 0;

	do {
		ramet__graph_look(g, t);
		ramet__graph_put(g, t);
		ramet__print(&g->out, "\n");
		ramet__graph_put_callers(g);
		locks += is_lock(t);
		t = ramet__wants(t);
	} while (t != first);
	do {
		if (!is_lock(t))
			ramet__graph_note(g, t);
		t = ramet__wants(t);
	} while (t != first);
	g->crosswise |= locks != 0;
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
