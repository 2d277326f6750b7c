/* fds.h - what the descriptors of another process are. */
#ifndef TOOLS_RAMET_FDS_H
#define TOOLS_RAMET_FDS_H

#include "tools/ramet/target.h"

struct socket_seen {
	uint64_t inode;
	char local[72], peer[72]; /* "": none */
	bool listens;
};

struct fds {
	const struct target *target;
	bool loaded;
	struct socket_seen *sockets; /* by inode */
	size_t count;
};

/* What fd is.  `kind` is "socket", "pipe", the path of a file, or "" if it
 * cannot be found out; the socket is NULL if it is none with addresses. */
const struct socket_seen *fds_look(struct fds *f, int fd, char *kind,
				   size_t size);

void fds_clear(struct fds *f);

/* How many are open; -1: not known. */
long fds_count(const struct target *t);

#endif
