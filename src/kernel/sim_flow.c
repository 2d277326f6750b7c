/* sim_flow.c - bytes on their way, in order, in parts that arrive together. */
#include "kernel/sim_state.h"

#include <stdlib.h>
#include <string.h>

void sim_flow_init(struct sim_flow *w, size_t room)
{
	w->room = room;
	w->bytes = malloc(room);
	if (!w->bytes)
		abort();
}

/* The bytes from `at` behind the first one, up to the ring's end. */
static char *place(const struct sim_flow *w, size_t at, size_t *size)
{
	size_t start = (w->first + at) % w->room;

	if (*size > w->room - start)
		*size = w->room - start;
	return w->bytes + start;
}

static void copy_in(struct sim_flow *w, const char *buf, size_t size)
{
	size_t part = size;
	char *to = place(w, w->count, &part);

	memcpy(to, buf, part);
	memcpy(w->bytes, buf + part, size - part);
}

static void copy_out(const struct sim_flow *w, char *buf, size_t size)
{
	size_t part = size;
	const char *from = place(w, 0, &part);

	memcpy(buf, from, part);
	memcpy(buf + part, w->bytes, size - part);
}

static int64_t last_arrival(const struct sim_flow *w)
{
	return w->part_count ? w->parts[w->part_count - 1].at : 0;
}

/* Nothing overtakes what was sent before. */
void sim_flow_put(struct sim_flow *w, const char *buf, size_t size, int64_t at)
{
	struct sim_part *p;

	assert(size <= w->room - w->count);
	copy_in(w, buf, size);
	w->count += size;
	if (at < last_arrival(w))
		at = last_arrival(w);
	if (w->part_count < SIM_PARTS)
		w->parts[w->part_count++].size = 0;
	p = &w->parts[w->part_count - 1];
	p->size += size;
	p->at = at;
}

size_t sim_flow_get(struct sim_flow *w, char *buf, size_t size, bool peek)
{
	if (size > w->arrived)
		size = w->arrived;
	copy_out(w, buf, size);
	if (peek)
		return size;
	w->first = (w->first + size) % w->room;
	w->count -= size;
	w->arrived -= size;
	return size;
}

void sim_flow_end(struct sim_flow *w, int64_t at)
{
	if (w->ends)
		return;
	w->ends = true;
	w->end_at = at < last_arrival(w) ? last_arrival(w) : at;
}

bool sim_flow_arrive(struct sim_flow *w, int64_t now, int64_t *next)
{
	unsigned n = 0;
	bool some = false;

	while (n < w->part_count && w->parts[n].at <= now)
		w->arrived += w->parts[n++].size;
	some = n > 0;
	w->part_count -= n;
	memmove(w->parts, w->parts + n, w->part_count * sizeof *w->parts);
	if (w->part_count && w->parts[0].at < *next)
		*next = w->parts[0].at;
	if (w->ends && !w->ended && !w->part_count && w->end_at <= now)
		some = w->ended = true;
	else if (w->ends && !w->ended && w->end_at < *next)
		*next = w->end_at;
	return some;
}
