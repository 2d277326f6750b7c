/* find.c - asks the kernel for what it knows already, and helpers for the rest:
 * a directory that is not in memory may be on a disk or a network. */
#include "http/files/find.h"

#include "core/errand.h"
#include "kernel/calls.h"

#include <limits.h>
#include <string.h>

struct find {
	struct errand errand;
	const char *root, *path; /* root NULL: path is a file of the program */
	bool gzip;
	int err;
	struct found found;
	char text[]; /* copies: it may outlive the caller's */
};

/* In a helper. */
static int find_below(struct find *f)
{
	int root = ramet__beneath_root(f->root, 0), err;

	if (root < 0)
		return root;
	err = ramet__beneath_find(root, f->path, f->gzip, 0, &f->found);
	kernel_close(root);
	return err;
}

static int open_file(const char *path, struct found *found)
{
	int err, fd = (int)kernel_call(SYS_openat, AT_FDCWD, KERNEL_ARG(path),
				       O_RDONLY | O_CLOEXEC | O_NONBLOCK |
					       O_NOCTTY,
				       0, 0, 0);

	if (fd < 0)
		return fd;
	err = kernel_fstat(fd, &found->st);
	if (err == 0 && !S_ISREG(found->st.st_mode))
		err = S_ISDIR(found->st.st_mode) ? -EISDIR : -EINVAL;
	if (err < 0) {
		kernel_close(fd);
		return err;
	}
	found->fd = fd;
	return 0;
}

static void run(struct errand *e)
{
	struct find *f = container_of(e, struct find, errand);

	f->err = f->root ? find_below(f) : open_file(f->path, &f->found);
}

static void drop(struct loop *l, struct errand *e)
{
	struct find *f = container_of(e, struct find, errand);

	(void)l;
	if (f->found.fd >= 0)
		kernel_close(f->found.fd);
	kernel_free(f);
}

static struct find *find_new(const char *root, const char *path, bool gzip)
{
	size_t root_size = root ? strlen(root) + 1 : 0;
	size_t path_size = strlen(path) + 1;
	struct find *f = kernel_alloc(sizeof *f + root_size + path_size);

	if (!f)
		return NULL;
	f->errand.run = run;
	f->errand.drop = drop;
	f->errand.lane = LANE_FILE;
	f->found.fd = -1;
	f->gzip = gzip;
	if (root)
		f->root = memcpy(f->text, root, root_size);
	f->path = memcpy(f->text + root_size, path, path_size);
	return f;
}

static int find_elsewhere(struct loop *l, const char *root, const char *path,
			  bool gzip, struct found *found)
{
	struct find *f;
	int err;

	if ((root && strlen(root) >= PATH_MAX) || strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	f = find_new(root, path, gzip);
	if (!f)
		return -ENOMEM;
	err = ramet__errand_send(l, &f->errand);
	if (err < 0) {
		drop(l, &f->errand);
		return err;
	}
	err = ramet__errand_wait(l, &f->errand, WAIT_OFFLOAD,
				 (const void *)(uintptr_t)run, NULL);
	if (err < 0)
		return err;
	*found = f->found;
	f->found.fd = -1;
	err = f->err;
	drop(l, &f->errand);
	return err;
}

int ramet__file_find(struct loop *l, struct http_root *kept, const char *root,
		     const char *path, bool gzip, struct found *found)
{
	int err = ramet__interrupted(l), fd;

	if (err < 0)
		return err;
	*found = (struct found){.fd = -1};
	fd = ramet__root_open(kept, root, l->now);
	err = fd < 0 ? fd
		     : ramet__beneath_find(fd, path, gzip, BENEATH_CACHED,
					   found);
	if (err == -EAGAIN)
		err = find_elsewhere(l, root, path, gzip, found);
	return err;
}

int ramet__file_open(struct loop *l, const char *path, struct found *found)
{
	int err = ramet__interrupted(l);

	if (err < 0)
		return err;
	*found = (struct found){.fd = -1};
	return find_elsewhere(l, NULL, path, false, found);
}
