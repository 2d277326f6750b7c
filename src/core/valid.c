/* valid.c - the walks.
 *
 * A walk changes nothing, allocates nothing and asks the kernel nothing, so a
 * simulation may walk at any step.  It follows pointers only after the rule
 * that makes them good; what is broken first is what is reported.
 *
 * Where the core computes something, the walk says it in another way: the same
 * mistake twice would not be noticed.
 */
#include "core/valid.h"

#include "core/stack.h"

#include "kernel/calls.h"

#include <stdio.h>
#include <stdlib.h>

const char *const ramet__rules[RULES] = {
	[RULES_KEPT] = "no rule is broken",

	[RULE_TIMER_LINK] = "a timer's link is not what points to it",
	[RULE_TIMER_PLACE] = "a timer is not in the slot its deadline demands",
	[RULE_TIMER_PAST] = "a timer that should have fired is armed",
	[RULE_SLOT_END] = "a slot's end is not its last timer's",
	[RULE_SLOT_USED] = "a bit of the wheel differs from its slot",
	[RULE_TIMER_COUNT] = "the wheel has more timers, or less, than it says",

	[RULE_STATE] = "a ramet is in no state that there is",
	[RULE_OWNER] = "a ramet, its cold record and its loop disagree",
	[RULE_ID] = "a ramet has an id that was not given to any",
	[RULE_SINCE] = "a ramet has parked in the future",
	[RULE_WAIT] = "a ramet waits for what does not exist",
	[RULE_KILL] = "a ramet is unwound but not killed, or killed but not "
		      "cancelled",
	[RULE_LINKS] = "the end of a ramet's links is not its last link's",
	[RULE_LOCALS] = "a ramet's locals are not as many as it says",
	[RULE_JOINER] = "who waits for a ramet's end is not there",
	[RULE_STARTED] = "a ramet runs, or has ended, and never started",

	[RULE_RUNNING] = "a ramet runs and is not the current one",
	[RULE_WAITING] = "a ramet runs, or has ended, and waits",
	[RULE_PARKED] = "a parked ramet waits for nothing",
	[RULE_DELAYED] = "a ramet that never ran waits for more than its delay",
	[RULE_LIMIT] = "a parked ramet has a deadline and no timer",
	[RULE_UNTIL] = "a parked ramet waits longer than its deadline",
	[RULE_TIMER_LATE] = "a parked ramet's timer is later than its wait",
	[RULE_ENDED] = "a ramet's place among the ended does not exist",
	[RULE_ENDED_ARMED] = "a ramet has ended and its timer is armed",
	[RULE_LEFT_OVER] = "a ramet has ended and something was left undone",
	[RULE_UNCLAIMED] = "a ramet has ended, is detached and still there",

	[RULE_SCOPES] = "a ramet's scopes go round",
	[RULE_SCOPE] = "a scope in force is closed, or another ramet's",
	[RULE_DEADLINE] = "a deadline is not the tightest of those in force",
	[RULE_SHIELD] = "a ramet's shield differs from its scopes",

	[RULE_CLASS] = "a class of stacks has another's size",
	[RULE_SLABS] = "a slab is out of order",
	[RULE_TOTAL] = "a class has more slots, or less, than it says",
	[RULE_PLACE] = "a ramet, its stack and its class disagree",
	[RULE_IDLE] = "the idle ramets are not the free ones, each once",
	[RULE_TRIM] = "more is trimmed, or was idle, than there is",

	[RULE_READY] = "a ramet is queued and not ready, or another loop's",
	[RULE_READY_TWICE] = "a ramet is queued twice",
	[RULE_READY_END] = "the ready queue's end is not its last ramet's",
	[RULE_READY_LOST] = "a ramet is ready and not queued",

	[RULE_MAIN] = "main is not what it was",
	[RULE_CURRENT] = "the current ramet is none of the loop's",
	[RULE_ZOMBIE] = "who is to be reclaimed has not just ended",
	[RULE_LIVE] = "more ramets live, or less, than is said",
	[RULE_LIVE_MAX] = "more ramets live than ever did, or were spawned",
	[RULE_SPAWNED] = "as many ids as ramets were not given",
	[RULE_NOT_ENDED] = "more ramets have ended, or less, than is said",
	[RULE_OUTSIDE] = "more ramets wait for the outside, or less, than is "
			 "said",
	[RULE_ARMED] = "the wheel's timers are not those of the ramets",
	[RULE_CLOCK] = "the wheel, or the last look, is ahead of the clock",
	[RULE_LOOK] = "the next look at events is too far away",
};

