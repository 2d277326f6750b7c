/* summary.c - walks the recordings and adds up. */
#include "tools/ramet/summary.h"
#include "tools/ramet/say.h"
#include "tools/ramet/wording.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- the walk ------------------------------------------------------------ */

static size_t find_row(struct summary *s, const struct who *w)
{
	char name[SUMMARY_NAME];
	struct summary_row *r;

	ramet__chrome_name(s->chrome, w, name, sizeof name);
	if (!w->name[0] && !w->fn)
		snprintf(name, sizeof name, "(not known)");
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->rows[i].name, name) == 0)
			return i;
	if ((s->count & (s->count - 1)) == 0)
		s->rows = need(
			realloc(s->rows, (2 * s->count + 1) * sizeof *s->rows));
	r = &s->rows[s->count++];
	*r = (struct summary_row){.site = w->site};
	memcpy(r->name, name, sizeof name);
	return s->count - 1;
}

/* Looked for once: there may be as many rows as ramets. */
static struct summary_row *row_of(struct summary *s, struct who *w)
{
	if (!w->row)
		w->row = find_row(s, w) + 1;
	return &s->rows[w->row - 1];
}

static bool is_host(const struct summary *s, unsigned wait)
{
	return wait < s->chrome->wait_count &&
	       s->chrome->waits[wait].object == MAP_STRING;
}

static void add_host_wait(struct summary_row *r, uint64_t what, int64_t ns)
{
	struct host_wait *h = r->host;

	while (h < r->host + HOST_WAITS && h->times && h->what != what)
		h++;
	h->what = h < r->host + HOST_WAITS ? what : 0;
	h->ns += ns;
	h->times++;
}

static void add_wait(const struct summary *s, struct summary_row *r,
		     const struct who *w, int64_t until)
{
	unsigned wait = w->wait < MAP_WAITS ? w->wait : 0;

	if (is_host(s, wait)) {
		add_host_wait(r, w->object, until - w->parked);
		return;
	}
	r->waits[wait] += until - w->parked;
	r->times[wait]++;
}

static void on_run(void *arg, struct track *track, struct who *w, int64_t now)
{
	struct summary *s = arg;
	struct summary_row *r = row_of(s, w);

	(void)track;
	r->runs++;
	if (w->parked)
		add_wait(s, r, w, w->ready ? w->ready : now);
	if (w->ready)
		r->ready += now - w->ready;
	s->from = now;
}

static void on_stop(void *arg, struct track *track, struct who *w, int64_t now,
		    enum stop why)
{
	struct summary *s = arg;

	(void)track;
	(void)why;
	row_of(s, w)->run += now - s->from;
}

static void add_lag(struct summary_loop *l, int64_t lag)
{
	unsigned step = 0;

	while (step < LAG_STEPS - 1 && lag >= INT64_C(1000) << step)
		step++;
	l->lag[step]++;
	if (lag > l->longest)
		l->longest = lag;
}

static void on_event(void *arg, struct track *track,
		     const struct record_event *e, struct who *w, int64_t now)
{
	struct summary *s = arg;

	(void)track;
	(void)w;
	switch (record_kind(e)) {
	case RECORD_GAP:
		s->turned = s->wait = 0;
		break;
	case RECORD_WAIT:
		s->wait = now;
		if (s->turned)
			add_lag(s->loop, now - s->turned);
		s->turned = 0;
		break;
	case RECORD_WAITED:
		if (s->wait)
			s->loop->asleep += now - s->wait;
		s->wait = 0;
		break;
	case RECORD_TURN:
		s->loop->turns++;
		if (s->turned)
			add_lag(s->loop, now - s->turned);
		s->turned = now;
		break;
	default:
		break;
	}
}

/* Those that wait still. */
static void add_rest(struct summary *s, struct track *track)
{
	for (size_t i = 0; i < track->who_size; i++) {
		struct who *w = track->who[i];

		if (!w)
			continue;
		row_of(s, w)->ramets++;
		if (w->parked && !w->ready)
			add_wait(s, row_of(s, w), w, track->last);
	}
}

