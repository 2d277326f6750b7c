/* read_records.c - cold records and stacks, some at a time, and then the
 * control blocks once more: where a ramet is not as it was, what was copied of
 * it is thrown away, and read again.
 */
#include "tools/ramet/read.h"

#include <stdlib.h>

enum {
	BATCH = 128,
	COPY_MAX = 64 << 10, /* of a stack */
	TRIES = 4,
};

/* ---- records ------------------------------------------------------------- */

/* Of two looks at one: whether it has not run in between. */
static bool is_still(const struct ramet_seen *a, const struct ramet_seen *b)
{
	return a->id == b->id && a->state == b->state && a->sp == b->sp &&
	       a->pc == b->pc && a->since == b->since && a->wait == b->wait &&
	       a->object == b->object && a->cold == b->cold;
}

static void take_cold(struct ramet_seen *t, const struct layout *l,
		      const char *cold)
{
	size_t n = l->name_size < sizeof t->name ? l->name_size
						 : sizeof t->name - 1;

	memcpy(t->name, cold + l->cold_name, n);
	t->name[n] = '\0';
	t->fn = u64(cold, l->cold_fn);
	t->spawn_site = u64(cold, l->cold_spawn_site);
	t->parent = u64(cold, l->cold_parent);
	t->joiner = u64(cold, l->cold_joiner);
	t->guest = u64(cold, l->cold_guest);
	t->routine = u64(cold, l->cold_routine);
	t->lot_id = u32(cold, l->cold_lot_id);
	t->switches = (t->switches & UINT16_MAX) |
		      (uint64_t)u32(cold, l->cold_switches_high) << 16;
}

/* ---- stacks -------------------------------------------------------------- */

/* One of a batch. */
struct copy {
	struct ramet_seen *t;
	struct suspended at;
	struct piece stack, cold;
	bool has_stack;
};

struct reader {
	struct sight *s;
	on_stack_fn *on_stack;
	void *arg;
	size_t room; /* for each: a stack's copy and a cold record */
	char *memory;
	size_t again_room;
	char *again; /* control blocks, looked at again */
	struct copy copies[BATCH];
	struct piece pieces[3 * BATCH];
};

/* Up to where a stack goes that begins at sp. */
static uint64_t stack_top(struct reader *r, const struct ramet_seen *t,
			  uint64_t sp)
{
	const struct mapping *m;

	if (t->slot)
		return sp < t->cold && t->cold - sp <= t->slot ? t->cold : 0;
	m = target_mapping(r->s->target, sp);
	return m ? m->end : 0;
}

static void plan_stack(struct reader *r, struct copy *c, char *memory)
{
	const struct loop_seen *l = &r->s->loops[c->t->loop];
	struct ramet_seen *t = c->t;
	uint64_t top;

	c->has_stack = false;
	if (t->state == l->layout->state_ended ||
	    !(t->flags & l->layout->flag_started))
		return;
	if (t->current && !l->in_call)
		return;
	c->at = (struct suspended){.sp = t->sp, .fp = t->fp, .pc = t->pc};
	if (t->current)
		c->at = (struct suspended){.sp = l->call_sp,
					   .pc = l->call_pc,
					   .by_thread = true};
	top = stack_top(r, t, c->at.sp);
	t->odd = !top;
	if (!top)
		return;
	t->depth = t->slot ? top - c->at.sp : 0;
	if (!r->on_stack)
		return;
	c->has_stack = true;
	c->at.copied = top - c->at.sp < COPY_MAX ? top - c->at.sp : COPY_MAX;
	c->at.copy = memory;
	c->stack = (struct piece){c->at.sp, c->at.copied, memory, false};
}

/* What is to be read for a batch.  Stack and cold record are one piece where
 * the one ends at the other. */
static size_t plan(struct reader *r, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct copy *c = &r->copies[i];
		const struct layout *l = layout_of(r->s, c->t);
		char *memory = r->memory + i * r->room;

		plan_stack(r, c, memory);
		c->cold = (struct piece){c->t->cold, l->cold_size,
					 memory + COPY_MAX, false};
		if (c->has_stack && c->t->slot &&
		    c->at.sp + c->at.copied == c->t->cold) {
			c->stack.size += l->cold_size;
			c->cold.to = memory + c->at.copied;
			r->pieces[count++] = c->stack;
			continue;
		}
		if (c->has_stack)
			r->pieces[count++] = c->stack;
		r->pieces[count++] = c->cold;
	}
	return count;
}