/* What a walk has seen. */
struct walk {
	const struct loop *loop;
	enum rule broken;               /* the first */
	size_t states[STATE_ENDED + 1]; /* how many are in each */
	size_t outside, armed;
	bool current; /* the current one was among them */
};

static void expect(struct walk *w, bool kept, enum rule rule)
{
	if (unlikely(!kept) && !w->broken)
		w->broken = rule;
}

/* ---- the wheel ---------------------------------------------------------- */

/* All digits above the level's are those of now, and the level's own is later;
 * at the lowest level it may be now. */
static bool in_place(const struct timers *ts, const struct timer *t, int level,
		     unsigned s)
{
	int64_t when = t->when >> (level * TIMER_SLOT_BITS);
	int64_t now = ts->now >> (level * TIMER_SLOT_BITS);

	return when % TIMER_SLOTS == s &&
	       when / TIMER_SLOTS == now / TIMER_SLOTS &&
	       (level == 0 || when > now);
}

/* As nearly all slots are. */
static inline bool is_empty(const struct timers *ts, int level, unsigned s)
{
	const struct timer_slot *slot = &ts->slots[level][s];

	return !slot->first && slot->end == &slot->first &&
	       !(ts->used[level] >> s & 1);
}

/* Returns how many timers are there. */
static size_t walk_slot(struct walk *w, const struct timers *ts, int level,
			unsigned s)
{
	const struct timer_slot *slot = &ts->slots[level][s];
	struct timer *const *link = &slot->first;
	bool used = ts->used[level] >> s & 1;
	size_t n = 0;

	for (const struct timer *t; !w->broken && (t = *link); n++) {
		expect(w, t->link == link, RULE_TIMER_LINK);
		expect(w, t->when >= ts->now, RULE_TIMER_PAST);
		expect(w, in_place(ts, t, level, s), RULE_TIMER_PLACE);
		link = &t->next;
	}
	expect(w, slot->end == link, RULE_SLOT_END);
	expect(w, used == (slot->first != NULL), RULE_SLOT_USED);
	return n;
}

static void walk_wheel(struct walk *w, const struct timers *ts)
{
	size_t n = 0;

	for (int level = 0; level < TIMER_LEVELS; level++)
		for (unsigned s = 0; s < TIMER_SLOTS; s++)
			if (!is_empty(ts, level, s))
				n += walk_slot(w, ts, level, s);
	expect(w, n == ts->count, RULE_TIMER_COUNT);
}

/* ---- a ramet ------------------------------------------------------------ */

/* The deadline once s was open. */
static int64_t in_force(const struct ramet_scope *s)
{
	return s->shield || s->deadline < s->outer_deadline ? s->deadline
							    : s->outer_deadline;
}

/* From the innermost: what each found is what the one around it made.  The
 * outermost of the shields is marked 1, those inside it 2. */
static void walk_scopes(struct walk *w, const struct ramet *t)
{
	const struct ramet_scope *s = t->scope, *behind = s;
	int64_t deadline = t->deadline;
	int shield = 0; /* of the outermost so far */

	for (size_t n = 1; !w->broken && s; s = s->outer, n++) {
		expect(w, s->state == SCOPE_OPEN && s->owner == t, RULE_SCOPE);
		expect(w, in_force(s) == deadline, RULE_DEADLINE);
		expect(w, !s->shield || shield != 1, RULE_SHIELD);
		deadline = s->outer_deadline;
		shield = s->shield ? s->shield : shield;
		behind = n % 2 ? behind : behind->outer;
		expect(w, s->outer != behind, RULE_SCOPES);
	}
	expect(w, deadline == RAMET_NEVER, RULE_DEADLINE);
	expect(w, shield == (t->flags & FLAG_SHIELD ? 1 : 0), RULE_SHIELD);
}

