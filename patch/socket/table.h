/* table.h - the functions of group socket: see patch/engine/table.h. */
#ifndef PATCH_SOCKET_TABLE_H
#define PATCH_SOCKET_TABLE_H

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#define PATCH_SOCKET_RECEIVE(X)                                                \
	X(RAMET_SOCKET, ssize_t, recv,                                         \
	  (int fd, void *buf, size_t size, int flags))                         \
	X(RAMET_SOCKET, ssize_t, recvfrom,                                     \
	  (int fd, void *buf, size_t size, int flags, struct sockaddr *from,   \
	   socklen_t *from_size))                                              \
	X(RAMET_SOCKET, ssize_t, recvmsg,                                      \
	  (int fd, struct msghdr *msg, int flags))                             \
	X(RAMET_SOCKET, int, recvmmsg,                                         \
	  (int fd, struct mmsghdr *msgs, unsigned count, int flags,            \
	   struct timespec *timeout))                                          \
	X(RAMET_SOCKET, ssize_t, __recv_chk,                                   \
	  (int fd, void *buf, size_t size, size_t room, int flags))            \
	X(RAMET_SOCKET, ssize_t, __recvfrom_chk,                               \
	  (int fd, void *buf, size_t size, size_t room, int flags,             \
	   struct sockaddr *from, socklen_t *from_size))                       \
	X(RAMET_SOCKET, ssize_t, read, (int fd, void *buf, size_t size))       \
	X(RAMET_SOCKET, ssize_t, __read_chk,                                   \
	  (int fd, void *buf, size_t size, size_t room))                       \
	X(RAMET_SOCKET, ssize_t, readv,                                        \
	  (int fd, const struct iovec *iov, int count))                        \
	X(RAMET_SOCKET, ssize_t, preadv2,                                      \
	  (int fd, const struct iovec *iov, int count, off_t offset,           \
	   int flags))                                                         \
	X(RAMET_SOCKET, ssize_t, preadv64v2,                                   \
	  (int fd, const struct iovec *iov, int count, off64_t offset,         \
	   int flags))

#define PATCH_SOCKET_SEND(X)                                                   \
	X(RAMET_SOCKET, ssize_t, send,                                         \
	  (int fd, const void *buf, size_t size, int flags))                   \
	X(RAMET_SOCKET, ssize_t, sendto,                                       \
	  (int fd, const void *buf, size_t size, int flags,                    \
	   const struct sockaddr *to, socklen_t to_size))                      \
	X(RAMET_SOCKET, ssize_t, sendmsg,                                      \
	  (int fd, const struct msghdr *msg, int flags))                       \
	X(RAMET_SOCKET, int, sendmmsg,                                         \
	  (int fd, struct mmsghdr *msgs, unsigned count, int flags))           \
	X(RAMET_SOCKET, ssize_t, write,                                        \
	  (int fd, const void *buf, size_t size))                              \
	X(RAMET_SOCKET, ssize_t, writev,                                       \
	  (int fd, const struct iovec *iov, int count))                        \
	X(RAMET_SOCKET, ssize_t, pwritev2,                                     \
	  (int fd, const struct iovec *iov, int count, off_t offset,           \
	   int flags))                                                         \
	X(RAMET_SOCKET, ssize_t, pwritev64v2,                                  \
	  (int fd, const struct iovec *iov, int count, off64_t offset,         \
	   int flags))

/* Those that make a descriptor. */
#define PATCH_SOCKET_MAKE(X)                                                   \
	X(RAMET_SOCKET, int, socket, (int family, int type, int protocol))     \
	X(RAMET_SOCKET, int, socketpair,                                       \
	  (int family, int type, int protocol, int fds[2]))                    \
	X(RAMET_SOCKET, int, pipe, (int fds[2]))                               \
	X(RAMET_SOCKET, int, pipe2, (int fds[2], int flags))                   \
	X(RAMET_SOCKET, int, eventfd, (unsigned count, int flags))             \
	X(RAMET_SOCKET, int, timerfd_create, (int clock, int flags))           \
	X(RAMET_SOCKET, int, accept,                                           \
	  (int fd, struct sockaddr *addr, socklen_t *size))                    \
	X(RAMET_SOCKET, int, accept4,                                          \
	  (int fd, struct sockaddr *addr, socklen_t *size, int flags))         \
	X(RAMET_SOCKET, int, connect,                                          \
	  (int fd, const struct sockaddr *addr, socklen_t size))               \
	X(RAMET_SOCKET, int, dup, (int fd))                                    \
	X(RAMET_SOCKET, int, dup2, (int fd, int target))                       \
	X(RAMET_SOCKET, int, dup3, (int fd, int target, int flags))

/* Those that close or change one. */
#define PATCH_SOCKET_CHANGE(X)                                                 \
	X(RAMET_SOCKET, int, close, (int fd))                                  \
	X(RAMET_SOCKET, int, close_range,                                      \
	  (unsigned first, unsigned last, int flags))                          \
	X(RAMET_SOCKET, void, closefrom, (int first))                          \
	X(RAMET_SOCKET, int, fcntl, (int fd, int cmd, ...))                    \
	X(RAMET_SOCKET, int, fcntl64, (int fd, int cmd, ...))                  \
	X(RAMET_SOCKET, int, ioctl, (int fd, unsigned long request, ...))      \
	X(RAMET_SOCKET, int, setsockopt,                                       \
	  (int fd, int level, int name, const void *value, socklen_t size))

/* From one to another. */
#define PATCH_SOCKET_TRANSFER(X)                                               \
	X(RAMET_SOCKET, ssize_t, sendfile,                                     \
	  (int out, int in, off_t *offset, size_t size))                       \
	X(RAMET_SOCKET, ssize_t, sendfile64,                                   \
	  (int out, int in, off64_t *offset, size_t size))                     \
	X(RAMET_SOCKET, ssize_t, splice,                                       \
	  (int in, off64_t *in_offset, int out, off64_t *out_offset,           \
	   size_t size, unsigned flags))                                       \
	X(RAMET_SOCKET, ssize_t, tee,                                          \
	  (int in, int out, size_t size, unsigned flags))                      \
	X(RAMET_SOCKET, ssize_t, vmsplice,                                     \
	  (int fd, const struct iovec *iov, size_t count, unsigned flags))     \
	X(RAMET_SOCKET, ssize_t, copy_file_range,                              \
	  (int in, off64_t *in_offset, int out, off64_t *out_offset,           \
	   size_t size, unsigned flags))

#define PATCH_SOCKET(X)                                                        \
	PATCH_SOCKET_RECEIVE(X)                                                \
	PATCH_SOCKET_SEND(X)                                                   \
	PATCH_SOCKET_MAKE(X)                                                   \
	PATCH_SOCKET_CHANGE(X)                                                 \
	PATCH_SOCKET_TRANSFER(X)

#endif
