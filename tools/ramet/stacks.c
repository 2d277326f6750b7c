/* stacks.c - every ramet of a process that runs, those that stand at the same
 * place together. */
#include "tools/ramet/stacks.h"
#include "tools/ramet/picture.h"
#include "tools/ramet/say.h"

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

static const char help[] =
	"usage: ramet stacks [OPTION...] PID\n"
	"\n"
	"Shows what every ramet of process PID waits for, and its stack.  The "
	"process\n"
	"runs on meanwhile; it needs no preparation, nor symbols.\n"
	"\n"
	"  --all   show each of the ramets that stand at the same place (10)\n"
	"  --json  write JSON\n"
	"  --help  show this\n"
	"\n"
	"Exit status: 0; 1 if the process cannot be looked at, has no ramets "
	"or "
	"has\n"
	"ended; 2 if the options make no sense.  Manual: ramet-stacks(1).\n";

void print_stacks_help(void)
{
	fputs(help, stdout);
}

enum { ALL = 1, JSON, FEW = 10, HELP = 'h' };

static const struct option known[] = {
	{"all", no_argument, NULL, ALL},
	{"json", no_argument, NULL, JSON},
	{"help", no_argument, NULL, HELP},
	{0},
};

struct stacks_options {
	bool all, json, help;
	const char *pid;
};

static struct stacks_options read_stacks_options(int argc, char **argv)
{
	struct stacks_options o = {0};

	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		if (c == ALL)
			o.all = true;
		else if (c == JSON)
			o.json = true;
		else if (c == HELP)
			o.help = true;
		else
			refuse_option(c, argv);
	}
	if (!o.help)
		o.pid = only_process(argc - optind, argv + optind, "stacks");
	return o;
}

/* ---- text ---------------------------------------------------------------- */

struct style {
	const char *strong, *weak, *end;
};

static struct style style_of(FILE *out)
{
	const char *no = getenv("NO_COLOR");

	if (isatty(fileno(out)) && !(no && *no))
		return (struct style){"\033[1m", "\033[2m", "\033[0m"};
	return (struct style){"", "", ""};
}

static void put_loops(struct picture *p, const struct style *style)
{
	const struct sight *s = &p->sight;

	printf("%s%zu ramet%s in process %d (", style->strong, s->ramet_count,
	       plural(s->ramet_count), (int)p->target.pid);
	put_safe(stdout, p->target.command);
	printf(")%s\n", style->end);
	for (size_t i = 0; i < s->loop_count; i++) {
		const struct loop_seen *l = &s->loops[i];
		int64_t lag = loop_lag(s, l);

		printf("  thread %d: %lu ramet%s, %zu ready, %lu switch%s, ",
		       l->tid, (unsigned long)l->live, plural(l->live),
		       l->ready, (unsigned long)l->switches,
		       l->switches == 1 ? "" : "es");
		if (l->sleeping) {
			printf("asleep\n");
			continue;
		}
		printf("awake, last turn ");
		put_duration(stdout, lag);
		printf(" ago\n");
	}
	if (p->guests_unreadable)
		printf("  Python's own functions are not shown: its ramet is "
		       "of "
		       "another version than this command\n");
	if (s->damage[0])
		printf("  %s\n", s->damage);
}

/* Ramets by trace: those of trace n are order[first[n]..first[n + 1]). */
struct order {
	size_t *first, *order;
};

static struct order order_by_trace(const struct picture *p)
{
	size_t traces = p->fold.count, n = p->sight.ramet_count;
	struct order o = {need(calloc(traces + 2, sizeof *o.first)),
			  need(calloc(n + 1, sizeof *o.order))};
	size_t *next = need(calloc(traces + 1, sizeof *next));

	for (size_t i = 0; i < n; i++)
		if (p->sight.ramets[i].trace >= 0)
			o.first[p->sight.ramets[i].trace + 1]++;
	for (size_t i = 0; i < traces; i++)
		o.first[i + 1] += next[i] = o.first[i];
	for (size_t i = 0; i < n; i++)
		if (p->sight.ramets[i].trace >= 0)
			o.order[next[p->sight.ramets[i].trace]++] = i;
	free(next);
	return o;
}

static void put_ramet_line(struct picture *p, const struct ramet_seen *t)
{
	if (p->sight.loop_count > 1)
		printf("[%d] ", p->sight.loops[t->loop].tid);
	picture_put_line(p, stdout, t);
	putchar('\n');
}

static void put_place(struct picture *p, const struct order *o, size_t trace,
		      bool all, const struct style *style)
{
	size_t count = o->first[trace + 1] - o->first[trace];
	size_t shown = all || count <= FEW ? count : FEW;

	putchar('\n');
	for (size_t i = 0; i < shown; i++)
		put_ramet_line(p,
			       &p->sight.ramets[o->order[o->first[trace] + i]]);
	if (shown < count)
		printf("%sand %zu more (--all shows them)%s\n", style->weak,
		       count - shown, style->end);
	if (count > 1)
		printf("  %s%zu ramets at%s\n", style->strong, count,
		       style->end);
	picture_put_stack(p, stdout, trace, "    ");
}

static void put_text(struct picture *p, bool all)
{
	struct style style = style_of(stdout);
	struct order o = order_by_trace(p);

	put_loops(p, &style);
	for (size_t i = 0; i < p->fold.count; i++)
		put_place(p, &o, i, all, &style);
	for (size_t i = 0; i < p->sight.ramet_count; i++) {
		const struct ramet_seen *t = &p->sight.ramets[i];
		const char *lacks = picture_lacks(p, t);

		if (t->trace >= 0)
			continue;
		putchar('\n');
		put_ramet_line(p, t);
		if (lacks)
			printf("    %sno stack: %s%s\n", style.weak, lacks,
			       style.end);
	}
	free(o.first);
	free(o.order);
}

int stacks(int argc, char **argv)
{
	struct stacks_options o;
	struct picture p;
	bool lives;

	speak_as("stacks");
	o = read_stacks_options(argc, argv);
	if (o.help) {
		print_stacks_help();
		return 0;
	}
	picture_open(&p, o.pid);
	lives = picture_take(&p, true);
	if (!lives && !p.sight.ramet_count)
		refuse(1, "process %d has ended", (int)p.target.pid);
	if (!p.sight.loop_count)
		refuse(1,
		       "process %d has libramet, but no loop yet: nothing of "
		       "it "
		       "has used a ramet",
		       (int)p.target.pid);
	if (o.json)
		picture_put_json(&p, stdout);
	else
		put_text(&p, o.all);
	if (!lives)
		fprintf(stderr,
			"ramet stacks: process %d ended while it was looked "
			"at; some of this may be wrong\n",
			(int)p.target.pid);
	picture_close(&p);
	return lives ? 0 : 1;
}
