/* directory.h - what is in a directory, sorted, read by a helper. */
#ifndef HTTP_FILES_DIRECTORY_H
#define HTTP_FILES_DIRECTORY_H

#include "core/core.h"

/* More is not listed: a page that long helps nobody. */
enum { DIRECTORY_MAX = 10000 };

struct entry {
	const char *name;
	bool directory, link; /* link: nothing else is said of it */
	int64_t size, modified;
};

struct directory {
	size_t count;
	bool more;             /* there are others */
	struct entry *entries; /* directories first, then by name */
};

/* Read the directory fd, which is taken over.  Names that begin with a dot are
 * left out, and what is neither file nor directory nor link.  Returns 0, then
 * free; or -ENOMEM, -ETIMEDOUT, ... */
int ramet__directory_read(struct loop *l, int fd, struct directory **d);

void ramet__directory_free(struct directory *d);

#endif
