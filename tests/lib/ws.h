/* ws.h - a server and a client of WebSocket, both ours, for the tests of it. */
#ifndef TEST_WS_H
#define TEST_WS_H

#include "http.h"

static struct ramet_ws_opts server_opts, client_opts;
static void (*with)(struct ramet_ws *ws); /* what the handler does */
static int refused;                       /* errno of accept */

static inline void handle(struct ramet_http *h, void *arg)
{
	struct ramet_ws *ws = ramet_ws_accept(h, &server_opts);

	(void)arg;
	refused = ws ? 0 : errno;
	if (!ws)
		return;
	with(ws);
	ramet_ws_free(ws);
}

static struct served served;
static const struct ramet_http_opts http = {.handler = handle};

static inline void begin(void (*fn)(struct ramet_ws *))
{
	with = fn;
	served = serve(&http);
	start(&served);
}

static inline struct ramet_ws *dial_server(void)
{
	char url[64];

	snprintf(url, sizeof url, "ws://127.0.0.1:%d/chat", served.port);
	return ramet_ws_dial(url, &client_opts);
}

static inline struct ramet_ws *connected(void)
{
	return made(dial_server());
}

static inline void echo(struct ramet_ws *ws)
{
	struct ramet_ws_message m;

	while (ramet_ws_receive(ws, &m) == 1)
		CHECK_EQ(ramet_ws_send(ws, m.kind, m.data, m.size), 0);
}

static inline void send_and_compare(struct ramet_ws *ws,
				    enum ramet_ws_kind kind, const char *data,
				    size_t size)
{
	struct ramet_ws_message m;

	CHECK_EQ(ramet_ws_send(ws, kind, data, size), 0);
	CHECK_EQ(ramet_ws_receive(ws, &m), 1);
	CHECK_EQ(m.kind, kind);
	CHECK_EQ(m.size, size);
	CHECK(memcmp(m.data, data, size) == 0);
	CHECK_EQ(m.data[size], 0);
}

#endif
