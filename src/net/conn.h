/* conn.h - a connection: its socket, and the layer of TLS if it has one. */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "core/core.h"
#include "ramet/tls.h"

struct tls_layer; /* tls.c's */

struct ramet_conn {
	int fd;
	struct tls_layer *tls; /* NULL: none */
};

/* What the public calls do, with -errno for errors.  iov is used up. */
ssize_t ramet__conn_read(struct ramet_conn *c, void *buf, size_t size);
ssize_t ramet__conn_writev(struct ramet_conn *c, struct iovec *iov, int count);

/* Whether bytes have come that no wait is needed for, in the layer of TLS. */
bool ramet__conn_pending(const struct ramet_conn *c);

#endif
