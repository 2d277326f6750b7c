/* dump_json.c - a dump for programs: the ramets, each with the number of its
 * backtrace in the list that follows.
 *
 * Names here are what other programs rely on.
 */
#include "core/stack.h"
#include "debug/dump.h"
#include "debug/guest.h"
#include "debug/symbol.h"
#include "debug/words.h"

static void put_code(struct json *j, const void *pc)
{
	struct symbol s = ramet__symbol(pc);

	if (s.function)
		ramet__json_string(j, "function", s.function);
	if (s.module) {
		ramet__json_number(j, "offset", (int64_t)s.offset);
		ramet__json_string(j, "module", s.module);
	}
	ramet__json_address(j, "address", pc);
}

/* ---- a ramet ------------------------------------------------------------ */

static const char *state_of(const struct ramet *t)
{
	switch (t->state) {
	case STATE_PARKED:
		return "waiting";
	case STATE_ENDED:
		return "ended";
	case STATE_READY:
		return t->flags & FLAG_STARTED ? "ready" : "new";
	default:
		return "running";
	}
}

static void put_origin(struct json *j, const struct ramet *t)
{
	if (!t->cold->class)
		return; /* a main */
	if (t->cold->parent)
		ramet__json_number(j, "parent", (int64_t)t->cold->parent);
	ramet__json_open(j, "spawned_at", '{');
	put_code(j, (const char *)t->cold->spawn_site - 1);
	ramet__json_close(j, '}');
	if (!(t->flags & FLAG_TLS))
		return;
	ramet__json_open(j, "pthread", '{');
	put_code(j, t->cold->routine);
	ramet__json_close(j, '}');
}

static void put_flags(struct json *j, const struct ramet *t)
{
	ramet__json_bool(j, "cancelled", t->flags & FLAG_CANCEL);
	ramet__json_bool(j, "killed", t->flags & FLAG_KILL);
	ramet__json_bool(j, "shielded", t->flags & FLAG_SHIELD);
}

static void put_ramet(struct dump *d, struct json *j, const struct entry *e)
{
	const struct ramet *t = e->t;
	size_t size, used = ramet__dump_stack(d, t, &size);

	ramet__json_open(j, NULL, '{');
	ramet__json_number(j, "id", (int64_t)t->id);
	if (t->cold->name[0])
		ramet__json_text(j, "name", t->cold->name,
				 sizeof t->cold->name);
	ramet__json_string(j, "state", state_of(t));
	if (t->state == STATE_PARKED) {
		ramet__json_number(j, "age_ns", d->now - t->since);
		ramet__json_wait(j, t, d->now);
	}
	put_origin(j, t);
	put_flags(j, t);
	if (size)
		ramet__json_number(j, "stack_size", (int64_t)size);
	if (used)
		ramet__json_number(j, "stack_used", (int64_t)used);
	ramet__json_number(j, "stack", e->place - 1);
	ramet__json_close(j, '}');
}

/* ---- a backtrace -------------------------------------------------------- */

static void put_frame(struct json *j, const struct frame *f)
{
	ramet__json_open(j, NULL, '{');
	put_code(j, f->pc);
	if (f->times > 1)
		ramet__json_number(j, "times", (int64_t)f->times);
	ramet__json_close(j, '}');
}

static void put_place(struct dump *d, struct json *j, const struct place *p)
{
	const struct ramet *t = d->entries[p->first].t;

	ramet__dump_load(d, p);
	ramet__json_open(j, NULL, '{');
	ramet__json_number(j, "ramets", p->count);
	if (ramet__guest_speaks(t))
		ramet__json_guest(j, t);
	ramet__json_open(j, "frames", '[');
	for (size_t i = ramet__trace_head(d->trace); i < p->frame_count; i++)
		put_frame(j, &p->frames[i]);
	ramet__json_close(j, ']');
	if (p->left_out)
		ramet__json_number(j, "left_out", p->left_out);
	ramet__json_close(j, '}');
}

/* ---- all ---------------------------------------------------------------- */

static void put_counts(struct dump *d, struct json *j)
{
	ramet__json_number(j, "process", d->process);
	ramet__json_number(j, "thread", d->thread);
	ramet__json_address(j, "loop", d->loop);
	ramet__json_number(j, "switches", (int64_t)d->loop->stats.switches);
	ramet__json_number(j, "count", (int64_t)d->entry_count);
}

void ramet__dump_write_json(struct dump *d)
{
	struct json j = {.out = d->out};

	ramet__json_open(&j, NULL, '{');
	put_counts(d, &j);
	ramet__json_open(&j, "ramets", '[');
	for (size_t i = 1; i <= d->entry_count; i++)
		put_ramet(d, &j, &d->entries[i]);
	ramet__json_close(&j, ']');
	ramet__json_open(&j, "stacks", '[');
	for (size_t i = 1; i <= d->place_count; i++)
		put_place(d, &j, &d->places[i]);
	ramet__json_close(&j, ']');
	ramet__json_close(&j, '}');
	ramet__print(d->out, "\n");
}
