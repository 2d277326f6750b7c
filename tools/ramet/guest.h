/* guest.h - the frames of interpreted code that a ramet runs, read as the
 * interpreter keeps them.  Today that is CPython's, by the map in the extension
 * module of Python's ramet. */
#ifndef TOOLS_RAMET_GUEST_H
#define TOOLS_RAMET_GUEST_H

#include "tools/ramet/unwind.h"

/* One, innermost first. */
struct guest_frame {
	uint64_t place; /* instead of a pc */
	bool last;      /* what follows is another call of the interpreter */
};

struct guests;

/* NULL: the process has none, or *unreadable: its extension module is of
 * another version than this command. */
struct guests *guests_open(const struct target *t, bool *unreadable);
void guests_close(struct guests *g);

/* The frames of a guest, at most n.  `running`: it is its thread's current one.
 */
size_t guests_frames(struct guests *g, uint64_t guest, bool running,
		     struct guest_frame *frames, size_t n);

/* The place where a guest was spawned; 0: not known. */
uint64_t guests_spawn(struct guests *g, uint64_t guest);

/* What a place is; stays. */
const struct symbol *guests_symbol(const struct guests *g, uint64_t place);

/* Whether a function of that name is the interpreter's loop. */
bool guests_is_loop(const char *function);

/* No address of a program is as high. */
#define GUEST_PLACE (UINT64_C(1) << 63)

#endif
