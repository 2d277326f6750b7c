/* hooked.h - the replacements of libc's functions, called as a program under
 * the patch does. */
#ifndef HOOKED_H
#define HOOKED_H

#include "pair.h"

#include "patch/hook.h"

#include "fds.h"

#include <dirent.h>

/* Before any ramet: as the patch does at its start. */
static inline void find_libc(void)
{
	patch_libc_find();
	CHECK(ramet__loop());
}

/* OS threads of this process, less the one that a sanitizer has.  It has
 * another once threads are made. */
static inline int os_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = -2 - TEST_TSAN; /* . and .. */

	CHECK(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* End what t waits in as a signal does. */
static inline void interrupt(struct ramet *t)
{
	CHECK(ramet__interrupt(t));
}

static inline struct timespec ns_to_timespec(int64_t ns)
{
	return (struct timespec){ns / RAMET_SEC, ns % RAMET_SEC};
}

/* Write one byte a little later. */
struct byte_later {
	int fd;
	int64_t delay;
};

static inline void *write_later(void *p)
{
	struct byte_later *b = p;

	CHECK_EQ(ramet_sleep(b->delay), 0);
	CHECK_EQ(write(b->fd, "x", 1), 1);
	return NULL;
}

/* Count as long as others let it. */
static inline void *count_turns(void *p)
{
	do
		++*(int *)p;
	while (ramet_yield() == 0);
	return NULL;
}

#endif