static int by_run(const void *a, const void *b)
{
	const struct summary_row *x = a, *y = b;

	return x->run < y->run ? 1 : x->run > y->run ? -1 : 0;
}

void summary_make(struct summary *s, struct follow *f, struct chrome *c)
{
	static const struct view view = {.run = on_run,
					 .stop = on_stop,
					 .event = on_event};

	*s = (struct summary){.follow = f, .chrome = c};
	s->loops = need(calloc(f->count + 1, sizeof *s->loops));
	for (size_t i = 0; i < f->count; i++) {
		s->loop = &s->loops[i];
		s->loop->tid = f->loops[i].tid;
		s->turned = s->wait = 0;
		ramet__track_walk(&f->loops[i].track, &view, s);
		add_rest(s, &f->loops[i].track);
	}
	if (s->count)
		qsort(s->rows, s->count, sizeof *s->rows, by_run);
}

void summary_close(struct summary *s)
{
	free(s->rows);
	free(s->loops);
}

/* ---- text ---------------------------------------------------------------- */

static double ms(int64_t ns)
{
	return (double)ns / 1e6;
}

static const char *kind_of(const struct summary *s, unsigned wait)
{
	return wait < s->chrome->wait_count ? s->chrome->waits[wait].name : "?";
}

static void host_words(const struct summary *s, const struct host_wait *h,
		       char *text, size_t size)
{
	snprintf(text, size, "other");
	if (h->what)
		s->chrome->string(s->chrome->arg, h->what, text, size);
}

/* Kinds that have one name are one. */
static void put_waits(const struct summary *s, const struct summary_row *r,
		      FILE *out)
{
	bool more = false;

	for (unsigned i = 0; i < MAP_WAITS; i++) {
		if (!r->times[i])
			continue;
		fprintf(out, "%s%s %.3f ms (%" PRIu64 ")", more ? ", " : "",
			kind_of(s, i), ms(r->waits[i]), r->times[i]);
		more = true;
	}
	for (const struct host_wait *h = r->host; h <= r->host + HOST_WAITS;
	     h++) {
		char words[SUMMARY_NAME];

		if (!h->times)
			continue;
		host_words(s, h, words, sizeof words);
		fputs(more ? ", " : "", out);
		put_safe(out, words);
		fprintf(out, " %.3f ms (%" PRIu64 ")", ms(h->ns), h->times);
		more = true;
	}
	fputs(more ? "\n" : "-\n", out);
}

static void put_lag(const struct summary_loop *l, FILE *out)
{
	uint64_t most = 1;

	fprintf(out,
		"\nloop of thread %d: %" PRIu64
		" turns, asleep for %.3f ms, at most %.3f ms without a turn\n",
		l->tid, l->turns, ms(l->asleep), ms(l->longest));
	for (unsigned i = 0; i < LAG_STEPS; i++)
		most = l->lag[i] > most ? l->lag[i] : most;
	for (unsigned i = 0; i < LAG_STEPS; i++) {
		if (!l->lag[i])
			continue;
		fprintf(out, "  below %8.3f ms  %8" PRIu64 "  ",
			(double)(UINT64_C(1) << i) / 1e3, l->lag[i]);
		for (uint64_t n = (40 * l->lag[i] + most - 1) / most; n; n--)
			fputc('#', out);
		fputc('\n', out);
	}
}

