/* recording.c - what the ramets of a process do for a while: a table, and a
 * file to look at. */
#include "tools/ramet/recording.h"
#include "tools/ramet/picture.h"
#include "tools/ramet/say.h"
#include "tools/ramet/summary.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
	"usage: ramet trace [OPTION...] PID\n"
	"\n"
	"Records what the ramets of process PID do, and says where their time "
	"went.  The\n"
	"process is not stopped and needs no preparation.  Ctrl-C ends the "
	"recording.\n"
	"\n"
	"  -o, --output=FILE  write it for ui.perfetto.dev or "
	"chrome://tracing\n"
	"  --seconds=N        record so long (5); parts as in 0.5\n"
	"  --json             write the table as JSON\n"
	"  --help             show this\n"
	"\n"
	"Exit status: 0; 1 if the process cannot be looked at, has no ramets "
	"or\n"
	"FILE cannot be written; 2 if the options make no sense.  Manual: "
	"ramet-trace(1).\n";

void print_trace_help(void)
{
	fputs(help, stdout);
}

enum { SECONDS = 1, JSON, HELP = 'h' };

static const struct option known[] = {
	{"output", required_argument, NULL, 'o'},
	{"seconds", required_argument, NULL, SECONDS},
	{"json", no_argument, NULL, JSON},
	{"help", no_argument, NULL, HELP},
	{0},
};

struct recording_options {
	bool json, help;
	int64_t ns;
	const char *output, *pid;
};

/* ---- options ------------------------------------------------------------- */

static int64_t read_seconds(const char *text)
{
	enum { MOST = 3600 };
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0 && seconds <= MOST))
		refuse(STATUS_REFUSED,
		       "--seconds: \"%s\" is no number of seconds up to %d",
		       text, MOST);
	return (int64_t)(seconds * 1e9);
}

static struct recording_options read_recording_options(int argc, char **argv)
{
	struct recording_options o = {.ns = INT64_C(5000000000)};

	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":ho:", known, NULL)) != -1;) {
		if (c == 'o')
			o.output = optarg;
		else if (c == SECONDS)
			o.ns = read_seconds(optarg);
		else if (c == JSON)
			o.json = true;
		else if (c == HELP)
			o.help = true;
		else
			refuse_option(c, argv);
	}
	if (!o.help)
		o.pid = only_process(argc - optind, argv + optind, "trace");
	return o;
}

/* ---- the recording ------------------------------------------------------- */

static volatile sig_atomic_t enough;

static void on_signal(int sig)
{
	(void)sig;
	enough = 1;
}

/* The switch in the other process must not be left on. */
static void mind_signals(void)
{
	struct sigaction end = {.sa_handler = on_signal};

	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void follow_for(struct follow *f, int64_t ns)
{
	int64_t until = f->began + ns;

	while (!enough && !f->full && now_ns() < until) {
		int64_t left = until - now_ns(), pause = follow_read(f);
		struct timespec ts = {0};

		if (pause < 0)
			return;
		ts.tv_nsec = pause < left ? pause : left > 0 ? left : 0;
		nanosleep(&ts, NULL);
	}
}

/* ---- the file ------------------------------------------------------------ */

static void string_text(void *picture, uint64_t at, char *text, size_t size)
{
	target_read_text(&((struct picture *)picture)->target, at, text, size);
}

static void symbol_text(void *picture, uint64_t pc, char *text, size_t size)
{
	const struct symbol *s =
		unwinder_symbol(((struct picture *)picture)->unwinder, pc);

	if (s && s->function)
		snprintf(text, size, "%s", s->function);
	else if (s && s->module)
		snprintf(text, size, "%s+0x%lx", s->module,
			 (unsigned long)s->offset);
	else
		snprintf(text, size, "0x%lx", (unsigned long)pc);
}

static int open_output(const char *path)
{
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			     0666)
		      : -1;

	if (path && fd < 0)
		refuse(1, "%s cannot be written: %s", path, strerror(errno));
	return fd;
}

static void write_file(struct follow *f, struct chrome *c, const char *path,
		       int fd)
{
	static struct out out;
	int err;

	ramet__out_open(&out, fd);
	c->out = &out;
	ramet__chrome_begin(c, f->sight->target->command);
	for (size_t i = 0; i < f->count; i++)
		ramet__chrome_track(c, &f->loops[i].track);
	ramet__chrome_end(c);
	err = ramet__out_close(&out);
	if (close(fd) < 0 && err == 0)
		err = -errno;
	if (err < 0)
		refuse(1, "%s cannot be written: %s", path, strerror(-err));
}

int record(int argc, char **argv)
{
	static struct chrome chrome;
	struct recording_options o;
	struct summary summary;
	struct picture p;
	struct follow f;
	int fd;

	speak_as("trace");
	o = read_recording_options(argc, argv);
	if (o.help) {
		print_trace_help();
		return 0;
	}
	picture_open(&p, o.pid);
	fd = open_output(o.output);
	mind_signals();
	follow_open(&f, &p.sight);
	follow_for(&f, o.ns);
	follow_end(&f);
	if (!f.count)
		refuse(1,
		       "process %d has libramet, but no loop yet: nothing of "
		       "it has used a ramet",
		       (int)p.target.pid);
	chrome = (struct chrome){
		.pid = (int)p.target.pid,
		.waits = p.sight.layouts[0].wait,
		.wait_count = p.sight.layouts[0].wait_count,
		.symbol = symbol_text,
		.string = string_text,
		.arg = &p,
	};
	if (fd >= 0)
		write_file(&f, &chrome, o.output, fd);
	summary_make(&summary, &f, &chrome);
	if (o.json)
		summary_put_json(&summary, stdout);
	else
		summary_put_text(&summary, stdout);
	summary_close(&summary);
	if (!target_lives(&p.target))
		fprintf(stderr,
			"ramet trace: process %d ended while it was recorded\n",
			(int)p.target.pid);
	follow_close(&f);
	picture_close(&p);
	return 0;
}
