/* shake.c - hand-shakes, and the sessions that come of them. */
#include "net/tls/state.h"

#include "kernel/calls.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { PORT_ROOM = 8 }; /* ":65535" */

/* "host:port" of the peer, as sessions are known by; without the port where it
 * has none. */
static void name_peer(struct tls_layer *t, const char *name, size_t size)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr = {.any = {.sa_family = AF_UNSPEC}};
	socklen_t addr_size = sizeof addr;
	unsigned port = 0;
	char *host = t->room + size + PORT_ROOM;

	kernel_call(SYS_getpeername, t->number, KERNEL_ARG(&addr),
		    KERNEL_ARG(&addr_size), 0, 0, 0);
	if (addr.any.sa_family == AF_INET)
		port = ntohs(addr.v4.sin_port);
	else if (addr.any.sa_family == AF_INET6)
		port = ntohs(addr.v6.sin6_port);
	memcpy(host, name, size + 1);
	if (size > 1 && host[size - 1] == '.') /* the root's dot is not sent */
		host[size - 1] = '\0';
	t->host = host;
	snprintf(t->room, size + PORT_ROOM, port ? "%s:%u" : "%s", host, port);
}

static struct tls_layer *new_layer(struct loop *l, int fd, const char *name)
{
	size_t size = name ? strlen(name) : 0;
	struct fd *f = ramet__fd(l, fd);
	struct tls_layer *t =
		f ? kernel_alloc(sizeof *t + 2 * size + PORT_ROOM + 2) : NULL;

	if (!t)
		return NULL;
	t->users = 1;
	t->number = fd;
	t->generation = f->generation;
	if (name)
		name_peer(t, name, size);
	return t;
}

static int set_up(struct tls_layer *t)
{
	BIO *bio;
	SSL_SESSION *session;

	ramet__crypto.ERR_clear_error();
	t->ssl = ramet__ssl.SSL_new(t->tls->ctx);
	bio = t->ssl ? ramet__tls_bio(t) : NULL;
	if (!bio || !ramet__ssl.SSL_set_ex_data(t->ssl, 0, t)) {
		ramet__crypto.BIO_free(bio);
		return ramet__tls_noted(NULL);
	}
	ramet__ssl.SSL_set_bio(t->ssl, bio, bio);
	if (t->tls->server) {
		ramet__ssl.SSL_set_accept_state(t->ssl);
		return 0;
	}
	ramet__ssl.SSL_set_connect_state(t->ssl);
	session = t->host && t->tls->resumes
			  ? ramet__session_take(&t->tls->sessions, tls_key(t))
			  : NULL;
	if (session) {
		ramet__ssl.SSL_set_session(t->ssl, session);
		ramet__ssl.SSL_SESSION_free(session);
	}
	return ramet__tls_expect(t);
}

int ramet__tls_on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_layer *t = ramet__ssl.SSL_get_ex_data(ssl, 0);

	if (!t->host || !ramet__ssl.SSL_SESSION_is_resumable(session))
		return 0;
	ramet__session_keep(&t->tls->sessions, tls_key(t), session);
	return 1; /* it is ours */
}

/* RFC 7301, 3.2: a server chooses among what the client has named. */
static int check_alpn(struct tls_layer *t)
{
	const unsigned char *name = NULL;
	unsigned size = 0;

	ramet__ssl.SSL_get0_alpn_selected(t->ssl, &name, &size);
	if (size == 0 || ramet__tls_protocol(t->tls, name, size))
		return 0;
	ramet__tls_say("the peer chose a protocol (ALPN) that was not offered");
	return t->broken = -EPROTO;
}

/* Once hands are shaken.  A session of TLS 1.2 can be used again, and need not
 * come again. */
static int agree(struct tls_layer *t)
{
	SSL_SESSION *session;
	int err = check_alpn(t);

	if (err < 0)
		return err;
	t->ready = true;
	if (t->tls->server || !t->tls->resumes || !t->host ||
	    ramet__ssl.SSL_version(t->ssl) != TLS1_2_VERSION ||
	    !ramet__ssl.SSL_session_reused(t->ssl))
		return 0;
	session = ramet__ssl.SSL_get1_session(t->ssl);
	if (session)
		ramet__session_keep(&t->tls->sessions, tls_key(t), session);
	return 0;
}

/* What has been put aside goes out before anything is waited for: the peer may
 * wait for it.  Others run meanwhile, so the socket is tried again after. */
static int shake(struct tls_layer *t, struct io *io)
{
	for (;;) {
		int r, err = 0;

		t->io = io;
		ramet__crypto.ERR_clear_error();
		r = ramet__ssl.SSL_do_handshake(t->ssl);
		if (r != 1)
			err = ramet__tls_result(t, r);
		if (err == 0 && r != 1)
			err = t->broken = -ECONNABORTED;
		if (err < 0 && err != -EAGAIN)
			return err;
		if (tls_has_output(t)) {
			int flushed = ramet__tls_flush(t, io);

			if (flushed < 0)
				return flushed;
			if (err < 0)
				continue;
		}
		if (err == 0)
			return agree(t);
		io->wait = WAIT_READ;
		err = ramet__tls_wait(t, io);
		if (err < 0)
			return err;
	}
}

/* A client that looks at certificates has to know for whom they should be. */
static int fit(const struct ramet_tls *tls, const char *name)
{
	if (tls->server && name)
		return -EINVAL;
	if (tls->server || !tls->verifies || (name && *name))
		return 0;
	ramet__tls_say("the name that the certificate must be for is missing");
	return -EINVAL;
}

static int start(struct tls_layer *t, struct io *io, struct ramet_tls *tls)
{
	int err = tls ? 0 : ramet__tls_default(&tls);

	if (err == 0)
		err = ramet__tls_still_open(t, io);
	if (err == 0)
		err = fit(tls, t->host);
	if (err < 0)
		return err;
	__atomic_add_fetch(&tls->users, 1, __ATOMIC_RELAXED);
	t->tls = tls;
	err = set_up(t);
	return err < 0 ? err : shake(t, io);
}

int ramet__tls_start(struct tls_layer **layer, int fd, struct ramet_tls *tls,
		     const char *name)
{
	struct loop *l = ramet__loop();
	struct tls_layer *t = l ? new_layer(l, fd, name) : NULL;
	struct io io;
	int err;

	if (!t)
		return fd < 0 ? -EBADF : -ENOMEM;
	*layer = t;
	err = ramet__tls_call_begin(t, &io, WAIT_READ);
	if (err == 0)
		err = start(t, &io, tls);
	if (err < 0 && !t->broken)
		t->broken = err == -EAGAIN ? -EPROTO : err;
	return (int)ramet__tls_call_end(t, err);
}
