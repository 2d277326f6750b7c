/* screen.h - what `ramet top` shows. */
#ifndef TOOLS_RAMET_SCREEN_H
#define TOOLS_RAMET_SCREEN_H

#include "tools/ramet/top_table.h"

/* What is compared with what was before. */
struct rates {
	int64_t taken;
	size_t count;
	struct rate {
		int tid;
		uint64_t switches, kernel_waits;
		int64_t cpu_ns, lag_most;
	} * loops;
	double seconds; /* since the time before; 0: it is the first */
};

struct screen {
	struct table table;
	struct rates rates, before;
	size_t selected, top; /* rows */
	bool paused, help, typing, stack;
	const char *message; /* NULL: none */
};

void screen_note_rates(struct screen *s, const struct picture *p);

/* Lines about the process and each of its loops; returns how many. */
int screen_put_summary(struct screen *s, struct picture *p, FILE *out,
		       int width);

/* All of it, for a terminal of that size. */
void screen_draw(struct screen *s, struct picture *p, int rows, int columns);

#endif
