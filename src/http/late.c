/* late.c - answers that are held back.
 *
 * Answers to requests that came in one piece go out in one piece.  Nobody waits
 * for that: an answer that is held back while the next request is handled is
 * sent by another ramet as soon as that handler waits for something.  What of
 * it does not fit into the socket then follows by a ramet of its own.
 */
#include "http/server.h"

#include "io/sock.h"
#include "kernel/calls.h"

void ramet__late_forget(struct http_conn *c)
{
	c->stuck = false;
	if (likely(!c->late_link))
		return;
	*c->late_link = c->late_next;
	if (c->late_next)
		c->late_next->late_link = c->late_link;
	c->late_link = NULL;
}

/* As much as goes at once; its ramet does the rest, and finds the errors.
 * Nothing here lets others run.  Returns whether something is left that can be
 * sent later. */
static bool send_now(struct http_conn *c)
{
	struct http_output *out = &c->h->out;
	uint32_t end = c->h->chunk_open ? c->h->chunk_at : out->end;
	ssize_t n;

	do
		n = kernel_sendto(c->conn->fd, out->data + out->at,
				  end - out->at, MSG_NOSIGNAL | MSG_DONTWAIT,
				  NULL, 0);
	while (n == -EINTR);
	if (n < 0)
		return n == -EAGAIN;
	out->at += (uint32_t)n;
	c->server->stats.bytes_out += (uint64_t)n;
	return out->at < end;
}

void ramet__late_last_try(struct http_conn *c)
{
	ramet__late_forget(c);
	if (c->h && c->h->out.at < c->h->out.end && !c->tls)
		send_now(c);
}

/* ---- what does not fit --------------------------------------------------- */

static int wait_writable(const struct http_conn *c)
{
	struct pollfd p = {c->conn->fd, POLLOUT, 0};
	struct ramet_scope scope;
	int n;

	ramet_scope_open(&scope, c->server->opts.write_time);
	n = ramet__sock_poll(&p, 1);
	ramet_scope_close(&scope);
	return n < 0 ? n : 0;
}

/* Until all is sent, by whomever, or it cannot go on, which its ramet finds. */
static void *follow(void *arg)
{
	struct http_conn *c = arg;

	while (c->stuck && wait_writable(c) == 0 && c->stuck)
		c->stuck = send_now(c);
	return NULL;
}

static void on_follower_end(struct ramet *t)
{
	struct http_conn *c = t->cold->arg;
	struct ramet_http_server *s = c->server;

	c->follower = NULL;
	ramet__conn_unused(c);
	ramet__server_ended(s, t);
}

static void send_late(struct http_conn *c)
{
	int err;

	c->stuck = send_now(c);
	if (c->stuck && !c->follower)
		c->follower = ramet__server_spawn(c->server, follow, c,
						  on_follower_end, &err);
}

/* ---- soon ---------------------------------------------------------------- */

static void *send_all_late(void *arg)
{
	struct ramet_http_server *s = arg;
	struct http_conn *c;

	s->sender = false;
	while ((c = s->late)) {
		ramet__late_forget(c);
		send_late(c);
	}
	return NULL;
}

static void on_sender_end(struct ramet *t)
{
	ramet__server_ended(t->cold->arg, t);
}

/* Have it sent when others run.  Returns 0 or -errno. */
static int be_late(struct http_conn *c)
{
	struct ramet_http_server *s = c->server;
	int err = 0;

	if (c->late_link)
		return 0;
	if (!s->sender) {
		s->sender = ramet__server_spawn(s, send_all_late, s,
						on_sender_end, &err);
		if (!s->sender)
			return err;
	}
	c->late_next = s->late;
	if (s->late)
		s->late->late_link = &c->late_next;
	c->late_link = &s->late;
	s->late = c;
	return 0;
}

int ramet__output_send_soon(struct ramet_http *h)
{
	struct http_conn *c = h->link;
	bool more = h->in.at < h->in.end && h->body_ended && !h->close;

	if (more && !c->tls && h->out.end - h->out.at < OUTPUT_GATHER &&
	    be_late(c) == 0)
		return 0;
	return ramet__output_send(h, NULL, 0);
}
