/* ws_peer.c - a WebSocket's side for other people's to talk to.
 *
 * Without arguments a server: prints its port, says back what it is told, but
 * for the words of `obey`, and prints how each connection was closed.  With a
 * URL a client of a server that says back what it is told: prints what was
 * agreed on, and what came of it. */
#include <ramet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_end(struct ramet_ws *ws)
{
	printf("%d %s\n", ramet_ws_code(ws), ramet_ws_reason(ws));
	fflush(stdout);
}

/* ---- server -------------------------------------------------------------- */

static int say(struct ramet_ws *ws, const char *text)
{
	return ramet_ws_send(ws, RAMET_WS_TEXT, text, strlen(text));
}

/* Returns whether it was a word. */
static int obey(struct ramet_ws *ws, const char *word)
{
	if (strcmp(word, "close") == 0)
		ramet_ws_close(ws, 4711, "enough");
	else if (strcmp(word, "ping") == 0)
		ramet_ws_ping(ws, "ping", 4);
	else if (strcmp(word, "pong?") == 0)
		say(ws, ramet_ws_pong_at(ws) ? "yes" : "no");
	else
		return 0;
	return 1;
}

static void handle(struct ramet_http *h, void *unused)
{
	const struct ramet_ws_opts opts = {.protocols = "superchat,chat",
					   .compress = 1};
	struct ramet_ws *ws = ramet_ws_accept(h, &opts);
	struct ramet_ws_message m;

	(void)unused;
	if (!ws)
		return;
	while (ramet_ws_receive(ws, &m) > 0)
		if (!obey(ws, m.data) &&
		    ramet_ws_send(ws, m.kind, m.data, m.size) < 0)
			break;
	print_end(ws);
	ramet_ws_free(ws);
}

static int serve(void)
{
	struct ramet_http_opts opts = {.handler = handle, .stop_signals = 1};
	struct ramet_http_server *s = ramet_http_server_new(&opts);
	int port = s ? ramet_http_listen(s, "http://127.0.0.1:0") : -1;

	if (port < 0)
		return perror("listen"), 1;
	printf("%d\n", port);
	fflush(stdout);
	if (ramet_http_serve(s) < 0)
		return perror("serve"), 1;
	ramet_http_server_free(s);
	return 0;
}

/* ---- client -------------------------------------------------------------- */

static int comes_back(struct ramet_ws *ws, enum ramet_ws_kind kind,
		      const char *data, size_t size)
{
	struct ramet_ws_message m;

	if (ramet_ws_send(ws, kind, data, size) < 0)
		return perror("send"), 0;
	if (ramet_ws_receive(ws, &m) <= 0)
		return perror("receive"), 0;
	return m.kind == kind && m.size == size &&
	       memcmp(m.data, data, size) == 0;
}

/* Of all sizes, some of which compress well. */
static int exchange(struct ramet_ws *ws)
{
	static const size_t sizes[] = {0,     1,     125,     126,    5000,
				       65535, 65536, 1 << 18, 1 << 20};
	static char text[1 << 20], bytes[1 << 20];

	for (size_t i = 0; i < sizeof text; i++) {
		text[i] = (char)('a' + i / 7 % 26);
		bytes[i] = (char)random();
	}
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		if (!comes_back(ws, RAMET_WS_TEXT, text, sizes[i]) ||
		    !comes_back(ws, RAMET_WS_BINARY, bytes, sizes[i]))
			return printf("no echo of %zu\n", sizes[i]), 0;
	return 1;
}

static int ask(const char *url, int compress)
{
	const struct ramet_ws_opts opts = {.protocols = "other, chat",
					   .compress = compress};
	struct ramet_ws *ws = ramet_ws_dial(url, &opts);
	struct ramet_ws_message m;
	int good;

	if (!ws)
		return perror(url), 1;
	printf("%s %d\n", ramet_ws_protocol(ws), ramet_ws_compressed(ws));
	good = ramet_ws_ping(ws, "a", 1) == 0 && exchange(ws);
	printf("%s\n", ramet_ws_pong_at(ws) ? "pong" : "no pong");
	if (good && say(ws, "close") == 0 && ramet_ws_receive(ws, &m) == 0)
		print_end(ws);
	ramet_ws_free(ws);
	return !good;
}

int main(int argc, char **argv)
{
	return argc > 1 ? ask(argv[1], argc > 2) : serve();
}
