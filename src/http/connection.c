/* connection.c - the life of a connection: requests, one after the other.
 *
 * All that a connection holds hangs on its struct, which a defer of its ramet
 * releases: the handler may be killed, and then nothing here goes on.
 */
#include "http/server.h"

#include "io/fd.h"
#include "io/sock.h"
#include "kernel/calls.h"

#include <string.h>

/* ---- the end of one ------------------------------------------------------ */

/* Whether the answer ends where the connection does, and is not whole. */
static bool is_cut(const struct ramet_http *h)
{
	return h && (h->stage == HTTP_BEGUN || h->write_error) && !h->sized &&
	       !h->chunked && !h->no_body;
}

/* However its ramet ends. */
static void release(void *arg)
{
	struct http_conn *c = arg;
	struct ramet_http_server *s = c->server;
	struct ramet_conn *conn = c->conn;
	bool cut = is_cut(c->h);

	if (c->h && c->h->guest)
		c->h->end_guest(c->h->guest);
	ramet__late_last_try(c);
	s->stats.busy -= c->busy;
	c->busy = false;
	ramet__exchange_give(c);
	c->conn = NULL;
	if (cut)
		ramet__conn_abort(conn);
	else
		ramet__conn_close(conn);
	if (c->follower)
		ramet__cancel(c->follower);
}

void ramet__conn_unused(struct http_conn *c)
{
	if (!c->ramet && !c->follower)
		kernel_free(c);
}

static void on_end(struct ramet *t)
{
	struct http_conn *c = t->cold->arg;
	struct ramet_http_server *s = c->server;

	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	s->stats.connections--;
	c->ramet = NULL;
	ramet__conn_unused(c);
	ramet__server_has_room(s);
	ramet__server_ended(s, t);
}

/* ---- the end of its use -------------------------------------------------- */

/* Have the peer read our last words: what it has sent and nobody has read would
 * have its kernel throw them away (RFC 9112, 9.6). */
static void linger(struct http_conn *c)
{
	struct ramet_scope scope;
	size_t left = DISCARD_MAX;
	char buf[1024];
	ssize_t n;

	ramet_scope_open(&scope, LINGER_TIME);
	n = ramet__conn_shutdown(c->conn);
	while (n >= 0 && left) {
		n = ramet__sock_recv(c->conn->fd, buf, sizeof buf, 0, NULL,
				     NULL);
		left -= n > 0 && (size_t)n < left ? (size_t)n : left;
	}
	ramet_scope_close(&scope);
}

/* ---- one request --------------------------------------------------------- */

/* Scopes that a handler has left open are its own mistake, and end here. */
static void close_scopes(struct ramet *me)
{
	while (unlikely(me->scope != NULL))
		ramet_scope_close(me->scope);
}

static void call_handler(struct http_conn *c)
{
	struct ramet_http_server *s = c->server;

	c->busy = true;
	s->stats.busy++;
	s->opts.handler(c->h, s->opts.arg);
	c->busy = false;
	s->stats.busy--;
	close_scopes(s->loop->current);
}

/* The answer is whole, or as whole as it will be.  Returns whether another
 * request can follow. */
static bool finish(struct http_conn *c)
{
	struct ramet_http *h = c->h;
	bool next;

	if (h->stage == HTTP_ASKED && !h->write_error)
		ramet__http_fail(h, h->refusal ? h->refusal : 500);
	if (h->stage == HTTP_BEGUN)
		ramet__http_end(h, NULL, 0);
	h->close |= h->stage != HTTP_ANSWERED;
	next = !h->close && (h->body_ended || ramet__body_discard(h));
	ramet__log_answer(h);
	return next;
}

/* What was no good is answered here, and is the last. */
static void refuse(struct http_conn *c, int status)
{
	struct ramet_http *h = c->h;

	c->server->stats.refused += status != 408;
	c->server->stats.timed_out += status == 408;
	h->close = true;
	ramet__http_fail(h, status);
	ramet__log_answer(h);
}

/* Returns whether another can follow. */
static bool serve_request(struct http_conn *c)
{
	int status = ramet__request_prepare(c->h);

	c->served++;
	c->server->stats.requests++;
	if (status) {
		refuse(c, status);
		return false;
	}
	call_handler(c);
	return finish(c);
}

/* ---- all of them --------------------------------------------------------- */

static int start_tls(struct http_conn *c)
{
	struct ramet_scope scope;
	int err;

	if (!c->tls)
		return 0;
	ramet_scope_open(&scope, c->server->opts.head_time);
	err = ramet__conn_start_tls(c->conn, c->server->opts.tls, NULL);
	ramet_scope_close(&scope);
	return err;
}

/* Whether the peer may send, or has sent, what nobody will read; n is what
 * ramet__input_request has said.  Not if it has said that this was all. */
static bool may_send_more(const struct http_conn *c, int n)
{
	const struct ramet_http *h = c->h;

	return n < 0 || (h->stage != HTTP_UPGRADED &&
			 (!h->body_ended || h->in.at < h->in.end ||
			  ramet__head_persists(&h->head)));
}

static void serve_all(struct http_conn *c)
{
	int n;

	if (start_tls(c) < 0 || ramet__exchange_take(c) < 0)
		return;
	while ((n = ramet__input_request(c)) > 0) {
		if (!serve_request(c))
			break;
		ramet__exchange_reset(c->h);
	}
	if (n == 0)
		return;
	if (n < 0)
		refuse(c, -n);
	if (ramet__output_send(c->h, NULL, 0) == 0 && may_send_more(c, n)) {
		ramet__exchange_give(c);
		linger(c);
	}
}

static void *connection(void *arg)
{
	struct http_conn *c = arg;

	if (ramet_defer(release, c) < 0)
		release(c);
	else
		serve_all(c);
	return NULL;
}

/* ---- accepted ------------------------------------------------------------ */

static struct http_conn *new_conn(struct http_listener *from, int fd,
				  const struct sockaddr *addr)
{
	struct http_conn *c = kernel_alloc(sizeof *c);

	if (!c)
		return NULL;
	if (ramet__conn_new(&c->conn, fd) < 0) {
		kernel_free(c);
		return NULL;
	}
	c->server = from->server;
	c->tls = from->tls;
	memcpy(&c->addr, addr, sizeof c->addr);
	return c;
}

static void insert(struct ramet_http_server *s, struct http_conn *c)
{
	c->link = &s->conns;
	c->next = s->conns;
	if (c->next)
		c->next->link = &c->next;
	s->conns = c;
	s->stats.connections++;
	s->stats.accepted++;
}

void ramet__http_accepted(struct http_listener *from, int fd,
			  const struct sockaddr *addr)
{
	struct http_conn *c = new_conn(from, fd, addr);
	int err;

	if (!c) {
		ramet__close(fd);
		return;
	}
	c->idle = true;
	c->ramet =
		ramet__server_spawn(from->server, connection, c, on_end, &err);
	if (c->ramet) {
		insert(from->server, c);
		return;
	}
	ramet__conn_close(c->conn);
	kernel_free(c);
}
