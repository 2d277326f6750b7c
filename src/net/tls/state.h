/* state.h - one connection's TLS, for the files that make it up. */
#ifndef NET_TLS_STATE_H
#define NET_TLS_STATE_H

#include "io/call.h"
#include "net/tls/context.h"
#include "net/tls/layer.h"
#include "net/tls/openssl.h"

/* No ramet is switched away inside of OpenSSL: what it wants to read that is
 * not there ends the call, and what it wants to write that the socket does not
 * take is put aside.  So its calls follow each other, whoever makes them, and
 * none has to be made again with the same arguments. */
struct tls_layer {
	SSL *ssl; /* NULL until the hand-shake begins */
	struct ramet_tls *tls;
	struct io *io; /* of the call that OpenSSL is in; may be NULL */
	int number;
	uint32_t generation;
	int users;     /* in a call, and the connection itself */
	int broken;    /* -errno: nothing can be done any more */
	int bio_err;   /* what the socket said last: -errno */
	bool ready;    /* hands are shaken */
	bool closed;   /* by its connection */
	bool ended;    /* the socket has no more to read */
	bool mute;     /* our end has been said: no more is sent */
	bool more;     /* of what is written follows at once */
	bool sealed;   /* the socket is not to be read: ramet__tls_pending */
	uint8_t seen;  /* how much of first is known */
	char first[4]; /* what the peer began with */
	bool kernel;   /* it encrypts what we send: kernel.c */
	uint8_t type;  /* of the record that is to be said to it; 0: data */
	size_t unsettled, settle_after; /* bytes since it had room for more */
	/* What the socket has not taken: out[out_start..out_end).  Each part
	 * has a head if the kernel encrypts. */
	char *out;
	size_t out_start, out_end, out_room;
	char *peer;       /* ramet_conn_peer's, once asked for */
	const char *host; /* what the peer must be, or NULL; in room */
	char room[];      /* "host:port", host */
};

/* ---- bio.c: the socket as OpenSSL sees it ------------------------------- */

BIO *ramet__tls_bio(struct tls_layer *t);

/* Behind what there is; -ENOBUFS, -ENOMEM. */
int ramet__tls_put_aside(struct tls_layer *t, const char *data, size_t size);

/* Send what was put aside; waits.  Returns 0 or -errno. */
int ramet__tls_flush(struct tls_layer *t, struct io *io);

static inline bool tls_has_output(const struct tls_layer *t)
{
	return t->out_start < t->out_end;
}

/* ---- kernel.c: kTLS, only of a layer whose `kernel` is set ------------------
 */

/* Whether it is worth asking: never of a kernel that has none. */
bool ramet__ktls_offered(void);

/* Have the kernel encrypt from now on, if it will. */
bool ramet__ktls_start(struct tls_layer *t, const void *keys);

/* What OpenSSL has to say; takes all of it.  Returns 0 or -errno. */
int ramet__ktls_say(struct tls_layer *t, const char *data, size_t size);

/* A part of what was put aside.  Returns 0 or more, or -errno: -EAGAIN. */
ssize_t ramet__ktls_send_aside(struct tls_layer *t);

struct iovs;

/* Return what went out, or -errno. */
ssize_t ramet__ktls_writev(struct tls_layer *t, struct io *io, struct iovs *v);
ssize_t ramet__ktls_sendfile(struct tls_layer *t, struct io *io, int fd,
			     off_t offset, size_t size);

/* Wait until nothing of it would be lost by a close.  Returns 0 or -errno. */
int ramet__ktls_settle(struct tls_layer *t, struct io *io);

/* ---- verify.c ----------------------------------------------------------- */

/* The peer must be t->host.  Returns 0 or -errno. */
int ramet__tls_expect(struct tls_layer *t);

/* ---- layer.c ------------------------------------------------------------ */

/* What the call on t->ssl came to that returned r <= 0: 0 at the peer's end,
 * -EAGAIN: something must come first; else -errno, and it is broken. */
int ramet__tls_result(struct tls_layer *t, int r);

/* A call begins; one on a connection whose hands are shaken.  Return 0 or
 * -errno; it is to be ended in any case. */
int ramet__tls_call_begin(struct tls_layer *t, struct io *io, enum wait wait);
int ramet__tls_call_on(struct tls_layer *t, struct io *io, enum wait wait);

/* It ends: passes n on, and t may be gone. */
ssize_t ramet__tls_call_end(struct tls_layer *t, ssize_t n);

/* Wait for io->wait.  Returns 0 or -errno. */
int ramet__tls_wait(struct tls_layer *t, struct io *io);

/* Let others run if it is their turn.  Returns 0 or -errno. */
int ramet__tls_go_on(struct tls_layer *t, struct io *io);

/* After others may have run.  Returns 0 or -errno: -EBADF, or what broke it. */
int ramet__tls_still_open(const struct tls_layer *t, const struct io *io);

static inline const char *tls_key(const struct tls_layer *t)
{
	return t->room;
}

#endif
