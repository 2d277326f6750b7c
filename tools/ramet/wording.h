/* wording.h - what a ramet of another process waits for, in words. */
#ifndef TOOLS_RAMET_WORDING_H
#define TOOLS_RAMET_WORDING_H

#include "tools/ramet/fds.h"
#include "tools/ramet/unwind.h"

#include <stdio.h>

/* Where the words come from. */
struct wording {
	const struct sight *sight;
	struct unwinder *unwinder;
	struct fds fds;
};

/* What it waits for, taken apart. */
struct waiting {
	const char *kind;                /* "read"; "" if it does not wait */
	char text[400];                  /* "to read from fd 7 (...)" */
	uint64_t object;                 /* 0: none */
	const struct ramet_seen *holder; /* who has it, or is waited for */
	int fd;                          /* -1: none */
	char local[72], peer[72];        /* of it */
	int64_t left;                    /* ns; -1: it has no end */
};

void wording_wait(struct wording *w, const struct ramet_seen *t,
		  struct waiting *wait);

/* "waiting", "ready", "new", "running", "ended": one word of it. */
const char *wording_state(const struct sight *s, const struct ramet_seen *t);

/* How long it has waited; -1: it does not. */
int64_t wording_age(const struct sight *s, const struct ramet_seen *t);

/* "ramet 7 "name"" */
void put_ramet(FILE *out, const struct ramet_seen *t);

/* "function+0x12 (module)", "module+0x1234", "0x1234"; with the line of the
 * source if it is known. */
void put_symbol(FILE *out, struct unwinder *u, uint64_t pc);

/* "20 ms", "3.2 s", "15 min" */
void put_duration(FILE *out, int64_t ns);

/* What others chose: what a terminal might obey becomes '?'. */
void put_safe(FILE *out, const char *text);

#endif
