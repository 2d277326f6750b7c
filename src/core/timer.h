/* timer.h - deadlines, earliest first: a hierarchical wheel.
 *
 * Timers live inside the structures that own them, so arming one allocates
 * nothing and cannot fail; arming and disarming take constant time.  Timers due
 * at the same tick fire in the order they were armed.
 *
 * Source: Varghese and Lauck, "Hashed and hierarchical timing wheels" (1987),
 * scheme 7, with a bitmap for each level so that empty slots cost nothing.
 */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "base/base.h"

struct timer {
	struct timer *next;
	struct timer **link; /* what points here; NULL when not armed */
	int64_t when;        /* in ticks */
};

/* Deadlines are rounded up to ticks of 2^TIMER_TICK_BITS ns, about 1 us. */
enum {
	TIMER_TICK_BITS = 10,
	TIMER_SLOT_BITS = 6,
	TIMER_SLOTS = 1 << TIMER_SLOT_BITS,
	TIMER_LEVELS = (63 - TIMER_TICK_BITS + TIMER_SLOT_BITS - 1) /
		       TIMER_SLOT_BITS
};

struct timer_slot {
	struct timer *first, **end; /* end: where the next one is linked */
};

struct timers {
	int64_t now;               /* in ticks; everything before has fired */
	size_t count;
	uint64_t used[TIMER_LEVELS]; /* bit s: slot s is not empty */
	struct timer_slot slots[TIMER_LEVELS][TIMER_SLOTS];
};

void ramet__timers_init(struct timers *ts, int64_t now_ns);

static inline bool timer_armed(const struct timer *t)
{
	return t->link != NULL;
}

/* When an armed timer fires, in ns. */
static inline int64_t timer_due(const struct timer *t)
{
	return t->when > INT64_MAX >> TIMER_TICK_BITS
		       ? INT64_MAX
		       : t->when << TIMER_TICK_BITS;
}

/* Arm t, which must not be armed, to fire at when_ns or up to a tick later;
 * what has passed already fires at the next pop. */
void ramet__timer_arm(struct timers *ts, struct timer *t, int64_t when_ns);

/* Disarm t; does nothing when t is not armed. */
void ramet__timer_disarm(struct timers *ts, struct timer *t);

/* Remove and return the next timer due at now_ns or before; NULL if none is. */
struct timer *ramet__timer_pop(struct timers *ts, int64_t now_ns);

/* When to look again: never later than the next timer's deadline, and earlier
 * only where many timers are armed.  INT64_MAX if none is armed. */
int64_t ramet__timers_next(const struct timers *ts);

/* The latest moment at which a sleep of `duration` that ends at `when` may end:
 * rounded up so that sleepers share wake-ups, by a sixteenth of the duration or
 * 1 ms, whichever is less.  Wake-ups, not the wheel, are what timers cost. */
static inline int64_t timer_coalesce(int64_t when, int64_t duration)
{
	int bits = duration < (16 << TIMER_TICK_BITS)
			   ? TIMER_TICK_BITS
			   : 59 - __builtin_clzll((uint64_t)duration);
	int64_t slack;

	if (bits > 20)
		bits = 20;
	slack = ((int64_t)1 << bits) - 1;
	return when > INT64_MAX - slack ? INT64_MAX : (when + slack) & ~slack;
}

#endif
