/* root.h - the directory that files are served from, kept open. */
#ifndef HTTP_FILES_ROOT_H
#define HTTP_FILES_ROOT_H

#include "base/base.h"

/* All zero at first. */
struct http_root {
	char *path; /* NULL: none is open */
	int fd;
	int64_t until; /* when it is looked up anew */
};

/* Its descriptor, which stays r's; opened at most a second ago, for it may be
 * replaced by another of that name.  Nothing is waited for: -EAGAIN, -ENOENT,
 * ... */
int ramet__root_open(struct http_root *r, const char *path, int64_t now);

void ramet__root_close(struct http_root *r);

#endif