/* A timer may fire before the wait's end and be armed again, never after; and
 * deadlines are rounded, see timer_coalesce.  Without a timer `until` is of an
 * earlier wait. */
static void walk_parked(struct walk *w, const struct ramet *t)
{
	enum { SLACK = 1 << 20, TICK = 1 << TIMER_TICK_BITS };
	int64_t now = w->loop->timers.now;

	expect(w, t->wait != WAIT_NONE, RULE_PARKED);
	expect(w,
	       t->flags & FLAG_STARTED || t->wait == WAIT_SLEEP ||
		       t->wait == WAIT_HOST,
	       RULE_DELAYED);
	w->outside += t->wait >= WAIT_OUTSIDE;
	if (!timer_armed(&t->timer)) {
		expect(w, t->deadline > INT64_MAX - SLACK, RULE_LIMIT);
		return;
	}
	expect(w, t->until <= time_add(t->deadline, SLACK), RULE_UNTIL);
	expect(w,
	       t->timer.when <= now ||
		       timer_due(&t->timer) <= time_add(t->until, TICK - 1),
	       RULE_TIMER_LATE);
}

static void walk_ended(struct walk *w, const struct ramet *t)
{
	const struct cold *c = t->cold;

	expect(w, c->ended - 1 < w->loop->ended, RULE_ENDED);
	expect(w, !timer_armed(&t->timer), RULE_ENDED_ARMED);
	if (t == w->loop->current)
		return; /* its links may still run */
	expect(w, !c->defers && !c->links && !c->locals, RULE_LEFT_OVER);
	expect(w, !(t->flags & FLAG_DETACHED), RULE_UNCLAIMED);
}

static void walk_cold(struct walk *w, const struct ramet *t)
{
	const struct cold *c = t->cold;
	struct callback *const *link = &c->links;
	const struct ramet *by = c->joiner ? c->joiner->ramet : NULL;

	while (*link)
		link = &(*link)->next;
	expect(w, c->links_end == link, RULE_LINKS);
	expect(w, !c->locals == !c->local_count, RULE_LOCALS);
	expect(w,
	       !c->joiner || (by->loop == w->loop && by->state != STATE_FREE &&
			      by->state != STATE_ENDED),
	       RULE_JOINER);
}

static void walk_state(struct walk *w, const struct ramet *t)
{
	bool runs = t->state == STATE_RUNNING, ended = t->state == STATE_ENDED;

	if (runs)
		expect(w, t == w->loop->current, RULE_RUNNING);
	if (runs || ended) {
		expect(w, t->flags & FLAG_STARTED, RULE_STARTED);
		/* One with a delay, or a guest, has waited before it ran. */
		expect(w,
		       t->wait == WAIT_NONE || t->wait == WAIT_SLEEP ||
			       t->wait == WAIT_HOST,
		       RULE_WAITING);
	}
	if (t->state == STATE_PARKED)
		walk_parked(w, t);
	if (ended)
		walk_ended(w, t);
	else if (!t->scope || !(t->flags & FLAG_UNWINDING))
		walk_scopes(w, t); /* or some may be of frames that are gone */
}

static bool kill_in_order(const struct ramet *t)
{
	bool unwinding = t->flags & FLAG_UNWINDING;
	bool kill = t->flags & FLAG_KILL, cancel = t->flags & FLAG_CANCEL;

	return unwinding <= kill && kill <= cancel;
}

