/* record.c - events into a ring that the loop's thread alone writes, and anyone
 * may read: `written` is told after the event is there. */
#include "core/record.h"

#include <stdlib.h>
#include <string.h>

enum { EVENTS = 1 << 16, EVENTS_LEAST = 1 << 10, EVENTS_MOST = 1 << 26 };

union record_wanted ramet__record_wanted;

static uint64_t read_clock(const struct record *r)
{
	return likely(r->ticks) ? arch_ticks() : (uint64_t)kernel_now();
}

static inline __attribute__((always_inline)) void put(struct record *r,
						      enum record_kind kind,
						      unsigned detail,
						      uint64_t ramet,
						      uint64_t argument)
{
	struct record_event *e = &r->events[r->written & r->mask];

	e->clock = read_clock(r);
	e->argument = argument;
	e->what = record_what(kind, detail, ramet);
	__atomic_store_n(&r->written, r->written + 1, __ATOMIC_RELEASE);
}

void ramet__record(struct loop *l, enum record_kind kind, unsigned detail,
		   uint64_t ramet, uint64_t argument)
{
	put(l->record, kind, detail, ramet, argument);
}

/* ---- ramets ------------------------------------------------------------- */

const void *ramet__record_function(const struct ramet *t)
{
	if (!t->cold->class)
		return NULL; /* a main */
	return t->flags & FLAG_TLS && t->cold->routine
		       ? t->cold->routine
		       : (const void *)(uintptr_t)t->cold->fn;
}

void ramet__record_run(struct loop *l, const struct ramet *t)
{
	put(l->record, RECORD_SWITCH, 0, t->id, 0);
	l->record->idle = false;
}

void ramet__record_park(struct loop *l, const struct ramet *t)
{
	put(l->record, RECORD_PARK, t->wait, t->id, (uintptr_t)t->wait_object);
	l->record->idle = true;
}

/* Who gives way is ready himself: what happens then is the loop's doing. */
void ramet__record_wake(struct loop *l, const struct ramet *t)
{
	const struct ramet *me = l->current;
	bool by_loop = l->record->idle || me->state == STATE_READY;

	put(l->record, RECORD_WAKE, 0, t->id, by_loop ? 0 : me->id);
}

void ramet__record_name(struct loop *l, const struct ramet *t)
{
	const char *name = t->cold->name;
	uint64_t part;

	for (unsigned i = 0; i < sizeof t->cold->name && name[i]; i += 8) {
		memcpy(&part, name + i, sizeof part);
		put(l->record, RECORD_NAME, i, t->id, part);
	}
}

void ramet__record_end(struct loop *l, const struct ramet *t)
{
	ramet__record_name(l, t);
	put(l->record, RECORD_END, 0, t->id,
	    (uintptr_t)ramet__record_function(t));
	l->record->idle = true;
}

/* ---- begin and end ------------------------------------------------------ */

static uint64_t size_wanted(void)
{
	const char *text = kernel_getenv("RAMET_TRACE_EVENTS");
	long wanted = text ? atol(text) : EVENTS;
	uint64_t size = EVENTS_LEAST;

	while (size < EVENTS_MOST && (long)size < wanted)
		size *= 2;
	return size;
}

static int begin(struct loop *l)
{
	struct record *r = l->record_ring;

	if (!r) {
		uint64_t size = size_wanted();

		r = kernel_alloc(sizeof *r + size * sizeof *r->events);
		if (!r)
			return -ENOMEM;
		r->format = RECORD_FORMAT;
		r->mask = size - 1;
	}
	r->ticks = ramet__kernel->now == kernel_real_now && arch_ticks_steady();
	r->time = kernel_now();
	r->clock = read_clock(r);
	r->idle = l->current->state != STATE_RUNNING;
	__atomic_store_n(&r->written, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&l->record_ring, r, __ATOMIC_RELEASE);
	l->record = r;
	if (!r->idle)
		ramet__record_run(l, l->current);
	return 0;
}

/* What was recorded stays, for who reads it, until another one begins. */
int ramet__record_change(struct loop *l)
{
	uint32_t word =
		__atomic_load_n(&ramet__record_wanted.word, __ATOMIC_RELAXED);

	l->record_word = word;
	if (word && !l->record)
		return begin(l);
	if (!word)
		l->record = NULL;
	return 0;
}

void ramet__record_free(struct loop *l)
{
	kernel_free(l->record_ring);
	l->record = l->record_ring = NULL;
}
