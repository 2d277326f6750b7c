/* follow.c - one byte is written into the other process, which is not stopped.
 *
 * A ring is read faster than it goes round, if that can be done; what was
 * written over before it was read, or while, is a gap.
 */
#include "tools/ramet/follow.h"
#include "arch/arch.h"
#include "tools/ramet/read.h"
#include "tools/ramet/say.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>

enum {
	EVENTS_MOST = 1 << 23, /* in all: 200 MB */
	RING_MOST = 1 << 26,
	SOONEST = 200 * 1000, /* ns */
	LATEST = 20 * 1000 * 1000,
	LOOK_FOR_LOOPS = 250 * 1000 * 1000,
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* ---- the switch ---------------------------------------------------------- */

static bool set(const struct follow *f, uint8_t yes)
{
	const struct sight *s = f->sight;
	bool ok = true;

	for (size_t i = 0; i < s->layout_count; i++) {
		const struct layout *l = &s->layouts[i];
		uint64_t at = l->record_wanted + l->record_outside;
		struct iovec here = {&yes, 1},
			     there = {(void *)(uintptr_t)at, 1};

		ok &= process_vm_writev(s->target->pid, &here, 1, &there, 1,
					0) == 1;
	}
	return ok;
}

/* ---- loops --------------------------------------------------------------- */

static void add_loop(struct follow *f, const struct loop_seen *seen)
{
	struct followed *l;

	for (size_t i = 0; i < f->count; i++)
		if (f->loops[i].loop == seen->at &&
		    f->loops[i].tid == seen->tid)
			return;
	f->loops = need(realloc(f->loops, (f->count + 1) * sizeof *f->loops));
	l = &f->loops[f->count++];
	*l = (struct followed){.layout = seen->layout,
			       .loop = seen->at,
			       .tid = seen->tid,
			       .head = need(calloc(1, sizeof *l->head)),
			       .track.tid = seen->tid};
}

static bool find_loops(struct follow *f)
{
	bool lives = sight_take(f->sight, NULL, NULL);

	for (size_t i = 0; i < f->sight->loop_count; i++)
		add_loop(f, &f->sight->loops[i]);
	return lives;
}

void follow_open(struct follow *f, struct sight *s)
{
	*f = (struct follow){.sight = s, .began = now_ns()};
	find_loops(f);
	for (size_t i = 0; i < f->count; i++) {
		struct followed *l = &f->loops[i];

		/* What an earlier recording has left is old. */
		if (target_read(s->target, l->loop + l->layout->loop_record,
				&l->ring, sizeof l->ring) &&
		    l->ring &&
		    target_read(s->target, l->ring, l->head, sizeof *l->head)) {
			l->began = l->head->time;
			l->taken = l->head->written;
		}
	}
	if (!set(f, 1))
		refuse(1,
		       "process %d cannot be told to record: %s; run this "
		       "command as the user that runs it, or as root",
		       (int)s->target->pid, strerror(errno));
}

/* ---- rings --------------------------------------------------------------- */

static struct record_event *room_for(struct followed *l, size_t n)
{
	struct track *t = &l->track;

