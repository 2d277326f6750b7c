/* children.c - arrays that grow: adding, removing and finding a child take
 * constant time on average. */
#include "task/actor/children.h"

#include <string.h>

enum { ROOM_MIN = 8 };

/* The child's own note is a hint for find: it may be another supervisor's. */
static void move(struct care *care, size_t at)
{
	care->at = at;
	__atomic_store_n(&care->child->place, at, __ATOMIC_RELAXED);
}

static void close_up(struct children *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->end; i++)
		if (c->place[i]) {
			c->place[n] = c->place[i];
			move(c->place[n], n);
			n++;
		}
	c->end = n;
	c->empty = 0;
}

static int grow(struct children *c)
{
	size_t room = c->room ? 2 * c->room : ROOM_MIN;
	struct care **place = kernel_alloc(room * sizeof(struct care *));

	if (!place)
		return -ENOMEM;
	if (c->end)
		memcpy(place, c->place, c->end * sizeof(struct care *));
	kernel_free(c->place);
	c->place = place;
	c->room = room;
	return 0;
}

int ramet__children_add(struct children *c, struct care *care)
{
	if (c->empty > c->end / 2)
		close_up(c);
	if (c->end == c->room && grow(c) < 0)
		return -ENOMEM;
	care->at = c->end;
	c->place[c->end++] = care;
	return 0;
}

void ramet__children_remove(struct children *c, const struct care *care)
{
	c->place[care->at] = NULL;
	c->empty++;
	while (c->end && !c->place[c->end - 1]) {
		c->end--;
		c->empty--;
	}
}

struct care *ramet__children_at(struct children *c, size_t i)
{
	if (i >= c->end - c->empty)
		return NULL;
	if (c->empty)
		close_up(c);
	return c->place[i];
}

struct care *ramet__children_find(const struct children *c,
				  const struct ramet_actor *a)
{
	size_t at = __atomic_load_n(&a->place, __ATOMIC_RELAXED);
	struct care *care = at < c->end ? c->place[at] : NULL;

	return care && care->child == a ? care : NULL;
}

/* ---- restarts ----------------------------------------------------------- */

/* Those of the time before do not count. */
static void forget(struct restarts *r, int64_t before)
{
	while (r->count && r->times[r->first] <= before) {
		r->first = (r->first + 1) % r->room;
		r->count--;
	}
}

/* Room for one more, of at most `most`; without memory the oldest is forgotten.
 */
static void make_room(struct restarts *r, size_t most)
{
	size_t room = r->room ? 2 * r->room : ROOM_MIN;
	int64_t *times;

	if (r->count < r->room)
		return;
	room = room < most ? room : most;
	times = r->room < most ? kernel_alloc(room * sizeof *times) : NULL;
	if (times) {
		for (size_t i = 0; i < r->count; i++)
			times[i] = r->times[(r->first + i) % r->room];
		kernel_free(r->times);
		r->times = times;
		r->first = 0;
		r->room = room;
	} else if (r->count) {
		r->first = (r->first + 1) % r->room;
		r->count--;
	}
}

bool ramet__restarts_count(struct restarts *r, int64_t now, unsigned most,
			   int64_t within)
{
	forget(r, time_add(now, -within));
	if (r->count >= most)
		return true;
	make_room(r, most);
	if (r->count < r->room) {
		r->times[(r->first + r->count) % r->room] = now;
		r->count++;
	}
	return false;
}
