/* recording.h - what happens in all loops, recorded from ramet_trace_start to
 * ramet_trace_stop, or for the life of the process (RAMET_TRACE). */
#ifndef DEBUG_RECORDING_H
#define DEBUG_RECORDING_H

#include "core/core.h"

enum { RECORDING_PATH = 1024 };

/* As ramet_trace_start and ramet_trace_stop, whose loop is l.  `path` gets
 * where it was to be written, unless it is NULL.  Return 0 or -errno. */
int ramet__recording_start(struct loop *l, const char *path);
int ramet__recording_stop(struct loop *l, char path[RECORDING_PATH]);

/* Once: begin if the environment says so. */
void ramet__recording_install(void);

/* The loop looks whether it is to record; says so if it cannot. */
void ramet__recording_mind(struct loop *l);

/* The loop ends: its events are kept. */
void ramet__recording_leave(struct loop *l);

/* In the child of a fork, which records nothing. */
void ramet__recording_after_fork(struct loop *l);

/* ---- recording_file.c --------------------------------------------------- */

/* Events of a loop that has ended. */
struct recording_left {
	struct recording_left *next;
	int tid;
	struct record *ring;
};

/* Make the file anew, to be written.  Returns its descriptor or -errno. */
int ramet__recording_create(const char *path);

/* Write to it all loops' events, those of `left` first.  Returns 0 or -errno.
 */
int ramet__recording_write(const char *path, const struct recording_left *left);

#endif