	if (t->count + n > l->room) {
		l->room =
			2 * l->room > t->count + n ? 2 * l->room : t->count + n;
		t->events =
			need(realloc(t->events, l->room * sizeof *t->events));
	}
	return t->events + t->count;
}

static void add_gap(struct follow *f, struct followed *l, uint64_t n)
{
	uint64_t clock =
		l->track.count ? l->track.events[l->track.count - 1].clock : 0;

	if (!n || !clock)
		return;
	*room_for(l, 1) =
		(struct record_event){clock, n, record_what(RECORD_GAP, 0, 0)};
	l->track.count++;
	f->lost += n;
}

/* Events [from, to) of the ring, which has them, or had. */
static bool copy(const struct follow *f, const struct followed *l,
		 uint64_t from, uint64_t to, struct record_event *events)
{
	uint64_t size = l->head->mask + 1, start = from & l->head->mask;
	uint64_t first = to - from < size - start ? to - from : size - start;
	uint64_t base = l->ring + offsetof(struct record, events);

	return target_read(f->sight->target, base + start * sizeof *events,
			   events, first * sizeof *events) &&
	       (first == to - from ||
		target_read(f->sight->target, base, events + first,
			    (to - from - first) * sizeof *events));
}

static bool is_ring(const struct record *r)
{
	return r->format == RECORD_FORMAT && r->mask < RING_MOST &&
	       (r->mask & (r->mask + 1)) == 0;
}

/* False: it cannot be read. */
static bool read_head(struct follow *f, struct followed *l)
{
	uint64_t ring;

	if (!target_read(f->sight->target, l->loop + l->layout->loop_record,
			 &ring, sizeof ring) ||
	    !ring ||
	    !target_read(f->sight->target, ring, l->head, sizeof *l->head) ||
	    !is_ring(l->head))
		return false;
	if (ring != l->ring || l->head->time != l->began) {
		l->ring = ring;
		l->began = l->head->time;
		l->taken = 0;
	}
	return true;
}

/* Returns how much of the ring was new, of 8. */
static unsigned read_ring(struct follow *f, struct followed *l)
{
	uint64_t size, end, from, after, gone = 0, n;
	struct record_event *to;

	if (!read_head(f, l))
		return 0;
	size = l->head->mask + 1;
	end = l->head->written;
	from = end - l->taken > size ? end - size : l->taken;
	n = end - from;
	if (!n || end < l->taken)
		return 0;
	to = room_for(l, n + 1) + 1; /* a gap may come before */
	if (!copy(f, l, from, end, to) ||
	    !target_read(f->sight->target,
			 l->ring + offsetof(struct record, written), &after,
			 sizeof after))
		return 0;
	if (after + 1 > from + size) /* the next is being written perhaps */
		gone = after + 1 - size - from;
	if (gone > n)
		gone = n;
	add_gap(f, l, from - l->taken + gone);
	memmove(l->track.events + l->track.count, to + gone,
		(n - gone) * sizeof *to);
	l->track.count += n - gone;
	f->events += n - gone;
	l->taken = end;
	return (unsigned)(8 * n / size);
}

int64_t follow_read(struct follow *f)
{
	static int64_t pause = SOONEST, looked;
	int64_t now = now_ns();
	unsigned most = 0;

	if (now - looked > LOOK_FOR_LOOPS) {
		looked = now;
		if (!find_loops(f))
			return -1;
	}
	for (size_t i = 0; i < f->count; i++) {
		unsigned part = read_ring(f, &f->loops[i]);

		most = part > most ? part : most;
	}
	f->full = f->events >= EVENTS_MOST;
	pause = most > 1 ? pause / 2 : most ? pause : pause * 2;
	if (pause < SOONEST)
		pause = SOONEST;
	if (pause > LATEST)
		pause = LATEST;
	return pause;
}

/* ---- the end ------------------------------------------------------------- */

static void know(struct follow *f, const struct ramet_seen *t)
{
	const struct loop_seen *seen = &f->sight->loops[t->loop];
	struct who *w;

	for (size_t i = 0; i < f->count; i++) {
		if (f->loops[i].loop != seen->at)
			continue;
		w = need(ramet__track_who(&f->loops[i].track, t->id));
		w->site = t->spawn_site;
		if (t->slot)
			w->fn = t->flags & seen->layout->flag_tls && t->routine
					? t->routine
					: t->fn;
		memcpy(w->name, t->name, sizeof w->name - 1);
	}
}

/* The two clocks, read at one time there and here. */
static void calibrate(struct followed *l, int64_t now, uint64_t ticks)
{
	struct track *t = &l->track;

	t->clock = l->head->clock;
	t->time = l->head->time;
	t->tick = 1;
	if (t->time < 0 || t->time > now)
		t->time = now;
	if (l->head->ticks && ticks > l->head->clock)
		t->tick = (double)(now - t->time) /
			  (double)(ticks - l->head->clock);
}

void follow_end(struct follow *f)
{
	int64_t now = f->ended = now_ns();
	uint64_t ticks = arch_ticks();

	set(f, 0);
	follow_read(f);
	find_loops(f);
	for (size_t i = 0; i < f->sight->ramet_count; i++)
		know(f, &f->sight->ramets[i]);
	for (size_t i = 0; i < f->count; i++) {
		calibrate(&f->loops[i], now, ticks);
		if (ramet__track_open(&f->loops[i].track) < 0)
			need(NULL);
	}
}

void follow_close(struct follow *f)
{
	for (size_t i = 0; i < f->count; i++) {
		ramet__track_close(&f->loops[i].track);
		free(f->loops[i].track.events);
		free(f->loops[i].head);
	}
	free(f->loops);
}
