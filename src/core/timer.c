/* timer.c - the wheel.
 *
 * A timer sits at the level of the highest group of six bits in which its
 * deadline differs from now, in the slot that those bits number.  When now
 * reaches the start of a slot above the lowest level, its timers move down, in
 * order.  Since the place of a timer depends on now and its deadline alone, all
 * timers with one deadline are always in one slot: that is what keeps ties in
 * arming order.
 */
#include "core/timer.h"
#include "core/valid.h"

static int level_of(const struct timers *ts, int64_t when)
{
	uint64_t differ = (uint64_t)(when ^ ts->now);

	return differ ? (63 - __builtin_clzll(differ)) / TIMER_SLOT_BITS : 0;
}

static unsigned slot_of(int64_t when, int level)
{
	return (unsigned)(when >> (level * TIMER_SLOT_BITS)) %
	       (unsigned)TIMER_SLOTS;
}

static void slot_clear(struct timer_slot *slot)
{
	slot->first = NULL;
	slot->end = &slot->first;
}

void ramet__timers_init(struct timers *ts, int64_t now_ns)
{
	ts->now = now_ns >> TIMER_TICK_BITS;
	ts->count = 0;
	for (int level = 0; level < TIMER_LEVELS; level++) {
		ts->used[level] = 0;
		for (int s = 0; s < TIMER_SLOTS; s++)
			slot_clear(&ts->slots[level][s]);
	}
}

static void place(struct timers *ts, struct timer *t)
{
	int level = level_of(ts, t->when);
	unsigned s = slot_of(t->when, level);
	struct timer_slot *slot = &ts->slots[level][s];

	t->next = NULL;
	t->link = slot->end;
	*slot->end = t;
	slot->end = &t->next;
	ts->used[level] |= UINT64_C(1) << s;
}

void ramet__timer_arm(struct timers *ts, struct timer *t, int64_t when_ns)
{
	int64_t tick = ((int64_t)1 << TIMER_TICK_BITS) - 1;

	assert(!timer_armed(t));
	t->when = (when_ns > INT64_MAX - tick ? INT64_MAX : when_ns + tick) >>
		  TIMER_TICK_BITS;
	if (t->when < ts->now)
		t->when = ts->now;
	ts->count++;
	place(ts, t);
	check(ramet__timers_changed(ts));
}

void ramet__timer_disarm(struct timers *ts, struct timer *t)
{
	if (!timer_armed(t))
		return;
	*t->link = t->next;
	if (t->next) {
		t->next->link = t->link;
	} else {
		int level = level_of(ts, t->when);
		unsigned s = slot_of(t->when, level);
		struct timer_slot *slot = &ts->slots[level][s];

		slot->end = t->link;
		if (!slot->first)
			ts->used[level] &= ~(UINT64_C(1) << s);
	}
	t->link = NULL;
	ts->count--;
	check(ramet__timers_changed(ts));
}

/* The first slot in use: in the lowest level in use, because what is there lies
 * within one slot of the level above, which now is in. */
static bool first_slot(const struct timers *ts, int *level, unsigned *s)
{
	for (*level = 0; *level < TIMER_LEVELS; ++*level)
		if (ts->used[*level]) {
			*s = (unsigned)__builtin_ctzll(ts->used[*level]);
			return true;
		}
	return false;
}

/* The tick at which a slot begins. */
static int64_t slot_start(const struct timers *ts, int level, unsigned s)
{
	int shift = level * TIMER_SLOT_BITS;
	int64_t above = shift + TIMER_SLOT_BITS >= 63
				? 0
				: ts->now >> (shift + TIMER_SLOT_BITS)
					  << (shift + TIMER_SLOT_BITS);

	return above | (int64_t)s << shift;
}

static void move_down(struct timers *ts, int level, unsigned s)
{
	struct timer *t = ts->slots[level][s].first;

	slot_clear(&ts->slots[level][s]);
	ts->used[level] &= ~(UINT64_C(1) << s);
	for (struct timer *next; t; t = next) {
		next = t->next;
		place(ts, t);
	}
}

struct timer *ramet__timer_pop(struct timers *ts, int64_t now_ns)
{
	int64_t now = now_ns >> TIMER_TICK_BITS;
	int level;
	unsigned s;

	while (first_slot(ts, &level, &s)) {
		int64_t start = slot_start(ts, level, s);

		if (start > now)
			break;
		if (start > ts->now)
			ts->now = start;
		if (level == 0) {
			struct timer *t = ts->slots[0][s].first;

			ramet__timer_disarm(ts, t);
			return t;
		}
		move_down(ts, level, s);
	}
	if (now > ts->now)
		ts->now = now;
	check(ramet__timers_changed(ts));
	return NULL;
}

int64_t ramet__timers_next(const struct timers *ts)
{
	enum { FEW = 16 };
	int64_t earliest = INT64_MAX;
	int level, seen = 0;
	unsigned s;

	if (!first_slot(ts, &level, &s))
		return INT64_MAX;
	for (const struct timer *t = ts->slots[level][s].first; t; t = t->next) {
		if (++seen > FEW) {
			earliest = slot_start(ts, level, s);
			break;
		}
		if (t->when < earliest)
			earliest = t->when;
	}
	if (earliest > INT64_MAX >> TIMER_TICK_BITS)
		return INT64_MAX;
	return earliest << TIMER_TICK_BITS;
}
