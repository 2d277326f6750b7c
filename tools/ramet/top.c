/* top.c - the ramets of a process, once or as they change. */
#include "tools/ramet/top.h"
#include "tools/ramet/say.h"
#include "tools/ramet/screen.h"
#include "tools/ramet/terminal.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
	"usage: ramet top [OPTION...] PID\n"
	"\n"
	"Shows the ramets of process PID as they change: what each waits for, "
	"and what\n"
	"its loop is at.  The process runs on meanwhile and needs no "
	"preparation.\n"
	"\n"
	"  --once         write everything once, to a pipe say\n"
	"  --json         the same as JSON\n"
	"  --sort=COLUMN  id, name, state, age, stack, switches, parent or "
	"wait (id)\n"
	"  --reverse      the other way round\n"
	"  --filter=TEXT  only those with it in name, state or wait\n"
	"  --tree         each below the ramet that spawned it\n"
	"  --every=MS     look this often (1000)\n"
	"  --help         show this\n"
	"\n"
	"On the screen h shows the keys.  Exit status: 0; 1 if the process "
	"cannot be\n"
	"looked at, has no ramets or has ended; 2 if the options make no "
	"sense.\n"
	"Manual: ramet-top(1).\n";

void print_top_help(void)
{
	fputs(help, stdout);
}

enum { ONCE = 1, JSON, SORT, REVERSE, FILTER, TREE, EVERY, HELP = 'h' };

static const struct option known[] = {
	{"once", no_argument, NULL, ONCE},
	{"json", no_argument, NULL, JSON},
	{"sort", required_argument, NULL, SORT},
	{"reverse", no_argument, NULL, REVERSE},
	{"filter", required_argument, NULL, FILTER},
	{"tree", no_argument, NULL, TREE},
	{"every", required_argument, NULL, EVERY},
	{"help", no_argument, NULL, HELP},
	{0},
};

enum { EVERY_LEAST = 50, EVERY_MOST = 60000 };

struct top_options {
	bool once, json, help;
	int every; /* ms */
	const char *pid;
};

/* ---- options ------------------------------------------------------------- */

static enum column read_column(const char *name)
{
	for (int i = 0; i < COLUMNS; i++)
		if (strcmp(name, column_names[i]) == 0)
			return (enum column)i;
	refuse(STATUS_REFUSED,
	       "--sort: there is no column \"%s\"; they are id, name, state, "
	       "age, stack, switches, parent and wait",
	       name);
}

static int read_every(const char *text)
{
	char *end;
	long ms;

	errno = 0;
	ms = strtol(text, &end, 10);
	if (end == text || *end || errno || ms < EVERY_LEAST || ms > EVERY_MOST)
		refuse(STATUS_REFUSED,
		       "--every: \"%s\" is no number of ms from %d to %d", text,
		       EVERY_LEAST, EVERY_MOST);
	return (int)ms;
}

static void read_option(struct top_options *o, struct table *t, int c,
			char **argv)
{
	switch (c) {
	case ONCE:
		o->once = true;
		break;
	case JSON:
		o->json = true;
		break;
	case SORT:
		t->by = read_column(optarg);
		break;
	case REVERSE:
		t->reverse = true;
		break;
	case FILTER:
		snprintf(t->filter, sizeof t->filter, "%s", optarg);
		break;
	case TREE:
		t->tree = true;
		break;
	case EVERY:
		o->every = read_every(optarg);
		break;
	case HELP:
		o->help = true;
		break;
	default:
		refuse_option(c, argv);
	}
}

static struct top_options read_top_options(int argc, char **argv,
					   struct table *t)
{
	struct top_options o = {.every = 1000};

	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;)
		read_option(&o, t, c, argv);
	if (!o.help)
		o.pid = only_process(argc - optind, argv + optind, "top");
	return o;
}

/* ---- once ---------------------------------------------------------------- */

static int show_once(struct screen *s, struct picture *p, bool json)
{
	enum { WIDE = 500 };

	if (!picture_take(p, false) && !p->sight.ramet_count)
		refuse(1, "process %d has ended", (int)p->target.pid);
	if (json) {
		picture_put_json(p, stdout);
		return 0;
	}
	screen_note_rates(s, p);
	table_make(&s->table, p);
	screen_put_summary(s, p, stdout, WIDE);
	table_put_head(&s->table, stdout, WIDE);
	putchar('\n');
	for (size_t i = 0; i < s->table.count; i++) {
		table_put(p, stdout, &s->table.rows[i], WIDE);
		putchar('\n');
	}
	return 0;
}

/* ---- keys ---------------------------------------------------------------- */

