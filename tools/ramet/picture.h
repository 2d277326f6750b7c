/* picture.h - everything that is known of a process's ramets at one moment. */
#ifndef TOOLS_RAMET_PICTURE_H
#define TOOLS_RAMET_PICTURE_H

#include "tools/ramet/fold.h"
#include "tools/ramet/guest.h"
#include "tools/ramet/wording.h"

struct picture {
	struct target target;
	struct sight sight;
	struct unwinder *unwinder;
	size_t mapped; /* how many mappings there were when it was opened */
	struct guests *guests;  /* NULL: none */
	bool guests_unreadable; /* there are some, though */
	struct fold fold;
	struct wording wording;
	bool has_stacks;
	long fd_count;
};

/* Open the process that the user named.  Does not return if that fails. */
void picture_open(struct picture *p, const char *pid);

/* Look, with stacks or without.  False: the process has ended. */
bool picture_take(struct picture *p, bool stacks);

void picture_close(struct picture *p);

/* Why t has no stack; NULL: it has. */
const char *picture_lacks(const struct picture *p, const struct ramet_seen *t);

/* The stack of one, a line for each frame. */
void picture_put_stack(struct picture *p, FILE *out, size_t trace,
		       const char *indent);

/* The place that t was spawned at. */
uint64_t picture_spawn_place(struct picture *p, const struct ramet_seen *t);

/* One line of it, without its end. */
void picture_put_line(struct picture *p, FILE *out, const struct ramet_seen *t);

/* The same as JSON, all of it. */
void picture_put_json(struct picture *p, FILE *out);

#endif
