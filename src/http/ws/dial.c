/* dial.c - the client's side of the opening hand-shake (RFC 6455, 4.1). */
#include "http/ws/ws.h"

#include "http/chars.h"
#include "http/client/client.h"
#include "http/ws/handshake.h"
#include "kernel/calls.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>

enum { HEAD_MAX = 16384, INTERIM_MAX = 8 };

struct dial {
	const struct ramet_ws_opts *opts;
	struct url url;
	char key[WS_KEY];
	struct link *link;
	struct ramet_ws *ws;
};

/* ---- what the program wants ---------------------------------------------- */

static bool is_ours(const char *name)
{
	static const char *const ours[] = {"Connection", "Content-Length",
					   "Host", "Transfer-Encoding",
					   "Upgrade"};

	for (size_t i = 0; i < countof(ours); i++)
		if (strcasecmp(name, ours[i]) == 0)
			return true;
	return strncasecmp(name, "Sec-WebSocket-", 14) == 0;
}

static int check(struct dial *d, const char *text)
{
	const struct ramet_ws_opts *o = d->opts;

	if (!text || ramet__url_parse(&d->url, text) < 0 || !d->url.websocket)
		return -EINVAL;
	if (strchr(text, '#')) /* RFC 6455, 3 */
		return -EINVAL;
	for (size_t i = 0; i < o->header_count; i++) {
		const struct ramet_http_header *h = &o->headers[i];

		if (!h->name || !h->value || is_ours(h->name) ||
		    !ramet__is_token(h->name, strlen(h->name)) ||
		    !ramet__is_value(h->value, strlen(h->value)))
			return -EINVAL;
	}
	return o->protocols && !ramet__ws_protocols_valid(o->protocols)
		       ? -EINVAL
		       : 0;
}

/* ---- the request --------------------------------------------------------- */

static void put(struct text *t, const char *name, const char *value)
{
	ramet__text_put(t, name);
	ramet__text_put(t, ": ");
	ramet__text_put(t, value);
	ramet__text_put(t, "\r\n");
}

static void put_target(struct text *t, const struct url *url)
{
	ramet__text_put(t, "GET ");
	if (!url->target_size || url->target[0] != '/')
		ramet__text_put(t, "/");
	ramet__text_add(t, url->target, url->target_size);
	ramet__text_put(t, " HTTP/1.1\r\nHost: ");
	ramet__text_host(t, url, false);
	ramet__text_put(t, "\r\n");
}

static int put_user(struct text *t, const struct url *url)
{
	char *basic;
	int err = 0;

	if (!url->user)
		return 0;
	basic = ramet__basic(url, &err);
	if (basic)
		put(t, "Authorization", basic);
	kernel_free(basic);
	return err;
}

static int compose(struct dial *d, struct text *t, bool compress)
{
	const struct ramet_ws_opts *o = d->opts;
	int err;

	put_target(t, &d->url);
	ramet__text_put(t, "Upgrade: websocket\r\nConnection: Upgrade\r\n"
			   "Sec-WebSocket-Version: 13\r\n");
	put(t, "Sec-WebSocket-Key", d->key);
	if (o->protocols)
		put(t, "Sec-WebSocket-Protocol", o->protocols);
	if (compress)
		put(t, "Sec-WebSocket-Extensions", WS_OFFER);
	err = put_user(t, &d->url);
	for (size_t i = 0; i < o->header_count; i++)
		put(t, o->headers[i].name, o->headers[i].value);
	ramet__text_put(t, "\r\n");
	return err < 0 ? err : t->err;
}

static int ask(struct dial *d)
{
	struct text t = {0};
	uint8_t nonce[WS_NONCE];
	bool compress = d->opts->compress && ramet__zip_load() == 0;
	long n = kernel_call(SYS_getrandom, KERNEL_ARG(nonce), sizeof nonce, 0,
			     0, 0, 0);

	if (n != sizeof nonce)
		return n < 0 ? (int)n : -EAGAIN;
	ramet__ws_key(nonce, d->key);
	n = compose(d, &t, compress);
	if (n == 0)
		n = ramet__conn_writev(d->link->conn,
				       &(struct iovec){t.data, t.size}, 1);
	ramet__text_free(&t);
	return n < 0 ? (int)n : 0;
}

/* ---- the answer ---------------------------------------------------------- */

struct answer {
	bool upgrade, connection, accept, protocol, extension;
};

static bool has_word(const char *list, const char *word)
{
	const char *p;
	size_t n;

	while ((p = ramet__list_next(&list, &n)))
		if (text_is(p, n, word))
			return true;
	return false;
}

