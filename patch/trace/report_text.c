/* report_text.c - the report of a run, in words and in JSON. */
#include "patch/trace/report.h"

#include "kernel/calls.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <string.h>

enum { WIDTH = 36 }; /* of what a number is, and the number */

static void put_seconds(struct out *o, int64_t ns)
{
	unsigned long ms = (unsigned long)(ns / RAMET_MS);

	ramet__print(o, "%lu.%lu%lu%lu", ms / 1000, ms / 100 % 10, ms / 10 % 10,
		     ms % 10);
}

/* ---- for people --------------------------------------------------------- */

static bool is_terminal(int fd)
{
	struct termios t;

	return kernel_call(SYS_ioctl, fd, TCGETS, KERNEL_ARG(&t), 0, 0, 0) == 0;
}

static void put_row(struct out *o, const char *what, const char *value)
{
	static const char spaces[WIDTH + 1] =
		"                                    ";
	size_t used = strlen(what) + strlen(value);

	ramet__print(o, "  %s", what);
	ramet__put(o, spaces, used < WIDTH ? WIDTH - used : 1);
	ramet__print(o, "%s", value);
}

static void put_number(struct out *o, const char *what, unsigned long n)
{
	char digits[24], *at = digits + sizeof digits;

	*--at = '\0';
	do
		*--at = (char)('0' + n % 10);
	while (n /= 10);
	put_row(o, what, at);
}

static void put_line(struct out *o, const char *what, unsigned long n)
{
	put_number(o, what, n);
	ramet__print(o, "\n");
}

static void put_blocked(struct out *o, const struct report_numbers *n,
			bool colour)
{
	if (!n->traced) {
		put_row(o, "calls that blocked", "-");
		ramet__print(o, "  not traced, see --trace-blocking\n");
		return;
	}
	if (n->blocked.calls && colour)
		ramet__print(o, "\033[31m");
	put_number(o, "calls that blocked", n->blocked.calls);
	if (n->blocked.calls) {
		ramet__print(o, "  for ");
		put_seconds(o, n->blocked.time);
		ramet__print(o, " s%s", colour ? "\033[m" : "");
	}
	ramet__print(o, "\n");
}

void ramet__put_report(struct out *o, const struct report_numbers *n)
{
	const char *no = kernel_getenv("NO_COLOR"); /* see no-color.org */
	bool colour = is_terminal(o->fd) && !(no && *no);

	ramet__print(o, "%sramet: ", colour ? "\033[1m" : "");
	ramet__put_name(o, n->program, sizeof n->program);
	ramet__print(o, " ran for ");
	put_seconds(o, n->time);
	ramet__print(o, " s and used ");
	put_seconds(o, n->cpu);
	ramet__print(o, " s of processor time%s\n", colour ? "\033[m" : "");
	put_line(o, "ramets created", n->stats.spawned);
	put_line(o, "alive at once, at most", n->stats.live_max);
	put_line(o, "switches between ramets", n->stats.switches);
	put_line(o, "context switches", n->context_switches);
	put_number(o, "OS threads at once, at most", n->os_threads);
	if (n->helpers)
		ramet__print(o, "  %lu of them the runtime's helpers",
			     n->helpers);
	ramet__print(o, "\n");
	put_line(o, "system calls of the runtime", n->calls);
	put_blocked(o, n, colour);
}

/* ---- for programs ------------------------------------------------------- */

static void put_string(struct out *o, const char *text)
{
	ramet__print(o, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			ramet__print(o, "\\");
		ramet__put_name(o, text, 1);
	}
	ramet__print(o, "\"");
}

void ramet__put_report_json(struct out *o, const struct report_numbers *n)
{
	ramet__print(o, "{\"program\": ");
	put_string(o, n->program);
	ramet__print(o, ", \"seconds\": ");
	put_seconds(o, n->time);
	ramet__print(o, ", \"cpu_seconds\": ");
	put_seconds(o, n->cpu);
	ramet__print(o,
		     ", \"created\": %lu, \"peak\": %lu, "
		     "\"switches\": %lu, \"os_threads\": %lu, \"helpers\": "
		     "%lu, "
		     "\"context_switches\": %lu, \"system_calls\": %lu, "
		     "\"blocked_calls\": ",
		     n->stats.spawned, n->stats.live_max, n->stats.switches,
		     n->os_threads, n->helpers, n->context_switches, n->calls);
	if (n->traced) {
		ramet__print(o, "%lu, \"blocked_seconds\": ", n->blocked.calls);
		put_seconds(o, n->blocked.time);
	} else {
		ramet__print(o, "null");
	}
	ramet__print(o, "}\n");
}
