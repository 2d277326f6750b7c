/* http.c - a server of HTTP and its clients: each answer is that of its
 * request, in order, however the bytes are cut; nobody waits for ever; a stop
 * ends. */
#include "world.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { CLIENTS = 6, BATCH = 6, TEXT = 4096 };

struct site {
	struct ramet_http_server *server;
	struct ramet_group serving, clients;
	bool early; /* it may end connections before the clients do */
	int port;
};

struct visit {
	struct site *site;
	int id;
};

/* ---- the server -----------------------------------------------------------
 */

static int answer_in_pieces(struct ramet_http *h, const char *text)
{
	size_t size = strlen(text);
	int err = ramet_http_begin(h, 200, NULL, roll(2) ? (int64_t)size : -1);

	for (size_t i = 0; i < size && err == 0; i++) {
		err = ramet_http_write(h, text + i, 1);
		if (err == 0 && !roll(4))
			err = ramet_http_flush(h);
	}
	return err;
}

static void tell(struct ramet_http *h, void *unused)
{
	char text[256];
	const char *body;

	(void)unused;
	if (!roll(4))
		nap(30 * RAMET_MS);
	if (!roll(50))
		return;
	body = roll(3) ? ramet_http_body(h, NULL) : "unread";
	if (!body)
		return;
	snprintf(text, sizeof text, "<%s %s>", ramet_http_path(h), body);
	if (roll(2))
		ramet_http_reply(h, 200, NULL, text, strlen(text));
	else
		answer_in_pieces(h, text);
}

static void *run_server(void *arg)
{
	struct site *s = arg;

	good(ramet_http_serve(s->server), "serving");
	return NULL;
}

/* ---- clients --------------------------------------------------------------
 */

/* After a stop, or a fault, a connection may end at any time. */
static bool fine(const struct visit *v, long r, const char *what)
{
	if (r < 0 && v->site->early && errno != ETIMEDOUT)
		return false;
	return good(r, what);
}

static size_t write_request(char *to, int id, int n)
{
	char body[32];
	int size = sprintf(body, "body-%d", n);

	if (roll(3) == 0)
		return (size_t)sprintf(to,
				       "GET /%d/%d HTTP/1.1\r\nHost: a\r\n"
				       "\r\n",
				       id, n);
	if (roll(2))
		return (size_t)sprintf(to,
				       "POST /%d/%d HTTP/1.1\r\nHost: a\r\n"
				       "Content-Length: %d\r\n\r\n%s",
				       id, n, size, body);
	return (size_t)sprintf(to,
			       "POST /%d/%d HTTP/1.1\r\nHost: a\r\n"
			       "Transfer-Encoding: chunked\r\n\r\n"
			       "2\r\nbo\r\n%x\r\n%s\r\n0\r\n\r\n",
			       id, n, (unsigned)size - 2, body + 2);
}

/* Requests, sent while the answers are read: the buffers in between are small.
 */
struct sending {
	const struct visit *visit;
	int fd;
	const char *text;
	size_t size;
};

static void *send_cut(void *arg)
{
	struct sending *s = arg;

	while (s->size) {
		size_t n = 1 + roll((uint32_t)s->size);

		if (!fine(s->visit, ramet_write_all(s->fd, s->text, n),
			  "asking"))
			break;
		s->text += n;
		s->size -= n;
		if (!roll(3))
			nap(RAMET_MS);
	}
	return NULL;
}

/* The end of what is good in it: an answer of the server's own, for want of
 * memory, say, is followed by nothing that is looked at. */
static const char *end_of(const char *text)
{
	const char *bad = strstr(text, "HTTP/1.1 5");

	if (!bad)
		bad = strstr(text, "HTTP/1.1 4");
	return bad ? bad : text + strlen(text);
}

static void require_answer(const struct visit *v, const char *got, int n)
{
	char want[32];

	snprintf(want, sizeof want, "/%d/%d ", v->id, n);
	REQUIRE(strncmp(got, want, strlen(want)) == 0,
		"a client got an answer to another request");
}

/* How many answers are whole in the text: what the server says is between angle
 * brackets, and may be cut by "\r\n", the size of a chunk, "\r\n". */