/* One that was asked for, and once. */
static int take_protocol(struct dial *d, struct answer *a, const char *value)
{
	size_t n = strlen(value);
	const char *asked = d->opts->protocols;

	if (a->protocol || !asked || !ramet__list_has(asked, value, n))
		return -EPROTO;
	a->protocol = true;
	d->ws->protocol = ramet__text_copy(value, n);
	return d->ws->protocol ? 0 : -ENOMEM;
}

static int take_extension(struct dial *d, const char *value)
{
	if (!d->opts->compress || ramet__zip_load() < 0)
		return -EPROTO;
	return ramet__ws_offer_answered(value, &d->ws->agreed);
}

static int take_accept(struct dial *d, struct answer *a, const char *value)
{
	char accept[WS_ACCEPT];

	ramet__ws_accept_of(d->key, accept);
	if (a->accept || strcmp(value, accept) != 0)
		return -EPROTO;
	a->accept = true;
	return 0;
}

static int take_field(struct dial *d, struct answer *a, const char *name,
		      const char *value)
{
	if (strcasecmp(name, "Upgrade") == 0) {
		a->upgrade = strcasecmp(value, "websocket") == 0;
		return a->upgrade ? 0 : -EPROTO;
	}
	if (strcasecmp(name, "Connection") == 0)
		a->connection |= has_word(value, "upgrade");
	if (strcasecmp(name, "Sec-WebSocket-Accept") == 0)
		return take_accept(d, a, value);
	if (strcasecmp(name, "Sec-WebSocket-Protocol") == 0)
		return take_protocol(d, a, value);
	if (strcasecmp(name, "Sec-WebSocket-Extensions") == 0)
		return take_extension(d, value);
	return 0;
}

/* The head has no NUL in it, and is thrown away afterwards: what ends a name or
 * a value makes room for one. */
static char *cut(char *head, struct http_text text)
{
	head[text.at + text.size] = 0;
	return head + text.at;
}

static int judge(struct dial *d)
{
	const struct http_head *head = &d->link->head;
	char *text = d->link->buf + d->link->start;
	struct answer a = {0};
	int err = head->version < 11 ? -EPROTO : 0;

	for (uint32_t i = 0; i < head->field_count && err == 0; i++) {
		char *value = cut(text, head->fields[i].value);

		err = take_field(d, &a, cut(text, head->fields[i].name), value);
	}
	if (err == 0 && !(a.upgrade && a.connection && a.accept))
		err = -EPROTO;
	return err;
}

static int await_answer(struct dial *d)
{
	ssize_t n;
	int err;

	ramet__head_init(&d->link->head);
	for (int i = 0; i < INTERIM_MAX; i++) {
		n = ramet__link_head(d->link, HEAD_MAX, false);
		if (n < 0)
			return n == -EMSGSIZE ? -EPROTO : (int)n;
		if (d->link->head.status == 101) {
			err = judge(d);
			d->link->start += (size_t)n;
			return err;
		}
		if (d->link->head.status >= 200)
			return -ECONNREFUSED;
		ramet__link_interim(d->link, (size_t)n);
	}
	return -EPROTO;
}

/* ---- dial ---------------------------------------------------------------- */

static int open_link(struct dial *d)
{
	char address[URL_HOST + 32];
	struct ramet_conn *conn;
	int err;

	snprintf(address, sizeof address, "%s://%s%s%s:%u",
		 d->url.tls ? "tls" : "tcp", d->url.ipv6 ? "[" : "",
		 d->url.host, d->url.ipv6 ? "]" : "", d->url.port);
	err = ramet__conn_dial(&conn, address, d->opts->tls);
	if (err < 0)
		return err;
	d->link = ramet__link_new(conn, "");
	if (!d->link)
		ramet__conn_close(conn);
	return d->link ? 0 : -ENOMEM;
}

static int open_ws(struct dial *d)
{
	int err;

	d->ws = ramet__ws_new(d->link->conn, true, d->opts);
	if (!d->ws)
		return -ENOMEM;
	err = ramet__ws_in_init(&d->ws->in);
	if (err == 0)
		err = ask(d);
	if (err == 0)
		err = await_answer(d);
	return err < 0 ? err : ramet__ws_begin(d->ws);
}

static int dial(struct dial *d, const char *url)
{
	int err = check(d, url);

	if (err == 0)
		err = open_link(d);
	if (err < 0)
		return err;
	err = open_ws(d);
	if (err == 0) {
		d->ws->link = d->link;
		return 0;
	}
	if (d->ws)
		ramet__ws_release(d->ws);
	ramet__link_close(d->link);
	return err;
}

struct ramet_ws *ramet_ws_dial(const char *url,
			       const struct ramet_ws_opts *opts)
{
	static const struct ramet_ws_opts none;
	struct dial d = {.opts = opts ? opts : &none};
	int err = ramet__loop() ? dial(&d, url) : -ENOMEM;

	if (err < 0) {
		ramet__fail(err);
		return NULL;
	}
	return d.ws;
}
