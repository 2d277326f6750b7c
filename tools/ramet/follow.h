/* follow.h - has the loops of another process record what they do, and reads
 * their rings while they are written. */
#ifndef TOOLS_RAMET_FOLLOW_H
#define TOOLS_RAMET_FOLLOW_H

#include "debug/timeline.h"
#include "tools/ramet/outside.h"

struct followed {
	const struct layout *layout;
	uint64_t loop; /* its address */
	int tid;
	uint64_t ring;  /* 0: it has none yet */
	int64_t began;  /* the ring's recording */
	uint64_t taken; /* how many events have been read */
	struct record *head; /* its own copy, without the events */
	struct track track;
	size_t room;
	uint64_t lost;
};

struct follow {
	struct sight *sight;
	int64_t began, ended; /* CLOCK_MONOTONIC */
	struct followed *loops;
	size_t count;
	size_t events, lost;
	bool full; /* no more events are kept */
};

/* Begin.  Does not return if the process cannot be written to. */
void follow_open(struct follow *f, struct sight *s);

/* Read what is new.  Returns after how many ns to come again; -1: the process
 * has ended. */
int64_t follow_read(struct follow *f);

/* End the recording, read the rest, and what the ramets are called. */
void follow_end(struct follow *f);

void follow_close(struct follow *f);

#endif
