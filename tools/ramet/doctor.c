/* doctor.c - says what is there, what is not, and what to do about it. */
#include "tools/ramet/doctor.h"
#include "tools/ramet/say.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: ramet doctor [--json]\n"
	"\n"
	"Shows what this machine has of what ramet uses: features of the "
	"kernel, limits,\n"
	"the back end that is chosen and why, libraries that are loaded when "
	"they are\n"
	"needed; each line is ok, a warning (it works, but not as well as it "
	"could) or\n"
	"missing, and then says what to do.\n"
	"\n"
	"  --json  write JSON\n"
	"  --help  show this\n"
	"\n"
	"Exit status: 0; 1 if something is missing; 2 if the options make no "
	"sense.\n"
	"Manual: ramet-doctor(1).\n";

static const char *const levels[] = {"ok", "warning", "missing"};

void print_doctor_help(void)
{
	fputs(help, stdout);
}

/* ---- findings ------------------------------------------------------------ */

struct finding *found(struct findings *f, const char *group, const char *name,
		      const char *fmt, ...)
{
	enum { MOST = sizeof f->all / sizeof *f->all };
	struct finding *new = &f->all[f->count];
	va_list ap;

	if (f->count == MOST)
		refuse(1, "there are more than %d lines", MOST);
	f->count++;
	*new = (struct finding){.group = group, .name = name};
	va_start(ap, fmt);
	vsnprintf(new->value, sizeof new->value, fmt, ap);
	va_end(ap);
	return new;
}

void advise(struct finding *f, enum level level, const char *fmt, ...)
{
	va_list ap;

	f->level = level;
	va_start(ap, fmt);
	vsnprintf(f->todo, sizeof f->todo, fmt, ap);
	va_end(ap);
}

bool first_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool there = file && fgets(line, (int)size, file);

	if (file)
		fclose(file);
	if (there)
		line[strcspn(line, "\n")] = '\0';
	else
		*line = '\0';
	return there;
}

/* ---- what is said -------------------------------------------------------- */

static const char *colour(enum level level, bool coloured)
{
	static const char *const colours[] = {"\033[32m", "\033[33m",
					      "\033[31m"};

	return coloured ? colours[level] : "";
}

static void print_text(const struct findings *f)
{
	const char *none = getenv("NO_COLOR"), *group = "";
	bool coloured = isatty(STDOUT_FILENO) && !(none && *none);

	printf("ramet " RAMET_VERSION "\n");
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *one = &f->all[i];

		if (strcmp(group, one->group) != 0)
			printf("\n%s\n", one->group);
		group = one->group;
		printf("  %s%-7s%s  %-22s  %s\n", colour(one->level, coloured),
		       levels[one->level], coloured ? "\033[0m" : "", one->name,
		       one->value);
		if (one->todo[0])
			printf("%*s%s\n", 35, "", one->todo);
	}
}

static void print_member(const char *name, const char *text)
{
	printf("\"%s\": ", name);
	put_json(stdout, text);
}

static void print_json(const struct findings *f, bool ok)
{
	printf("{\"version\": \"" RAMET_VERSION "\", \"ok\": %s, \"checks\": [",
	       ok ? "true" : "false");
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *one = &f->all[i];

		printf(i ? ",\n {" : "\n {");
		print_member("group", one->group);
		printf(", ");
		print_member("name", one->name);
		printf(", ");
		print_member("level", levels[one->level]);
		printf(", ");
		print_member("value", one->value);
		if (one->todo[0]) {
			printf(", ");
			print_member("todo", one->todo);
		}
		printf("}");
	}
	printf("\n]}\n");
}

static void refuse_word(const char *word)
{
	refuse(STATUS_REFUSED,
	       "there is no %s %s; \"ramet help doctor\" lists the options",
	       *word == '-' ? "option" : "argument", word);
}

int doctor(int argc, char **argv)
{
	struct findings f = {.count = 0};
	bool json = false, ok = true;

	speak_as("doctor");
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			print_doctor_help();
			return 0;
		}
		if (strcmp(argv[i], "--json") != 0)
			refuse_word(argv[i]);
		json = true;
	}
	examine_kernel(&f);
	examine_limits(&f);
	examine_parts(&f);
	for (size_t i = 0; i < f.count; i++)
		ok &= f.all[i].level != LEVEL_MISSING;
	if (json)
		print_json(&f, ok);
	else
		print_text(&f);
	return !ok;
}
