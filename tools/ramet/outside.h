/* outside.h - the ramets of another process, as they are at one moment or
 * another: it runs on meanwhile.
 *
 * What is read may be anything: it changes while it is read, and the program
 * may have written over it.  So every count is bounded, every pointer only
 * given to the kernel, and a stack whose ramet has moved meanwhile is read
 * again.
 */
#ifndef TOOLS_RAMET_OUTSIDE_H
#define TOOLS_RAMET_OUTSIDE_H

#include "tools/ramet/layout.h"

enum { NAME_MAX_SEEN = 64 };

/* Where something is suspended, and a copy of its stack from there on. */
struct suspended {
	uint64_t sp, fp, pc;
	bool by_thread; /* it is in a system call: fp is not known */
	uint64_t copied;
	const char *copy;
};

struct ramet_seen {
	uint64_t at; /* its control block */
	unsigned loop;
	uint64_t id, parent;
	char name[NAME_MAX_SEEN];
	unsigned state, wait, flags;
	uint64_t object;
	int64_t since, due; /* due: -1 if no timer is armed */
	uint64_t cold, sp, fp, pc;
	uint64_t slot;  /* size of its stack; 0: a main */
	uint64_t depth; /* bytes of it in use; 0: not known */
	uint64_t switches;
	uint64_t fn, spawn_site, routine, guest, joiner;
	uint32_t lot_id;
	bool current; /* the loop's: its stack is its thread's */
	bool moved;   /* whenever it was looked at */
	bool odd;     /* its stack pointer makes no sense */
	long trace;   /* what on_stack returned; -1: none */
};

struct loop_seen {
	const struct layout *layout;
	uint64_t at, current;
	int tid;
	bool sleeping;
	int64_t now, looked;
	uint64_t spawned, live, switches, kernel_waits, timers, outside;
	size_t ready;
	/* Its thread: in a system call, and which; time on a processor. */
	bool in_call, on_cpu;
	long call;
	uint64_t call_sp, call_pc;
	int64_t cpu_ns;
};

/* Called for each stack that was copied whole; returns the ramet's `trace`. `s`
 * is for this call only. */
typedef long on_stack_fn(void *arg, const struct ramet_seen *t,
			 const struct suspended *s);

struct sight {
	struct target *target;
	struct layout layouts[4];
	size_t layout_count;

	int64_t taken; /* CLOCK_MONOTONIC */
	struct loop_seen *loops;
	size_t loop_count;
	struct ramet_seen *ramets; /* of the first loop, then the others'; in
				    * each main first */
	size_t ramet_count;
	struct sight_index {
		uint32_t *table; /* by hash: number + 1 */
		size_t size;
	} by_at, by_id, by_lot;
	char damage[128]; /* what could not be read; "": nothing */
};

/* Find the library in t.  Does not return if it is not there. */
void sight_open(struct sight *s, struct target *t);

/* Look; with stacks if on_stack is not NULL.  False: the process has ended. */
bool sight_take(struct sight *s, on_stack_fn *on_stack, void *arg);

void sight_close(struct sight *s);

/* The ramet with that control block, or that id in a loop; NULL: none. */
const struct ramet_seen *sight_at(const struct sight *s, uint64_t at);
const struct ramet_seen *sight_id(const struct sight *s, unsigned loop,
				  uint64_t id);
/* The one that owns locks under that number. */
const struct ramet_seen *sight_owner(const struct sight *s, uint32_t lot_id);

static inline const struct layout *layout_of(const struct sight *s,
					     const struct ramet_seen *t)
{
	return s->loops[t->loop].layout;
}

/* How long the loop has been at something else than its turns; 0 if it sleeps.
 */
int64_t loop_lag(const struct sight *s, const struct loop_seen *l);

#endif
