/* context.h - what one side's connections share. */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include "net/tls/session.h"
#include "net/tls/text.h"
#include "ramet/tls.h"

struct ramet_tls {
	int users; /* atomic: the program, and each connection */
	SSL_CTX *ctx;
	bool server, verifies, resumes;
	struct sessions sessions; /* a client's */
	/* Protocols, best first: as on the wire, each after its length, and as
	 * strings, an empty one at the end. */
	unsigned wire_size;
	unsigned char *wire;
	char *protocols;
};

/* Make one as the options say; in a helper thread, for files are read.  Returns
 * 0, or -errno and why. */
int ramet__tls_load(struct ramet_tls *tls, const struct ramet_tls_opts *opts,
		    char text[TLS_TEXT]);

/* A protocol of ours as a string, or NULL. */
const char *ramet__tls_protocol(const struct ramet_tls *tls,
				const unsigned char *name, size_t size);

/* OpenSSL's, when a client has got a session: shake.c. */
int ramet__tls_on_session(SSL *ssl, SSL_SESSION *session);

/* Have certificates looked at: verify.c. */
void ramet__tls_verify(struct ramet_tls *tls, enum ramet_tls_verify verify);

struct ramet_tls *ramet__tls_new(bool server);
void ramet__tls_put(struct ramet_tls *tls);

/* The client for who has none, kept for ever.  Blocks: 0, or -errno and why. */
int ramet__tls_default(struct ramet_tls **tls);

#endif