static void walk_ramet(struct walk *w, const struct ramet *t)
{
	const struct loop *l = w->loop;

	expect(w, t->state <= STATE_ENDED, RULE_STATE);
	expect(w, t->loop == l && t->cold->ramet == t, RULE_OWNER);
	expect(w, t->id - 1 < l->last_id, RULE_ID);
	expect(w, t->since <= l->now, RULE_SINCE);
	expect(w, t->wait <= WAIT_LAST, RULE_WAIT);
	expect(w, kill_in_order(t), RULE_KILL);
	if (w->broken)
		return;
	w->states[t->state]++;
	w->armed += timer_armed(&t->timer);
	w->current |= t == l->current;
	walk_cold(w, t);
	walk_state(w, t);
}

/* ---- stacks ------------------------------------------------------------- */

/* Two sets are the same if their members' marks have the same sum, but for one
 * chance in 2^64. */
static uint64_t mark(const struct ramet *t)
{
	uint64_t address = (uintptr_t)t;

	return random_next(&address);
}

/* The cold record ends in the last page of its slot, at a cache line. */
static bool has_place(const struct stack_class *c, const struct slab *slab,
		      size_t i)
{
	const char *slot = stack_slot(c, slab, i);
	uintptr_t end = (uintptr_t)(slab->ramets[i].cold + 1);

	return end > (uintptr_t)slot + c->size - 4096 &&
	       end <= (uintptr_t)slot + c->size && end % 64 == 0;
}

/* Returns the sum of the marks of the free ones. */
static uint64_t walk_slab(struct walk *w, const struct stack_class *c,
			  const struct slab *slab)
{
	uint64_t idle = 0;

	for (size_t i = 0; i < slab->ready && !w->broken; i++) {
		const struct ramet *t = &slab->ramets[i];

		expect(w, has_place(c, slab, i), RULE_PLACE);
		if (w->broken || t->state == STATE_FREE) {
			idle += mark(t);
			w->states[STATE_FREE]++;
		} else {
			expect(w, t->cold->class == c, RULE_PLACE);
			walk_ramet(w, t);
		}
	}
	return idle;
}

static void walk_idle(struct walk *w, const struct stack_class *c, size_t ready,
		      uint64_t idle)
{
	expect(w, c->idle_least <= c->idle_count, RULE_TRIM);
	expect(w, c->trimmed <= ready, RULE_TRIM);
	expect(w, c->idle_count <= ready, RULE_IDLE);
	for (size_t i = 0; i < c->idle_count && !w->broken; i++)
		idle -= mark(c->idle[i]);
	expect(w, idle == 0, RULE_IDLE);
}

/* Only the newest slab has slots that are not ready yet. */
static void walk_class(struct walk *w, const struct stack_class *c, int bits)
{
	const struct slab *last = NULL;
	size_t total = 0, ready = 0;
	uint64_t idle = 0;

	expect(w, c->size == (size_t)1 << bits || (!c->size && !c->slabs),
	       RULE_CLASS);
	for (struct slab *s = c->slabs; s && !w->broken; s = s->next) {
		expect(w, !last || last->ready == last->count, RULE_SLABS);
		expect(w, s->ready <= s->count, RULE_SLABS);
		total += s->count;
		expect(w, total <= c->total, RULE_TOTAL);
		if (w->broken)
			return;
		ready += s->ready;
		idle += walk_slab(w, c, s);
		last = s;
	}
	expect(w, c->newest == last, RULE_SLABS);
	expect(w, total == c->total, RULE_TOTAL);
	walk_idle(w, c, ready, idle);
}

/* ---- the loop ----------------------------------------------------------- */

static void walk_ready(struct walk *w)
{
	const struct loop *l = w->loop;
	struct ramet *const *link = &l->ready;
	size_t n = 0;

	for (const struct ramet *t; !w->broken && (t = *link); n++) {
		expect(w, t->state == STATE_READY && t->loop == l, RULE_READY);
		expect(w, n < w->states[STATE_READY], RULE_READY_TWICE);
		link = &t->next;
	}
	expect(w, l->ready_end == link, RULE_READY_END);
	expect(w, n == w->states[STATE_READY], RULE_READY_LOST);
}

