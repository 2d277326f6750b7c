/* chrome.h - recordings as the JSON that Perfetto (ui.perfetto.dev) and
 * Chrome's tracing show: a track for each loop, a slice for each run of a
 * ramet.
 */
#ifndef DEBUG_CHROME_H
#define DEBUG_CHROME_H

#include "debug/map.h"
#include "debug/out.h"
#include "debug/timeline.h"

enum { CHROME_LABEL = 64, CHROME_LABELS = 512 };

struct chrome {
	struct out *out;
	int pid;
	const struct map_wait *waits;
	unsigned wait_count;
	/* What code at an address is called. */
	void (*symbol)(void *arg, uint64_t pc, char *text, size_t size);
	/* The string at an address: what a host said that somebody waits for.
	 */
	void (*string)(void *arg, uint64_t at, char *text, size_t size);
	void *arg;
	/* Ours: */
	bool more;
	struct label {
		uint64_t pc;
		char text[CHROME_LABEL];
	} labels[CHROME_LABELS]; /* by hash: symbols take long to find */
};

/* The name of a ramet: its own, its function's, or its number. */
void ramet__chrome_name(struct chrome *c, const struct who *w, char *text,
			size_t size);

/* Begin, then each track, which is walked, then end. */
void ramet__chrome_begin(struct chrome *c, const char *process);
void ramet__chrome_track(struct chrome *c, struct track *track);
void ramet__chrome_end(struct chrome *c);

#endif
