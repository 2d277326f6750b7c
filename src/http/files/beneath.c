/* beneath.c - openat2(2) keeps what it opens below root, at each step of the
 * way; comparing paths could not, since links change meanwhile. */
#include "http/files/beneath.h"

#include "kernel/calls.h"

#include <linux/openat2.h>
#include <string.h>

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

enum {
	NAME_ROOM = 256, /* NAME_MAX + 1 */
	PATH_ROOM = 512, /* longer ones are left to a helper */
	/* A pipe or a device must not hold us, nor become our terminal. */
	OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	MOVED_TRIES = 8,
};

/* atomic: openat2 is not there, or forbidden */
static bool is_old;

static int open_how(int at, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags, .resolve = resolve};

	return (int)kernel_call(SYS_openat2, at, KERNEL_ARG(path),
				KERNEL_ARG(&how), sizeof how, 0, 0);
}

static int open_at(int at, const char *path, int flags)
{
	return (int)kernel_call(SYS_openat, at, KERNEL_ARG(path), flags, 0, 0,
				0);
}

static bool is_missing(int err)
{
	return err == -ENOSYS || err == -EPERM;
}

int ramet__beneath_root(const char *root, int flags)
{
	int how = O_PATH | O_DIRECTORY | O_CLOEXEC, fd;

	if (!(flags & BENEATH_CACHED))
		return open_at(AT_FDCWD, root, how);
	fd = open_how(AT_FDCWD, root, (uint64_t)how, RESOLVE_CACHED);
	/* Before Linux 5.12 it is an unknown flag. */
	return is_missing(fd) || fd == -EINVAL ? -EAGAIN : fd;
}

/* Keep the descriptor if it is a file or a directory. */
static int keep(int fd, struct found *found)
{
	int err = fd < 0 ? fd : kernel_fstat(fd, &found->st);

	if (err == 0 && !S_ISREG(found->st.st_mode) &&
	    !S_ISDIR(found->st.st_mode))
		err = -ENOENT;
	if (err < 0) {
		if (fd >= 0)
			kernel_close(fd);
		return err;
	}
	found->fd = fd;
	return 0;
}

/* ---- one component after the other -------------------------------------- */

/* The next name of the path, and *path after it; its length, 0 at the end. */
static int next_name(const char **path, char name[NAME_ROOM])
{
	size_t size;

	*path += strspn(*path, "/");
	size = strcspn(*path, "/");
	if (size >= NAME_ROOM)
		return -ENAMETOOLONG;
	memcpy(name, *path, size);
	name[size] = '\0';
	if (strcmp(name, "..") == 0)
		return -EXDEV;
	*path += size;
	return (int)size;
}

/* Go from directory *fd, which is closed unless it is root, to `name`. */
static int step(int root, int *fd, const char *name, int flags)
{
	int next = open_at(*fd, name, flags | O_NOFOLLOW);

	if (*fd != root)
		kernel_close(*fd);
	*fd = next;
	return next < 0 ? next : 0;
}

/* For the name in front of `rest`: a directory on the way, or what is wanted,
 * which a slash behind it says is one, too. */
static int flags_before(const char *rest)
{
	if (rest[strspn(rest, "/")])
		return O_PATH | O_DIRECTORY | O_CLOEXEC;
	return *rest ? OPEN_FLAGS | O_DIRECTORY : OPEN_FLAGS;
}

int ramet__beneath_walk(int root, const char *path, struct found *found)
{
	char name[NAME_ROOM];
	int fd = root, err;

	do {
		err = next_name(&path, name);
		if (err < 0) {
			if (fd != root)
				kernel_close(fd);
			return err;
		}
		err = step(root, &fd, *name ? name : ".", flags_before(path));
	} while (err == 0 && path[strspn(path, "/")]);
	return keep(fd, found);
}

/* ---- by the kernel ------------------------------------------------------ */

/* -EAGAIN from openat2 without RESOLVE_CACHED: something was renamed meanwhile,
 * and ".." in a link could not be vouched for. */
