/* ramet/tls.h - connections: bytes over a socket, or over TLS over one, by the
 * same calls.
 *
 * TLS is OpenSSL's, loaded when it is first asked for: ENOTSUP if libssl.so.3
 * is not there.  Versions below 1.2 and renegotiation are refused.  A
 * connection is of one loop; one ramet may read while another writes.
 *
 * Besides the errors of sockets, calls on TLS fail with
 *     EPROTO        what the peer sends is not TLS, or it refuses ours
 *     EKEYREJECTED  its certificate is not to be trusted
 *     ECONNABORTED  it went away without saying that this is the end
 *     ENOBUFS       it makes us answer, and does not read it
 * and ramet_tls_error tells more.
 */
#ifndef RAMET_TLS_H
#define RAMET_TLS_H

#include <sys/types.h>
#include <sys/uio.h>

#include "ramet/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what one side of TLS connections needs ----------------------------- */

struct ramet_tls; /* for any number of connections, in any loop */

enum ramet_tls_verify {
	RAMET_VERIFY_DEFAULT,  /* clients: REQUIRED, servers: NONE */
	RAMET_VERIFY_NONE,     /* whoever the peer is */
	RAMET_VERIFY_OPTIONAL, /* servers: a certificate, if it shows one */
	RAMET_VERIFY_REQUIRED,
};

struct ramet_tls_opts {
	/* Files in PEM: our certificate with those between it and its root,
	 * and its private key; NULL: none, for clients. */
	const char *cert, *key;
	/* A file in PEM, or a directory as c_rehash(1) makes it, of whom to
	 * trust; NULL: whom the system trusts. */
	const char *ca;
	/* Application protocols (ALPN), best first: "h2,http/1.1"; NULL: none.
	 * If both sides name some, one must be in common (RFC 7301). */
	const char *alpn;
	enum ramet_tls_verify verify;
	int no_resume; /* no session is resumed */
	int no_kernel; /* the kernel is not asked to encrypt (kTLS), nor is it
			* with RAMET_KTLS=0 in the environment */
};

/* The caller's, for ramet_tls_free.  opts may be NULL for a client.  Reads the
 * files on another OS thread: blocks.  NULL: ENOTSUP, ENOMEM, EINVAL (no
 * certificate for a server, key and certificate are not a pair, bad PEM), and
 * the errors of opening files. */
RAMET_API struct ramet_tls *ramet_tls_client(const struct ramet_tls_opts *opts);
RAMET_API struct ramet_tls *ramet_tls_server(const struct ramet_tls_opts *opts);

/* Connections that use it keep what they need.  NULL is allowed. */
RAMET_API void ramet_tls_free(struct ramet_tls *tls);

/* Why the caller's last call about TLS failed, for people to read; "" if it did
 * not.  Good until the caller's next such call. */
RAMET_API const char *ramet_tls_error(void);

/* ---- connections -------------------------------------------------------- */

struct ramet_conn;

/* Connect to an address as ramet_dial knows them, or "tls://host:port", where
 * the peer has to show a certificate for that host.  tls may be NULL: a client
 * as ramet_tls_client(NULL) makes it.  The caller's, for ramet_conn_close.
 * Blocks.  NULL: the errors of ramet_dial, and those above. */
RAMET_API struct ramet_conn *ramet_conn_dial(const char *address,
					     struct ramet_tls *tls);

/* A connection over the socket fd, which it closes in the end.  NULL: ENOMEM;
 * then fd is still the caller's. */
RAMET_API struct ramet_conn *ramet_conn_new(int fd);

/* Go over to TLS.  A client's `name` is the host it wants: asked for (SNI), and
 * what the certificate has to be for, a name or a numeric address; NULL for
 * servers.  Blocks.  Returns 0, or -1 and c is good for ramet_conn_close only:
 * those above, EINVAL (it is TLS already, or a client that verifies
 * is given no name). */
RAMET_API int ramet_conn_start_tls(struct ramet_conn *c, struct ramet_tls *tls,
				   const char *name);

/* Read what has come, at least one byte.  Blocks.  Returns how many, 0 at the
 * end (of TLS: only once the peer has said so), or -1. */
RAMET_API ssize_t ramet_conn_read(struct ramet_conn *c, void *buf, size_t size);

/* Write everything.  Blocks.  Returns how much that is, or -1; then how much
 * went out is not known. */
RAMET_API ssize_t ramet_conn_write(struct ramet_conn *c, const void *buf,
				   size_t size);
RAMET_API ssize_t ramet_conn_writev(struct ramet_conn *c,
				    const struct iovec *iov, int count);

/* Write `size` bytes of the file fd from `offset`, by sendfile(2) where nothing
 * has to be encrypted here.  The file's position stays.  Blocks.  Returns size,
 * less if the file ends before, or -1. */
RAMET_API ssize_t ramet_conn_sendfile(struct ramet_conn *c, int fd,
				      off_t offset, size_t size);

/* Say that nothing more will be written.  Blocks.  Returns 0, or -1. */
RAMET_API int ramet_conn_shutdown(struct ramet_conn *c);

/* Close it and its socket; TLS says so to the peer if that needs no wait.
 * Whoever waits in it wakes with EBADF.  Never blocks.  NULL is allowed; errno
 * is kept. */
RAMET_API void ramet_conn_close(struct ramet_conn *c);

/* ---- facts -------------------------------------------------------------- */

RAMET_API int ramet_conn_fd(const struct ramet_conn *c);

/* "TLSv1.3"; NULL: no TLS. */
RAMET_API const char *ramet_conn_tls_version(const struct ramet_conn *c);

/* The protocol agreed on, "" if none was. */
RAMET_API const char *ramet_conn_alpn(const struct ramet_conn *c);

/* The host that the client asked for (SNI), "" if none. */
RAMET_API const char *ramet_conn_name(const struct ramet_conn *c);

/* Whom the peer's certificate names, "CN=..."; "" if it showed none. */
RAMET_API const char *ramet_conn_peer(const struct ramet_conn *c);

/* Whether a session was resumed; whether the kernel encrypts what is sent. */
RAMET_API int ramet_conn_resumed(const struct ramet_conn *c);
RAMET_API int ramet_conn_kernel(const struct ramet_conn *c);

#ifdef __cplusplus
}
#endif
#endif
