/* target.h - another process, which is only read. */
#ifndef TOOLS_RAMET_TARGET_H
#define TOOLS_RAMET_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What /proc/PID/maps says of a range. */
struct mapping {
	uint64_t start, end, offset;
	bool readable;
	char *name; /* "": none */
};

struct target {
	pid_t pid;
	char command[32];
	struct mapping *mappings;
	size_t mapping_count;
};

/* Something to be read. */
struct piece {
	uint64_t from;
	size_t size;
	void *to;
	bool got;
};

/* The number that is all that is left of `ramet COMMAND`'s arguments.  Does not
 * return if it is missing or not alone. */
const char *only_process(int argc, char **argv, const char *command);

/* The process of that number as the user wrote it.  Does not return if it
 * cannot be read; says why. */
void target_open(struct target *t, const char *pid);
void target_close(struct target *t);

/* Read /proc/PID/maps again.  False: the process has ended. */
bool target_map(struct target *t);

/* The mapping around an address; NULL: none. */
const struct mapping *target_mapping(const struct target *t, uint64_t address);

/* All or nothing. */
bool target_read(const struct target *t, uint64_t from, void *to, size_t size);

/* Read many pieces by few system calls. */
void target_read_all(const struct target *t, struct piece *pieces, size_t n);

/* A string of less than `size` bytes; what cannot be read ends it. */
void target_read_text(const struct target *t, uint64_t from, char *to,
		      size_t size);

/* Whether it is there still. */
bool target_lives(const struct target *t);

/* The process, or one of its threads, in /proc: the first bytes of a file, as a
 * string.  Returns false if there is none. */
bool target_proc(const struct target *t, int tid, const char *file, char *text,
		 size_t size);

/* The number that a thread has in /proc, which it calls `tid` itself: not the
 * same where the process is in a PID namespace of its own. */
int target_task(const struct target *t, int tid);

/* Memory that is never short for long: the command ends. */
void *need(void *memory);

#endif
