/* picture_json.c - the picture for programs. */
#include "tools/ramet/picture.h"
#include "tools/ramet/say.h"

#include <inttypes.h>
#include <stdlib.h>

static void put_text(FILE *out, const char *name, const char *text)
{
	fprintf(out, ", \"%s\": ", name);
	put_json(out, text);
}

static void put_place(FILE *out, struct unwinder *u, uint64_t pc)
{
	const struct symbol *s = unwinder_symbol(u, pc);

	if (s->guest)
		fputs("{\"language\": \"python\"", out);
	else
		fprintf(out, "{\"pc\": \"0x%" PRIx64 "\"", pc);
	if (s->function)
		put_text(out, "function", s->function);
	if (s->module) {
		put_text(out, "module", s->module);
		fprintf(out, ", \"offset\": %" PRIu64, s->offset);
	}
	if (s->file) {
		put_text(out, "file", s->file);
		fprintf(out, ", \"line\": %d", s->line);
	}
}

static void put_loop(struct picture *p, FILE *out, const struct loop_seen *l)
{
	fprintf(out,
		"{\"thread\": %d, \"version\": \"%s\", \"asleep\": %s, "
		"\"lag_ns\": %" PRId64 ", \"ready\": %zu, \"live\": %" PRIu64
		", \"spawned\": %" PRIu64 ", \"switches\": %" PRIu64
		", \"kernel_waits\": %" PRIu64 ", \"timers\": %" PRIu64
		", \"cpu_ns\": %" PRId64,
		l->tid, l->layout->version, l->sleeping ? "true" : "false",
		loop_lag(&p->sight, l), l->ready, l->live, l->spawned,
		l->switches, l->kernel_waits, l->timers, l->cpu_ns);
	if (l->in_call)
		fprintf(out, ", \"system_call\": %ld", l->call);
	putc('}', out);
}

static void put_wait(struct picture *p, FILE *out, const struct ramet_seen *t)
{
	struct waiting w;

	wording_wait(&p->wording, t, &w);
	if (!*w.kind)
		return;
	fprintf(out, ", \"wait\": {\"kind\": \"%s\"", w.kind);
	put_text(out, "text", w.text);
	if (w.object)
		fprintf(out, ", \"object\": \"0x%" PRIx64 "\"", w.object);
	if (w.holder) {
		fprintf(out, ", \"holder\": %" PRIu64, w.holder->id);
		put_text(out, "holder_name", w.holder->name);
	}
	if (w.fd >= 0)
		fprintf(out, ", \"fd\": %d", w.fd);
	if (w.local[0])
		put_text(out, "local", w.local);
	if (w.peer[0])
		put_text(out, "peer", w.peer);
	if (w.left >= 0)
		fprintf(out, ", \"left_ns\": %" PRId64, w.left);
	putc('}', out);
}

static void put_one(struct picture *p, FILE *out, const struct ramet_seen *t)
{
	const struct layout *l = layout_of(&p->sight, t);
	const char *lacks = picture_lacks(p, t);
	int64_t age = wording_age(&p->sight, t);

	fprintf(out, "{\"loop\": %u, \"id\": %" PRIu64, t->loop, t->id);
	put_text(out, "name", t->name);
	fprintf(out, ", \"state\": \"%s\"", wording_state(&p->sight, t));
	put_wait(p, out, t);
	if (age >= 0)
		fprintf(out, ", \"age_ns\": %" PRId64, age);
	if (t->flags & l->flag_cancel)
		fprintf(out, ", \"cancelled\": true");
	if (t->flags & l->flag_kill)
		fprintf(out, ", \"killed\": true");
	if (t->slot) {
		fprintf(out,
			", \"parent\": %" PRIu64 ", \"stack_size\": %" PRIu64
			", \"spawned_at\": ",
			t->parent, t->slot);
		put_place(out, p->unwinder, picture_spawn_place(p, t));
		putc('}', out);
	}
	if (t->depth)
		fprintf(out, ", \"stack_used\": %" PRIu64, t->depth);
	fprintf(out, ", \"switches\": %" PRIu64, t->switches);
	if (t->trace >= 0)
		fprintf(out, ", \"stack\": %ld", t->trace);
	else if (p->has_stacks && lacks)
		put_text(out, "no_stack", lacks);
	putc('}', out);
}

static void put_trace(struct picture *p, FILE *out, size_t n, size_t count)
{
	const struct trace *trace = &p->fold.traces[n];
	uint64_t boot = p->sight.layouts[0].boot;
	size_t end = fold_end(p->unwinder, trace, boot);

	fprintf(out, "{\"count\": %zu, \"left_out\": %zu, \"frames\": [", count,
		trace->left_out);
	for (size_t i = fold_head(p->unwinder, trace, boot), first = i; i < end;
	     i++) {
		fputs(i > first ? ", " : "", out);
		put_place(out, p->unwinder, trace->frames[i].pc);
		if (trace->frames[i].times > 1)
			fprintf(out, ", \"times\": %" PRIu64,
				trace->frames[i].times);
		putc('}', out);
	}
	fputs("]}", out);
}

static void put_traces(struct picture *p, FILE *out)
{
	size_t *counts = need(calloc(p->fold.count + 1, sizeof *counts));

	for (size_t i = 0; i < p->sight.ramet_count; i++)
		if (p->sight.ramets[i].trace >= 0)
			counts[p->sight.ramets[i].trace]++;
	for (size_t i = 0; i < p->fold.count; i++) {
		fputs(i ? ",\n  " : "\n  ", out);
		put_trace(p, out, i, counts[i]);
	}
	free(counts);
}

void picture_put_json(struct picture *p, FILE *out)
{
	const struct sight *s = &p->sight;

	fprintf(out, "{\"pid\": %d", (int)p->target.pid);
	put_text(out, "command", p->target.command);
	fprintf(out, ", \"fds\": %ld", p->fd_count);
	if (s->damage[0])
		put_text(out, "damage", s->damage);
	fputs(",\n \"loops\": [", out);
	for (size_t i = 0; i < s->loop_count; i++) {
		fputs(i ? ",\n  " : "\n  ", out);
		put_loop(p, out, &s->loops[i]);
	}
	fputs("],\n \"ramets\": [", out);
	for (size_t i = 0; i < s->ramet_count; i++) {
		fputs(i ? ",\n  " : "\n  ", out);
		put_one(p, out, &s->ramets[i]);
	}
	fputs("],\n \"stacks\": [", out);
	put_traces(p, out);
	fputs("]}\n", out);
}
