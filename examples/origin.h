/* origin.h - a small HTTP/1.1 server to crawl: every page takes its time, and
 * one in 500 never comes. */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <stddef.h>
#include <sys/types.h>

/* Serve /page/0, /page/1, ... on a listening socket until accept fails. */
void origin_serve(int listener);

/* Serve on a free port of the loopback in a process of its own, which ends
 * with this one at the latest.  Call it before any function of ramet.
 * Returns its process and sets *port, or -1. */
pid_t origin_start(int *port);
void origin_stop(pid_t origin);

/* How many of the first `pages` pages never come. */
size_t origin_silent(size_t pages);

#endif
