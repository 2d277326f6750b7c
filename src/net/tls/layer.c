/* layer.c - a call begins, waits and ends; and what OpenSSL says came of it. */
#include "net/tls/state.h"

#include <string.h>

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

ssize_t ramet__tls_call_end(struct tls_layer *t, ssize_t n)
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

int ramet__tls_still_open(const struct tls_layer *t, const struct io *io)
{
	return t->closed || io->generation != t->generation ? -EBADF
							    : t->broken;
}

int ramet__tls_call_begin(struct tls_layer *t, struct io *io, enum wait wait)
{
	int err;

	ramet__tls_hush();
	t->users++;
	err = ramet__io_begin(io, t->number, WAIT_NONE); /* lets others run */
	io->wait = wait;
	if (err == 0)
		err = ramet__tls_still_open(t, io);
	return err == 0 ? ramet__interrupted(io->loop) : err;
}

int ramet__tls_wait(struct tls_layer *t, struct io *io)
{
	int err = ramet__io_wait(io);

	return err == 0 ? ramet__tls_still_open(t, io) : err;
}

int ramet__tls_go_on(struct tls_layer *t, struct io *io)
{
	int err;

	io->wait = WAIT_WRITE;
	err = ramet__io_go_on(io);
	return err == 0 ? ramet__tls_still_open(t, io) : err;
}

/* No call is made on a connection whose hands are not shaken. */
int ramet__tls_call_on(struct tls_layer *t, struct io *io, enum wait wait)
{
	int err = ramet__tls_call_begin(t, io, wait);

	return err == 0 && !t->ready ? -EINVAL : err;
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
