/* slots.h - the slots that hold replacements, with what was there before: the
 * log that undoes them. */
#ifndef PATCH_ENGINE_SLOTS_H
#define PATCH_ENGINE_SLOTS_H

#include <stdbool.h>

#include "patch/engine/memory.h"
#include "patch/engine/row.h"

struct slot {
	void **at; /* NULL: a free place */
	void *old;
	const struct patch_row *row;
	bool changed; /* by the change under way */
};

/* A hash table by address. */
struct slots {
	struct memory memory; /* of struct slot */
	size_t count, room;   /* room: a power of two, or 0 */
};

/* NULL if there is none. */
struct slot *slots_find(const struct slots *slots, void **at);

/* Add one that is not there.  Returns 0 or -ENOMEM. */
int slots_add(struct slots *slots, const struct slot *slot);

void slots_fini(struct slots *slots);

/* NULL before anything was added. */
static inline struct slot *slots_first(const struct slots *slots)
{
	return slots->memory.start;
}

#define slots_each(s, slots)                                                   \
	for (struct slot *s = slots_first(slots);                              \
	     s && s < slots_first(slots) + (slots)->room; s++)                 \
		if (s->at)

#endif
