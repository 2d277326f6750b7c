/* ws.c - receiving, closing, and the public calls of both sides. */
#include "http/ws/ws.h"

#include "http/client/client.h"
#include "io/sock.h"
#include "kernel/calls.h"
#include "sync/sync.h"

#include <string.h>
#include <sys/socket.h>

enum { MESSAGE_MAX = 1 << 20 };

/* ---- new and gone -------------------------------------------------------- */

struct ramet_ws *ramet__ws_new(struct ramet_conn *conn, bool client,
			       const struct ramet_ws_opts *opts)
{
	struct ramet_ws *ws = kernel_alloc(sizeof *ws);

	if (!ws)
		return NULL;
	ws->conn = conn;
	ws->loop = ramet__loop();
	ws->in.rules.masked = !client;
	ws->in.message_max =
		opts && opts->message_max ? opts->message_max : MESSAGE_MAX;
	if (ws->in.message_max > PTRDIFF_MAX / 4)
		ws->in.message_max = PTRDIFF_MAX / 4;
	return ws;
}

int ramet__ws_begin(struct ramet_ws *ws)
{
	const struct ws_deflate *d = &ws->agreed;

	ws->in.rules.compress = d->on;
	ws->in.zip_bits = ws->h ? d->client_bits : d->server_bits;
	ws->in.zip_resets = ws->h ? d->client_resets : d->server_resets;
	if (!ws->h || d->on)
		ws->out = kernel_alloc(WS_OUT);
	return ws->h && !d->on ? 0 : ws->out ? 0 : -ENOMEM;
}

void ramet__ws_release(struct ramet_ws *ws)
{
	if (ws->h && ws->h->guest == ws)
		ws->h->guest = NULL;
	ramet__ws_in_fini(&ws->in);
	ramet__zip_out_free(ws->zip);
	kernel_free(ws->out);
	kernel_free(ws->protocol);
	kernel_free(ws);
}

/* ---- the end ------------------------------------------------------------- */

static int ended(struct ramet_ws *ws, int end, int code)
{
	ws->ended = true;
	ws->end = end;
	ws->code = code;
	return end;
}

/* It went away.  What another calls the end of the connection is one thing. */
static int gone(struct ramet_ws *ws, ssize_t err)
{
	if (err == -ENOMEM || ramet__ws_is_stopped(ws, err))
		return (int)err;
	ramet__ws_break(ws);
	return ended(ws, err == -EPROTO ? -EPROTO : -ECONNABORTED, 1006);
}

/* Say so, but wait for that not long: the peer may not be reading, and somebody
 * wait for that in the middle of a message.  Who has run out of time himself
 * says it when he frees it. */
static void say_close(struct ramet_ws *ws, unsigned code, const char *reason,
		      size_t size)
{
	struct ramet_scope scope;
	int err;

	ramet_scope_open(&scope, WS_CLOSE_TIME);
	err = ramet__ws_send_close(ws, code, reason, size);
	ramet_scope_close(&scope);
	if (err < 0 && !ws->close_sent && ramet__interrupted(ws->loop) == 0)
		ramet__ws_break(ws);
}

/* RFC 6455, 7.1.7, with the code that says why. */
static int fail(struct ramet_ws *ws, int err)
{
	unsigned code = err == -EPROTO     ? 1002
			: err == -EMSGSIZE ? 1009
			: err == -ENOMEM   ? 1011
					   : 1007;

	ended(ws, err == -EBADMSG ? -EPROTO : err, 1006);
	say_close(ws, code, NULL, 0);
	return ws->end;
}

/* ---- control frames ------------------------------------------------------ */

static int take_close(struct ramet_ws *ws)
{
	const char *reason;
	size_t size;
	int code = ramet__ws_in_close(&ws->in, &reason, &size);

	if (code < 0)
		return fail(ws, code);
	memcpy(ws->reason, reason, size);
	ws->reason[size] = 0;
	ended(ws, 0, code);
	if (!ws->close_sent)
		say_close(ws, (unsigned)code, NULL, 0);
	return 0;
}

static void take_ping(struct ramet_ws *ws)
{
	ws->pong_size = ws->in.control_size;
	memcpy(ws->pong, ws->in.control, ws->pong_size);
	ws->pong_due = true;
	ramet__ws_send_pong(ws);
}

