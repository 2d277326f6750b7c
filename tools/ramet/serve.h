/* serve.h - `ramet serve`: the files of a directory by HTTP. */
#ifndef TOOLS_RAMET_SERVE_H
#define TOOLS_RAMET_SERVE_H

#include <stdbool.h>
#include <stddef.h>

enum { LISTEN_MAX = 16 };

struct serve_options {
	const char *directory;    /* its real path */
	char *listen[LISTEN_MAX]; /* "http://host:port", ... */
	size_t listen_count;
	char *cert, *key; /* NULL: no TLS */
	char *metrics;    /* path; NULL: none */
	size_t loops;     /* 0: one for each processor */
	bool list, log, quiet, json, help;
};

/* Read argv, which begins with the word "serve".  Does not return if it makes
 * no sense. */
struct serve_options read_serve_options(int argc, char **argv);

void print_serve_help(void);

/* Serve until a signal ends it.  Returns the exit status. */
int serve(int argc, char **argv);

#endif
