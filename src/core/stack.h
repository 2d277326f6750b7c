/* stack.h - control blocks and their stacks, recycled as one. */
#ifndef CORE_STACK_H
#define CORE_STACK_H

#include "core/core.h"

/* One mapping, cut into slots. */
struct slab {
	struct slab *next;
	char *stacks;
	struct ramet *ramets;
	size_t count, ready; /* slots in all, and those that have their guard */
};

/* Read the default size from the environment.  Returns 0 or -EINVAL. */
int ramet__stacks_init(struct loop *l);

/* A ramet with a stack of `size` bytes, or the default if 0, the one that was
 * given back last; NULL and *err. */
struct ramet *ramet__stack_get(struct loop *l, size_t size, int *err);
void ramet__stack_put(struct ramet *t);

/* Whether there are stacks of that size, 0 being the default. */
bool ramet__stack_size_fits(struct loop *l, size_t size);

void ramet__stacks_free(struct loop *l);

/* Give memory of idle stacks back: all, or those unused since the last trim. */
size_t ramet__stacks_trim(struct loop *l, bool all);

/* Bytes at the low end of a slot that must not be touched. */
static inline size_t stack_guard_size(size_t slot)
{
	return slot / 4 > 128 * 1024 ? 128 * 1024 : slot / 4;
}

#define STACK_PAGE ((size_t)4096)

/* From slot to slot it is an odd number of pages.  With a power of two the
 * stacks' tops would share few sets of the processor's second TLB, where a
 * page's number chooses the set: from some hundred ramets on each switch to one
 * would walk the page tables. */
static inline size_t stack_stride(size_t slot)
{
	return slot + STACK_PAGE;
}

static inline char *stack_slot(const struct stack_class *c,
			       const struct slab *slab, size_t i)
{
	return slab->stacks + i * stack_stride(c->size);
}

/* Where slot i has its cold record, above the stack.  What a parked ramet
 * touches lies there; if it had the same place in each page it would share few
 * sets of the first-level cache, so slots differ by some lines, in turn. */
static inline struct cold *stack_cold(const struct stack_class *c,
				      const struct slab *slab, size_t i)
{
	enum { PLACES = 8, CACHE_LINE = 64 };
	char *end = stack_slot(c, slab, i) + c->size;

	return (struct cold *)(void *)(end - i % PLACES * CACHE_LINE) - 1;
}

/* The end of its slot: the record is in the last page. */
static inline char *stack_end(const struct cold *cold)
{
	return (char *)(((uintptr_t)cold | (STACK_PAGE - 1)) + 1);
}

/* Lowest usable address and the size from there up to the cold record. */
static inline void ramet__stack_bounds(const struct ramet *t, char **low,
				       size_t *size)
{
	size_t slot = t->cold->class->size;

	*low = stack_end(t->cold) - slot + stack_guard_size(slot);
	*size = (size_t)((char *)t->cold - *low);
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
