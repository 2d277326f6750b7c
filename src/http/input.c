/* input.c - what comes in on a connection, and how long it may take.
 *
 * Between requests a connection waits at first with its exchange, which the
 * next request will need soon; later without, so that it costs little.
 */
#include "http/server.h"

#include "io/fd.h"
#include "io/sock.h"

#include <string.h>

/* ---- reading, within a time ---------------------------------------------- */

ssize_t ramet__input_read(struct ramet_http *h, void *buf, size_t size,
			  int64_t within, bool *own)
{
	struct ramet_scope scope;
	ssize_t n;

	ramet_scope_open(&scope, within);
	n = ramet__conn_read(h->conn, buf, size);
	*own = n == -ETIMEDOUT && scope.expired;
	ramet_scope_close(&scope);
	if (n > 0)
		h->server->stats.bytes_in += (uint64_t)n;
	return n;
}

/* The same without an exchange: wait until there is something to read. */
static int wait_idle(struct http_conn *c, int64_t within)
{
	struct pollfd p = {c->conn->fd, POLLIN, 0};
	struct ramet_scope scope;
	int n;

	ramet_scope_open(&scope, within);
	n = ramet__sock_poll(&p, 1);
	ramet_scope_close(&scope);
	return n < 0 ? n : 0;
}

/* Whether a read would find nothing: it has all been read, and no event came
 * since. */
static bool is_drained(const struct http_conn *c)
{
	const struct fd *f = ramet__fd(c->server->loop, c->conn->fd);

	return f && f->drained && !c->conn->tls;
}

/* As wait_idle, of one that is drained: no system call is needed to know. */
static int wait_drained(struct http_conn *c, int64_t within)
{
	struct loop *l = c->server->loop;
	struct ramet_scope scope;
	int err = ramet__interrupted(l);

	if (err < 0)
		return err;
	ramet_scope_open(&scope, within);
	err = ramet__fd_wait_readable(l, c->conn->fd, 0, WAIT_READ,
				      (const void *)(intptr_t)c->conn->fd,
				      RAMET_NEVER);
	ramet_scope_close(&scope);
	return err;
}

/* ---- room ---------------------------------------------------------------- */

/* Have room after in->end by moving what is not used to a buffer of `size`. */
static int move(struct http_input *in, size_t size, char **old)
{
	char *data = kernel_alloc(size);

	if (!data)
		return -ENOMEM;
	memcpy(data, in->data + in->at, in->end - in->at);
	*old = in->data;
	in->data = data;
	in->size = (uint32_t)size;
	in->end -= in->at;
	in->at = 0;
	return 0;
}

/* For a head: what is not used may be anywhere. */
static int make_head_room(struct http_input *in)
{
	char *old;
	int err;

	if (in->at == in->end)
		in->at = in->end = 0;
	if (in->end < in->size)
		return 0;
	if (in->at) {
		memmove(in->data, in->data + in->at, in->end - in->at);
		in->end -= in->at;
		in->at = 0;
		return 0;
	}
	err = move(in, (size_t)in->size * 2, &old);
	if (err == 0)
		kernel_free(old);
	return err;
}

/* For a body: the head in front of it must stay where it is. */
static int make_body_room(struct ramet_http *h)
{
	enum { ENOUGH = 1024 };
	struct http_input *in = &h->in;
	size_t size = INPUT_BODY;
	char *old;
	int err;

	if (in->at == in->end)
		in->at = in->end = h->body_at;
	if (in->size - in->end >= ENOUGH)
		return 0;
	if (in->at > h->body_at) {
		memmove(in->data + h->body_at, in->data + in->at,
			in->end - in->at);
		in->end -= in->at - h->body_at;
		in->at = h->body_at;
	}
	if (in->size - in->end >= ENOUGH)
		return 0;
	while (size < 2 * (size_t)(in->end - in->at))
		size *= 2;
	err = move(in, size, &old);
	if (err < 0)
		return err;
	h->body_at = 0;
	if (h->kept) /* the head is there, and this was the body's */
		kernel_free(old);
	else
		h->kept = old;
	return 0;
}

ssize_t ramet__input_fill(struct ramet_http *h, bool *own)
{
	struct http_input *in = &h->in;
	int err = make_body_room(h);
	ssize_t n;

	*own = false;
	if (err < 0)
		return err;
	n = ramet__input_read(h, in->data + in->end, in->size - in->end,
			      h->server->opts.body_time, own);
	if (n > 0)
		in->end += (uint32_t)n;
	return n;
}

/* ---- heads --------------------------------------------------------------- */

static ssize_t read_head(struct http_conn *c, int64_t within, bool *own)
{
	struct http_input *in = &c->h->in;
	int err = make_head_room(in);
	ssize_t n;

	*own = false;
	if (err < 0)
		return err;
	n = ramet__input_read(c->h, in->data + in->end, in->size - in->end,
			      within, own);
	if (n > 0)
		in->end += (uint32_t)n;
	return n;
}

/* Wait for a request's first bytes.  Returns whether they have come. */
static bool first_bytes(struct http_conn *c)
{
	int64_t left = c->server->opts.idle_time;
	bool own;
	ssize_t n;

	if (c->h && is_drained(c)) {
		/* Whoever has something to read next takes it, while it is
		 * still in the processor's cache: with 1,000 connections that
		 * is a twentieth of the time a request takes. */
		ramet__exchange_give(c);
		if (wait_drained(c, left) < 0 || ramet__exchange_take(c) < 0)
			return false;
		return read_head(c, left, &own) > 0;
	}
	if (c->h) {
		n = read_head(c, left < IDLE_SOON ? left : IDLE_SOON, &own);
		if (n > 0 || !own || left <= IDLE_SOON)
			return n > 0;
		left -= IDLE_SOON;
		ramet__exchange_give(c);
	}
	if (!ramet__conn_pending(c->conn) && wait_idle(c, left) < 0)
		return false;
	if (ramet__exchange_take(c) < 0)
		return false;
	return read_head(c, left, &own) > 0;
}

/* What is in the input, read on as a head. */
static int parse(struct ramet_http *h)
{
	struct http_input *in = &h->in;
	int n = ramet__head_request(&h->head, &h->server->limits,
				    in->data + in->at, in->end - in->at);

	if (n > 0) {
		h->text = in->data + in->at;
		in->at += (uint32_t)n;
		h->body_at = in->at;
	}
	return n;
}

/* Read on until the head is whole, which it has to be at `when`. */
static int rest_of_head(struct http_conn *c, int64_t when)
{
	int size = 0;

	while (!size) {
		bool own;
		ssize_t n = read_head(c, when - c->server->loop->now, &own);

		if (n == -ENOMEM)
			return -503;
		if (n <= 0)
			return own ? -408 : 0;
		size = parse(c->h);
	}
	return size;
}

int ramet__input_request(struct http_conn *c)
{
	struct ramet_http_server *s = c->server;
	int size = 0;

	if (c->h && c->h->in.at < c->h->in.end) {
		c->h->began = s->loop->now;
		size = parse(c->h);
	}
	if (size)
		return size;
	if (c->h && ramet__output_send(c->h, NULL, 0) < 0)
		return 0;
	if (!c->h || c->h->in.at == c->h->in.end) {
		c->idle = true;
		if (s->stopping || !first_bytes(c))
			return 0;
		c->idle = false;
		c->h->began = s->loop->now;
		size = parse(c->h);
	}
	return size ? size
		    : rest_of_head(c,
				   time_add(s->loop->now, s->opts.head_time));
}
