/* main.c - the command `ramet`. */
#include "tools/ramet/console.h"
#include "tools/ramet/doctor.h"
#include "tools/ramet/list.h"
#include "tools/ramet/options.h"
#include "tools/ramet/recording.h"
#include "tools/ramet/say.h"
#include "tools/ramet/serve.h"
#include "tools/ramet/stacks.h"
#include "tools/ramet/start.h"
#include "tools/ramet/top.h"

#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"usage: ramet COMMAND [OPTION...]\n"
	"\n"
	"  run PROGRAM [ARGUMENT...]  run an unmodified program on green "
	"threads\n"
	"  serve DIRECTORY            serve its files by HTTP\n"
	"  stacks PID                 show every ramet of a process, and its "
	"stack\n"
	"  top PID                    watch them\n"
	"  trace PID                  record what they do, and say where the "
	"time went\n"
	"  console PATH|PID           look at a program's ramets, and end "
	"them\n"
	"  doctor                     say what this machine lacks\n"
	"  help [COMMAND]             show this, or a command's options\n"
	"\n"
	"  --version [--json]         show the version\n"
	"  --help                     show this\n"
	"\n"
	"Manual: ramet(1), ramet-run(1), ramet-serve(1), ramet-stacks(1), "
	"ramet-top(1),\nramet-trace(1), ramet-console(1), ramet-doctor(1), "
	"ramet-patch(7).\n";

#ifdef RAMET_URING
#define BACK_ENDS "\"epoll\", \"uring\", \"sim\""
#else
#define BACK_ENDS "\"epoll\", \"sim\""
#endif

/* ---- version ------------------------------------------------------------ */

struct build_id {
	char text[2 * 64 + 1];
};

static bool read_id(struct build_id *id, const char *notes, size_t left)
{
	while (left >= sizeof(Elf64_Nhdr)) {
		const Elf64_Nhdr *n = (const void *)notes;
		const unsigned char *value = (const unsigned char *)(n + 1) +
					     ((n->n_namesz + 3) & ~3u);
		size_t size = sizeof *n + ((n->n_namesz + 3) & ~3u) +
			      ((n->n_descsz + 3) & ~3u);

		if (size > left)
			return false;
		if (n->n_type == NT_GNU_BUILD_ID && n->n_descsz <= 64) {
			for (size_t i = 0; i < n->n_descsz; i++)
				snprintf(id->text + 2 * i, 3, "%02x", value[i]);
			return true;
		}
		notes += size;
		left -= size;
	}
	return false;
}

/* The first object is this command. */
static int find_id(struct dl_phdr_info *info, size_t size, void *id)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_NOTE &&
		    read_id(id, (const char *)(info->dlpi_addr + p->p_vaddr),
			    p->p_memsz))
			break;
	}
	return 1;
}

static void print_version(bool json)
{
	struct build_id id = {0};

	if (!json) {
		printf("ramet " RAMET_VERSION "\n");
		return;
	}
	dl_iterate_phdr(find_id, &id);
	printf("{\"version\": \"" RAMET_VERSION "\", \"kernels\": [" BACK_ENDS
	       "]");
	if (*id.text)
		printf(", \"build_id\": \"%s\"", id.text);
	printf("}\n");
}

/* ---- commands ----------------------------------------------------------- */

static _Noreturn void refuse_command(const char *what, const char *word)
{
	fprintf(stderr, "ramet: there is no %s %s; \"ramet help\" lists them\n",
		what, word);
	exit(STATUS_REFUSED);
}

static void run(int argc, char **argv)
{
	struct options o = read_options(argc, argv);

	if (o.help)
		print_run_help();
	else if (o.list)
		list(o.groups, o.json);
	else
		start(&o);
}

static void print_help(const char *command)
{
	if (!command)
		fputs(help, stdout);
	else if (strcmp(command, "run") == 0)
		print_run_help();
	else if (strcmp(command, "serve") == 0)
		print_serve_help();
	else if (strcmp(command, "stacks") == 0)
		print_stacks_help();
	else if (strcmp(command, "top") == 0)
		print_top_help();
	else if (strcmp(command, "doctor") == 0)
		print_doctor_help();
	else if (strcmp(command, "console") == 0)
		print_console_help();
	else if (strcmp(command, "trace") == 0)
		print_trace_help();
	else
		refuse_command("command", command);
}

static bool is(const char *word, const char *name)
{
	return word && strcmp(word, name) == 0;
}

static void version(const char *option)
{
	if (option && !is(option, "--json"))
		refuse_command("option", option);
	print_version(option);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	int status = 0;

	if (is(word, "run"))
		run(argc - 1, argv + 1);
	else if (is(word, "serve"))
		status = serve(argc - 1, argv + 1);
	else if (is(word, "stacks"))
		status = stacks(argc - 1, argv + 1);
	else if (is(word, "top"))
		status = top(argc - 1, argv + 1);
	else if (is(word, "doctor"))
		status = doctor(argc - 1, argv + 1);
	else if (is(word, "console"))
		status = console(argc - 1, argv + 1);
	else if (is(word, "trace"))
		status = record(argc - 1, argv + 1);
	else if (is(word, "help"))
		print_help(argv[2]);
	else if (is(word, "--help") || is(word, "-h"))
		print_help(NULL);
	else if (is(word, "--version"))
		version(argv[2]);
	else if (word)
		refuse_command(*word == '-' ? "option" : "command", word);
	else {
		fputs(help, stderr);
		return STATUS_REFUSED;
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "ramet: standard output cannot be written\n");
		return 1;
	}
	return status;
}