static int take_control(struct ramet_ws *ws)
{
	switch (ws->in.frame.opcode) {
	case WS_CLOSE:
		return take_close(ws);
	case WS_PING:
		take_ping(ws);
		break;
	case WS_PONG:
		ws->pong_at = kernel_now();
		break;
	}
	return 0;
}

/* ---- messages ------------------------------------------------------------ */

static ssize_t read_some(struct ramet_ws *ws, void *buf, size_t size)
{
	if (ws->h)
		return ramet__http_raw_read(ws->h, buf, size);
	return ramet__link_read(ws->link, buf, size);
}

/* Whether there is more to read than the socket tells of. */
static bool has_read_ahead(const struct ramet_ws *ws)
{
	if (ramet__conn_pending(ws->conn))
		return true;
	return ws->h ? ws->h->in.at < ws->h->in.end
		     : ws->link->start < ws->link->end;
}

/* A pong that found no room goes out when there is some. */
static int wait_with_pong(struct ramet_ws *ws)
{
	struct pollfd p = {.fd = ws->conn->fd, .events = POLLIN | POLLOUT};
	int n = 0;

	while (n >= 0 && ramet__ws_pong_is_ours(ws) && !has_read_ahead(ws) &&
	       !(p.revents & ~POLLOUT)) {
		n = ramet__sock_poll(&p, 1);
		ramet__ws_send_pong(ws);
	}
	return n < 0 ? n : 0;
}

/* Returns 0 or what ramet_ws_receive does. */
static int fill(struct ramet_ws *ws)
{
	size_t size;
	char *to = ramet__ws_in_room(&ws->in, &size);
	ssize_t n;

	if (!to)
		return fail(ws, -ENOMEM);
	n = wait_with_pong(ws);
	if (n == 0)
		n = read_some(ws, to, size);
	if (n <= 0)
		return gone(ws, n);
	ramet__ws_in_add(&ws->in, (size_t)n);
	return 0;
}

/* Returns 1, or what ramet_ws_receive does. */
static int next_message(struct ramet_ws *ws)
{
	int r;

	while (!ws->ended) {
		r = ramet__ws_in_next(&ws->in);
		if (r == WS_MESSAGE)
			return 1;
		if (r == WS_NOTHING)
			r = fill(ws);
		else
			r = r < 0 ? fail(ws, r) : take_control(ws);
		if (r < 0)
			return r;
	}
	return ws->end;
}

/* ---- calls --------------------------------------------------------------- */

static int enter(struct ramet_ws *ws)
{
	if (unlikely(ws->loop != ramet__loop()))
		return (int)ramet__misuse(-EPERM);
	ws->users++;
	ramet__point(ws->loop);
	return 0;
}

static int leave(struct ramet_ws *ws, int result)
{
	if (--ws->users == 0 && ws->freer && ws->freer->state == STATE_PARKED)
		ramet__wake(ws->freer, 0);
	return (int)ramet__ret(result);
}

static int receive(struct ramet_ws *ws, struct ramet_ws_message *msg)
{
	int r = ramet__interrupted(ws->loop);

	if (r < 0)
		return r;
	if (ws->leaving)
		return -ECONNABORTED;
	if (ws->receiving)
		return (int)ramet__misuse(-EBUSY);
	ws->receiving = true;
	ramet__spend(ws->loop); /* messages that have come already */
	r = next_message(ws);
	ws->receiving = false;
	if (r > 0)
		*msg = (struct ramet_ws_message){ws->in.kind, ws->in.data,
						 ws->in.size};
	return r;
}

int ramet_ws_receive(struct ramet_ws *ws, struct ramet_ws_message *msg)
{
	int err = enter(ws);

	if (unlikely(err < 0))
		return (int)ramet__fail(err);
	return leave(ws, receive(ws, msg));
}

static bool is_utf8(const void *text, size_t size)
{
	struct utf8 u = {0};

	return ramet__utf8_read(&u, text, size) && utf8_is_whole(&u);
}

static int send_message(struct ramet_ws *ws, enum ramet_ws_kind kind,
			const void *data, size_t size)
{
	if (kind != RAMET_WS_TEXT && kind != RAMET_WS_BINARY)
		return -EINVAL;
	if (kind == RAMET_WS_TEXT && !is_utf8(data, size))
		return -EILSEQ;
	return ws->ended ? -EPIPE : ramet__ws_send(ws, kind, data, size);
}

