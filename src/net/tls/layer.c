/* layer.c - the calls of a connection that speaks TLS: try, and wait for what
 * is missing. */
#include "net/tls/state.h"

#include "io/file.h"
#include "io/iov.h"
#include "kernel/calls.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum {
	RECORD = 16384, /* at most: RFC 8446, 5.1 */
	/* What is copied to share a record: on the stack, of which a connection
	 * that waits keeps what it has ever used. */
	TOGETHER = 4096,
	PORT_ROOM = 8, /* ":65535" */
};

/* ---- a call ------------------------------------------------------------- */

static void free_layer(struct tls_layer *t)
{
	if (t->ssl)
		ramet__ssl.SSL_free(t->ssl);
	ramet__tls_put(t->tls);
	kernel_free(t->out);
	kernel_free(t->peer);
	kernel_free(t);
}

static ssize_t leave(struct tls_layer *t, ssize_t n)
{
	if (!tls_has_output(t) && t->out) {
		kernel_free(t->out);
		t->out = NULL;
		t->out_room = t->out_start = t->out_end = 0;
	}
	if (--t->users == 0)
		free_layer(t);
	return n;
}

static int still_open(const struct tls_layer *t, const struct io *io)
{
	return t->closed || io->generation != t->generation ? -EBADF
							    : t->broken;
}

static int enter(struct tls_layer *t, struct io *io, enum wait wait)
{
	int err;

	ramet__tls_hush();
	t->users++;
	err = ramet__io_begin(io, t->number, WAIT_NONE); /* lets others run */
	io->wait = wait;
	if (err == 0)
		err = still_open(t, io);
	return err == 0 ? ramet__interrupted(io->loop) : err;
}

int ramet__tls_wait(struct tls_layer *t, struct io *io)
{
	int err = ramet__io_wait(io);

	return err == 0 ? still_open(t, io) : err;
}

/* It has what it waited for; another ramet may wait for the same. */
static void pass_on(const struct io *io, enum wait wait)
{
	struct ramet_waitq *q =
		wait == WAIT_READ ? &io->fd->readers : &io->fd->writers;

	if (unlikely(q->first != NULL))
		ramet__fd_wake_next(q);
}

/* ---- what OpenSSL says -------------------------------------------------- */

static int socket_failed(struct tls_layer *t)
{
	const char *words = strerrordesc_np(-t->bio_err);

	ramet__crypto.ERR_clear_error();
	ramet__tls_say("%s", words ? words : "");
	return t->bio_err;
}

/* What is no record at all is somebody else's protocol. */
static bool began_with(const struct tls_layer *t, const char *text)
{
	return t->seen == 4 && memcmp(t->first, text, 4) == 0;
}

static bool is_record(const struct tls_layer *t)
{
	return t->seen == 4 && t->first[0] >= 20 && t->first[0] <= 23 &&
	       t->first[1] == 3;
}

static int protocol_failed(struct tls_layer *t)
{
	char text[TLS_TEXT];
	int err = ramet__tls_noted(text);

	if (err == -EKEYREJECTED && *ramet_tls_error())
		return err; /* verify.c knew better */
	if (!t->ready && err == -ECONNABORTED)
		ramet__tls_say("the peer went away during the hand-shake");
	else if (!t->ready && err == -EPROTO && began_with(t, "HTTP"))
		ramet__tls_say("not TLS: the peer sent HTTP");
	else if (!t->ready && err == -EPROTO && t->seen == 4 && !is_record(t) &&
		 strncmp(text, "not TLS", 7) != 0)
		ramet__tls_say("not TLS: %s", text);
	else
		ramet__tls_say("%s", text);
	return err;
}

int ramet__tls_result(struct tls_layer *t, int r)
{
	int why = ramet__ssl.SSL_get_error(t->ssl, r);

	if (why == SSL_ERROR_WANT_READ)
		return -EAGAIN;
	if (why == SSL_ERROR_ZERO_RETURN)
		return 0;
	t->broken = why == SSL_ERROR_SYSCALL && t->bio_err ? socket_failed(t)
							   : protocol_failed(t);
	return t->broken;
}

/* ---- hand-shake --------------------------------------------------------- */

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
		err = still_open(t, io);
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
	err = enter(t, &io, WAIT_READ);
	if (err == 0)
		err = start(t, &io, tls);
	if (err < 0 && !t->broken)
		t->broken = err == -EAGAIN ? -EPROTO : err;
	return (int)leave(t, err);
}

