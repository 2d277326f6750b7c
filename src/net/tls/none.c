/* none.c - in place of TLS, where it was built without OpenSSL's headers. */
#include "net/conn.h"
#include "net/tls/layer.h"

static struct ramet_tls *refuse(void)
{
	ramet__fail(ramet__loop() ? -ENOTSUP : -ENOMEM);
	return NULL;
}

struct ramet_tls *ramet_tls_client(const struct ramet_tls_opts *opts)
{
	(void)opts;
	return refuse();
}

struct ramet_tls *ramet_tls_server(const struct ramet_tls_opts *opts)
{
	(void)opts;
	return refuse();
}

void ramet_tls_free(struct ramet_tls *tls)
{
	(void)tls;
}

const char *ramet_tls_error(void)
{
	return "built without OpenSSL";
}

/* ---- no connection has it ----------------------------------------------- */

int ramet__tls_start(struct tls_layer **layer, int fd, struct ramet_tls *tls,
		     const char *name)
{
	(void)layer;
	(void)fd;
	(void)tls;
	(void)name;
	return -ENOTSUP;
}

ssize_t ramet__tls_read(struct tls_layer *t, void *buf, size_t size)
{
	(void)t;
	(void)buf;
	(void)size;
	return -ENOTSUP;
}

ssize_t ramet__tls_writev(struct tls_layer *t, struct iovec *iov, size_t count)
{
	(void)t;
	(void)iov;
	(void)count;
	return -ENOTSUP;
}

ssize_t ramet__tls_sendfile(struct tls_layer *t, int fd, off_t offset,
			    size_t size)
{
	(void)t;
	(void)fd;
	(void)offset;
	(void)size;
	return -ENOTSUP;
}

int ramet__tls_shutdown(struct tls_layer *t)
{
	(void)t;
	return -ENOTSUP;
}

bool ramet__tls_pending(struct tls_layer *t)
{
	(void)t;
	return false;
}

void ramet__tls_abort(struct tls_layer *t)
{
	(void)t;
}

void ramet__tls_close(struct tls_layer *t)
{
	(void)t;
}

const char *ramet_conn_tls_version(const struct ramet_conn *c)
{
	(void)c;
	return NULL;
}

const char *ramet_conn_alpn(const struct ramet_conn *c)
{
	(void)c;
	return "";
}

const char *ramet_conn_name(const struct ramet_conn *c)
{
	(void)c;
	return "";
}

const char *ramet_conn_peer(const struct ramet_conn *c)
{
	(void)c;
	return "";
}

int ramet_conn_resumed(const struct ramet_conn *c)
{
	(void)c;
	return 0;
}

int ramet_conn_kernel(const struct ramet_conn *c)
{
	(void)c;
	return 0;
}
