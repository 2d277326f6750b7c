/* doctor_parts.c - the back end, and libraries and programs that are used where
 * they are there. */
#include "tools/ramet/doctor.h"
#include "tools/ramet/unwind.h"

#include "ramet/core.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define BACK_END "back end"
#define LIBRARIES "libraries"

#ifdef RAMET_URING
#define BUILT_WITH "epoll, uring, sim"
#else
#define BUILT_WITH "epoll, sim"
#endif

/* What a library is for, if this build uses it. */
struct used {
	const char *name, *files[2], *package, *without;
	bool built;
};

static const struct used libraries[] = {
	{"c-ares",
	 {"libcares.so.2"},
	 "libc-ares2",
	 "names are looked up by helper threads",
#ifdef RAMET_NAMES
	 true
#endif
	},
	{"OpenSSL",
	 {"libcrypto.so.3", "libssl.so.3"},
	 "libssl3",
	 "there is no TLS",
#ifdef RAMET_TLS
	 true
#endif
	},
	{"zlib",
	 {"libz.so.1"},
	 "zlib1g",
	 "nothing is compressed",
#ifdef RAMET_COMPRESS
	 true
#endif
	},
};

/* The main ramet's loop is made by asking, and with it the choice. */
static void look_at_back_end(struct findings *f)
{
	const char *reason;
	struct finding *one;

	ramet_self();
	reason = ramet_kernel_reason();
	found(f, BACK_END, "built with", "%s", BUILT_WITH);
	one = found(f, BACK_END, "chosen", "%s: %s", ramet_kernel_name(),
		    reason);
	if (strstr(reason, "names no back end"))
		advise(one, LEVEL_WARNING,
		       "set RAMET_KERNEL to one of those it was built with");
	else if (strstr(reason, "refused"))
		advise(one, LEVEL_WARNING,
		       "RAMET_KERNEL asks for what the kernel does not allow: "
		       "see io_uring above");
}

/* The first that is not there; NULL: all are. */
static const char *lacks(const struct used *u)
{
	for (int i = 0; i < 2 && u->files[i]; i++)
		if (!dlopen(u->files[i], RTLD_NOW | RTLD_LOCAL))
			return u->files[i];
	return NULL;
}

static void look_at_library(struct findings *f, const struct used *u)
{
	const char *none = lacks(u);
	struct finding *one;

	if (!u->built) {
		one = found(f, LIBRARIES, u->name, "not in this build");
		advise(one, LEVEL_WARNING,
		       "%s: install its headers and build ramet again",
		       u->without);
	} else if (none) {
		one = found(f, LIBRARIES, u->name, "%s cannot be loaded", none);
		advise(one, LEVEL_MISSING, "%s: install it (Debian: %s)",
		       u->without, u->package);
	} else {
		found(f, LIBRARIES, u->name, "%s is there", u->files[0]);
	}
}

static void look_at_libdw(struct findings *f)
{
	const char *why = unwinder_lacks();
	struct finding *one = found(f, LIBRARIES, "libdw", "%s",
				    why ? "not in this build" : "is there");

	if (why)
		advise(one, LEVEL_WARNING, "%s", why);
}

/* Asked in a process of its own; *text is a line that it writes. */
static bool ask_python(char *text, size_t size)
{
	FILE *p = popen("python3 -c 'import ramet, sys; "
			"print(sys.version.split()[0], ramet.__file__)' "
			"2>/dev/null </dev/null",
			"re");
	bool there = p && fgets(text, (int)size, p);
	int status = p ? pclose(p) : -1;

	if (there)
		text[strcspn(text, "\n")] = '\0';
	return there && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void look_at_python(struct findings *f)
{
	char text[128];
	struct finding *one;

	if (ask_python(text, sizeof text)) {
		found(f, LIBRARIES, "Python module", "%s", text);
		return;
	}
	one = found(f, LIBRARIES, "Python module", "not found by python3");
	advise(one, LEVEL_WARNING,
	       "for Python programs: install it for that interpreter, or set "
	       "PYTHONPATH to where it is");
}

void examine_parts(struct findings *f)
{
	look_at_back_end(f);
	for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
		look_at_library(f, &libraries[i]);
	look_at_libdw(f);
	look_at_python(f);
}
