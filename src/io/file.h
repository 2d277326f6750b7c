/* file.h - regular files, which no readiness can be had of: done elsewhere, so
 * that the loop never waits for a disk. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include <sys/uio.h>

#include "io/call.h"

/* None of these ends with -EINTR: the disk is not interrupted. */

/* As preadv(2) and pwritev(2); offset -1 is the file's own position. */
ssize_t ramet__file_readv(struct io *io, const struct iovec *iov, int count,
			  int64_t offset);
ssize_t ramet__file_writev(struct io *io, const struct iovec *iov, int count,
			   int64_t offset);

/* fsync(2) or fdatasync(2). */
int ramet__file_sync(struct io *io, bool data_only);

#endif