static void walk_main(struct walk *w)
{
	const struct ramet *t = &w->loop->main;

	expect(w,
	       t->cold == &w->loop->main_cold && !t->cold->class &&
		       t->id == 1 && t->flags & FLAG_STARTED &&
		       t->state != STATE_FREE &&
		       (t->state != STATE_ENDED || t->flags & FLAG_KILL),
	       RULE_MAIN);
	if (t->state != STATE_ENDED) /* in the child of a fork it may have */
		walk_ramet(w, t);
}

static void compare_sums(struct walk *w)
{
	const struct loop *l = w->loop;
	const struct ramet_stats *stats = &l->stats;
	size_t not_ended = w->states[STATE_READY] + w->states[STATE_RUNNING] +
			   w->states[STATE_PARKED];

	expect(w, stats->live == not_ended + w->states[STATE_ENDED], RULE_LIVE);
	expect(w,
	       stats->live <= stats->live_max &&
		       stats->live_max <= stats->spawned,
	       RULE_LIVE_MAX);
	expect(w, stats->spawned == l->last_id, RULE_SPAWNED);
	expect(w, stats->spawned == l->ended + not_ended, RULE_NOT_ENDED);
	expect(w, l->outside == w->outside, RULE_OUTSIDE);
	expect(w, l->timers.count == w->armed, RULE_ARMED);
}

/* Whoever runs need not be STATE_RUNNING: it may just park, or end. */
static void walk_loop(struct walk *w)
{
	const struct loop *l = w->loop;
	const struct ramet *dead = l->zombie;

	expect(w,
	       l->timers.now <= l->now >> TIMER_TICK_BITS &&
		       l->looked <= l->now,
	       RULE_CLOCK);
	expect(w, l->look_every && l->until_look <= l->look_every, RULE_LOOK);
	walk_wheel(w, &l->timers);
	walk_main(w);
	for (int i = 0; i < STACK_CLASSES; i++)
		walk_class(w, &l->classes[i], STACK_BITS_MIN + i);
	expect(w, w->current, RULE_CURRENT);
	expect(w,
	       !dead || (dead == l->current && dead->state == STATE_ENDED &&
			 dead->flags & FLAG_DETACHED),
	       RULE_ZOMBIE);
	compare_sums(w);
	walk_ready(w);
}

/* ---- from outside ------------------------------------------------------- */

enum rule ramet__timers_walk(const struct timers *ts)
{
	struct walk w = {0};

	walk_wheel(&w, ts);
	return w.broken;
}

enum rule ramet__loop_walk(const struct loop *l)
{
	struct walk w = {.loop = l};

	walk_loop(&w);
	return w.broken;
}

#ifdef RAMET_CHECKS
/* A walk of `size` things after `size / FEW` changes. */
static bool due(size_t *changes, size_t size)
{
	enum { FEW = 64 };

	if (++*changes <= size / FEW)
		return false;
	*changes = 0;
	return true;
}

enum rule ramet__timers_changed(const struct timers *ts)
{
	static __thread size_t changes;

	return due(&changes, ts->count) ? ramet__timers_walk(ts) : RULES_KEPT;
}

enum rule ramet__loop_changed(const struct loop *l)
{
	static __thread size_t changes;

	return due(&changes, l->stats.live_max) ? ramet__loop_walk(l)
						: RULES_KEPT;
}

/* A ramet's stack may be too small for stdio's buffers. */
void ramet__check(enum rule rule, const char *file, int line)
{
	char text[256];
	int n;

	if (rule == RULES_KEPT)
		return;
	n = snprintf(text, sizeof text, "ramet: %s:%d: %s\n", file, line,
		     ramet__rules[rule]);
	kernel_write(2, text, (size_t)n);
	abort();
}
#endif
