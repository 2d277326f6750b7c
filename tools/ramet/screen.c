/* screen.c - draws `ramet top`: made whole in memory, then written at once, so
 * that nothing flickers. */
#include "tools/ramet/screen.h"
#include "tools/ramet/say.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLEAR_LINE "\033[K"
#define STRONG "\033[1m"
#define REVERSE "\033[7m"
#define PLAIN "\033[0m"

static const char *const help_lines[] = {
	"up, down, page up, page down, home, end  choose a ramet",
	"enter  its stack                escape  back",
	"left, right  sort by another    r  the other way round",
	"t  tree of spawns               /  filter by name, state or wait",
	"+, -  look more, less often     space  pause",
	"h  this help                    q  quit",
};

enum { HELP_LINES = sizeof help_lines / sizeof *help_lines };

/* ---- rates --------------------------------------------------------------- */

static const struct rate *rate_of(const struct rates *r, int tid)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->loops[i].tid == tid)
			return &r->loops[i];
	return NULL;
}

void screen_note_rates(struct screen *s, const struct picture *p)
{
	const struct sight *sight = &p->sight;
	size_t n = sight->loop_count;

	free(s->before.loops);
	s->before = s->rates;
	s->rates =
		(struct rates){sight->taken, n,
			       need(calloc(n + 1, sizeof *s->rates.loops)), 0};
	if (s->before.taken)
		s->rates.seconds =
			(double)(sight->taken - s->before.taken) / 1e9;
	for (size_t i = 0; i < n; i++) {
		const struct loop_seen *l = &sight->loops[i];
		const struct rate *old = rate_of(&s->before, l->tid);
		int64_t lag = loop_lag(sight, l);

		s->rates.loops[i] =
			(struct rate){l->tid, l->switches, l->kernel_waits,
				      l->cpu_ns,
				      old && old->lag_most > lag ? old->lag_most
								 : lag};
	}
}

/* ---- lines --------------------------------------------------------------- */