/* The filter is being typed. */
static void on_typed(struct screen *s, int key)
{
	size_t n = strlen(s->table.filter);

	if (key == KEY_ENTER || key == KEY_ESCAPE)
		s->typing = false;
	if (key == KEY_ESCAPE)
		s->table.filter[0] = '\0';
	else if (key == KEY_BACKSPACE && n > 0)
		s->table.filter[n - 1] = '\0';
	else if (key >= ' ' && key < 256 && n + 1 < sizeof s->table.filter) {
		s->table.filter[n] = (char)key;
		s->table.filter[n + 1] = '\0';
	}
}

static void move(struct screen *s, int key)
{
	enum { PAGE = 20 };
	size_t last = s->table.count ? s->table.count - 1 : 0, at = s->selected;

	if (key == KEY_UP)
		at -= at > 0;
	else if (key == KEY_DOWN)
		at++;
	else if (key == KEY_PAGE_UP)
		at -= at > PAGE ? PAGE : at;
	else if (key == KEY_PAGE_DOWN)
		at += PAGE;
	else if (key == KEY_HOME)
		at = 0;
	else if (key == KEY_END)
		at = last;
	s->selected = at > last ? last : at;
}

static void sort_by_neighbour(struct table *t, int step)
{
	t->by = (enum column)(((int)t->by + step + COLUMNS) % COLUMNS);
}

/* Returns false to quit. */
static bool on_key(struct screen *s, struct top_options *o, int key)
{
	if (key == KEY_EOF)
		return false;
	if (s->typing) {
		on_typed(s, key);
		return true;
	}
	switch (key) {
	case 'q':
		return false;
	case KEY_ENTER:
		s->stack = !s->stack;
		break;
	case KEY_ESCAPE:
		s->stack = s->help = false;
		break;
	case KEY_RIGHT:
	case '>':
		sort_by_neighbour(&s->table, 1);
		break;
	case KEY_LEFT:
	case '<':
		sort_by_neighbour(&s->table, -1);
		break;
	case 'r':
		s->table.reverse = !s->table.reverse;
		break;
	case 't':
		s->table.tree = !s->table.tree;
		break;
	case '/':
		s->typing = true;
		s->table.filter[0] = '\0';
		break;
	case ' ':
		s->paused = !s->paused;
		break;
	case 'h':
	case '?':
		s->help = !s->help;
		break;
	case '+':
		o->every =
			o->every / 2 < EVERY_LEAST ? EVERY_LEAST : o->every / 2;
		break;
	case '-':
		o->every =
			o->every > EVERY_MOST / 2 ? EVERY_MOST : 2 * o->every;
		break;
	default:
		move(s, key);
	}
	return true;
}

/* ---- the screen ---------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* The one that was selected stays so, wherever it goes. */
static void make_rows(struct screen *s, struct picture *p, uint64_t selected)
{
	table_make(&s->table, p);
	for (size_t i = 0; i < s->table.count; i++)
		if (s->table.rows[i].t->at == selected) {
			s->selected = i;
			return;
		}
}

static uint64_t selected_one(const struct screen *s)
{
	return s->selected < s->table.count ? s->table.rows[s->selected].t->at
					    : 0;
}

static void look(struct screen *s, struct picture *p)
{
	uint64_t selected = selected_one(s);

	table_clear(&s->table);
	if (!picture_take(p, s->stack)) {
		s->message = "the process has ended; q: quit";
		s->paused = true;
	}
	screen_note_rates(s, p);
	make_rows(s, p, selected);
}

static int show(struct screen *s, struct picture *p, struct top_options *o)
{
	int64_t next = 0;
	bool go_on = true;

	terminal_open();
	while (go_on) {
		int64_t now = now_ms();
		int rows, columns, key;
		bool had_stack = s->stack;

		if (!s->paused && now >= next) {
			look(s, p);
			next = now_ms() + o->every;
		}
		terminal_size(&rows, &columns);
		/* What stands in the last column may be cleared with what
		 * follows it. */
		screen_draw(s, p, rows, columns - 1);
		now = now_ms();
		key = terminal_key(s->paused    ? 1000
				   : next > now ? (int)(next - now)
						: 0);
		if (key == KEY_NONE)
			continue;
		go_on = on_key(s, o, key);
		if (s->stack && !had_stack && !s->message)
			look(s, p);
		else
			make_rows(s, p, selected_one(s));
	}
	terminal_close();
	return s->message ? 1 : 0;
}

int top(int argc, char **argv)
{
	struct screen s = {0};
	struct top_options o;
	struct picture p;
	int status;

	speak_as("top");
	o = read_top_options(argc, argv, &s.table);
	if (o.help) {
		print_top_help();
		return 0;
	}
	picture_open(&p, o.pid);
	status =
		o.once || o.json ? show_once(&s, &p, o.json) : show(&s, &p, &o);
	table_clear(&s.table);
	free(s.rates.loops);
	free(s.before.loops);
	picture_close(&p);
	return status;
}
