/* conn.h - a connection: its socket, and the layer of TLS if it has one. */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "core/core.h"
#include "ramet/tls.h"

struct tls_layer; /* tls/layer.h's */

struct ramet_conn {
	struct loop *loop; /* whose it is */
	int fd;
	struct tls_layer *tls; /* NULL: none */
};

/* What the public calls do, with -errno for errors.  iov is used up.  A
 * connection may be closed while they wait: then they return -EBADF, and it is
 * gone. */
int ramet__conn_dial(struct ramet_conn **c, const char *address,
		     struct ramet_tls *tls);
int ramet__conn_new(struct ramet_conn **c, int fd);
int ramet__conn_start_tls(struct ramet_conn *c, struct ramet_tls *tls,
			  const char *name);
ssize_t ramet__conn_read(struct ramet_conn *c, void *buf, size_t size);
ssize_t ramet__conn_writev(struct ramet_conn *c, struct iovec *iov, int count);
ssize_t ramet__conn_sendfile(struct ramet_conn *c, int fd, off_t offset,
			     size_t size);
int ramet__conn_shutdown(struct ramet_conn *c);

/* As ramet_conn_close, which never fails. */
void ramet__conn_close(struct ramet_conn *c);

/* The same, so that the peer finds an error in place of an end: something is
 * missing. */
void ramet__conn_abort(struct ramet_conn *c);

/* Whether a read would return at once though nothing can be read from the
 * socket: TLS has read ahead. */
bool ramet__conn_pending(const struct ramet_conn *c);

#endif
