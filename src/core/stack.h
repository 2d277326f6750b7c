/* stack.h - control blocks and their stacks, recycled as one. */
#ifndef CORE_STACK_H
#define CORE_STACK_H

#include "core/core.h"

/* Read the default size from the environment.  Returns 0 or -EINVAL. */
int ramet__stacks_init(struct loop *l);

/* A ramet with a stack of `size` bytes, or the default if 0, the one that was
 * given back last; NULL and *err. */
struct ramet *ramet__stack_get(struct loop *l, size_t size, int *err);
void ramet__stack_put(struct ramet *t);
void ramet__stacks_free(struct loop *l);

/* Give memory of idle stacks back: all, or those unused since the last trim. */
size_t ramet__stacks_trim(struct loop *l, bool all);

/* Bytes at the low end of a slot that must not be touched. */
static inline size_t stack_guard_size(size_t slot)
{
	return slot / 4 > 128 * 1024 ? 128 * 1024 : slot / 4;
}

/* Lowest usable address and the size from there up to the cold record. */
static inline void ramet__stack_bounds(const struct ramet *t, char **low,
				       size_t *size)
{
	char *top = (char *)t->cold;
	size_t slot = t->cold->class->size;

	*low = top + sizeof *t->cold - slot + stack_guard_size(slot);
	*size = (size_t)(top - *low);
}

/* Where no guard was to be had (FLAG_CANARY): a word at the stack's end, set at
 * the start and looked at whenever the ramet is switched away. */
void ramet__canary_set(struct ramet *t);
bool ramet__canary_lives(const struct ramet *t);

/* Call visit for each ramet that lives, main first, then in the order in which
 * their slots were made. */
void ramet__each(struct loop *l, void (*visit)(struct ramet *, void *),
		 void *arg);

#endif
