/* root.c - keeps the directory open: looking it up costs two system calls, of
 * the eight that a small file takes. */
#include "http/files/root.h"
#include "http/files/beneath.h"

#include "kernel/calls.h"

#include <string.h>

#define KEEP 1000000000 /* a second */

void ramet__root_close(struct http_root *r)
{
	if (r->path)
		kernel_close(r->fd);
	kernel_free(r->path);
	r->path = NULL;
}

static int open_anew(struct http_root *r, const char *path, int64_t now)
{
	size_t size = strlen(path) + 1;
	char *copy;
	int fd;

	ramet__root_close(r);
	fd = ramet__beneath_root(path, BENEATH_CACHED);
	if (fd < 0)
		return fd;
	copy = kernel_alloc(size);
	if (!copy) {
		kernel_close(fd);
		return -ENOMEM;
	}
	*r = (struct http_root){memcpy(copy, path, size), fd,
				time_add(now, KEEP)};
	return fd;
}

int ramet__root_open(struct http_root *r, const char *path, int64_t now)
{
	if (r->path && now < r->until && strcmp(r->path, path) == 0)
		return r->fd;
	return open_anew(r, path, now);
}
