/* ramet/io.h - sockets, pipes and files that block only their caller.
 *
 * Descriptors are plain ints from anywhere, and need no registration.
 * O_NONBLOCK is never changed on a descriptor the library did not make.  Every
 * call is its POSIX namesake, blocks where that one blocks, and sets the
 * errors of that one besides those of every blocking call.  EINTR is retried.
 * A descriptor that the caller or its maker set to O_NONBLOCK still blocks the
 * ramet here; ask poll(2), with a timeout of 0, if that is not wanted.
 *
 * Close descriptors with ramet_close: it wakes whoever waits for them.
 */
#ifndef RAMET_IO_H
#define RAMET_IO_H

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "ramet/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- any descriptor ----------------------------------------------------- */

RAMET_API ssize_t ramet_read(int fd, void *buf, size_t size);
RAMET_API ssize_t ramet_write(int fd, const void *buf, size_t size);
RAMET_API ssize_t ramet_readv(int fd, const struct iovec *iov, int count);
RAMET_API ssize_t ramet_writev(int fd, const struct iovec *iov, int count);

/* Read until size bytes have come or the stream ends.  Returns how many; -1
 * only if an error came before the first byte, else the error is found by the
 * next call. */
RAMET_API ssize_t ramet_read_all(int fd, void *buf, size_t size);

/* Write everything.  Returns size, or -1: then *how much* went out is unknown
 * to the caller, as after any broken stream. */
RAMET_API ssize_t ramet_write_all(int fd, const void *buf, size_t size);

/* Close fd.  Whoever waits for it, in any loop, wakes with EBADF before the
 * number can be used again.  Does not block (a file's late write errors come
 * from ramet_fsync), unless SO_LINGER asks for it: then it blocks the OS thread.
 * Returns 0, or -1: EBADF, EIO. */
RAMET_API int ramet_close(int fd);

RAMET_API int ramet_dup(int fd);
RAMET_API int ramet_dup2(int fd, int target); /* wakes target's waiters */
RAMET_API int ramet_dup3(int fd, int target, int flags);

/* As poll(2), but the time limit is the scope's: returns when at least one is
 * ready.  -1: also EINVAL (count above 1,024). */
RAMET_API int ramet_poll(struct pollfd *fds, size_t count);

/* Both ends O_NONBLOCK for others, blocking for ramet_read; flags as pipe2. */
RAMET_API int ramet_pipe(int fds[2], int flags);

/* ---- sockets ------------------------------------------------------------ */

/* Sockets made here are O_NONBLOCK and close-on-exec. */
RAMET_API int ramet_socket(int family, int type, int protocol);
RAMET_API int ramet_socketpair(int family, int type, int protocol, int fds[2]);
RAMET_API int ramet_accept(int fd, struct sockaddr *addr, socklen_t *size);
RAMET_API int ramet_accept4(int fd, struct sockaddr *addr, socklen_t *size,
			    int flags);
RAMET_API int ramet_connect(int fd, const struct sockaddr *addr,
			    socklen_t size);
RAMET_API int ramet_shutdown(int fd, int how);

/* flags as recv(2) and send(2): with MSG_DONTWAIT it does not wait, though
 * others may run; MSG_WAITALL is honoured.  SIGPIPE is never raised: EPIPE. */
RAMET_API ssize_t ramet_recv(int fd, void *buf, size_t size, int flags);
RAMET_API ssize_t ramet_recvfrom(int fd, void *buf, size_t size, int flags,
				 struct sockaddr *from, socklen_t *from_size);
RAMET_API ssize_t ramet_recvmsg(int fd, struct msghdr *msg, int flags);
RAMET_API ssize_t ramet_send(int fd, const void *buf, size_t size, int flags);
RAMET_API ssize_t ramet_sendto(int fd, const void *buf, size_t size, int flags,
			       const struct sockaddr *to, socklen_t to_size);
RAMET_API ssize_t ramet_sendmsg(int fd, const struct msghdr *msg, int flags);

/* Addresses as strings:
 *     tcp://127.0.0.1:80  tcp://[::1]:80  udp://0.0.0.0:53  unix:///run/x
 *     unix-dgram:///run/x  unix-seqpacket:///run/x  unix://@abstract
 * Port 0 lets the kernel choose; an empty host means any address to listen on
 * and the loopback to dial.  Hosts are numeric; only ramet_dial takes names.
 * ramet_address parses one.  Returns the socket type (SOCK_STREAM, ...), or
 * -1: EINVAL. */
RAMET_API int ramet_address(const char *text, struct sockaddr_storage *addr,
			    socklen_t *size);

/* Listen on an address (datagram sockets are bound).  SO_REUSEADDR is set, and
 * TCP_NODELAY, which what is accepted inherits; the backlog is the system's
 * largest.  Returns a descriptor, or -1: EINVAL (bad address) and the errors of
 * socket, bind, listen. */
RAMET_API int ramet_listen(const char *address);

/* Connect to an address; TCP_NODELAY is set.  A name ("tcp://example.com:80") is
 * looked up (ramet/net.h), and its addresses are tried side by side, each begun
 * 250 ms after the one before (RFC 8305).  Blocks.  Returns a descriptor, or -1:
 * EINVAL, the errors of socket, connect; ENXIO (there is no such name),
 * EHOSTUNREACH (nobody could tell). */
RAMET_API int ramet_dial(const char *address);

/* The port a socket is bound to, 0 if it has none, or -1: EBADF, ENOTSOCK. */
RAMET_API int ramet_port(int fd);

/* ---- files: never block the loop ----------------------------------------
 *
 * A call that fails with ETIMEDOUT or ECANCELED may go on without its caller: a
 * write takes effect, ramet_read moves the position, ramet_open creates the
 * file and closes it.  Until it is done ramet_close keeps the number taken, and
 * ramet_dup2 onto it may fail with EBUSY.  More than 256 KiB is done in parts.
 */

RAMET_API int ramet_open(const char *path, int flags, mode_t mode);
RAMET_API ssize_t ramet_pread(int fd, void *buf, size_t size, off_t offset);
RAMET_API ssize_t ramet_pwrite(int fd, const void *buf, size_t size,
			       off_t offset);
RAMET_API int ramet_fsync(int fd);
RAMET_API int ramet_stat(const char *path, struct stat *st);
RAMET_API int ramet_fstat(int fd, struct stat *st);

#ifdef __cplusplus
}
#endif
#endif
