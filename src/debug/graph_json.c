/* graph_json.c - who waits for whom, for programs: names here are what they
 * rely on. */
#include "debug/graph.h"

#include "debug/guest.h"
#include "debug/symbol.h"
#include "debug/words.h"

#include "kernel/calls.h"

void ramet__graph_json_open(struct graph *g, const char *kind)
{
	struct json *j = &g->json;

	*j = (struct json){.out = &g->out};
	ramet__json_open(j, NULL, '{');
	ramet__json_string(j, "report", kind);
	ramet__json_number(j, "process",
			   kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0));
	ramet__json_number(j, "thread",
			   kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0));
	ramet__json_open(j, "cycles", '[');
}

static void put_callers(struct graph *g)
{
	const void *callers[GRAPH_CALLERS];
	size_t n = ramet__graph_callers(g, callers);

	ramet__json_open(&g->json, "callers", '[');
	for (size_t i = 0; i < n; i++)
		ramet__json_code(&g->json, NULL, callers[i]);
	ramet__json_close(&g->json, ']');
}

static void put_place(struct graph *g, const struct ramet *t)
{
	const void *site = ramet__trace_caller(&g->trace);

	if (ramet__guest_speaks(t))
		ramet__json_guest_site(&g->json, "at", t);
	else if (site)
		ramet__json_code(&g->json, "at", site);
}

void ramet__graph_json_put(struct graph *g, const struct ramet *t,
			   bool in_cycle, size_t count)
{
	const struct ramet *holder = ramet__wants(t);
	struct json *j = &g->json;

	ramet__json_open(j, NULL, '{');
	ramet__json_ramet(j, t);
	if (count > 1)
		ramet__json_number(j, "alike", (int64_t)count);
	ramet__json_wait(j, t, g->now);
	if (holder)
		ramet__json_number(j, "waits_for", (int64_t)holder->id);
	if (ramet__graph_givers(g, t) == 0)
		ramet__json_bool(j, "nobody_left", true);
	put_place(g, t);
	if (in_cycle)
		put_callers(g);
	ramet__json_origin(j, t);
	ramet__json_close(j, '}');
}

static void put_advice(struct graph *g, const char *text)
{
	ramet__json_string(&g->json, NULL, text);
}

void ramet__graph_json_close(struct graph *g)
{
	ramet__json_close(&g->json, ']');
	if (g->left_out)
		ramet__json_number(&g->json, "left_out", (int64_t)g->left_out);
	ramet__json_open(&g->json, "advice", '[');
	ramet__graph_advise(g, put_advice);
	ramet__json_close(&g->json, ']');
	ramet__json_close(&g->json, '}');
	ramet__print(&g->out, "\n");
}
