/* command.c - what can be typed at the console. */
#include "core/stack.h"
#include "debug/console.h"
#include "debug/owners.h"
#include "debug/recording.h"
#include "debug/report.h"
#include "debug/tree.h"
#include "debug/watchdog.h"
#include "debug/words.h"

#include "kernel/calls.h"

#include <string.h>

struct call {
	struct loop *loop;
	struct out *out;
	char word[16];        /* the command */
	const char *argument; /* what follows, without blanks around; "" */
};

struct command {
	const char *name, *argument, *help;
	enum command_result (*run)(struct call *);
};

static enum command_result help(struct call *c);

/* ---- looking ------------------------------------------------------------ */

static void list_one(struct ramet *t, void *call)
{
	struct call *c = call;

	ramet__put_ramet(c->out, t);
	ramet__put_state(c->out, t, kernel_now());
	ramet__print(c->out, "\n");
}

static enum command_result list(struct call *c)
{
	ramet__owners_forget();
	ramet__each(c->loop, list_one, c);
	ramet__owners_forget();
	return COMMAND_DONE;
}

static void refuse(struct call *c, const char *why)
{
	ramet__print(c->out, "error: %s\n", why);
}

static enum command_result stacks(struct call *c)
{
	bool json = strcmp(c->argument, "json") == 0;

	ramet__out_flush(c->out);
	if (*c->argument && !json)
		refuse(c, "\"stacks\" or \"stacks json\"");
	else if (ramet__dump(c->loop, c->out->fd, json) < 0)
		refuse(c, "there is no memory for a dump");
	return COMMAND_DONE;
}

static enum command_result tree(struct call *c)
{
	ramet__owners_forget();
	if (ramet__put_tree(c->out, c->loop) < 0)
		refuse(c, "there is no memory for the tree");
	ramet__owners_forget();
	return COMMAND_DONE;
}

static enum command_result stats(struct call *c)
{
	const struct loop *l = c->loop;
	const struct ramet_stats *s = &l->stats;
	size_t ready = 0;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"live", s->live},
		{"live_max", s->live_max},
		{"spawned", s->spawned},
		{"switches", s->switches},
		{"kernel_waits", s->kernel_waits},
		{"system_calls", ramet__calls},
		{"waiting_outside", loop_outside(l)},
		{"timers", l->timers.count},
		{"stalls", __atomic_load_n(&ramet__stalls, __ATOMIC_RELAXED)},
	};

	for (const struct ramet *t = l->ready; t; t = t->next)
		ready++;
	ramet__print(c->out, "kernel %s\nready %lu\n", ramet__kernel->name,
		     ready);
	for (size_t i = 0; i < countof(rows); i++)
		ramet__print(c->out, "%s %lu\n", rows[i].name, rows[i].value);
	return COMMAND_DONE;
}

/* ---- recording ---------------------------------------------------------- */

/* `err` is why. */
static void refuse_file(struct call *c, const char *path, int err)
{
	ramet__print(c->out, "error: ");
	ramet__put_name(c->out, path, strlen(path));
	ramet__print(c->out, " cannot be written: %s\n", strerrordesc_np(-err));
}

static void trace_start(struct call *c, const char *path)
{
	int err = ramet__recording_start(c->loop, path);

	if (err == -EBUSY)
		refuse(c, "there is a recording; \"trace stop\" ends it");
	else if (err == -ENOMEM)
		refuse(c, "there is no memory for a recording");
	else if (err < 0)
		refuse_file(c, path, err);
	else
		ramet__print(c->out, "all loops are recorded; \"trace stop\" "
				     "writes the file\n");
}

static void trace_stop(struct call *c)
{
	char path[RECORDING_PATH];
	int err = ramet__recording_stop(c->loop, path);

	if (err == -EINVAL) {
		refuse(c, "there is no recording; \"trace start FILE\" begins "
			  "one");
	} else if (err < 0) {
		refuse_file(c, path, err);
	} else {
		ramet__print(c->out, "written to ");
		ramet__put_name(c->out, path, sizeof path);
		ramet__print(c->out, "\n");
	}
}

static enum command_result trace(struct call *c)
{
	const char *file = c->argument + strcspn(c->argument, " \t");

	file += strspn(file, " \t");
	if (strcmp(c->argument, "stop") == 0)
		trace_stop(c);
	else if (*file && strncmp(c->argument, "start", 5) == 0 &&
		 strchr(" \t", c->argument[5]))
		trace_start(c, file);
	else
		refuse(c, "\"trace start FILE\" or \"trace stop\"");
	return COMMAND_DONE;
}

/* ---- ending ------------------------------------------------------------- */

struct wanted {
	uint64_t id;
	struct ramet *found;
};

static void compare(struct ramet *t, void *wanted)
{
	struct wanted *w = wanted;

	if (t->id == w->id)
		w->found = t;
}

/* 0: text is no number of a ramet. */
static uint64_t number(const char *text)
{
	uint64_t n = 0;

	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > UINT64_MAX / 10 - 1)
			return 0;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	return n;
}

/* The ramet that is meant, or NULL and it has been said why not. */
static struct ramet *find(struct call *c)
{
	struct wanted w = {number(c->argument), NULL};

