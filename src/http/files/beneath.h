/* beneath.h - opens what is below a directory, and nothing else, wherever links
 * lead.
 *
 * These are system calls that may take their time: without BENEATH_CACHED they
 * belong in a helper.
 */
#ifndef HTTP_FILES_BENEATH_H
#define HTTP_FILES_BENEATH_H

#include <sys/stat.h>

#include "base/base.h"

/* Only what needs no disk: else -EAGAIN. */
enum { BENEATH_CACHED = 1 };

/* What a path led to. */
struct found {
	int fd;         /* -1: nothing, yet */
	bool gzip;      /* it is FILE.gz, for FILE */
	bool known;     /* to the io layer */
	struct stat st; /* a file's or a directory's */
};

/* Open the directory `root` itself, where links are followed.  Returns it or
 * -errno. */
int ramet__beneath_root(const char *root, int flags);

/* Open `path`, without a slash in front, below root.  Links may be followed,
 * but not out of root.  Returns 0 and what it is, a file or a directory; or
 * -ENOENT, -EACCES, ... */
int ramet__beneath_open(int root, const char *path, int flags,
			struct found *found);

/* The same where openat2(2) is not to be had: no link is followed. */
int ramet__beneath_walk(int root, const char *path, struct found *found);

/* As an answer needs it: of a directory with a slash at the end of its path its
 * index.html, if there is one; with `gzip` FILE.gz for FILE, if it is no older.
 * Names that begin with a dot are not found. */
int ramet__beneath_find(int root, const char *path, bool gzip, int flags,
			struct found *found);

#endif
