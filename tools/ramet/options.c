/* options.c - reads the command line of `ramet run`. */
#include "tools/ramet/options.h"
#include "tools/ramet/say.h"

#include "patch/engine/group.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help_options[] =
	"usage: ramet run [OPTION...] PROGRAM [ARGUMENT...]\n"
	"       ramet run --list [--json]\n"
	"\n"
	"Runs an unmodified program on green threads: its threads share one OS "
	"thread,\n"
	"and a call that would block that thread lets the others run instead.\n"
	"\n"
	"  --patch=GROUPS         replace only these groups of functions\n"
	"  --no-patch=GROUPS      replace all but these\n"
	"  --lib=LIB,...          replace only what these libraries call\n"
	"  --stack=SIZE           stack of a thread that asks for none, as in "
	"512K\n"
	"  --trace-blocking[=MS]  name the calls that still block for MS "
	"milliseconds (1)\n"
	"  --report[=FILE]        say what happened at the end, here or in "
	"FILE\n"
	"  --json                 the report, or the list, as JSON\n"
	"  --no-children          run the programs that PROGRAM starts as "
	"usual\n"
	"  --list                 show what is replaced, and what cannot be\n"
	"  --help                 show this\n"
	"\n"
	"GROUPS are separated by commas:\n";

static const char help_status[] =
	"\n"
	"Exit status: PROGRAM's; 2 if it cannot run on green threads, 126 if "
	"it "
	"cannot\n"
	"run, 127 if it is not found.  Manual: ramet-run(1), ramet-patch(7).\n";

#define GROUP_LINE(bit, name, what) printf("  %-8s %s\n", name, what);

void print_run_help(void)
{
	fputs(help_options, stdout);
	PATCH_GROUP_NAMES(GROUP_LINE)
	PATCH_GROUP_SETS(GROUP_LINE)
	fputs(help_status, stdout);
}

const char *group_names(unsigned set, char *buf, size_t size)
{
	size_t used = 0;

	*buf = '\0';
	for (unsigned bit = 1; bit <= RAMET_SEM; bit <<= 1)
		if (set & bit && used < size)
			used += (size_t)snprintf(buf + used, size - used,
						 "%s%s", used ? "," : "",
						 ramet__patch_group_name(bit));
	return buf;
}

/* The first of the names that is none. */
static const char *unknown_group(char *names)
{
	char *name;

	while ((name = strsep(&names, ",")) && ramet_patch_groups(name))
		;
	return name;
}

static unsigned read_groups(const char *option, char *names)
{
	unsigned groups = ramet_patch_groups(names);
	char all[128];

	if (!groups)
		refuse(STATUS_REFUSED,
		       "%s: \"%s\" is no group; there are %s, io and all",
		       option, unknown_group(names),
		       group_names(RAMET_PATCH_ALL, all, sizeof all));
	return groups;
}

static size_t read_stack(const char *text)
{
	const size_t least = (size_t)16 << 10, most = (size_t)1 << 30;
	static const char units[] = "KMG";
	char *end;
	const char *unit;
	unsigned long size;
	int shift = 0;

	errno = 0;
	size = strtoul(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (int)(unit - units + 1);
		end++;
	}
	if (end == text || *end || errno || *text == '-' ||
	    size > most >> shift || size << shift < least)
		refuse(STATUS_REFUSED,
		       "--stack: \"%s\" is no size from 16K to 1G; write 512K "
		       "or 8M",
		       text);
	return size << shift;
}

static const char *read_ms(const char *text)
{
	char *end;
	long ms;

	if (!text)
		return "1";
	errno = 0;
	ms = strtol(text, &end, 10);
	if (end == text || *end || errno || ms < 0 || ms > 3600000)
		refuse(STATUS_REFUSED,
		       "--trace-blocking: \"%s\" is no number of milliseconds",
		       text);
	return text;
}

/* The program may change its directory before the report is written. */
static const char *absolute(const char *file)
{
	char here[PATH_MAX], *path;

	if (!file || strcmp(file, "-") == 0)
		return "-";
	if (*file == '/' || !getcwd(here, sizeof here))
		return file;
	if (asprintf(&path, "%s/%s", here, file) < 0)
		refuse(STATUS_REFUSED, "there is no memory");
	return path;
}

enum {
	PATCH = 1,
	NO_PATCH,
	LIB,
	STACK,
	TRACE,
	REPORT,
	JSON,
	ALONE,
	LIST,
	HELP = 'h'
};

static const struct option known[] = {
	{"patch", required_argument, NULL, PATCH},
	{"no-patch", required_argument, NULL, NO_PATCH},
	{"lib", required_argument, NULL, LIB},
	{"stack", required_argument, NULL, STACK},
	{"trace-blocking", optional_argument, NULL, TRACE},
	{"report", optional_argument, NULL, REPORT},
	{"json", no_argument, NULL, JSON},
	{"no-children", no_argument, NULL, ALONE},
	{"list", no_argument, NULL, LIST},
	{"help", no_argument, NULL, HELP},
	{0},
};

static void take(struct options *o, int which)
{
	switch (which) {
	case PATCH:
		o->groups = read_groups("--patch", optarg);
		break;
	case NO_PATCH:
		o->without |= read_groups("--no-patch", optarg);
		break;
	case LIB:
		o->libs = optarg;
		break;
	case STACK:
		o->stack = read_stack(optarg);
		break;
	case TRACE:
		o->trace = read_ms(optarg);
		break;
	case REPORT:
		o->report = absolute(optarg);
		break;
	case JSON:
		o->json = true;
		break;
	case ALONE:
		o->no_children = true;
		break;
	case LIST:
		o->list = true;
		break;
	default:
		o->help = true;
	}
}

static void check_sense(struct options *o)
{
	if (!o->groups)
		o->groups = o->libs ? RAMET_PATCH_IO : RAMET_PATCH_ALL;
	o->groups &= ~o->without;
	if (!o->groups)
		refuse(STATUS_REFUSED, "--no-patch leaves no group to replace; "
				       "run the program without ramet");
	if (o->libs && (!*o->libs || strspn(o->libs, ",") == strlen(o->libs)))
		refuse(STATUS_REFUSED,
		       "--lib names no library; write --lib=libpq");
	if (o->libs && o->groups & RAMET_THREAD)
		refuse(STATUS_REFUSED,
		       "--lib cannot have group thread: a lock that one "
		       "library "
		       "takes in the kernel and another as a ramet protects "
		       "nothing; leave it out of --patch");
	if (!o->libs && o->groups & (RAMET_LOCK | RAMET_SEM))
		refuse(STATUS_REFUSED, "groups lock and sem are for libraries: "
				       "name them with --lib, or patch group "
				       "thread");
	if (o->json && !o->list && !o->report)
		refuse(STATUS_REFUSED,
		       "--json says how --list or --report write; add one");
}

struct options read_options(int argc, char **argv)
{
	struct options o = {0};

	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, "+:h", known, NULL)) != -1;) {
		if (c == ':' || c == '?')
			refuse_option(c, argv);
		take(&o, c);
	}
	if (o.help)
		return o;
	check_sense(&o);
	o.program = argv + optind;
	if (!o.list && !*o.program)
		refuse(STATUS_REFUSED, "there is no program to run; write "
				       "\"ramet run PROGRAM\"");
	return o;
}
