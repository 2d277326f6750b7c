/* dump_json.c - a dump for programs: the ramets, each with the number of its
 * backtrace in the list that follows.
 *
 * Names here are what other programs rely on.
 */
#include "core/stack.h"
#include "debug/dump.h"
#include "debug/guest.h"
#include "debug/words.h"

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
	ramet__json_ramet(j, t);
	ramet__json_string(j, "state", state_of(t));
	if (t->state == STATE_PARKED) {
		ramet__json_number(j, "age_ns", d->now - t->since);
		ramet__json_wait(j, t, d->now);
	}
	ramet__json_origin(j, t);
	put_flags(j, t);
	if (size)
		ramet__json_number(j, "stack_size", (int64_t)size);
	if (used)
		ramet__json_number(j, "stack_used", (int64_t)used);
	ramet__json_number(j, "switches", (int64_t)ramet__dump_switches(t));
	ramet__json_number(j, "stack", e->place - 1);
	ramet__json_close(j, '}');
}

/* ---- a backtrace -------------------------------------------------------- */

static void put_place(struct dump *d, struct json *j, const struct place *p)
{
	const struct ramet *t = d->entries[p->first].t;

	ramet__dump_load(d, p);
	ramet__json_open(j, NULL, '{');
	ramet__json_number(j, "ramets", p->count);
	if (ramet__guest_speaks(t))
		ramet__json_guest(j, t);
	ramet__json_trace(j, d->trace, ramet__trace_head(d->trace));
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
