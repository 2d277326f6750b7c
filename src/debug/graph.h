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
	struct trace trace;
	struct out out;
};

void ramet__graph_open(struct graph *g, struct loop *l,
		       const struct context *here);
void ramet__graph_close(struct graph *g);

/* Trace t, for the following. */
void ramet__graph_look(struct graph *g, const struct ramet *t);

/* `  ramet 3 "b" waits for mutex 0x12, held by ramet 2 "a", at f+0x1 (prog),
 * spawned by ...`, without the line's end. */
void ramet__graph_put(struct graph *g, const struct ramet *t);

/* Lines for what called the place that it waits at: the next few frames. */
void ramet__graph_put_callers(struct graph *g);

/* All of the cycle that t is in, what each wants being the next. */
void ramet__graph_put_cycle(struct graph *g, struct ramet *t);

/* If t waits for what has no owner: how many others are left that could give
 * it.  Those who wait for one who waits for the same cannot.  -1: not known. */
long ramet__graph_givers(const struct graph *g, const struct ramet *t);

/* t is to be advised on. */
void ramet__graph_note(struct graph *g, const struct ramet *t);

/* What to do about what was noted: a line for each kind. */
void ramet__graph_advise(struct graph *g);

#endif
