/* store.h - where a queue keeps its items: a ring, which is taken from either
 * end, or a heap.  It grows by doubling, and gives back what is much once it is
 * empty: a burst does not hold its memory for ever.
 */
#ifndef SYNC_STORE_H
#define SYNC_STORE_H

#include "kernel/kernel.h"
#include "ramet/queue.h"

#include <string.h>

struct store {
	size_t item_size, stride; /* from one slot to the next */
	size_t count, room;       /* in slots */
	size_t most;              /* items that may be inside */
	enum ramet_queue_order order;
	char *items, *end;
	char *oldest, *vacant; /* of a ring: where the next is taken, and put */
	uint64_t puts;         /* of a heap: breaks ties */
	int (*compare)(const void *a, const void *b);
	bool generous; /* the room is to be given back when it is empty */
};

/* Returns 0, or -EINVAL, -ENOMEM (bigger than memory). */
int ramet__store_init(struct store *s, const struct ramet_queue_opts *opts);
void ramet__store_fini(struct store *s);

/* Make room for one more; at most `most` may be inside then.  Returns 0 or
 * -ENOMEM. */
int ramet__store_grow(struct store *s);

/* Give back the room of an empty one. */
void ramet__store_shrink(struct store *s);

/* Of a heap; of what is no ring that is taken from its oldest end. */
void ramet__heap_put(struct store *s, const void *item);
void ramet__store_take(struct store *s, void *item);

/* Most items are a pointer; calling memcpy for one costs 3 ns an item. */
static inline void store_copy(const struct store *s, void *to, const void *from)
{
	if (likely(s->item_size == 8))
		memcpy(to, from, 8);
	else if (s->item_size)
		memcpy(to, from, s->item_size);
}

static inline int store_reserve(struct store *s)
{
	return likely(s->count < s->room) ? 0 : ramet__store_grow(s);
}

/* There is room for one. */
static inline void store_put(struct store *s, const void *item)
{
	if (unlikely(s->order == RAMET_PRIORITY)) {
		ramet__heap_put(s, item);
		return;
	}
	store_copy(s, s->vacant, item);
	s->vacant += s->stride;
	if (s->vacant == s->end)
		s->vacant = s->items;
	s->count++;
}

/* The one that is next, there being one. */
static inline char *store_next(const struct store *s)
{
	char *after = s->vacant == s->items ? s->end : s->vacant;

	if (likely(s->order == RAMET_FIFO))
		return s->oldest;
	return s->order == RAMET_LIFO ? after - s->stride : s->items;
}

static inline void store_get(struct store *s, void *item)
{
	if (unlikely(s->order != RAMET_FIFO)) {
		ramet__store_take(s, item);
		return;
	}
	store_copy(s, item, s->oldest);
	s->oldest += s->stride;
	if (s->oldest == s->end)
		s->oldest = s->items;
	s->count--;
}

/* After a get. */
static inline void store_tidy(struct store *s)
{
	if (unlikely(s->generous) && s->count == 0)
		ramet__store_shrink(s);
}

#endif
