/* options.h - what was asked of `ramet run`. */
#ifndef TOOLS_RAMET_OPTIONS_H
#define TOOLS_RAMET_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
	unsigned groups, without; /* bits of ramet/patch.h */
	const char *libs;         /* NULL: the whole program */
	size_t stack;             /* 0: not said */
	const char *trace;        /* milliseconds; NULL: no */
	const char *report;       /* a file; "-": standard error; NULL: no */
	bool json, list, no_children, help;
	char **program; /* and its arguments, NULL at the end */
};

/* Read argv, which begins with the word "run".  Does not return if it makes no
 * sense. */
struct options read_options(int argc, char **argv);

/* "socket,dns" of those bits, in buf. */
const char *group_names(unsigned groups, char *buf, size_t size);

void print_run_help(void);

#endif