/* ---- read --------------------------------------------------------------- */

/* No call is made on a connection whose hands are not shaken. */
static int begin(struct tls_layer *t, struct io *io, enum wait wait)
{
	int err = enter(t, io, wait);

	return err == 0 && !t->ready ? -EINVAL : err;
}

static ssize_t read_some(struct tls_layer *t, struct io *io, void *buf,
			 size_t size)
{
	int r;

	if (size == 0)
		return 0;
	t->io = io;
	ramet__crypto.ERR_clear_error();
	r = ramet__ssl.SSL_read(t->ssl, buf,
				size < INT_MAX ? (int)size : INT_MAX);
	return r > 0 ? r : ramet__tls_result(t, r);
}

ssize_t ramet__tls_read(struct tls_layer *t, void *buf, size_t size)
{
	struct io io;
	ssize_t n = begin(t, &io, WAIT_READ);

	while (n == 0) {
		n = read_some(t, &io, buf, size);
		if (n != -EAGAIN)
			break;
		n = ramet__tls_wait(t, &io);
	}
	if (n >= 0)
		pass_on(&io, WAIT_READ);
	return leave(t, n);
}

bool ramet__tls_pending(struct tls_layer *t)
{
	char byte;
	int r;

	if (!t->ready || t->broken)
		return true;
	if (ramet__ssl.SSL_pending(t->ssl) > 0)
		return true;
	if (!ramet__ssl.SSL_has_pending(t->ssl))
		return false;
	/* A record has come, or a part of one. */
	t->io = NULL;
	t->sealed = true;
	ramet__crypto.ERR_clear_error();
	r = ramet__ssl.SSL_peek(t->ssl, &byte, 1);
	if (r <= 0)
		r = ramet__tls_result(t, r);
	t->sealed = false;
	return r != -EAGAIN;
}

/* ---- write -------------------------------------------------------------- */

static int begin_write(struct tls_layer *t, struct io *io)
{
	int err = begin(t, io, WAIT_WRITE);

	if (err == 0 && t->mute) {
		ramet__tls_say("nothing can be written after the end");
		err = -EPIPE;
	}
	return err == 0 ? ramet__tls_flush(t, io) : err;
}

/* One record, and what had to wait before it.  With more to come it may wait
 * for that. */
static int write_record(struct tls_layer *t, struct io *io, const void *data,
			size_t size, bool more)
{
	int r;

	t->io = io;
	t->more = more;
	ramet__crypto.ERR_clear_error();
	r = ramet__ssl.SSL_write(t->ssl, data, (int)size);
	t->more = false;
	if (r <= 0) {
		r = ramet__tls_result(t, r);
		return r < 0 && r != -EAGAIN ? r : -EPIPE;
	}
	return tls_has_output(t) && !more ? ramet__tls_flush(t, io) : 0;
}

/* Short pieces share a record, with the beginning of a long one. */
static __attribute__((noinline)) ssize_t write_together(struct tls_layer *t,
							struct io *io,
							const struct iovs *v)
{
	char data[TOGETHER];
	size_t size = 0, total = iov_total(v->next, v->count);
	int err;

	for (size_t i = 0; i < v->count && size < sizeof data; i++) {
		const struct iovec *piece = &v->next[i];
		size_t some = piece->iov_len;

		if (some > sizeof data - size)
			some = sizeof data - size;
		memcpy(data + size, piece->iov_base, some);
		size += some;
	}
	err = write_record(t, io, data, size, size < total);
	return err < 0 ? err : (ssize_t)size;
}

static ssize_t write_next(struct tls_layer *t, struct io *io,
			  const struct iovs *v)
{
	size_t size = v->next->iov_len;
	int err;

	if (size < TOGETHER && v->count > 1)
		return write_together(t, io, v);
	if (size > RECORD)
		size = RECORD;
	err = write_record(t, io, v->next->iov_base, size, false);
	return err < 0 ? err : (ssize_t)size;
}

/* Before each record others may run, if it is their turn. */
static int go_on(struct tls_layer *t, struct io *io)
{
	int err;

	io->wait = WAIT_WRITE;
	err = ramet__io_go_on(io);
	return err == 0 ? still_open(t, io) : err;
}

