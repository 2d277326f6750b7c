/* record.h - the recorder: what happens in a loop, as events in a ring.
 *
 * Where it is off a hook costs one test of l->record.  The same places have
 * static probes for tracers outside (<sys/sdt.h>): an instruction that does
 * nothing, and a note.  They give ramets by address, as programs know them.
 */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include "base/record.h"
#include "core/core.h"

#if defined RAMET_USDT && !defined RAMET_UNRECORDED
#include <sys/sdt.h>
#define PROBE(n, ...) STAP_PROBE##n(ramet, __VA_ARGS__)
#else
#define PROBE(n, ...)                                                          \
	do {                                                                   \
	} while (0)
#endif

/* Who wants a recording: the process itself, and a tool that writes its byte
 * from outside.  Each loop looks at the word when it turns. */
union record_wanted {
	uint32_t word; /* atomic */
	uint8_t by[4];
};
enum { RECORD_INSIDE, RECORD_OUTSIDE };
extern union record_wanted ramet__record_wanted;

/* The word has changed since l looked last: begin or end a recording. Returns 0
 * or -ENOMEM; then l has none. */
int ramet__record_change(struct loop *l);

/* In the child of a fork, and when the loop ends. */
void ramet__record_free(struct loop *l);

/* Write what is needed to name t when it is gone. */
void ramet__record_name(struct loop *l, const struct ramet *t);

/* The function that says what t is. */
const void *ramet__record_function(const struct ramet *t);

/* One event; only while l->record is set. */
void ramet__record(struct loop *l, enum record_kind kind, unsigned detail,
		   uint64_t ramet, uint64_t argument);

/* The ramet that does it, or 0. */
void ramet__record_wake(struct loop *l, const struct ramet *t);
void ramet__record_run(struct loop *l, const struct ramet *t);
void ramet__record_park(struct loop *l, const struct ramet *t);
void ramet__record_end(struct loop *l, const struct ramet *t);

HOT bool record_wanted_changed(const struct loop *l)
{
	return unlikely(__atomic_load_n(&ramet__record_wanted.word,
					__ATOMIC_RELAXED) != l->record_word);
}

/* RAMET_UNRECORDED: a library to compare with, in bench/debug/trace.c. */
HOT bool records(const struct loop *l)
{
#ifdef RAMET_UNRECORDED
	(void)l;
	return false;
#else
	return unlikely(l->record != NULL);
#endif
}

HOT void record(struct loop *l, enum record_kind kind, unsigned detail,
		uint64_t ramet, uint64_t argument)
{
	if (records(l))
		ramet__record(l, kind, detail, ramet, argument);
}

HOT void record_spawn(struct loop *l, const struct ramet *t)
{
	PROBE(2, spawn, t, t->cold->fn);
	record(l, RECORD_SPAWN, 0, t->id, (uintptr_t)t->cold->spawn_site);
}

HOT void record_switch(struct loop *l, const struct ramet *from,
		       const struct ramet *to)
{
	(void)from;
	PROBE(2, switch, from, to);
	if (records(l))
		ramet__record_run(l, to);
}

HOT void record_park(struct loop *l, const struct ramet *t)
{
	PROBE(3, park, t, t->wait, t->wait_object);
	if (records(l))
		ramet__record_park(l, t);
}

HOT void record_wake(struct loop *l, const struct ramet *t)
{
	PROBE(1, wake, t);
	if (records(l))
		ramet__record_wake(l, t);
}

HOT void record_end(struct loop *l, const struct ramet *t)
{
	PROBE(1, exit, t);
	if (records(l))
		ramet__record_end(l, t);
}

#endif