static int count_answers(const struct visit *v, const char *text, int first)
{
	const char *end = end_of(text);
	char got[128];
	size_t n = 0;
	int count = 0, line_ends = 0;

	for (const char *at = text; at < end; at++) {
		if (*at == '<') {
			n = 0;
			line_ends = 0;
		} else if (*at == '>') {
			got[n] = '\0';
			require_answer(v, got, first + count++);
		} else if (*at == '\n') {
			line_ends++;
		} else if (*at != '\r' && line_ends % 2 == 0 &&
			   n < sizeof got - 1) {
			got[n++] = *at;
		}
	}
	return count;
}

/* Returns whether the connection goes on. */
static bool hear(const struct visit *v, int fd, int first, int count)
{
	char text[TEXT];
	size_t got = 0;

	for (;;) {
		ssize_t n = ramet_read(fd, text + got, TEXT - 1 - got);

		if (!fine(v, n, "hearing"))
			return false;
		got += (size_t)n;
		text[got] = '\0';
		if (count_answers(v, text, first) >= count)
			return true;
		if (!n || *end_of(text))
			return false;
	}
}

static bool ask(const struct visit *v, int fd, const char *text, size_t size,
		int first, int count)
{
	struct sending s = {v, fd, text, size};
	ramet_auto_group g;
	bool heard;

	ramet_group_open(&g, RAMET_ALL);
	heard = go(&g, send_cut, &s) && hear(v, fd, first, count);
	if (!heard)
		ramet_group_cancel(&g);
	wait_for_all(&g);
	return heard;
}

static void visit(const struct visit *v, int fd)
{
	char text[BATCH * 256];
	int asked = 0;

	for (int rounds = 1 + (int)roll(3); rounds; rounds--) {
		int n = 1 + (int)roll(BATCH);
		size_t size = 0;

		for (int i = 0; i < n; i++)
			size += write_request(text + size, v->id, asked + i);
		if (!ask(v, fd, text, size, asked, n))
			return;
		asked += n;
		nap(5 * RAMET_MS);
	}
}

static void *client(void *arg)
{
	const struct visit *v = arg;
	char address[64];
	int fd = -1;

	nap(20 * RAMET_MS);
	snprintf(address, sizeof address, "tcp://127.0.0.1:%d", v->site->port);
	RAMET_WITHIN(PATIENCE)
		if (fine(v, fd = ramet_dial(address), "connecting"))
			visit(v, fd);
	if (fd >= 0)
		ramet_close(fd);
	return NULL;
}

/* ---- together -------------------------------------------------------------
 */

static void serve_clients(struct site *s)
{
	struct visit visits[CLIENTS];
	int n = 1 + (int)roll(CLIENTS);

	ramet_group_open(&s->serving, RAMET_ALL);
	ramet_group_open(&s->clients, RAMET_ALL);
	if (go(&s->serving, run_server, s))
		for (int i = 0; i < n; i++) {
			visits[i] = (struct visit){s, i};
			go(&s->clients, client, &visits[i]);
		}
	if (s->early)
		nap(50 * RAMET_MS);
	else
		wait_for_all(&s->clients);
	ramet_http_stop(s->server);
	if (!roll(4))
		ramet_http_stop(s->server);
	wait_for_both(&s->serving, &s->clients);
	ramet_group_close(&s->clients);
	ramet_group_close(&s->serving);
}

void *scene_http(void *unused)
{
	struct ramet_http_opts opts = {
		.handler = tell,
		.connections_max = roll(2) ? 1 + roll(3) : 0,
	};
	struct site s = {.early = !roll(3)};

	(void)unused;
	if (s.early && roll(2))
		opts.idle_time = opts.head_time = 20 * RAMET_MS;
	s.server = ramet_http_server_new(&opts);
	if (!made(s.server, "a server"))
		return NULL;
	s.port = ramet_http_listen(s.server, "http://127.0.0.1:0");
	if (good(s.port, "listening"))
		serve_clients(&s);
	ramet_http_server_free(s.server);
	return NULL;
}
