/* table.h - the functions of group file: see patch/engine/table.h. */
#ifndef PATCH_FILE_TABLE_H
#define PATCH_FILE_TABLE_H

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define PATCH_FILE_AT(X)                                                       \
	X(RAMET_FILE, ssize_t, pread,                                          \
	  (int fd, void *buf, size_t size, off_t offset))                      \
	X(RAMET_FILE, ssize_t, pread64,                                        \
	  (int fd, void *buf, size_t size, off64_t offset))                    \
	X(RAMET_FILE, ssize_t, __pread_chk,                                    \
	  (int fd, void *buf, size_t size, off_t offset, size_t room))         \
	X(RAMET_FILE, ssize_t, __pread64_chk,                                  \
	  (int fd, void *buf, size_t size, off64_t offset, size_t room))       \
	X(RAMET_FILE, ssize_t, preadv,                                         \
	  (int fd, const struct iovec *iov, int count, off_t offset))          \
	X(RAMET_FILE, ssize_t, preadv64,                                       \
	  (int fd, const struct iovec *iov, int count, off64_t offset))        \
	X(RAMET_FILE, ssize_t, pwrite,                                         \
	  (int fd, const void *buf, size_t size, off_t offset))                \
	X(RAMET_FILE, ssize_t, pwrite64,                                       \
	  (int fd, const void *buf, size_t size, off64_t offset))              \
	X(RAMET_FILE, ssize_t, pwritev,                                        \
	  (int fd, const struct iovec *iov, int count, off_t offset))          \
	X(RAMET_FILE, ssize_t, pwritev64,                                      \
	  (int fd, const struct iovec *iov, int count, off64_t offset))

#define PATCH_FILE_SYNC(X)                                                     \
	X(RAMET_FILE, int, fsync, (int fd))                                    \
	X(RAMET_FILE, int, fdatasync, (int fd))                                \
	X(RAMET_FILE, int, sync_file_range,                                    \
	  (int fd, off64_t offset, off64_t size, unsigned flags))              \
	X(RAMET_FILE, int, syncfs, (int fd))                                   \
	X(RAMET_FILE, void, sync, (void))                                      \
	X(RAMET_FILE, int, msync, (void *start, size_t size, int flags))       \
	X(RAMET_FILE, int, fallocate,                                          \
	  (int fd, int mode, off_t offset, off_t size))                        \
	X(RAMET_FILE, int, fallocate64,                                        \
	  (int fd, int mode, off64_t offset, off64_t size))                    \
	X(RAMET_FILE, int, posix_fallocate,                                    \
	  (int fd, off_t offset, off_t size))                                  \
	X(RAMET_FILE, int, posix_fallocate64,                                  \
	  (int fd, off64_t offset, off64_t size))                              \
	X(RAMET_FILE, int, ftruncate, (int fd, off_t size))                    \
	X(RAMET_FILE, int, ftruncate64, (int fd, off64_t size))

#define PATCH_FILE_OPEN(X)                                                     \
	X(RAMET_FILE, int, open, (const char *path, int flags, ...))           \
	X(RAMET_FILE, int, open64, (const char *path, int flags, ...))         \
	X(RAMET_FILE, int, openat,                                             \
	  (int dir, const char *path, int flags, ...))                         \
	X(RAMET_FILE, int, openat64,                                           \
	  (int dir, const char *path, int flags, ...))                         \
	X(RAMET_FILE, int, creat, (const char *path, mode_t mode))             \
	X(RAMET_FILE, int, creat64, (const char *path, mode_t mode))           \
	X(RAMET_FILE, int, __open_2, (const char *path, int flags))            \
	X(RAMET_FILE, int, __open64_2, (const char *path, int flags))          \
	X(RAMET_FILE, int, __openat_2, (int dir, const char *path, int flags)) \
	X(RAMET_FILE, int, __openat64_2, (int dir, const char *path, int flags))

#define PATCH_FILE_LOCK(X)                                                     \
	X(RAMET_FILE, int, flock, (int fd, int op))                            \
	X(RAMET_FILE, int, lockf, (int fd, int op, off_t size))                \
	X(RAMET_FILE, int, lockf64, (int fd, int op, off64_t size))

#define PATCH_FILE(X)                                                          \
	PATCH_FILE_AT(X)                                                       \
	PATCH_FILE_SYNC(X)                                                     \
	PATCH_FILE_OPEN(X)                                                     \
	PATCH_FILE_LOCK(X)

#endif