void summary_put_text(const struct summary *s, FILE *out)
{
	const struct follow *f = s->follow;

	fprintf(out, "%.3f s of process %d (", ms(f->ended - f->began) / 1e3,
		(int)f->sight->target->pid);
	put_safe(out, f->sight->target->command);
	fprintf(out, "): %zu events, %zu lost%s\n\n", f->events, f->lost,
		f->full ? "; no more are kept" : "");
	fprintf(out, "%-24s %8s %9s %12s %12s  %s\n", "NAME", "RAMETS", "RUNS",
		"RUN ms", "READY ms", "WAITED FOR");
	for (size_t i = 0; i < s->count; i++) {
		const struct summary_row *r = &s->rows[i];
		char name[SUMMARY_NAME];

		snprintf(name, sizeof name, "%.*s", 40, r->name);
		put_safe(out, name);
		fprintf(out, "%*s %8" PRIu64 " %9" PRIu64 " %12.3f %12.3f  ",
			strlen(name) < 24 ? (int)(24 - strlen(name)) : 0, "",
			r->ramets, r->runs, ms(r->run), ms(r->ready));
		put_waits(s, r, out);
	}
	for (size_t i = 0; i < f->count; i++)
		put_lag(&s->loops[i], out);
}

/* ---- JSON ---------------------------------------------------------------- */

static void put_row_json(const struct summary *s, const struct summary_row *r,
			 FILE *out)
{
	const char *comma = "";

	fputs("{\"name\": ", out);
	put_json(out, r->name);
	if (r->site) {
		char at[SUMMARY_NAME];

		s->chrome->symbol(s->chrome->arg, r->site - 1, at, sizeof at);
		fputs(", \"spawned_at\": ", out);
		put_json(out, at);
	}
	fprintf(out,
		", \"ramets\": %" PRIu64 ", \"runs\": %" PRIu64
		", \"run_ns\": %" PRId64 ", \"ready_ns\": %" PRId64
		", \"waits\": [",
		r->ramets, r->runs, r->run, r->ready);
	for (unsigned i = 0; i < MAP_WAITS; i++) {
		if (!r->times[i])
			continue;
		fprintf(out,
			"%s{\"for\": \"%s\", \"ns\": %" PRId64
			", \"times\": %" PRIu64 "}",
			comma, kind_of(s, i), r->waits[i], r->times[i]);
		comma = ", ";
	}
	for (const struct host_wait *h = r->host; h <= r->host + HOST_WAITS;
	     h++) {
		char words[SUMMARY_NAME];

		if (!h->times)
			continue;
		host_words(s, h, words, sizeof words);
		fprintf(out, "%s{\"for\": \"host\", \"what\": ", comma);
		put_json(out, words);
		fprintf(out, ", \"ns\": %" PRId64 ", \"times\": %" PRIu64 "}",
			h->ns, h->times);
		comma = ", ";
	}
	fputs("]}", out);
}

static void put_loop_json(const struct summary_loop *l, FILE *out)
{
	const char *comma = "";

	fprintf(out,
		"{\"thread\": %d, \"turns\": %" PRIu64
		", \"asleep_ns\": %" PRId64 ", \"longest_lag_ns\": %" PRId64
		", \"lag\": [",
		l->tid, l->turns, l->asleep, l->longest);
	for (unsigned i = 0; i < LAG_STEPS; i++) {
		if (!l->lag[i])
			continue;
		fprintf(out,
			"%s{\"below_ns\": %" PRId64 ", \"times\": %" PRIu64 "}",
			comma, INT64_C(1000) << i, l->lag[i]);
		comma = ", ";
	}
	fputs("]}", out);
}

void summary_put_json(const struct summary *s, FILE *out)
{
	const struct follow *f = s->follow;

	fprintf(out,
		"{\"pid\": %d, \"ns\": %" PRId64
		", \"events\": %zu, \"lost\": %zu,\n\"ramets\": [",
		(int)f->sight->target->pid, f->ended - f->began, f->events,
		f->lost);
	for (size_t i = 0; i < s->count; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_row_json(s, &s->rows[i], out);
	}
	fputs("],\n\"loops\": [", out);
	for (size_t i = 0; i < f->count; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_loop_json(&s->loops[i], out);
	}
	fputs("]}\n", out);
}