static ssize_t write_all(struct tls_layer *t, struct io *io, struct iovs *v)
{
	ssize_t done = 0;

	iovs_skip(v, 0); /* empty ones */
	while (v->count) {
		ssize_t n = write_next(t, io, v);

		if (n < 0)
			return n;
		done += n;
		iovs_skip(v, (size_t)n);
		n = v->count ? go_on(t, io) : 0;
		if (n < 0)
			return n;
	}
	return done;
}

ssize_t ramet__tls_writev(struct tls_layer *t, struct iovec *iov, size_t count)
{
	struct iovs v = {.next = iov, .count = count};
	struct io io;
	ssize_t n = begin_write(t, &io);

	if (n == 0)
		n = write_all(t, &io, &v);
	if (n >= 0)
		pass_on(&io, WAIT_WRITE);
	return leave(t, n);
}

static ssize_t write_part(struct tls_layer *t, struct io *io, struct io *in,
			  struct iovec part, off_t offset)
{
	ssize_t n = ramet__file_readv(in, &part, 1, offset);
	int err;

	if (n <= 0)
		return n;
	err = go_on(t, io);
	if (err == 0)
		err = write_record(t, io, part.iov_base, (size_t)n, false);
	return err < 0 ? err : n;
}

static ssize_t write_file(struct tls_layer *t, struct io *io, struct io *in,
			  off_t offset, size_t size)
{
	char *data = kernel_alloc(size < RECORD ? size + 1 : RECORD);
	size_t done = 0;
	ssize_t n = data ? 1 : -ENOMEM;

	while (n > 0 && done < size) {
		struct iovec part = {data, size - done < RECORD ? size - done
								: RECORD};

		n = write_part(t, io, in, part, offset + (off_t)done);
		if (n > 0)
			done += (size_t)n;
	}
	kernel_free(data);
	return n < 0 ? n : (ssize_t)done;
}

ssize_t ramet__tls_sendfile(struct tls_layer *t, int fd, off_t offset,
			    size_t size)
{
	struct io io, in;
	ssize_t n = begin_write(t, &io);

	if (n == 0) /* what can be read of a socket is no matter */
		n = ramet__io_begin(&in, fd, WAIT_WRITE);
	if (n == 0)
		n = offset < 0 ? -EINVAL
			       : write_file(t, &io, &in, offset, size);
	if (n >= 0)
		pass_on(&io, WAIT_WRITE);
	return leave(t, n);
}

/* ---- the end ------------------------------------------------------------ */

/* Say that this is our end.  What OpenSSL says of it depends on whether the
 * peer has said so too. */
static int say_goodbye(struct tls_layer *t, struct io *io)
{
	int r;

	t->io = io;
	ramet__crypto.ERR_clear_error();
	r = ramet__ssl.SSL_shutdown(t->ssl);
	if (r < 0)
		r = ramet__tls_result(t, r);
	return r < 0 && r != -EAGAIN ? r : 0;
}

static int shut(struct tls_layer *t, struct io *io)
{
	int err = t->mute ? 0 : ramet__tls_flush(t, io);

	if (err < 0 || t->mute)
		return err;
	err = say_goodbye(t, io);
	if (err == 0)
		err = ramet__tls_flush(t, io);
	if (err < 0)
		return err;
	t->mute = true;
	return kernel_shutdown(t->number, SHUT_WR);
}

int ramet__tls_shutdown(struct tls_layer *t)
{
	struct io io;
	int err = begin(t, &io, WAIT_WRITE);

	if (err == 0)
		err = shut(t, &io);
	return (int)leave(t, err);
}

/* Tickets that nobody has read would make of a close a reset, which may destroy
 * what the peer has not read yet. */
static void drop_input(const struct tls_layer *t)
{
	char tickets[1024];

	if (!t->tls->server && !t->ended)
		kernel_recvfrom(t->number, tickets, sizeof tickets,
				MSG_DONTWAIT, NULL, NULL);
}

void ramet__tls_close(struct tls_layer *t)
{
	t->closed = true;
	if (ramet__number_is(t->number, t->generation)) {
		if (t->ready && !t->broken && !t->mute && !tls_has_output(t))
			say_goodbye(t, NULL);
		if (t->ready)
			drop_input(t);
	}
	leave(t, 0);
}