static int open_below(int root, const char *path, int flags)
{
	uint64_t how = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
	int fd = -EAGAIN;

	if (flags & BENEATH_CACHED)
		return open_how(root, path, OPEN_FLAGS, how | RESOLVE_CACHED);
	for (int i = 0; i < MOVED_TRIES && fd == -EAGAIN; i++)
		fd = open_how(root, path, OPEN_FLAGS, how);
	return fd;
}

int ramet__beneath_open(int root, const char *path, int flags,
			struct found *found)
{
	int fd = -ENOSYS;

	if (!__atomic_load_n(&is_old, __ATOMIC_RELAXED))
		fd = open_below(root, *path ? path : ".", flags);
	if ((is_missing(fd) || fd == -EINVAL) && flags & BENEATH_CACHED)
		return -EAGAIN;
	if (is_missing(fd)) {
		__atomic_store_n(&is_old, true, __ATOMIC_RELAXED);
		return ramet__beneath_walk(root, path, found);
	}
	return keep(fd, found);
}

/* ---- what is answered with ---------------------------------------------- */

static bool has_dot(const char *path)
{
	return *path == '.' || strstr(path, "/.");
}

/* What `path` with `ending` leads to, of the kind that is wanted. */
static int open_with(int root, const char *path, const char *ending, int flags,
		     struct found *found)
{
	char buf[PATH_ROOM];
	size_t size = strlen(path), end = strlen(ending) + 1;

	if (size + end > sizeof buf)
		return -ENAMETOOLONG;
	memcpy(buf, path, size);
	memcpy(buf + size, ending, end);
	return ramet__beneath_open(root, buf, flags, found);
}

static void replace(struct found *found, const struct found *by)
{
	kernel_close(found->fd);
	*found = *by;
}

static bool is_no_older(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec > b->st_mtim.tv_sec ||
	       (a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec >= b->st_mtim.tv_nsec);
}

/* Leaves *found if there is none. */
static int find_index(int root, const char *path, int flags,
		      struct found *found)
{
	struct found index = {.fd = -1};
	int err = open_with(root, path, "index.html", flags, &index);

	if (err < 0)
		return err == -ENOENT || err == -ENAMETOOLONG ? 0 : err;
	replace(found, &index);
	if (S_ISREG(index.st.st_mode))
		return 1;
	return -ENOENT;
}

static int find_gzip(int root, const char *path, const char *name, int flags,
		     struct found *found)
{
	char ending[sizeof "index.html.gz"];
	struct found gz = {.fd = -1, .gzip = true};
	size_t size = strlen(name);
	int err;

	memcpy(ending, name, size);
	memcpy(ending + size, ".gz", sizeof ".gz");
	err = open_with(root, path, ending, flags, &gz);
	if (err == -EAGAIN)
		return err;
	if (err < 0)
		return 0;
	if (S_ISREG(gz.st.st_mode) && is_no_older(&gz.st, &found->st))
		replace(found, &gz);
	else
		kernel_close(gz.fd);
	return 0;
}

static int find_more(int root, const char *path, bool gzip, int flags,
		     struct found *found)
{
	size_t size = strlen(path);
	const char *name = "";
	int err;

	if (S_ISDIR(found->st.st_mode)) {
		if (size && path[size - 1] != '/')
			return 0;
		err = find_index(root, path, flags, found);
		if (err <= 0)
			return err;
		name = "index.html";
	}
	return gzip ? find_gzip(root, path, name, flags, found) : 0;
}

int ramet__beneath_find(int root, const char *path, bool gzip, int flags,
			struct found *found)
{
	int err = has_dot(path) ? -ENOENT
				: ramet__beneath_open(root, path, flags, found);

	if (err < 0)
		return err;
	err = find_more(root, path, gzip, flags, found);
	if (err < 0) {
		kernel_close(found->fd);
		found->fd = -1;
	}
	return err;
}
