/* picture.c - puts together what is read, unwound and named. */
#include "tools/ramet/picture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void picture_open(struct picture *p, const char *pid)
{
	*p = (struct picture){0};
	target_open(&p->target, pid);
	sight_open(&p->sight, &p->target);
	p->unwinder = unwinder_open(&p->target);
	p->mapped = p->target.mapping_count;
}

/* What every stack begins with, and what that calls, are ours. */
static void drop_boot(const struct layout *l, struct trace *trace)
{
	enum { BOOT_SIZE = 32 };

	if (trace->count &&
	    trace->frames[trace->count - 1].pc + 1 - l->boot < BOOT_SIZE)
		trace->count -= trace->count > 2 ? 2 : 1;
}

/* ---- interpreted code ---------------------------------------------------- */

/* In place of each call of the interpreter's loop what it ran; the
 * interpreter's other functions mean nothing to the user, nor does what called
 * the first. */
static void mix(struct picture *p, const struct ramet_seen *t,
		struct trace *trace)
{
	enum { FRAMES_MAX = 1024 };
	static struct guest_frame frames[FRAMES_MAX];
	uint64_t interpreter = 0;
	struct trace c = *trace;
	size_t at = 0, n = guests_frames(p->guests, t->guest, t->current,
					 frames, FRAMES_MAX);

	if (!n)
		return;
	for (size_t i = 0; i < c.count && !interpreter; i++) {
		const struct symbol *s =
			unwinder_symbol(p->unwinder, c.frames[i].pc);

		if (guests_is_loop(s->function))
			interpreter = s->start;
	}
	trace->count = trace->left_out = 0;
	for (size_t i = 0; i < c.count && at < n; i++) {
		const struct symbol *s =
			unwinder_symbol(p->unwinder, c.frames[i].pc);

		if (s->start != interpreter || !interpreter)
			trace_add(trace, c.frames[i].pc, c.frames[i].times);
		else if (guests_is_loop(s->function))
			do
				trace_add(trace, frames[at].place, 1);
			while (!frames[at++].last && at < n);
	}
	for (; at < n; at++)
		trace_add(trace, frames[at].place, 1);
}

static bool has_guest(const struct picture *p, const struct ramet_seen *t)
{
	return p->guests && t->guest &&
	       t->flags & layout_of(&p->sight, t)->flag_guest;
}

static long on_stack(void *picture, const struct ramet_seen *t,
		     const struct suspended *s)
{
	struct picture *p = picture;
	struct trace trace;

	unwinder_walk(p->unwinder, s, &trace);
	drop_boot(layout_of(&p->sight, t), &trace);
	if (has_guest(p, t))
		mix(p, t, &trace);
	return trace.count ? (long)fold_add(&p->fold, &trace) : -1;
}

/* What has not begun stands where it will. */
static void add_new(struct picture *p)
{
	for (size_t i = 0; i < p->sight.ramet_count; i++) {
		struct ramet_seen *t = &p->sight.ramets[i];
		struct trace trace = {.count = 1,
				      .frames = {{.pc = t->fn, .times = 1}}};

		if (t->slot && t->fn && !t->moved &&
		    !(t->flags & layout_of(&p->sight, t)->flag_started))
			t->trace = (long)fold_add(&p->fold, &trace);
		if (t->trace >= 0 || !has_guest(p, t))
			continue;
		/* The interpreter's frames are in memory even while it runs. */
		trace.count = 0;
		mix(p, t, &trace);
		if (trace.count)
			t->trace = (long)fold_add(&p->fold, &trace);
	}
}

/* A library may have been loaded since. */
static void open_again(struct picture *p)
{
	unwinder_close(p->unwinder);
	p->unwinder = unwinder_open(&p->target);
	p->mapped = p->target.mapping_count;
}