int ramet_ws_send(struct ramet_ws *ws, enum ramet_ws_kind kind,
		  const void *data, size_t size)
{
	int err = enter(ws);

	if (unlikely(err < 0))
		return (int)ramet__fail(err);
	return leave(ws, send_message(ws, kind, data, size));
}

static int ping(struct ramet_ws *ws, const void *data, size_t size)
{
	if (size > WS_CONTROL_MAX)
		return -EMSGSIZE;
	if (ws->ended)
		return -EPIPE;
	return ramet__ws_send_control(ws, WS_PING, data, size);
}

int ramet_ws_ping(struct ramet_ws *ws, const void *data, size_t size)
{
	int err = enter(ws);

	if (unlikely(err < 0))
		return (int)ramet__fail(err);
	return leave(ws, ping(ws, data, size));
}

static int say_goodbye(struct ramet_ws *ws, int code, const char *reason)
{
	size_t size = reason ? strlen(reason) : 0;

	if (size > WS_REASON_MAX)
		return -EMSGSIZE;
	if (code && (code < 0 || !ramet__ws_code_valid((unsigned)code)))
		return -EINVAL;
	if (!is_utf8(reason, size))
		return -EINVAL;
	if (ws->ended)
		return -EPIPE;
	return ramet__ws_send_close(ws, code ? (unsigned)code : 1000, reason,
				    size);
}

int ramet_ws_close(struct ramet_ws *ws, int code, const char *reason)
{
	int err = enter(ws);

	if (unlikely(err < 0))
		return (int)ramet__fail(err);
	return leave(ws, say_goodbye(ws, code, reason));
}

/* ---- free ---------------------------------------------------------------- */

/* Bytes that nobody reads would have the kernel reset the connection, and throw
 * away our last words.  A client waits for the server to close (RFC 6455,
 * 7.1.1). */
static void drain(struct ramet_ws *ws)
{
	if (ws->h)
		ramet__conn_shutdown(ws->conn);
	while (read_some(ws, ws->in.buf, WS_BUFFER) > 0)
		;
}

static void part(struct ramet_ws *ws)
{
	struct ramet_scope scope;
	unsigned code = ramet_cancelled() ? 1001 : 1000;

	ws->leaving = true;
	ramet_shield_open(&scope, WS_CLOSE_TIME);
	if (!ws->close_sent && !ws->broken)
		ramet__ws_send_close(ws, code, NULL, 0);
	if (!ws->receiving) {
		while (!ws->broken && next_message(ws) > 0)
			;
		if (!ws->broken && (ws->end < 0 || !ws->h))
			drain(ws);
	}
	ramet_scope_close(&scope);
}

/* Those who wait to send, or to receive, find it gone. */
static void await_users(struct ramet_ws *ws)
{
	if (!ws->users)
		return;
	ramet__ws_break(ws);
	ws->freer = ws->loop->current;
	while (ws->users)
		ramet__park_firm(ws->loop, WAIT_MUTEX, &ws->sending,
				 RAMET_NEVER);
}

static void end(struct ramet_ws *ws)
{
	struct link *link = ws->link;

	part(ws);
	await_users(ws);
	ramet__ws_release(ws);
	ramet__link_close(link);
}

void ramet_ws_free(struct ramet_ws *ws)
{
	int saved = errno;

	if (ws && ws->loop == ramet__loop())
		end(ws);
	else if (ws)
		ramet__misuse(-EPERM);
	errno = saved;
}

/* ---- facts --------------------------------------------------------------- */

int ramet_ws_code(const struct ramet_ws *ws)
{
	return ws->code;
}

const char *ramet_ws_reason(const struct ramet_ws *ws)
{
	return ws->reason;
}

const char *ramet_ws_protocol(const struct ramet_ws *ws)
{
	return ws->protocol ? ws->protocol : "";
}

int ramet_ws_compressed(const struct ramet_ws *ws)
{
	return ws->agreed.on;
}

int64_t ramet_ws_pong_at(const struct ramet_ws *ws)
{
	return ws->pong_at;
}
