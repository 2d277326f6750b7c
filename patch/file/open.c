/* open.c - opening: what is in memory at once; what has to be fetched from a
 * disk first, or waits for the other end of a named pipe, by a helper.
 *
 * Opening a path without going to a disk for it (RESOLVE_CACHED, Linux 5.12),
 * and only as a place (O_PATH), tells what it is without doing anything to it;
 * and the names on its way are in memory then.
 */
#include "patch/away/away.h"

#include "kernel/calls.h"
#include "patch/socket/call.h"

#include <linux/openat2.h>
#include <stdarg.h>
#include <string.h>
#include <sys/sysmacros.h>

enum place { HERE, AWAY, AWAY_LONG };

enum {
	TRUNCATE_HERE = 1 << 20, /* to free more than that takes its time */
	MEMORY_DEVICES = 1,      /* null, zero, random, ... */
};

struct opening {
	int dir, flags;
	const char *path;
	mode_t mode;
	enum fd_kind kind; /* if it is known */
};

static enum place place_of(struct opening *o, const struct stat *st)
{
	bool waits = !(o->flags & (O_NONBLOCK | O_PATH));

	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		o->kind = FD_FILE;
		return o->flags & O_TRUNC && st->st_size > TRUNCATE_HERE ? AWAY
									 : HERE;
	case S_IFIFO:
		o->kind = FD_PIPE;
		return waits && (o->flags & O_ACCMODE) != O_RDWR ? AWAY_LONG
								 : HERE;
	case S_IFCHR:
		return waits && major(st->st_rdev) != MEMORY_DEVICES ? AWAY_LONG
								     : HERE;
	case S_IFBLK:
		return AWAY;
	}
	return HERE;
}

/* Whether an open would fail in the same way, at once.  What is short for a
 * moment, or forbidden to openat2 alone, says nothing of the path. */
static bool says_of_path(int err)
{
	switch (-err) {
	case EAGAIN:
	case ENOSYS:
	case EPERM:
	case EINTR:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return false;
	}
	return true;
}

/* Errors are those that opening finds as well, but for some: it cannot be told.
 * What /proc says may depend on the thread that asks; it takes no disk. */
static enum place find_place(struct opening *o)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC |
					(uint64_t)(o->flags &
						   (O_NOFOLLOW | O_DIRECTORY)),
			       .resolve = RESOLVE_CACHED};
	struct stat st;
	int fd, err;

	if (!o->path)
		return HERE; /* EFAULT */
	fd = (int)kernel_call(SYS_openat2, o->dir, KERNEL_ARG(o->path),
			      KERNEL_ARG(&how), sizeof how, 0, 0);
	if (fd < 0 && says_of_path(fd))
		return HERE;
	if (fd < 0)
		return strncmp(o->path, "/proc/", 6) == 0 ? HERE : AWAY;
	err = kernel_fstat(fd, &st);
	kernel_close(fd);
	return err < 0 ? AWAY : place_of(o, &st);
}

static long open_here(const struct opening *o)
{
	return kernel_call(SYS_openat, o->dir, KERNEL_ARG(o->path), o->flags,
			   (long)o->mode, 0, 0);
}

/* Opened for nobody. */
static void unwanted(struct away *a)
{
	kernel_close((int)a->result);
}

static long open_away(struct loop *l, const struct opening *o, bool waits)
{
	size_t size = strlen(o->path) + 1;
	struct away *a = ramet__away(size);

	if (!a)
		return -ENOMEM;
	memcpy(a->room, o->path, size);
	a->number[0] = o->dir >= 0 && o->path[0] != '/' ? o->dir : -1;
	a->interruptible = waits;
	a->unwanted = unwanted;
	a->nr = SYS_openat;
	a->arg[0] = o->dir;
	a->arg[1] = KERNEL_ARG(a->room);
	a->arg[2] = o->flags;
	a->arg[3] = (long)o->mode;
	return ramet__away_make(l, a);
}

/* What closing cannot be seen of is not kept in mind. */
static int made(const struct opening *o, int fd)
{
	return call_counts()
		       ? ramet__call_made(fd, o->kind, o->flags & O_NONBLOCK)
		       : fd;
}

static int open_path(struct loop *l, struct opening *o)
{
	enum place place;
	long n;

	hook_begin(l);
	ramet__spend(l);
	place = find_place(o);
	do
		n = place == HERE ? open_here(o)
				  : open_away(l, o, place == AWAY_LONG);
	while (n == -EINTR && hook_restarts(l));
	n = hook_end(l, n);
	return made(o, (int)n);
}

/* ---- libc's names -------------------------------------------------------- */

static bool has_mode(int flags)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

static int open_at(int dir, const char *path, int flags, mode_t mode)
{
	struct loop *l = hook_loop(RAMET_FILE);
	struct opening o = {dir, flags, path, mode, FD_UNKNOWN};

	return l ? open_path(l, &o)
		 : made(&o, libc.openat(dir, path, flags, mode));
}

/* The mode is there only if the flags say so. */
#define MODE(after)                                                            \
	mode_t mode = 0;                                                       \
	if (has_mode(flags)) {                                                 \
		va_list args;                                                  \
		va_start(args, after);                                         \
		mode = va_arg(args, mode_t);                                   \
		va_end(args);                                                  \
	}

int HOOK(open)(const char *path, int flags, ...)
{
	MODE(flags)
	return open_at(AT_FDCWD, path, flags, mode);
}

int HOOK(open64)(const char *path, int flags, ...)
{
	MODE(flags)
	return open_at(AT_FDCWD, path, flags, mode);
}

int HOOK(openat)(int dir, const char *path, int flags, ...)
{
	MODE(flags)
	return open_at(dir, path, flags, mode);
}

int HOOK(openat64)(int dir, const char *path, int flags, ...)
{
	MODE(flags)
	return open_at(dir, path, flags, mode);
}

int HOOK(creat)(const char *path, mode_t mode)
{
	return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int HOOK(creat64)(const char *path, mode_t mode)
{
	return HOOK(creat)(path, mode);
}

/* FORTIFY_SOURCE: where a mode is missing libc ends the program. */
int HOOK(__open_2)(const char *path, int flags)
{
	return has_mode(flags) ? libc.__open_2(path, flags)
			       : open_at(AT_FDCWD, path, flags, 0);
}

int HOOK(__open64_2)(const char *path, int flags)
{
	return HOOK(__open_2)(path, flags);
}

int HOOK(__openat_2)(int dir, const char *path, int flags)
{
	return has_mode(flags) ? libc.__openat_2(dir, path, flags)
			       : open_at(dir, path, flags, 0);
}

int HOOK(__openat64_2)(int dir, const char *path, int flags)
{
	return HOOK(__openat_2)(dir, path, flags);
}
