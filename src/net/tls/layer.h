/* layer.h - TLS over one socket.
 *
 * Calls return -errno, and leave why for ramet_tls_error.
 */
#ifndef NET_TLS_LAYER_H
#define NET_TLS_LAYER_H

#include <sys/uio.h>

#include "core/core.h"

struct tls_layer;
struct ramet_tls;

/* Shake hands over fd.  *layer is set while it lasts, and after it if it went
 * well, for ramet__tls_close; it is the caller's to close in any case if set.
 */
int ramet__tls_start(struct tls_layer **layer, int fd, struct ramet_tls *tls,
		     const char *name);

ssize_t ramet__tls_read(struct tls_layer *t, void *buf, size_t size);

/* iov is used up. */
ssize_t ramet__tls_writev(struct tls_layer *t, struct iovec *iov, size_t count);
ssize_t ramet__tls_sendfile(struct tls_layer *t, int fd, off_t offset,
			    size_t size);
int ramet__tls_shutdown(struct tls_layer *t);

/* Whether a read would find something without the socket. */
bool ramet__tls_pending(struct tls_layer *t);

/* Say nothing more, goodbye included. */
void ramet__tls_abort(struct tls_layer *t);

/* Say goodbye to the peer if that needs no wait; the caller closes the socket.
 * Freed when the last who waits in it has left. */
void ramet__tls_close(struct tls_layer *t);

#endif
