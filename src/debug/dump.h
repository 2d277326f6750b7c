/* dump.h - what a dump has gathered, and who writes it. */
#ifndef DEBUG_DUMP_H
#define DEBUG_DUMP_H

#include "debug/trace.h"

/* A ramet, in the list of those that are where it is; numbers, not pointers,
 * are links, and 0 is none. */
struct entry {
	struct ramet *t;
	uint32_t next, place;
};

/* Ramets with one backtrace. */
struct place {
	uint64_t hash;
	uint64_t guest; /* of the frames that the host tells */
	struct frame *frames;
	uint32_t frame_count, left_out;
	uint32_t first, last, count;
};

struct dump {
	struct loop *loop;
	const struct context *here; /* where the running ramet is */
	const void *first;          /* of its frames from there on; NULL: all */
	int fd, err;
	bool json;
	long process, thread; /* the loop's */
	int64_t now;
	size_t room; /* for entries and places, number 0 unused */
	size_t entry_count, place_count, frame_count;
	size_t table_size; /* a power of two */
	struct entry *entries;
	struct place *places;
	struct frame *frames;
	uint32_t *table; /* places by hash */
	struct trace *trace;
	struct out *out;
};

/* d->trace becomes that of p. */
void ramet__dump_load(struct dump *d, const struct place *p);

/* How often t has been switched to. */
uint64_t ramet__dump_switches(const struct ramet *t);

/* Bytes of t's stack in use, by its stack pointer, and in all; 0: not known. */
size_t ramet__dump_stack(const struct dump *d, const struct ramet *t,
			 size_t *size);

/* In dump_json.c. */
void ramet__dump_write_json(struct dump *d);

#endif
