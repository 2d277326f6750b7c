/* start.c - sets the environment and becomes the program: there is no process
 * in between, so signals, exit status and terminal are the program's own.
 */
#include "tools/ramet/start.h"
#include "tools/ramet/program.h"
#include "tools/ramet/say.h"

#include "ramet/patch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define PRELOAD "libramet-preload.so"
#define LIBRARY "libramet.so.0"

enum { FSGSBASE = 2 }; /* in AT_HWCAP2 of x86-64 */

static void set(const char *name, const char *value)
{
	if (value ? setenv(name, value, 1) : unsetenv(name))
		refuse(STATUS_REFUSED, "the environment cannot be set: %s",
		       strerror(errno));
}

/* ---- the library -------------------------------------------------------- */

/* This command's folder, with a slash. */
static void own_folder(char *folder, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", folder, size - 1);

	folder[n < 0 ? 0 : n] = '\0';
	if (strrchr(folder, '/'))
		strrchr(folder, '/')[1] = '\0';
}

/* Beside this command as it is installed or built, or where the build was to be
 * installed. */
static char *find_library(const char *name)
{
	static const char *const folders[] = {RAMET_LIBRARY_FROM_COMMAND,
					      "../../src", NULL};
	char own[PATH_MAX], *path, *real;

	own_folder(own, sizeof own);
	for (int i = 0; folders[i]; i++) {
		if (asprintf(&path, "%s%s/%s", own, folders[i], name) < 0)
			refuse(STATUS_REFUSED, "there is no memory");
		real = realpath(path, NULL);
		free(path);
		if (real)
			return real;
	}
	refuse(STATUS_REFUSED,
	       "%s is not there (looked in %s%s and %s%s); install ramet "
	       "again, or name the file in RAMET_PRELOAD",
	       name, own, folders[0], own, folders[1]);
}

static const char *library(bool whole_program)
{
	const char *path = getenv("RAMET_PRELOAD");

	if (!path || !*path)
		path = find_library(whole_program ? PRELOAD : LIBRARY);
	else if (access(path, R_OK) < 0)
		refuse(STATUS_REFUSED,
		       "%s cannot be read: %s; correct RAMET_PRELOAD, or unset "
		       "it",
		       path, strerror(errno));
	if (strpbrk(path, " :"))
		refuse(STATUS_REFUSED,
		       "LD_PRELOAD cannot hold the path \"%s\", which has a "
		       "space or a colon; install ramet elsewhere",
		       path);
	return path;
}

static void set_preload(const char *path)
{
	const char *others = getenv("LD_PRELOAD");
	char *all;

	if (!others || !*others) {
		set("LD_PRELOAD", path);
		return;
	}
	if (asprintf(&all, "%s:%s", path, others) < 0)
		refuse(STATUS_REFUSED, "there is no memory");
	set("LD_PRELOAD", all);
	free(all);
}

/* ---- what the library is told ------------------------------------------- */

/* A file that cannot be written is better known now than at the end. */
static void make_report_file(const char *path)
{
	int fd;

	if (!path || strcmp(path, "-") == 0)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		refuse(STATUS_REFUSED, "--report: %s cannot be written: %s",
		       path, strerror(errno));
	close(fd);
}

/* Settings of an outer `ramet run` are replaced, all of them. */
static void set_settings(const struct options *o)
{
	char groups[128], stack[32], pid[32];

	snprintf(stack, sizeof stack, "%zu", o->stack);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	set("RAMET_RUN_GROUPS",
	    o->groups == RAMET_PATCH_ALL
		    ? "all"
		    : group_names(o->groups, groups, sizeof groups));
	set("RAMET_RUN_LIB", o->libs);
	set("RAMET_RUN_STACK", o->stack ? stack : NULL);
	set("RAMET_RUN_TRACE", o->trace);
	set("RAMET_RUN_REPORT", o->report);
	set("RAMET_RUN_JSON", o->report && o->json ? "1" : NULL);
	set("RAMET_RUN_PID", pid);
	set("RAMET_RUN_CHILDREN", o->no_children ? "0" : NULL);
}

static void check_machine(const struct options *o)
{
	if (o->groups & RAMET_THREAD && !(getauxval(AT_HWCAP2) & FSGSBASE))
		refuse(STATUS_REFUSED,
		       "threads cannot be ramets here: processor or kernel "
		       "have "
		       "no FSGSBASE (Linux 5.9, Intel Ivy Bridge, AMD Zen 2); "
		       "use --no-patch=thread");
}

void start(const struct options *o)
{
	const char *name = *o->program;
	char *path = find_program(name);

	check_program(name, path);
	check_machine(o);
	make_report_file(o->report);
	set_preload(library(!o->libs));
	set_settings(o);
	execvp(path, o->program);
	refuse(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN,
	       "%s cannot be run: %s", name, strerror(errno));
}