	if (!w.id) {
		ramet__print(c->out,
			     "error: %s what? Give the number of a ramet, as "
			     "\"list\" shows it\n",
			     c->word);
		return NULL;
	}
	ramet__each(c->loop, compare, &w);
	if (!w.found)
		ramet__print(c->out, "error: there is no ramet %lu\n", w.id);
	return w.found;
}

/* Why t is not to be ended from here; NULL: it may be. */
static const char *exempt(const struct call *c, const struct ramet *t)
{
	if (t->state == STATE_ENDED)
		return "it has ended already";
	if (ramet__console_serves(c->loop, t))
		return "it serves this console";
	if (t->flags & FLAG_GUEST)
		return "it runs an interpreter's code, which alone can end it";
	if (t->flags & FLAG_TLS)
		return "it is a thread of a program that knows of no cancel";
	return NULL;
}

static struct ramet *find_to_end(struct call *c)
{
	struct ramet *t = find(c);
	const char *why = t ? exempt(c, t) : NULL;

	if (!why)
		return t;
	ramet__print(c->out, "error: ramet %lu cannot be ended here: %s\n",
		     t->id, why);
	return NULL;
}

static enum command_result cancel(struct call *c)
{
	struct ramet *t = find_to_end(c);

	if (!t)
		return COMMAND_DONE;
	ramet__cancel(t);
	ramet__put_ramet(c->out, t);
	ramet__print(c->out, " is cancelled%s\n",
		     t->flags & FLAG_SHIELD ? ", once it is not shielded any "
					      "more"
					    : "");
	return COMMAND_DONE;
}

static enum command_result kill_one(struct call *c)
{
	struct ramet *t = find_to_end(c);
	int err;

	if (!t)
		return COMMAND_DONE;
	if (!t->cold->class) {
		refuse(c, "a loop's main cannot be killed; \"cancel\" it");
		return COMMAND_DONE;
	}
	err = ramet__kill(c->loop, t);
	ramet__put_ramet(c->out, t);
	if (err == -EOPNOTSUPP)
		ramet__print(c->out, " is cancelled only: its stack cannot be "
				     "unwound\n");
	else
		ramet__print(c->out, " is killed%s\n",
			     t->flags & FLAG_SHIELD
				     ? ", once it is not shielded any more"
				     : "");
	return COMMAND_DONE;
}

static enum command_result quit(struct call *c)
{
	(void)c;
	return COMMAND_QUIT;
}

/* ---- all ---------------------------------------------------------------- */

static const struct command commands[] = {
	{"cancel", "ID", "what the ramet waits for fails with ECANCELED",
	 cancel},
	{"help", "", "this", help},
	{"kill", "ID", "the ramet ends at its next wait, cleaning up",
	 kill_one},
	{"list", "", "a line for each ramet: what it waits for, since when",
	 list},
	{"quit", "", "leave", quit},
	{"stacks", "[json]", "the same with backtraces", stacks},
	{"stats", "", "counters of the loop", stats},
	{"trace", "start FILE",
	 "record what all loops do, for ui.perfetto.dev (ramet_trace_start)",
	 trace},
	{"trace", "stop", "write the file", trace},
	{"tree", "", "who spawned whom", tree},
};

static enum command_result help(struct call *c)
{
	for (size_t i = 0; i < countof(commands); i++) {
		const struct command *m = &commands[i];
		size_t n = strlen(m->name) + strlen(m->argument) + 1;

		ramet__print(c->out, "%s %s", m->name, m->argument);
		for (; n < 18; n++)
			ramet__put(c->out, " ", 1);
		ramet__print(c->out, "%s\n", m->help);
	}
	return COMMAND_DONE;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* What is wrong with it is in c->word. */
static const struct command *parse(struct call *c, char *line)
{
	size_t n = strlen(line), word;

	while (n && is_blank(line[n - 1]))
		line[--n] = '\0';
	while (is_blank(*line))
		line++;
	word = strcspn(line, " \t");
	c->argument = line + word;
	while (is_blank(*c->argument))
		c->argument++;
	if (word >= sizeof c->word)
		word = sizeof c->word - 1;
	memcpy(c->word, line, word);
	c->word[word] = '\0';
	for (size_t i = 0; i < countof(commands); i++)
		if (strcmp(commands[i].name, c->word) == 0)
			return &commands[i];
	return NULL;
}

static enum command_result run(struct call *c, const struct command *m)
{
	if (*c->argument && !*m->argument) {
		ramet__print(c->out, "error: \"%s\" takes nothing\n", m->name);
		return COMMAND_DONE;
	}
	return m->run(c);
}

enum command_result ramet__command(struct loop *l, const char *line, int fd)
{
	enum command_result result = COMMAND_DONE;
	const struct command *m;
	struct out out;
	struct call c = {.loop = l, .out = &out};
	char copy[256];

	strncpy(copy, line, sizeof copy - 1);
	copy[sizeof copy - 1] = '\0';
	ramet__out_open(&out, fd);
	m = parse(&c, copy);
	if (m) {
		result = run(&c, m);
	} else if (*c.word) {
		ramet__print(&out, "error: there is no command \"");
		ramet__put_name(&out, c.word, sizeof c.word);
		ramet__print(&out, "\"; \"help\" lists them\n");
	}
	ramet__out_close(&out);
	return result;
}
