/* fetches.c - HTTP clients that share their connections, and a server that ends
 * bodies in all ways and connections when it likes.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 2000, HEAD_MAX = 512, CLIENTS = 6 };

struct site {
	struct ramet_group handlers, clients;
	struct ramet_http_client *http;
	bool closed;
	int listener, port;
};

struct fetcher {
	struct site *site;
	int id;
};

static char byte_of(int id, int n)
{
	return (char)(id * 31 + n * 7 + 1);
}

/* ---- the server --------------------------------------------------------- */

/* Clients leave when they like. */
static bool went(ssize_t n, const char *what)
{
	return n >= 0 ||
	       (errno != EPIPE && errno != ECONNRESET && good(n, what));
}

/* A head, which comes alone: clients do not ask before they are answered. */
static bool read_head(int fd, char *head)
{
	size_t size = 0;

	do {
		ssize_t n = ramet_read(fd, head + size, HEAD_MAX - 1 - size);

		if (!went(n, "server reading") || n == 0)
			return false;
		size += (size_t)n;
		head[size] = 0;
	} while (!strstr(head, "\r\n\r\n"));
	return true;
}

static bool say(int fd, const char *text)
{
	return went(ramet_write_all(fd, text, strlen(text)), "server writing");
}

static bool say_body(int fd, int id, int size, bool chunked)
{
	int done = 0;

	while (done < size) {
		int n = 1 + (int)roll((uint32_t)(size - done));
		char buf[BODY_MAX], line[16];

		for (int i = 0; i < n; i++)
			buf[i] = byte_of(id, done + i);
		snprintf(line, sizeof line, "%x\r\n", (unsigned)n);
		if ((chunked && !say(fd, line)) ||
		    !went(ramet_write_all(fd, buf, (size_t)n),
			  "server writing") ||
		    (chunked && !say(fd, "\r\n")))
			return false;
		done += n;
	}
	return !chunked || say(fd, "0\r\nA: b\r\n\r\n");
}

/* Whether the connection goes on. */
static bool answer(int fd)
{
	static const char *const framing[] = {"Transfer-Encoding: chunked",
					      "Connection: close"};
	char head[HEAD_MAX], text[128];
	int id, size, kind;

	if (!read_head(fd, head) ||
	    sscanf(head, "GET /%d/%d HTTP/1.1\r\n", &id, &size) != 2)
		return false;
	kind = size % 3;
	if (kind == 2)
		snprintf(text, sizeof text,
			 "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size);
	else
		snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
			 framing[kind]);
	return say(fd, text) && say_body(fd, id, size, kind == 0) &&
	       kind != 1 && roll(4);
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;

	RAMET_WITHIN(PATIENCE)
		while (answer(fd))
			;
	ramet_close(fd);
	return NULL;
}

static void *accept_loop(void *arg)
{
	struct site *s = arg;

	while (!s->closed) {
		int fd = ramet_accept(s->listener, NULL, NULL);

		if (fd < 0)
			nap(RAMET_MS);
		else if (!go(&s->handlers, serve, (void *)(intptr_t)fd))
			ramet_close(fd);
	}
	return NULL;
}

/* ---- the clients -------------------------------------------------------- */

/* A server that fails hangs up within an answer. */
static void explain(const char *what)
{
	if (errno != ECONNABORTED || !sim_counts()->errors)
		good(-1, what);
}

static void read_body(struct ramet_http_response *r, int id, int size)
{
	char buf[300];
	int got = 0;
	ssize_t n;

	while ((n = ramet_http_response_read(r, buf, 1 + roll(sizeof buf))) >
	       0) {
		for (ssize_t i = 0; i < n; i++)
			REQUIRE(buf[i] == byte_of(id, got + (int)i),
				"a body has bytes of another");
		got += (int)n;
	}
	if (n < 0)
		explain("reading a body");
	else if (got != size && !(size % 3 == 1 && sim_counts()->errors))
		violation("a body has %d bytes of %d", got, size);
}

/* Some give up soon, some do not read. */
static void fetch(struct fetcher *f)
{
	int64_t patience = roll(4) ? PATIENCE : roll(5 * RAMET_MS);
	int size = (int)roll(BODY_MAX);
	struct ramet_http_response *r = NULL;
	char url[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%d/%d/%d", f->site->port,
		 f->id, size);
	RAMET_WITHIN(patience) {
		r = ramet_http_get(f->site->http, url);
		if (!r && (errno != ETIMEDOUT || patience == PATIENCE))
			explain("asking");
	}
	if (r && roll(4))
		RAMET_WITHIN(PATIENCE)
			read_body(r, f->id, size);
	ramet_http_response_free(r);
}

static void *run_fetcher(void *arg)
{
	struct fetcher *f = arg;

	for (uint32_t i = roll(5); i; i--) {
		nap(20 * RAMET_MS);
		fetch(f);
	}
	return NULL;
}

/* ---- together ----------------------------------------------------------- */

static bool open_site(struct site *s)
{
	struct ramet_http_client_opts opts = {.proxy = "",
					      .idle_max = 1 + roll(3),
					      .idle_time =
						      1 + roll(50 * RAMET_MS)};

	s->listener = ramet_listen("tcp://127.0.0.1:0");
	if (!good(s->listener, "listening"))
		return false;
	s->port = ramet_port(s->listener);
	s->http = ramet_http_client_new(&opts);
	if (made(s->http, "client"))
		return true;
	ramet_close(s->listener);
	return false;
}

void *scene_fetches(void *unused)
{
	struct fetcher fetchers[CLIENTS];
	struct site s = {.closed = false};
	int n = 1 + (int)roll(CLIENTS);

	(void)unused;
	if (!open_site(&s))
		return NULL;
	ramet_group_open(&s.handlers, RAMET_ALL);
	ramet_group_open(&s.clients, RAMET_ALL);
	if (go(&s.handlers, accept_loop, &s))
		for (int i = 0; i < n; i++) {
			fetchers[i] = (struct fetcher){&s, i};
			go(&s.clients, run_fetcher, &fetchers[i]);
		}
	wait_for_all(&s.clients);
	ramet_http_client_free(s.http); /* which ends the handlers */
	s.closed = true;
	good(ramet_close(s.listener), "closing the listener");
	wait_for_all(&s.handlers);
	ramet_group_close(&s.clients);
	ramet_group_close(&s.handlers);
	return NULL;
}
