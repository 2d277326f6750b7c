/* runtime.c - one libramet in a process.
 *
 * A wheel brings its own, and other modules may be linked with one that is
 * installed.  They have the same SONAME, so the dynamic linker takes whichever
 * is there already; but one that was opened by its path is a second.  Each
 * would patch libc's callers and handle signals as if it were alone.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "runtime.h"

#include <dlfcn.h>
#include <link.h>
#include <ramet/core.h>
#include <string.h>

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

struct search {
	const char *ours;  /* the path of the one that we use */
	const char *other; /* found */
};

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
	static const char name[] = "libramet.so";
	struct search *s = arg;

	(void)size;
	if (strncmp(base_name(info->dlpi_name), name, sizeof name - 1) != 0 ||
	    strcmp(info->dlpi_name, s->ours) == 0)
		return 0;
	s->other = info->dlpi_name;
	return 1;
}

int runtime_check(void)
{
	struct search s = {"libramet.so", NULL};
	Dl_info info;

	if (dladdr((void *)(uintptr_t)ramet_version, &info) && info.dli_fname)
		s.ours = info.dli_fname;
	if (strcmp(ramet_version(), RAMET_VERSION) != 0) {
		PyErr_Format(PyExc_ImportError,
			     "this module is of ramet %s, and %s, which is "
			     "loaded, is of %s",
			     RAMET_VERSION, s.ours, ramet_version());
		return -1;
	}
	dl_iterate_phdr(look, &s);
	if (!s.other)
		return 0;
	PyErr_Format(PyExc_ImportError,
		     "two copies of libramet cannot run in one process: %s is "
		     "loaded, and this module uses %s",
		     s.other, s.ours);
	return -1;
}
