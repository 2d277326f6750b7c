/* registry.h - the process's loops, for what looks at all of them. */
#ifndef DEBUG_REGISTRY_H
#define DEBUG_REGISTRY_H

#include "core/core.h"

/* A loop and what the tools keep with it. */
struct seen {
	struct seen *next; /* atomic */
	struct loop *loop; /* NULL: it has ended */
	int tid;           /* of its OS thread */
	unsigned number;   /* 1 for the process's first */
	/* quit.c's */
	struct mail mail;
	int posted; /* atomic: the mail is on its way */
	/* watchdog.c's: the loop when it was seen last */
	int64_t looked; /* its last turn */
	int64_t since;  /* when that turn was seen first, awake */
	int64_t cpu;    /* what its thread had used of the processor then */
	int64_t said; /* how long the stall was when it was reported; 0: not */
	/* stall.c's */
	int wanted; /* atomic: enum stall_report */
	int64_t length;
};

/* The newest loop; map.c has it, for tools outside. */
extern struct seen *ramet__seen;

/* Enter the calling thread's loop.  Returns 0 or -ENOMEM. */
int ramet__registry_open(struct loop *l);

/* Take it out: afterwards nobody visits it.  Waits for those who do. */
void ramet__registry_close(struct loop *l);

/* In the child of a fork: only l is left. */
void ramet__registry_after_fork(struct loop *l);

/* Call visit for each loop, none of which ends meanwhile; the newest first.
 * From any OS thread or signal handler, but on another thread than the loop's
 * its ramets change while they are looked at.  visit must not wait for a loop.
 */
void ramet__registry_each(void (*visit)(struct seen *, void *), void *arg);

#endif
