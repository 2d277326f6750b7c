/* summary.h - where the time of a recording went. */
#ifndef TOOLS_RAMET_SUMMARY_H
#define TOOLS_RAMET_SUMMARY_H

#include "debug/chrome.h"
#include "tools/ramet/follow.h"

#include <stdio.h>

enum { SUMMARY_NAME = 80, LAG_STEPS = 24, HOST_WAITS = 8 };

/* What a host says that its guests wait for: strings, by their addresses. */
struct host_wait {
	uint64_t what; /* 0: all others */
	int64_t ns;
	uint64_t times;
};

/* All ramets of one name. */
struct summary_row {
	char name[SUMMARY_NAME];
	uint64_t site; /* where the first was spawned */
	uint64_t ramets, runs;
	int64_t run, ready;       /* ns */
	int64_t waits[MAP_WAITS]; /* ns, by kind */
	uint64_t times[MAP_WAITS];
	struct host_wait host[HOST_WAITS + 1]; /* the same of one kind apart */
};

/* How long loops went without a turn, kernel's waits left out: step n counts
 * those below 2^n us. */
struct summary_loop {
	int tid;
	uint64_t turns, lag[LAG_STEPS];
	int64_t asleep, longest;
};

struct summary {
	struct follow *follow;
	struct chrome *chrome; /* for names */
	struct summary_row *rows;
	size_t count;
	struct summary_loop *loops;
	/* The walk's: */
	struct summary_loop *loop;
	int64_t turned, began, wait, from;
};

void summary_make(struct summary *s, struct follow *f, struct chrome *c);
void summary_close(struct summary *s);

void summary_put_text(const struct summary *s, FILE *out);
void summary_put_json(const struct summary *s, FILE *out);

#endif
