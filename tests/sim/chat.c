/* chat.c - a chat by WebSocket: what one says comes to all, whole and in order;
 * who says goodbye has heard all that he has said.  On either side some are
 * cancelled, or killed, and the others do not notice. */
#include "world.h"

#include <stdio.h>

enum { CLIENTS = 5, SAID_MAX = 6, WORDS_MAX = 1500 };

/* A client on its server's side. */
struct seat {
	struct ramet *handler;
	struct ramet_ws *ws;
};

struct chat {
	struct ramet_http_server *server;
	struct ramet_group serving, clients;
	struct seat seats[CLIENTS];
	struct ramet *guests[CLIENTS];
	struct ramet_ws_opts opts;
	size_t came;
	bool rough; /* connections may end at any time */
	int port;
};

struct guest {
	struct chat *chat;
	struct ramet_ws *ws;
	int id, said;
	int heard[CLIENTS]; /* the latest that each has said */
	bool listens, goodbye, answered;
};

/* Whether a call did what it should, or its connection may have ended. */
static bool fine(const struct chat *c, long r, const char *what)
{
	if (r < 0 && (c->rough || sim_counts()->errors) &&
	    (errno == EPIPE || errno == ECONNABORTED || errno == ECONNRESET))
		return false;
	return good(r, what);
}

/* ---- what is said -------------------------------------------------------- */

/* Who says how manieth, and bytes that follow from it. */
struct words {
	uint8_t id, number;
	char text[WORDS_MAX];
};

static char byte_of(const struct words *w, size_t at)
{
	return (char)(w->id * 31 + w->number * 7 + (int)(at / 5));
}

static size_t make_words(struct words *w, int id, int number)
{
	size_t size = roll(roll(3) ? 60 : WORDS_MAX);

	w->id = (uint8_t)id;
	w->number = (uint8_t)number;
	for (size_t i = 0; i < size; i++)
		w->text[i] = byte_of(w, i);
	return offsetof(struct words, text) + size;
}

static void check_words(const struct words *w, size_t size)
{
	REQUIRE(size >= offsetof(struct words, text) && w->id < CLIENTS,
		"words of nobody");
	for (size_t i = 0; i < size - offsetof(struct words, text); i++)
		REQUIRE(w->text[i] == byte_of(w, i),
			"words have bytes of others");
}

/* ---- the server ---------------------------------------------------------- */

/* A member may leave while he is being told. */
static void tell_all(const struct chat *c, const struct ramet_ws_message *m)
{
	for (int i = 0; i < CLIENTS; i++)
		if (c->seats[i].ws &&
		    ramet_ws_send(c->seats[i].ws, m->kind, m->data, m->size) <
			    0 &&
		    errno != EPIPE)
			fine(c, -1, "telling");
}

static void leave(void *seat)
{
	*(struct seat *)seat = (struct seat){NULL, NULL};
}

static void handle(struct ramet_http *h, void *arg)
{
	struct chat *c = arg;
	struct seat *seat = &c->seats[c->came];
	struct ramet_ws_message m;
	struct ramet_ws *ws;
	int n;

	REQUIRE(c->came++ < CLIENTS, "there are more handlers than clients");
	if (!good(ramet_defer(leave, seat), "deferring"))
		return;
	seat->handler = ramet_self();
	ws = seat->ws = ramet_ws_accept(h, &c->opts);
	if (!fine(c, ws ? 0 : -1, "accepting"))
		return;
	while ((n = ramet_ws_receive(ws, &m)) > 0)
		tell_all(c, &m);
	fine(c, n, "hearing");
	seat->ws = NULL;
	if (roll(2))
		ramet_ws_free(ws);
}

static void *run_server(void *arg)
{
	struct chat *c = arg;

	good(ramet_http_serve(c->server), "serving");
	return NULL;
}

/* ---- clients ------------------------------------------------------------- */

static void hear(struct guest *g, const struct ramet_ws_message *m)
{
	const struct words *w = (const struct words *)m->data;

	check_words(w, m->size);
	REQUIRE(w->number > g->heard[w->id], "words came twice, or late");
	g->heard[w->id] = w->number;
}

/* Who does not listen any more must not go on talking: the others would wait
 * for him. */
