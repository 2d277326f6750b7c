/* graph.h - who waits for whom, in the lines of a report. */
#ifndef DEBUG_GRAPH_H
#define DEBUG_GRAPH_H

#include "core/core.h"
#include "debug/out.h"
#include "debug/trace.h"

struct graph {
	struct loop *loop;
	const struct context *here; /* of the running ramet */
	int64_t now;
	uint64_t kinds; /* of waits to advise on: bits of enum wait */
	bool crosswise; /* and on locks that wait for each other */
	size_t left_out;
	struct trace trace;
	struct out out;
	struct json json; /* if ramet__reports_json is set */
};

/* Begin a report, first of cycles: `kind` it is, and `what` that means. */
void ramet__graph_open(struct graph *g, struct loop *l,
		       const struct context *here, const char *kind,
		       const char *what);

/* All of the cycle that t is in, what each wants being the next. */
void ramet__graph_put_cycle(struct graph *g, struct ramet *t);

/* After the cycles: who is in none, one of `count` that are alike; and more. */
void ramet__graph_others(struct graph *g);
void ramet__graph_put_other(struct graph *g, const struct ramet *t,
			    size_t count);
void ramet__graph_left_out(struct graph *g, size_t count);

/* What to do about what was noted, and the end. */
void ramet__graph_close(struct graph *g);

/* Trace t, for the following.  Returns where it waits, in who called the
 * library; NULL if that is not known. */
const void *ramet__graph_look(struct graph *g, const struct ramet *t);

/* The next few, who called that.  Returns how many. */
enum { GRAPH_CALLERS = 3 };
size_t ramet__graph_callers(const struct graph *g,
			    const void *callers[GRAPH_CALLERS]);

/* If t waits for what has no owner: how many others are left that could give
 * it.  Those who wait for one who waits for the same cannot.  -1: not known. */
long ramet__graph_givers(const struct graph *g, const struct ramet *t);

/* t is to be advised on. */
void ramet__graph_note(struct graph *g, const struct ramet *t);

/* What to do about what was noted: put(g, text) for each kind. */
void ramet__graph_advise(struct graph *g,
			 void (*put)(struct graph *g, const char *text));

/* ---- graph_json.c ------------------------------------------------------- */

void ramet__graph_json_open(struct graph *g, const char *kind);
void ramet__graph_json_put(struct graph *g, const struct ramet *t,
			   bool in_cycle, size_t count);
void ramet__graph_json_close(struct graph *g);

#endif
