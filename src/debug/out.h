/* out.h - text for people, written to a descriptor in large pieces.
 *
 * Neither libc's printf nor malloc: reports are also written by signal
 * handlers, and when memory is what has run out.
 */
#ifndef DEBUG_OUT_H
#define DEBUG_OUT_H

#include "base/base.h"
#include "ramet/base.h"

struct out {
	int fd;
	int err; /* the first -errno; what follows it is dropped */
	size_t used;
	char text[4096];
};

void ramet__out_open(struct out *o, int fd);

/* Write what is there. */
void ramet__out_flush(struct out *o);

/* Write what is left.  Returns 0 or the first -errno. */
int ramet__out_close(struct out *o);

void ramet__put(struct out *o, const char *text, size_t size);

/* Understands %s, %d, %lu, %lx and %%. */
void ramet__print(struct out *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* How many bytes the UTF-8 character at the start of text has; 0: it is none.
 */
size_t ramet__character(const char *text, size_t size);

/* A name that others chose: what a terminal might obey becomes '?'. */
void ramet__put_name(struct out *o, const char *name, size_t size);

/* "20 ms", "3.2 s", "15 min". */
void ramet__put_duration(struct out *o, int64_t ns);

#endif