static void *listen_to_all(void *arg)
{
	struct guest *g = arg;
	struct chat *c = g->chat;
	struct ramet_ws_message m;
	int n;

	g->listens = true;
	RAMET_WITHIN(PATIENCE) {
		while ((n = ramet_ws_receive(g->ws, &m)) > 0)
			hear(g, &m);
		g->answered = n == 0;
		if (n < 0 && g->goodbye && errno == ECONNABORTED)
			break; /* it could not be answered within a second */
		if (!fine(c, n, "listening"))
			ramet_cancel(c->guests[g->id]);
		else
			REQUIRE(g->goodbye || c->rough || sim_counts()->errors,
				"the server ended it");
	}
	return NULL;
}

static bool say_something(struct guest *g)
{
	struct words w;
	size_t size = make_words(&w, g->id, ++g->said);

	if (!roll(4) && !fine(g->chat, ramet_ws_ping(g->ws, &w, 2), "asking"))
		return false;
	return fine(g->chat, ramet_ws_send(g->ws, RAMET_WS_BINARY, &w, size),
		    "saying");
}

/* Returns whether it went as it should. */
static bool talk(struct guest *g)
{
	for (int n = (int)roll(SAID_MAX); n; n--) {
		if (!say_something(g))
			return false;
		nap(10 * RAMET_MS);
	}
	g->goodbye = true;
	return fine(g->chat, ramet_ws_close(g->ws, 0, NULL), "goodbye");
}

/* Others may still be in a call with what is freed. */
static void take_part(struct guest *g)
{
	ramet_auto_group listeners;
	bool all = false;

	ramet_group_open(&listeners, RAMET_ALL);
	if (go(&listeners, listen_to_all, g)) {
		RAMET_WITHIN(PATIENCE)
			all = talk(g);
		if (all)
			wait_for_all(&listeners);
		else if (roll(2))
			ramet_group_cancel(&listeners);
		RAMET_SHIELD(PATIENCE)
			while (!g->listens)
				nap(RAMET_MS);
	}
	if (g->answered && all && !g->chat->rough && !sim_counts()->errors)
		REQUIRE(g->heard[g->id] == g->said,
			"who said goodbye did not hear his last words");
	ramet_ws_free(g->ws);
}

static void *visit(void *arg)
{
	struct guest *g = arg;
	char url[64];

	g->chat->guests[g->id] = ramet_self();
	nap(20 * RAMET_MS);
	snprintf(url, sizeof url, "ws://127.0.0.1:%d/", g->chat->port);
	RAMET_WITHIN(PATIENCE)
		g->ws = ramet_ws_dial(url, &g->chat->opts);
	if (g->ws)
		take_part(g);
	else
		fine(g->chat, -1, "entering");
	g->chat->guests[g->id] = NULL;
	return NULL;
}

/* ---- together ------------------------------------------------------------ */

static void *make_trouble(void *arg)
{
	struct chat *c = arg;

	for (uint32_t n = roll(4); n; n--) {
		struct ramet *handler, *guest;

		nap(60 * RAMET_MS);
		handler = c->seats[roll(CLIENTS)].handler;
		guest = c->guests[roll(CLIENTS)];
		if (handler && roll(2))
			ramet_kill(handler);
		else if (handler)
			ramet_cancel(handler);
		if (guest)
			ramet_cancel(guest);
	}
	return NULL;
}

static void invite(struct chat *c)
{
	struct guest guests[CLIENTS];
	int n = 1 + (int)roll(CLIENTS);

	ramet_group_open(&c->serving, RAMET_ALL);
	ramet_group_open(&c->clients, RAMET_ALL);
	if (go(&c->serving, run_server, c)) {
		for (int i = 0; i < n; i++) {
			guests[i] = (struct guest){.chat = c, .id = i};
			go(&c->clients, visit, &guests[i]);
		}
		if (c->rough)
			go(&c->clients, make_trouble, c);
	}
	wait_for_all(&c->clients);
	ramet_http_stop(c->server);
	wait_for_all(&c->serving);
	ramet_group_close(&c->clients);
	ramet_group_close(&c->serving);
}

void *scene_chat(void *unused)
{
	struct chat c = {.rough = !roll(3), .opts = {.compress = !roll(4)}};
	struct ramet_http_opts opts = {.handler = handle, .arg = &c};

	(void)unused;
	c.server = ramet_http_server_new(&opts);
	if (!made(c.server, "a server"))
		return NULL;
	c.port = ramet_http_listen(c.server, "http://127.0.0.1:0");
	if (good(c.port, "listening"))
		invite(&c);
	ramet_http_server_free(c.server);
	return NULL;
}