static void put_cut_line(FILE *out, int width, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void put_cut_line(FILE *out, int width, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	for (int n, at = 0; line[at] && width > 0; width--) {
		n = printable(line + at);
		fprintf(out, "%.*s", n ? n : 1, n ? line + at : "?");
		at += n ? n : 1;
	}
}

static void put_loop(const struct screen *s, const struct picture *p,
		     const struct loop_seen *l, FILE *out, int width)
{
	const struct rate *now = rate_of(&s->rates, l->tid),
			  *before = rate_of(&s->before, l->tid);
	double seconds = s->rates.seconds;
	char rates[96] = "";

	if (now && before && seconds > 0)
		snprintf(rates, sizeof rates,
			 ", cpu %.0f %%, %.0f switches/s, %.0f waits/s",
			 (double)(now->cpu_ns - before->cpu_ns) / 1e7 / seconds,
			 (double)(now->switches - before->switches) / seconds,
			 (double)(now->kernel_waits - before->kernel_waits) /
				 seconds);
	put_cut_line(out, width,
		     "thread %d: %" PRIu64
		     " ramet%s, %zu ready, %s, lag %" PRId64
		     " ms (most %" PRId64 ")%s, %" PRIu64 " switches, %" PRIu64
		     " timer%s",
		     l->tid, l->live, plural(l->live), l->ready,
		     l->sleeping ? "asleep" : "awake",
		     loop_lag(&p->sight, l) / 1000000,
		     now ? now->lag_most / 1000000 : 0, rates, l->switches,
		     l->timers, plural(l->timers));
}

int screen_put_summary(struct screen *s, struct picture *p, FILE *out,
		       int width)
{
	enum { LOOPS_SHOWN = 8 };
	const struct sight *sight = &p->sight;
	int lines = 1;

	put_cut_line(out, width,
		     "process %d (%s): %zu ramet%s, %zu loop%s, %ld "
		     "descriptors, "
		     "ramet %s",
		     (int)p->target.pid, p->target.command, sight->ramet_count,
		     plural(sight->ramet_count), sight->loop_count,
		     plural(sight->loop_count), p->fd_count,
		     sight->layouts[0].version);
	fputs("\n", out);
	for (size_t i = 0; i < sight->loop_count && i < LOOPS_SHOWN;
	     i++, lines++) {
		put_loop(s, p, &sight->loops[i], out, width);
		fputs("\n", out);
	}
	if (sight->damage[0]) {
		put_cut_line(out, width, "%s", sight->damage);
		fputs("\n", out);
		lines++;
	}
	return lines;
}

/* ---- the screen ---------------------------------------------------------- */

/* Lines that were made elsewhere, each cut and cleared behind; at most n. */
static int copy_lines(FILE *out, const char *text, int n, int width)
{
	int lines = 0;

	for (; *text && lines < n; lines++) {
		int size = (int)strcspn(text, "\n");

		put_cut_line(out, width, "%.*s", size, text);
		fputs(CLEAR_LINE "\r\n", out);
		text += size + (text[size] == '\n');
	}
	return lines;
}

static int put_stack(struct screen *s, struct picture *p, FILE *out, int room,
		     int width)
{
	const struct ramet_seen *t = s->table.rows[s->selected].t;
	const char *lacks = picture_lacks(p, t);
	char *text = NULL;
	size_t size;
	FILE *memory = need(open_memstream(&text, &size));
	int lines;

	picture_put_line(p, memory, t);
	putc('\n', memory);
	if (t->trace >= 0)
		picture_put_stack(p, memory, (size_t)t->trace, "    ");
	else if (lacks)
		fprintf(memory, "    no stack: %s\n", lacks);
	fclose(memory);
	lines = copy_lines(out, text, room, width);
	free(text);
	return lines;
}

static void scroll(struct screen *s, size_t room)
{
	if (s->selected >= s->table.count)
		s->selected = s->table.count ? s->table.count - 1 : 0;
	if (s->selected < s->top)
		s->top = s->selected;
	if (room && s->selected >= s->top + room)
		s->top = s->selected - room + 1;
	if (s->top + room > s->table.count)
		s->top = s->table.count > room ? s->table.count - room : 0;
}

static int put_rows(struct screen *s, struct picture *p, FILE *out, int room,
		    int width)
{
	int lines = 0;

	scroll(s, (size_t)room);
	for (size_t i = s->top; i < s->table.count && lines < room;
	     i++, lines++) {
		bool selected = i == s->selected;

		fputs(selected ? REVERSE : "", out);
		table_put(p, out, &s->table.rows[i], width);
		fputs(selected ? PLAIN CLEAR_LINE "\r\n" : CLEAR_LINE "\r\n",
		      out);
	}
	return lines;
}

static void put_status(const struct screen *s, FILE *out, int width)
{
	if (s->typing)
		put_cut_line(out, width, "filter: %s_", s->table.filter);
	else if (s->message)
		put_cut_line(out, width, "%s", s->message);
	else
		put_cut_line(out, width, "%zu shown%s%s%s%s   h: help, q: quit",
			     s->table.count,
			     s->table.filter[0] ? ", filter: " : "",
			     s->table.filter, s->table.tree ? ", tree" : "",
			     s->paused ? ", paused" : "");
}

static int put_head(struct screen *s, struct picture *p, FILE *out, int room,
		    int width)
{
	char *text = NULL;
	size_t size;
	FILE *memory = need(open_memstream(&text, &size));
	int lines;

	screen_put_summary(s, p, memory, width);
	fclose(memory);
	lines = copy_lines(out, text, room, width);
	free(text);
	return lines;
}

void screen_draw(struct screen *s, struct picture *p, int rows, int columns)
{
	char *text = NULL;
	size_t size, written = 0;
	FILE *out = need(open_memstream(&text, &size));
	int lines;

	fputs("\033[H", out);
	lines = put_head(s, p, out, rows / 2, columns);
	if (s->help)
		for (int i = 0; i < HELP_LINES && lines < rows - 2; i++)
			lines += copy_lines(out, help_lines[i], 1, columns);
	if (lines < rows - 1) {
		fputs(STRONG, out);
		table_put_head(&s->table, out, columns);
		fputs(PLAIN CLEAR_LINE "\r\n", out);
		lines++;
	}
	if (s->stack && s->table.count)
		lines += put_stack(s, p, out, rows - 1 - lines, columns);
	else if (lines < rows - 1)
		lines += put_rows(s, p, out, rows - 1 - lines, columns);
	for (; lines < rows - 1; lines++)
		fputs(CLEAR_LINE "\r\n", out);
	put_status(s, out, columns - 1);
	fputs("\033[J", out);
	fclose(out);
	while (written < size) {
		ssize_t n =
			write(STDOUT_FILENO, text + written, size - written);

		if (n <= 0)
			break;
		written += (size_t)n;
	}
	free(text);
}
