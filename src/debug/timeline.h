/* timeline.h - recorded events as what they mean: who ran from when to when,
 * and why he did not.
 *
 * For the recordings of this process and for those of another, which a tool has
 * read: addresses are never followed.
 */
#ifndef DEBUG_TIMELINE_H
#define DEBUG_TIMELINE_H

#include "base/base.h"
#include "base/record.h"

enum { WHO_NAME = 32 };

/* A ramet; what is not known is 0. */
struct who {
	uint64_t id, fn, site;
	char name[WHO_NAME];
	/* Since the walk has come to where it is: */
	int64_t parked, ready; /* when it last became so */
	uint64_t object, waker;
	uint8_t wait;
	bool yielded;
	size_t row; /* a view's; 0 at first */
};

/* A loop's recording. */
struct track {
	int tid;
	struct record_event *events; /* oldest first */
	size_t count;
	uint64_t clock; /* what one clock said when the other said `time` */
	int64_t time;
	double tick; /* ns */
	/* The walk's: */
	struct who **who; /* by hash of the id */
	size_t who_count, who_size;
	struct who *current; /* NULL: nobody runs, or it is not known who */
	int64_t ready, ready_least;
	int64_t last;
	bool waits; /* a view's: for the kernel */
};

enum stop { STOP_PARK, STOP_YIELD, STOP_END, STOP_LOST };

/* Who wants to know; each may be NULL. */
struct view {
	void (*run)(void *arg, struct track *, struct who *, int64_t now);
	void (*stop)(void *arg, struct track *, struct who *, int64_t now,
		     enum stop why);
	/* The number of ramets that are ready has changed. */
	void (*ready)(void *arg, struct track *, int64_t now);
	/* Each event; who is NULL for those of the loop. */
	void (*event)(void *arg, struct track *, const struct record_event *,
		      struct who *, int64_t now);
};

/* Learn what events say of names; afterwards the track's ramets are known.
 * Returns 0 or -ENOMEM. */
int ramet__track_open(struct track *track);
void ramet__track_close(struct track *track);

/* One of its ramets, made if it is new; NULL: no memory. */
struct who *ramet__track_who(struct track *track, uint64_t id);

/* Once, after open. */
void ramet__track_walk(struct track *track, const struct view *view, void *arg);

/* By the clock of times. */
int64_t ramet__track_time(const struct track *track, uint64_t clock);

#endif
