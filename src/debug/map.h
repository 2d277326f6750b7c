/* map.h - where things are, for tools that look from outside: at a process that
 * runs, at a core file, through a debugger.
 *
 * Such tools know nothing of the library's structures but what the map in the
 * process itself tells them, so they work where there are no symbols, and with
 * any version of the library.  It is found by a note in the object that has the
 * library (owner "ramet", type MAP_NOTE), whose four bytes say how far behind
 * them the map is; it is also exported, as ramet_map.
 *
 * An extension module that runs interpreted code in ramets has a map of the
 * same form, with a note of another type, of what its interpreter knows of
 * them.
 *
 * This file is the format.  What is added to it goes to the end, or is another
 * value; MAP_FORMAT changes when what is there comes to mean something else.
 */
#ifndef DEBUG_MAP_H
#define DEBUG_MAP_H

#include <stdint.h>

#define MAP_MAGIC "rametmap"

enum {
	MAP_NOTE = 1,
	MAP_NOTE_PYTHON,
	MAP_FORMAT = 1,
	MAP_VALUES = 128,
	MAP_WAITS = 64
};

/* "ramet.state": offset of a member; "sizeof.ramet"; "state.parked" and other
 * constants.  Entries without a name are not used. */
struct map_value {
	char name[28];
	uint32_t value;
};

/* What the object of a wait is. */
enum map_object {
	MAP_OBJECT,  /* something to be told apart by its address */
	MAP_NOTHING, /* is not looked at */
	MAP_RAMET,   /* who is joined, perhaps one of many: joiner.missing */
	MAP_MUTEX,   /* a structure with such members, as the following */
	MAP_RWLOCK,
	MAP_ONCE,
	MAP_BARRIER,
	MAP_GROUP,
	MAP_POOL,
	MAP_LOT,      /* lot_reason or NULL; its words come first */
	MAP_ACTOR,    /* actor_wait; its words come first */
	MAP_STRING,   /* the words themselves */
	MAP_SLEEP,    /* none; ends when ramet.timer.when says */
	MAP_FD,       /* the number */
	MAP_FUNCTION, /* which runs; or the number of a system call; or NULL */
	MAP_PID,      /* or 0 */
};

struct map_wait {
	char name[16];  /* "read": programs rely on it */
	char words[44]; /* "to read from" */
	uint32_t object;
};

/* Numbers are those of the machine.  Places are offsets from the map. */
struct map {
	char magic[8];
	uint32_t format, size;
	char version[24];
	uint64_t seen; /* address of the pointer to the newest loop's record */
	uint64_t boot; /* where each stack begins, and a backtrace ends */
	uint32_t values, value_size, value_count;
	uint32_t waits, wait_size, wait_count; /* by ramet.wait */
	struct map_value value[MAP_VALUES];
	struct map_wait wait[MAP_WAITS];
	uint64_t record_wanted; /* address of core/record.h's word */
	/* Of an interpreter's: address of the path of the folder that its
	 * package is in, with the slash. */
	uint64_t package;
};

extern const struct map ramet__map;

#endif
