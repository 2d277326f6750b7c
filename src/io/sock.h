/* sock.h - the calls of ramet/io.h for the layers above: with -errno, so that a
 * kill takes effect at their borders and not inside of them.
 */
#ifndef IO_SOCK_H
#define IO_SOCK_H

#include <poll.h>
#include <sys/socket.h>

#include "io/fd.h"

/* Listens as ramet_accept4 does. */
int ramet__sock_accept(int number, struct sockaddr *addr, socklen_t *size,
		       int flags);

/* from and to may be NULL.  Streams take all that is sent, unless an error comes
 * in between, which the next call finds. */
ssize_t ramet__sock_recv(int number, void *buf, size_t size, int flags,
			 struct sockaddr *from, socklen_t *from_size);
ssize_t ramet__sock_send(int number, const void *buf, size_t size, int flags,
			 const struct sockaddr *to, socklen_t to_size);
ssize_t ramet__sock_recvmsg(int number, struct msghdr *msg, int flags);
ssize_t ramet__sock_sendmsg(int number, const struct msghdr *msg, int flags);

/* Send size bytes of `file` from offset on, by sendfile(2) if it can, without
 * waiting for a disk here.  Returns how many: less if the file ends before. */
ssize_t ramet__sock_sendfile(int number, int file, off_t offset, size_t size);

int ramet__sock_poll(struct pollfd *fds, size_t count);

#endif
