/* facts.c - what was agreed on, and with whom. */
#include "net/conn.h"
#include "net/tls/state.h"

#include <string.h>

static struct tls_layer *agreed(const struct ramet_conn *c)
{
	return c->tls && c->tls->ready ? c->tls : NULL;
}

const char *ramet_conn_tls_version(const struct ramet_conn *c)
{
	const struct tls_layer *t = agreed(c);

	return t ? ramet__ssl.SSL_get_version(t->ssl) : NULL;
}

/* It is one of ours: a server chose it, or a client looks at what it is told.
 */
const char *ramet_conn_alpn(const struct ramet_conn *c)
{
	const struct tls_layer *t = agreed(c);
	const unsigned char *name = NULL;
	unsigned size = 0;

	if (t)
		ramet__ssl.SSL_get0_alpn_selected(t->ssl, &name, &size);
	return size ? ramet__tls_protocol(t->tls, name, size) : "";
}

const char *ramet_conn_name(const struct ramet_conn *c)
{
	const struct tls_layer *t = agreed(c);
	const char *name =
		t ? ramet__ssl.SSL_get_servername(t->ssl,
						  TLSEXT_NAMETYPE_host_name)
		  : NULL;

	return name ? name : "";
}

/* OpenSSL writes "/O=.../CN=...". */
static char *name_of(const X509 *x)
{
	char *text = kernel_alloc(TLS_TEXT);

	if (text)
		ramet__crypto
			.X509_NAME_oneline(ramet__crypto.X509_get_subject_name(
						   x),
					   text, TLS_TEXT);
	return text;
}

const char *ramet_conn_peer(const struct ramet_conn *c)
{
	struct tls_layer *t = agreed(c);
	X509 *x = t && !t->peer ? ramet__ssl.SSL_get1_peer_certificate(t->ssl)
				: NULL;

	if (x)
		t->peer = name_of(x);
	if (x)
		ramet__crypto.X509_free(x);
	return t && t->peer ? t->peer + (*t->peer == '/') : "";
}

int ramet_conn_resumed(const struct ramet_conn *c)
{
	const struct tls_layer *t = agreed(c);

	return t && ramet__ssl.SSL_session_reused(t->ssl);
}

int ramet_conn_kernel(const struct ramet_conn *c)
{
	const struct tls_layer *t = agreed(c);

	return t && t->kernel;
}
