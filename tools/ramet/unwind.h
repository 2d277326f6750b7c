/* unwind.h - backtraces of copied stacks, and what the code at an address is
 * called: by libdwfl (elfutils), from the unwind tables that every program has
 * and the symbols that it may have. */
#ifndef TOOLS_RAMET_UNWIND_H
#define TOOLS_RAMET_UNWIND_H

#include "tools/ramet/outside.h"

enum { TRACE_FRAMES = 48, TRACE_LAST = 8 };

struct frame {
	uint64_t pc;    /* in the call, not after it */
	uint64_t times; /* recursion is one frame */
};

/* Innermost first.  Of a longer one the TRACE_LAST outermost are kept; those
 * before them are left out. */
struct trace {
	size_t count, left_out;
	struct frame frames[TRACE_FRAMES];
};

/* NULL: not known. */
struct symbol {
	const char *function;
	uint64_t offset;    /* from its start, else from the module's */
	const char *module; /* the file's name without folders */
	uint64_t start;     /* where that is; 0: not known */
	bool guest;         /* of interpreted code */
	bool hook;          /* stands in the place of libc's function */
	const char *file;   /* of the source, without folders */
	int line;
};

/* Add a frame that calls those that are there. */
void trace_add(struct trace *trace, uint64_t pc, uint64_t times);

struct unwinder;

/* Why stacks cannot be unwound at all; NULL: they can. */
const char *unwinder_lacks(void);

struct unwinder *unwinder_open(const struct target *t);
void unwinder_close(struct unwinder *u);

/* Who knows the places of interpreted code; NULL: nobody. */
struct guests;
void unwinder_use(struct unwinder *u, const struct guests *guests);

/* Walk a stack; trace->count is 0 if that cannot be done. */
void unwinder_walk(struct unwinder *u, const struct suspended *s,
		   struct trace *trace);

/* The strings stay. */
const struct symbol *unwinder_symbol(struct unwinder *u, uint64_t pc);

#endif
