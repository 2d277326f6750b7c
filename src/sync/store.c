/* store.c - growing, and the heap: a binary one in an array, no item before its
 * parent.  Each of its slots ends in the number of the put, so that of equals
 * the first is first.
 */
#include "sync/store.h"

enum { FIRST_ROOM = 16, MUCH = 64 * 1024 }; /* bytes are much */

/* ---- room --------------------------------------------------------------- */

/* As malloc aligns, if the size says that it may matter. */
static size_t heap_stride(size_t item_size)
{
	size_t unit = item_size % 16 == 0 ? 16 : 8;

	return (item_size + sizeof(uint64_t) + unit - 1) / unit * unit;
}

int ramet__store_init(struct store *s, const struct ramet_queue_opts *opts)
{
	*s = (struct store){.item_size = opts->item_size,
			    .stride = opts->item_size,
			    .most = opts->capacity ? opts->capacity : SIZE_MAX,
			    .order = opts->order,
			    .compare = opts->compare};
	if ((unsigned)opts->order > RAMET_PRIORITY)
		return -EINVAL;
	if (opts->item_size > PTRDIFF_MAX / FIRST_ROOM)
		return -ENOMEM;
	if (opts->order != RAMET_PRIORITY)
		return 0;
	s->stride = heap_stride(opts->item_size);
	return s->compare ? 0 : -EINVAL;
}

void ramet__store_fini(struct store *s)
{
	kernel_free(s->items);
}

/* The ring begins at the new room's start. */
static void move(struct store *s, char *items)
{
	size_t behind = (size_t)(s->end - s->oldest),
	       all = s->count * s->stride;
	size_t first = behind < all ? behind : all;

	if (s->order == RAMET_PRIORITY) {
		memcpy(items, s->items, all);
		return;
	}
	memcpy(items, s->oldest, first);
	memcpy(items + first, s->items, all - first);
}

int ramet__store_grow(struct store *s)
{
	size_t room = s->room ? 2 * s->room : FIRST_ROOM, size;
	char *items;

	if (room > s->most)
		room = s->most;
	if (__builtin_mul_overflow(room, s->stride, &size))
		return -ENOMEM;
	items = kernel_alloc(size ? size : 1);
	if (!items)
		return -ENOMEM;
	if (s->count)
		move(s, items);
	kernel_free(s->items);
	s->items = s->oldest = items;
	s->end = items + size;
	s->vacant = room == s->count ? items : items + s->count * s->stride;
	s->room = room;
	s->generous = size > MUCH;
	return 0;
}

void ramet__store_shrink(struct store *s)
{
	kernel_free(s->items);
	s->items = s->end = s->oldest = s->vacant = NULL;
	s->room = 0;
	s->generous = false;
}

/* ---- the heap ----------------------------------------------------------- */

static char *slot(const struct store *s, size_t i)
{
	return s->items + i * s->stride;
}

static uint64_t *number(const struct store *s, char *slot)
{
	return (uint64_t *)(void *)(slot + s->stride) - 1;
}

static bool before(const struct store *s, const void *a, uint64_t a_put,
		   const void *b, uint64_t b_put)
{
	int order = s->compare(a, b);

	return order ? order < 0 : a_put < b_put;
}

/* What is put is the last of its equals. */
void ramet__heap_put(struct store *s, const void *item)
{
	size_t hole = s->count++, parent;

	for (; hole; hole = parent) {
		parent = (hole - 1) / 2;
		if (s->compare(item, slot(s, parent)) >= 0)
			break;
		memcpy(slot(s, hole), slot(s, parent), s->stride);
	}
	store_copy(s, slot(s, hole), item);
	*number(s, slot(s, hole)) = s->puts++;
}

/* The one of hole's children that is first, among `count`; 0 if it has none. */
static size_t first_child(const struct store *s, size_t hole, size_t count)
{
	size_t left = 2 * hole + 1;
	char *a, *b;

	if (left + 1 >= count)
		return left < count ? left : 0;
	a = slot(s, left);
	b = slot(s, left + 1);
	return before(s, b, *number(s, b), a, *number(s, a)) ? left + 1 : left;
}

/* The last item looks for its place from the top. */
static void heap_get(struct store *s, void *item)
{
	size_t last = --s->count, hole = 0, child;
	char *moved = slot(s, last), *c;

	store_copy(s, item, s->items);
	while ((child = first_child(s, hole, last))) {
		c = slot(s, child);
		if (before(s, moved, *number(s, moved), c, *number(s, c)))
			break;
		memcpy(slot(s, hole), c, s->stride);
		hole = child;
	}
	if (hole != last)
		memcpy(slot(s, hole), moved, s->stride);
}

void ramet__store_take(struct store *s, void *item)
{
	if (s->order == RAMET_PRIORITY) {
		heap_get(s, item);
		return;
	}
	s->vacant = store_next(s);
	s->count--;
	store_copy(s, item, s->vacant);
}