bool picture_take(struct picture *p, bool stacks)
{
	bool lives;

	fold_clear(&p->fold);
	fds_clear(&p->wording.fds);
	target_map(&p->target);
	if (stacks && p->target.mapping_count != p->mapped)
		open_again(p);
	guests_close(p->guests);
	p->guests =
		stacks ? guests_open(&p->target, &p->guests_unreadable) : NULL;
	unwinder_use(p->unwinder, p->guests);
	p->has_stacks = stacks;
	lives = sight_take(&p->sight, stacks ? on_stack : NULL, p);
	if (stacks)
		add_new(p);
	p->wording = (struct wording){&p->sight,
				      p->unwinder,
				      {.target = &p->target}};
	p->fd_count = fds_count(&p->target);
	return lives;
}

void picture_close(struct picture *p)
{
	fold_clear(&p->fold);
	fds_clear(&p->wording.fds);
	unwinder_close(p->unwinder);
	guests_close(p->guests);
	sight_close(&p->sight);
	target_close(&p->target);
}

const char *picture_lacks(const struct picture *p, const struct ramet_seen *t)
{
	const struct layout *l = layout_of(&p->sight, t);

	if (t->trace >= 0 || t->state == l->state_ended)
		return NULL;
	if (t->moved)
		return "it ran whenever it was looked at";
	if (t->odd)
		return "its stack pointer is not in its stack: its control "
		       "block is damaged";
	if (unwinder_lacks())
		return unwinder_lacks();
	if (t->current && !p->sight.loops[t->loop].in_call)
		return "it is running, and is not stopped for this";
	return "its stack cannot be unwound";
}

uint64_t picture_spawn_place(struct picture *p, const struct ramet_seen *t)
{
	bool lives = t->state != layout_of(&p->sight, t)->state_ended;
	uint64_t place = lives && has_guest(p, t)
				 ? guests_spawn(p->guests, t->guest)
				 : 0;

	return place ? place : t->spawn_site - 1;
}

/* ---- text ---------------------------------------------------------------- */

void picture_put_line(struct picture *p, FILE *out, const struct ramet_seen *t)
{
	const struct layout *l = layout_of(&p->sight, t);
	int64_t age = wording_age(&p->sight, t);
	struct waiting w;

	wording_wait(&p->wording, t, &w);
	put_ramet(out, t);
	fprintf(out, " %s", wording_state(&p->sight, t));
	if (*w.kind)
		fprintf(out, " %s", w.text);
	if (age >= 0) {
		fputs(", for ", out);
		put_duration(out, age);
	}
	if (t->flags & l->flag_kill)
		fputs(", killed", out);
	else if (t->flags & l->flag_cancel)
		fputs(", cancelled", out);
	if (t->depth && t->slot)
		fprintf(out, ", stack %" PRIu64 " bytes of %" PRIu64 " KiB",
			t->depth, t->slot >> 10);
	if (t->switches)
		fprintf(out, ", %" PRIu64 " switch%s", t->switches,
			t->switches == 1 ? "" : "es");
	if (!t->slot)
		return;
	if (t->parent)
		fprintf(out, ", spawned by ramet %" PRIu64 " at ", t->parent);
	else
		fputs(", sent by another thread at ", out);
	put_symbol(out, p->unwinder, picture_spawn_place(p, t));
	if (t->flags & l->flag_tls && t->routine) {
		fputs(" as a pthread, to run ", out);
		put_symbol(out, p->unwinder, t->routine);
	}
}

void picture_put_stack(struct picture *p, FILE *out, size_t n,
		       const char *indent)
{
	const struct trace *trace = &p->fold.traces[n];
	uint64_t boot = p->sight.layouts[0].boot;
	size_t end = fold_end(p->unwinder, trace, boot);

	for (size_t i = fold_head(p->unwinder, trace, boot); i < end; i++) {
		const struct frame *f = &trace->frames[i];

		if (trace->left_out && i == TRACE_FRAMES - TRACE_LAST)
			fprintf(out, "%s... %zu frames left out\n", indent,
				trace->left_out);
		fputs(indent, out);
		put_symbol(out, p->unwinder, f->pc);
		if (f->times > 1)
			fprintf(out, ", %" PRIu64 " times", f->times);
		putc('\n', out);
	}
}
