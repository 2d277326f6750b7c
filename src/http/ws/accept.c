/* accept.c - the server's side of the opening hand-shake (RFC 6455, 4.2). */
#include "http/ws/ws.h"

#include "http/ws/handshake.h"

#include <string.h>
#include <strings.h>

/* ---- what was asked for -------------------------------------------------- */

/* The one header of that name; NULL: there is none, or *many. */
static const char *only(const struct ramet_http *h, const char *name,
			bool *many)
{
	const struct ramet_http_header *header;
	const char *value = NULL;

	for (size_t i = 0; (header = ramet_http_header_at(h, i)); i++)
		if (strcasecmp(header->name, name) == 0) {
			*many |= value != NULL;
			value = header->value;
		}
	return value;
}

/* All headers of a name are one list. */
static int take_offers(const struct ramet_http *h, struct ws_deflate *d)
{
	const struct ramet_http_header *header;
	int err = 0;

	for (size_t i = 0; (header = ramet_http_header_at(h, i)) && err == 0;
	     i++)
		if (strcasecmp(header->name, "Sec-WebSocket-Extensions") == 0)
			err = ramet__ws_offer_take(header->value, d);
	return err;
}

static bool is_offered(const struct ramet_http *h, const char *protocol,
		       size_t size)
{
	const struct ramet_http_header *header;

	for (size_t i = 0; (header = ramet_http_header_at(h, i)); i++)
		if (strcasecmp(header->name, "Sec-WebSocket-Protocol") == 0 &&
		    ramet__list_has(header->value, protocol, size))
			return true;
	return false;
}

/* The best of ours that the client knows; NULL: none. */
static const char *choose(const struct ramet_http *h, const char *ours,
			  size_t *size)
{
	const char *p;

	while (ours && (p = ramet__list_next(&ours, size)))
		if (is_offered(h, p, *size))
			return p;
	return NULL;
}

/* ---- refusals ------------------------------------------------------------ */

static bool asks_for_websocket(const struct ramet_http *h)
{
	return strcmp(ramet_http_method(h), "GET") == 0 &&
	       ramet_http_version(h) >= 11 && ramet_http_body_size(h) == 0 &&
	       ramet__http_header_has(h, "Upgrade", "websocket") &&
	       ramet__http_header_has(h, "Connection", "upgrade");
}

/* Returns 0, or the status to answer with. */
static int judge(const struct ramet_http *h, const struct ramet_ws_opts *opts,
		 struct ws_deflate *offer)
{
	const char *key, *version, *origin;
	bool many = false;

	if (!asks_for_websocket(h))
		return 400;
	version = only(h, "Sec-WebSocket-Version", &many);
	key = only(h, "Sec-WebSocket-Key", &many);
	origin = only(h, "Origin", &many);
	if (many || !version || !key)
		return 400;
	if (strcmp(version, "13") != 0)
		return 426;
	if (!ramet__ws_key_valid(key) || take_offers(h, offer) < 0)
		return 400;
	if (!ramet__ws_origin_allowed(origin, opts->origins,
				      ramet__http_header(h, "Host")))
		return 403;
	return 0;
}

static int refuse(struct ramet_http *h, int status)
{
	if (status == 426) { /* RFC 6455, 4.2.2; RFC 9110, 15.5.22 */
		ramet__http_set(h, "Upgrade", "websocket");
		ramet__http_set(h, "Sec-WebSocket-Version", "13");
	}
	ramet__http_fail(h, status);
	return status == 403 ? -EACCES : -EPROTO;
}

/* ---- the answer ---------------------------------------------------------- */

static int set_protocol(struct ramet_ws *ws, const char *name, size_t size)
{
	if (!name)
		return 0;
	ws->protocol = kernel_alloc(size + 1);
	if (!ws->protocol)
		return -ENOMEM;
	memcpy(ws->protocol, name, size);
	return ramet__http_set(ws->h, "Sec-WebSocket-Protocol", ws->protocol);
}

static int set_extension(struct ramet_ws *ws)
{
	char text[WS_OFFER_ANSWER];

	if (!ws->agreed.on)
		return 0;
	ramet__ws_offer_answer(&ws->agreed, text);
	return ramet__http_set(ws->h, "Sec-WebSocket-Extensions", text);
}

static int set_headers(struct ramet_ws *ws, const struct ramet_ws_opts *opts)
{
	char accept[WS_ACCEPT];
	size_t size = 0;
	const char *protocol = choose(ws->h, opts->protocols, &size);
	int err;

	ramet__ws_accept_of(ramet__http_header(ws->h, "Sec-WebSocket-Key"),
			    accept);
	err = ramet__http_set(ws->h, "Sec-WebSocket-Accept", accept);
	if (err == 0)
		err = set_protocol(ws, protocol, size);
	return err < 0 ? err : set_extension(ws);
}

/* If it fails, no header of ours is in whatever the handler answers. */
static int answer(struct ramet_ws *ws, const struct ramet_ws_opts *opts)
{
	struct ramet_http *h = ws->h;
	struct http_line **lines_end = h->lines_end;
	int err = ramet__ws_in_init(&ws->in);

	if (err == 0)
		err = ramet__ws_begin(ws);
	if (err == 0)
		err = set_headers(ws, opts);
	if (err == 0)
		err = ramet__http_upgrade(h, "websocket");
	if (err < 0) {
		*lines_end = NULL;
		h->lines_end = lines_end;
	}
	return err;
}

/* ---- accept -------------------------------------------------------------- */

/* A handler may be killed, or return without ramet_ws_free. */
static void end(void *ws)
{
	ramet_ws_free(ws);
}

static int accept_as(struct ramet_http *h, const struct ramet_ws_opts *opts,
		     struct ramet_ws **accepted)
{
	struct ws_deflate offer = {0};
	struct ramet_ws *ws;
	int status, err;

	if (h->stage != HTTP_ASKED)
		return -EALREADY;
	status = judge(h, opts, &offer);
	if (status)
		return refuse(h, status);
	ws = ramet__ws_new(h->conn, false, opts);
	if (!ws)
		return -ENOMEM;
	ws->h = h;
	if (opts->compress && offer.on && ramet__zip_load() == 0)
		ws->agreed = offer;
	err = answer(ws, opts);
	if (err < 0) {
		ramet__ws_release(ws);
		return err;
	}
	h->guest = ws;
	h->end_guest = end;
	*accepted = ws;
	return 0;
}

struct ramet_ws *ramet_ws_accept(struct ramet_http *h,
				 const struct ramet_ws_opts *opts)
{
	static const struct ramet_ws_opts none;
	struct ramet_ws *ws;
	int err = accept_as(h, opts ? opts : &none, &ws);

	if (err < 0) {
		ramet__fail(err);
		return NULL;
	}
	return ws;
}