static void take_results(struct reader *r, size_t n)
{
	const struct piece *p = r->pieces;

	for (size_t i = 0; i < n; i++) {
		struct copy *c = &r->copies[i];
		bool together = c->has_stack &&
				c->cold.to != (char *)r->memory + i * r->room +
						      COPY_MAX;

		if (c->has_stack)
			c->stack.got = p++->got;
		c->cold.got = together ? c->stack.got : p++->got;
		if (c->cold.got)
			take_cold(c->t, layout_of(r->s, c->t), c->cold.to);
		c->has_stack &= c->stack.got;
	}
}

/* The thread's stack is copied while it may run. */
static bool thread_is_still(struct reader *r, const struct copy *c)
{
	struct loop_seen now = r->s->loops[c->t->loop];
	uint64_t current = 0;

	read_call(r->s, &now);
	return now.in_call && now.call_sp == c->at.sp &&
	       now.call_pc == c->at.pc &&
	       target_read(r->s->target, now.at + now.layout->loop_current,
			   &current, sizeof current) &&
	       current == c->t->at;
}

/* Whether what was copied of it is of one moment; else it is known now what has
 * become of it. */
static bool check_copy(struct reader *r, struct copy *c, const char *block)
{
	struct ramet_seen now = *c->t;

	read_block(&now, layout_of(r->s, c->t), block);
	if (c->t->current)
		return !c->has_stack || thread_is_still(r, c);
	if (is_still(c->t, &now) && c->cold.got)
		return true;
	*c->t = now;
	return false;
}

/* Look at them again, and hand on the stacks of those that have not moved.
 * Those that have come first afterwards: returns how many. */
static size_t look_again(struct reader *r, size_t n)
{
	size_t moved = 0;

	for (size_t i = 0; i < n; i++) {
		const struct layout *l = layout_of(r->s, r->copies[i].t);

		r->pieces[i] =
			(struct piece){r->copies[i].t->at, l->ramet_size,
				       r->again + i * r->again_room, false};
	}
	target_read_all(r->s->target, r->pieces, n);
	for (size_t i = 0; i < n; i++) {
		struct copy *c = &r->copies[i];

		if (!r->pieces[i].got)
			continue;
		if (!check_copy(r, c, r->pieces[i].to))
			r->copies[moved++].t = c->t;
		else if (c->has_stack)
			c->t->trace = r->on_stack(r->arg, c->t, &c->at);
	}
	return moved;
}

static void read_batch(struct reader *r, struct ramet_seen *first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		r->copies[i].t = first + i;
	for (int i = 0; i < TRIES && n > 0; i++) {
		size_t count = plan(r, n);

		target_read_all(r->s->target, r->pieces, count);
		take_results(r, n);
		n = look_again(r, n);
	}
	for (size_t i = 0; i < n; i++)
		r->copies[i].t->moved = true;
}

/* ---- all ----------------------------------------------------------------- */

/* Those that have ended meanwhile are not shown. */
static void drop_free(struct sight *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->ramet_count; i++)
		if (s->ramets[i].state !=
		    layout_of(s, &s->ramets[i])->state_free)
			s->ramets[n++] = s->ramets[i];
	s->ramet_count = n;
}

void read_records(struct sight *s, on_stack_fn *on_stack, void *arg)
{
	struct reader *r = need(calloc(1, sizeof *r));

	for (size_t i = 0; i < s->layout_count; i++) {
		const struct layout *l = &s->layouts[i];

		if (r->room < COPY_MAX + (size_t)l->cold_size)
			r->room = COPY_MAX + (size_t)l->cold_size;
		if (r->again_room < l->ramet_size)
			r->again_room = l->ramet_size;
	}
	r->s = s;
	r->on_stack = on_stack;
	r->arg = arg;
	r->memory = need(malloc(BATCH * r->room));
	r->again = need(malloc(BATCH * r->again_room));
	for (size_t i = 0; i < s->ramet_count; i += BATCH)
		read_batch(r, s->ramets + i,
			   s->ramet_count - i < BATCH ? s->ramet_count - i
						      : BATCH);
	free(r->again);
	free(r->memory);
	free(r);
	drop_free(s);
}
