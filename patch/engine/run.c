/* run.c - the program under `ramet run`: reads what the command asked for, from
 * the environment, and makes main the first ramet.
 *
 * RAMET_RUN_GROUPS   groups that are on, by name; default: all
 * RAMET_RUN_LIB      libraries whose calls are replaced; default: the program's
 * RAMET_RUN_STACK    bytes of stack for each thread that asks for none
 * RAMET_RUN_REPORT   a file, or "-": a report at the end
 * RAMET_RUN_JSON     1: as JSON
 * RAMET_RUN_PID      the process that reports
 * RAMET_RUN_TRACE    milliseconds: name the calls that block for as long
 * RAMET_RUN_CHILDREN 0: programs started from here run plain
 *
 * For a whole program libramet-preload.so calls ramet__run_start; for chosen
 * libraries libramet.so itself is preloaded, and sees that by the environment.
 */
#include "io/number.h"
#include "patch/hook.h"
#include "patch/sync/sync.h"
#include "patch/stdio/stdio.h"
#include "patch/trace/trace.h"

#include "kernel/calls.h"
#include "kernel/guard.h"
#include "kernel/kernel.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

RAMET_API void ramet__run_start(void);

/* Of the preloaded library. */
extern char ramet__names_taken[] __attribute__((weak));

enum { REFUSED = 2 }; /* exit status */

/* Nothing has run yet that could be told by other means. */
static void say(const char *what, const char *why)
{
	char text[512];
	int n = snprintf(text, sizeof text, "ramet run: %s%s%s\n", what,
			 *why ? ": " : "", why);

	if (n > (int)sizeof text - 1)
		n = (int)sizeof text - 1;
	kernel_write(2, text, (size_t)n);
}

static _Noreturn void refuse(const char *what, const char *why)
{
	say(what, why);
	kernel_call(SYS_exit_group, REFUSED, 0, 0, 0, 0, 0);
	__builtin_unreachable();
}

static unsigned groups(unsigned without_names)
{
	const char *names = kernel_getenv("RAMET_RUN_GROUPS");
	unsigned g = names ? ramet_patch_groups(names) : without_names;

	if (!g)
		refuse("RAMET_RUN_GROUPS names no groups", names);
	return g;
}

/* ---- programs started from here ----------------------------------------- */

/* Take each object of libramet out of a list of libraries. */
static void remove_ours(char *list)
{
	char *to = list;

	for (char *from = list; *from;) {
		size_t n = strcspn(from, " :");
		char *end = from + n, separator = *end;
		const char *base;

		*end = '\0';
		base = strrchr(from, '/');
		base = base ? base + 1 : from;
		if (n && strncmp(base, "libramet", strlen("libramet")) != 0) {
			if (to != list)
				*to++ = ':';
			memmove(to, from, n);
			to += n;
		}
		from = end + (separator != '\0');
	}
	*to = '\0';
}

/* In place, because main's third parameter is the same strings. */
static void leave_no_trace(void)
{
	static const char preload[] = "LD_PRELOAD=", ours[] = "RAMET_RUN_";
	char **to = environ;

	for (char **from = environ; *from; from++) {
		bool is_preload =
			strncmp(*from, preload, sizeof preload - 1) == 0;

		if (is_preload)
			remove_ours(*from + sizeof preload - 1);
		if (strncmp(*from, ours, sizeof ours - 1) != 0 &&
		    !(is_preload && !(*from)[sizeof preload - 1]))
			*to++ = *from;
	}
	*to = NULL;
}

static bool children_run_plain(void)
{
	const char *setting = kernel_getenv("RAMET_RUN_CHILDREN");

	return setting && strcmp(setting, "0") == 0;
}

/* A note by "Go" in the first object, the program. */
static int look_for_go(struct dl_phdr_info *info, size_t size, void *found)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const ElfW(Nhdr) *note =
			(const void *)(info->dlpi_addr + p->p_vaddr);

		if (p->p_type == PT_NOTE && p->p_memsz > sizeof *note + 4 &&
		    note->n_namesz == 4 && memcmp(note + 1, "Go", 3) == 0)
			*(bool *)found = true;
	}
	return 1;
}

/* The command refuses such a program; as a child of one it runs plain. */
static bool is_go(void)
{
	bool found = false;

	dl_iterate_phdr(look_for_go, &found);
	return found;
}

/* ---- the start ---------------------------------------------------------- */

/* The environment may be gone when it is needed. */
static const char *kept(const char *setting)
{
	char *copy = setting ? kernel_alloc(strlen(setting) + 1) : NULL;

	return copy ? strcpy(copy, setting) : NULL;
}

static void watch(struct loop *l)
{
	const char *file = kept(kernel_getenv("RAMET_RUN_REPORT"));
	const char *ms = kernel_getenv("RAMET_RUN_TRACE");
	const char *reason;

	if (!file && !ms)
		return;
	ramet__report_start(l, file, kernel_getenv("RAMET_RUN_JSON"));
	if (!ms)
		return;
	ramet__blocking_start(l, strtol(ms, NULL, 10) * RAMET_MS);
	if (ramet__dispatch_start(l, &reason) < 0)
		say("calls that block are not traced", reason);
}

static struct loop *start(void)
{
	struct loop *l;

	patch_libc_find();
	l = ramet__loop();
	if (!l)
		refuse("no memory", "");
	return l;
}

void ramet__run_start(void)
{
	const char *reason = "";
	struct loop *l;
	unsigned g;

	ramet__sync_off = true;
	if (is_go())
		return;
	g = groups(RAMET_PATCH_ALL);
	ramet__sync_off = !(g & RAMET_THREAD);
	ramet__closes_seen = kernel_guards = g & RAMET_SOCKET;
	l = start();
	if (g & RAMET_THREAD && ramet__threads_start(l, &reason) < 0)
		refuse("threads cannot be ramets here", reason);
	if (g & RAMET_STDIO && ramet__stdio_on() < 0)
		say("FILEs stay libc's own", "its tables are not as expected");
	l->hooks = g;
	watch(l);
	if (g & RAMET_SIGNAL)
		ramet__report_at_signals();
	if (children_run_plain())
		leave_no_trace();
}

static void patch_libraries(const char *libs, unsigned g)
{
	char lib[256];
	size_t n;

	for (;; libs += n + 1) {
		n = strcspn(libs, ",");
		if (n && n < sizeof lib) {
			memcpy(lib, libs, n);
			lib[n] = '\0';
			if (ramet_patch(g, lib) < 0)
				refuse("--lib", ramet_patch_reason());
		}
		if (!libs[n])
			return;
	}
}

__attribute__((constructor)) static void start_for_libraries(void)
{
	const char *libs = kernel_getenv("RAMET_RUN_LIB");

	if (!libs || ramet__names_taken || is_go())
		return;
	watch(start());
	patch_libraries(libs, groups(RAMET_PATCH_IO));
	if (children_run_plain())
		leave_no_trace();
}
