/* A WebSocket of ours, server and client, and a peer that sends it every frame
 * of tests/http/ws-cases.h: what comes of it, and what it answers. */
#include "frames.h"
#include "http.h"
#include "http/ws-cases.h"
#include "ramet.h"
#include "zip.h"

#include "http/ws/in.h"

enum { TEXT = 4096, BYTEWISE_MAX = 400, MESSAGE_MAX = 70000 };

/* What our side saw of one connection. */
static struct seen {
	char messages[TEXT], reason[TEXT];
	int result, error, code;
	bool done;
} seen;

static struct ramet_ws_opts opts = {.message_max = MESSAGE_MAX};

static void consume(struct ramet_ws *ws)
{
	struct ramet_ws_message m;

	seen = (struct seen){.done = false};
	if (!ws)
		return;
	while ((seen.result = ramet_ws_receive(ws, &m)) > 0)
		spell(seen.messages, TEXT,
		      m.kind == RAMET_WS_TEXT ? "text" : "binary", m.data,
		      m.size);
	seen.error = errno;
	seen.code = ramet_ws_code(ws);
	spell(seen.reason, TEXT, "", ramet_ws_reason(ws),
	      strlen(ramet_ws_reason(ws)));
	ramet_ws_free(ws);
	seen.done = true;
}

/* ---- the table's words --------------------------------------------------- */

/* Those of the result's words that are of this kind. */
static void pick(const char *result, const char *kinds, char *text)
{
	*text = 0;
	for (const char *at = result; *at;) {
		size_t n = strcspn(at, " ");
		char word[TEXT];

		snprintf(word, sizeof word, "%.*s", (int)n, at);
		if (strchr(kinds, *word))
			snprintf(text + strlen(text), TEXT - strlen(text),
				 "%s%s", *text ? " " : "", word);
		at += n + strspn(at + n, " ");
	}
}

static const char *end_of(const char *result, const char *kind)
{
	const char *at = strstr(result, kind);

	return at ? at + strlen(kind) : NULL;
}

static void fail_case(const struct ws_case *c, const char *what,
		      const char *got)
{
	test_fail(__FILE__, __LINE__,
		  "%s %s: %s: got \"%s\", code %d, "
		  "result %d (%s)",
		  c->section, c->about, what, got, seen.code, seen.result,
		  strerror(seen.error));
}

/* wire: what our side said, and the code that it closed with. */
static void check_case(const struct ws_case *c, const char *wire, int code)
{
	const char *fail = end_of(c->result, "fail=");
	const char *close = end_of(c->result, "close=");
	char want[TEXT];

	pick(c->result, "tb", want);
	if (!seen.done || strcmp(seen.messages, want) != 0)
		fail_case(c, "messages", seen.messages);
	pick(c->result, "p", want);
	for (char *pong; (pong = strstr(want, "pong"));) { /* not answered */
		char *next = strchr(pong, ' ');

		memmove(pong > want ? pong - 1 : pong, next ? next : "",
			next ? strlen(next) + 1 : 1);
	}
	if (strcmp(wire, *want == ' ' ? want + 1 : want) != 0)
		fail_case(c, "pings that were answered", wire);
	if (fail && (seen.result != -1 || code != atoi(fail)))
		fail_case(c, "it is to fail", wire);
	if (!fail && *c->result &&
	    (seen.result != 0 || seen.code != (close ? atoi(close) : 1000) ||
	     code != seen.code))
		fail_case(c, "it is to close", wire);
	if (close && strcmp(seen.reason, strchr(close, ':') + 1) != 0 &&
	    strcmp(seen.reason + 1, strchr(close, ':') + 1) != 0)
		fail_case(c, "the reason", seen.reason);
	if (!*c->result && (seen.result != -1 || seen.error != ECONNABORTED ||
			    seen.code != 1006))
		fail_case(c, "it is to notice the end", wire);
}

/* ---- the peer ------------------------------------------------------------ */

/* Ours may have closed before it has read all. */
static void send_bytes(int fd, const struct bytes *b, bool bytewise)
{
	size_t part = bytewise ? 1 : b->size;

	for (size_t at = 0; at < b->size; at += part) {
		if (ramet_send(fd, b->data + at, part, MSG_NOSIGNAL) < 0) {
			CHECK(errno == EPIPE || errno == ECONNRESET);
			return;
		}
		if (bytewise)
			ramet_yield();
	}
}

/* What the case has, and a close, if none of it ends the connection. */
static void play(int fd, const struct ws_case *c, bool masked, bool bytewise,
		 char *wire, int *code)
{
	bool ends = strstr(c->result, "fail=") || strstr(c->result, "close=");
	struct bytes b = frames_of(c->frames, masked);

	send_bytes(fd, &b, bytewise);
	free(b.data);
	if (!*c->result) {
		ramet_shutdown(fd, SHUT_WR);
	} else if (!ends) {
		b = frames_of("88 03 e8", masked);
		send_bytes(fd, &b, bytewise);
		free(b.data);
	}
	*wire = 0;
	*code = read_frames(fd, !masked, wire, TEXT);
}

/* ---- cut anywhere -------------------------------------------------------- */

static void tell(const struct ws_in *in, int event, char *text)
{
	static const char *const words[] = {[WS_CLOSE] = "close",
					    [WS_PING] = "ping",
					    [WS_PONG] = "pong",
					    [WS_TEXT] = "text",
					    [WS_BINARY] = "binary"};

	if (event == WS_MESSAGE)
		spell(text, TEXT, words[in->kind], in->data, in->size);
	else
		spell(text, TEXT, words[in->frame.opcode], in->control,
		      in->control_size);
}

/* Reads on until all is used; returns whether more can be. */
static bool feed(struct ws_in *in, const unsigned char *data, size_t size,
		 char *text)
{
	int event = 0;

	while (size && event == WS_NOTHING) {
		size_t room;
		char *to = made(ramet__ws_in_room(in, &room));

		if (room > size)
			room = size;
		memcpy(to, data, room);
		ramet__ws_in_add(in, room);
		data += room;
		size -= room;
		while ((event = ramet__ws_in_next(in)) > 0)
			tell(in, event, text);
	}
	if (event < 0)
		spell(text, TEXT, strerrorname_np(-event), NULL, 0);
	return event == WS_NOTHING;
}

/* What becomes of it, cut at these two places, in words. */
static void read_cut(const struct bytes *b, bool masked, size_t first,
		     size_t second, char *text)
{
	struct ws_in in = {.rules = {.masked = masked,
				     .compress = opts.compress},
			   .message_max = MESSAGE_MAX,
			   .zip_bits = 15};

	*text = 0;
	CHECK_EQ(ramet__ws_in_init(&in), 0);
	(void)(feed(&in, b->data, first, text) &&
	       feed(&in, b->data + first, second - first, text) &&
	       feed(&in, b->data + second, b->size - second, text));
	ramet__ws_in_fini(&in);
}

/* Near both ends of long ones. */
static void cut_case(const struct ws_case *c, bool masked)
{
	struct bytes b = frames_of(c->frames, masked);
	char whole[TEXT], parts[TEXT];

	read_cut(&b, masked, b.size, b.size, whole);
	for (size_t at = 0; at < b.size; at++) {
		size_t second;

		if (at == BYTEWISE_MAX && b.size > 3 * BYTEWISE_MAX)
			at = b.size - BYTEWISE_MAX;
		second = at + 1 + b.size / 64;
		if (second > b.size)
			second = b.size;
		read_cut(&b, masked, at, second, parts);
		if (strcmp(whole, parts) != 0)
			test_fail(__FILE__, __LINE__,
				  "%s %s: cut at %zu and %zu: \"%s\", whole: "
				  "\"%s\"",
				  c->section, c->about, at, second, parts,
				  whole);
	}
	free(b.data);
}

static void cut_cases(const struct ws_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		cut_case(&cases[i], true);
		cut_case(&cases[i], false);
	}
}

TEST(cuts_change_nothing)
{
	cut_cases(ws_cases, sizeof ws_cases / sizeof *ws_cases);
}

TEST(nor_within_what_is_compressed)
{
	opts.compress = 1;
	CHECK_EQ(ramet__zip_load(), 0);
	cut_cases(ws_zip_cases, sizeof ws_zip_cases / sizeof *ws_zip_cases);
}

/* ---- our server ---------------------------------------------------------- */

static void handle(struct ramet_http *h, void *arg)
{
	(void)arg;
	consume(ramet_ws_accept(h, &opts));
}

static void ask(int fd)
{
	/* RFC 6455, 1.3: the key and its answer. */
	static const char head[] =
		"GET / HTTP/1.1\r\nHost: a\r\n"
		"Upgrade: websocket\r\n"
		"Connection: Upgrade\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		"Sec-WebSocket-Version: 13\r\n";
	static const char zip[] =
		"Sec-WebSocket-Extensions: permessage-deflate\r\n";
	char reply[HEAD] = "";

	CHECK(ramet_write_all(fd, head, sizeof head - 1) > 0);
	if (opts.compress)
		CHECK(ramet_write_all(fd, zip, sizeof zip - 1) > 0);
	CHECK_EQ(ramet_write_all(fd, "\r\n", 2), 2);
	read_head(fd, reply);
	CHECK(strstr(reply, "HTTP/1.1 101 "));
	CHECK(strstr(reply, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
	CHECK_EQ(strstr(reply, "permessage-deflate") != NULL, opts.compress);
}

static void server_case(const struct served *s, const struct ws_case *c,
			bool bytewise)
{
	int fd = connect_to(s), code;
	char wire[TEXT];

	ask(fd);
	play(fd, c, true, bytewise, wire, &code);
	ramet_close(fd);
	while (!seen.done)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	check_case(c, wire, code);
	seen.done = false;
}

static bool is_short(const struct ws_case *c)
{
	struct bytes b = frames_of(c->frames, true);

	free(b.data);
	return b.size < BYTEWISE_MAX;
}

static void check_server(const struct ws_case *cases, size_t count)
{
	struct ramet_http_opts http = {.handler = handle};
	struct served s = serve(&http);

	start(&s);
	for (size_t i = 0; i < count; i++) {
		server_case(&s, &cases[i], false);
		if (is_short(&cases[i]))
			server_case(&s, &cases[i], true);
	}
	stop(&s);
}

TEST_WITHIN(a_server_makes_of_each_case_what_the_table_says, 60000)
{
	check_server(ws_cases, sizeof ws_cases / sizeof *ws_cases);
}

TEST_WITHIN(so_does_one_that_compresses, 60000)
{
	need_zlib();
	opts.compress = 1;
	check_server(ws_zip_cases, sizeof ws_zip_cases / sizeof *ws_zip_cases);
}

/* ---- our client ---------------------------------------------------------- */

static void *dial_and_consume(void *url)
{
	struct ramet_ws *ws = ramet_ws_dial(url, &opts);

	CHECK(ws);
	consume(ws);
	return NULL;
}

static void answer(int fd)
{
	answer_upgrade(fd,
		       opts.compress ? UPGRADED "Sec-WebSocket-Extensions: "
						"permessage-deflate\r\n"
				     : UPGRADED,
		       NULL);
}

static void client_case(int listener, char *url, const struct ws_case *c,
			bool bytewise)
{
	struct ramet *t = spawn(dial_and_consume, url);
	int fd = ramet_accept(listener, NULL, NULL), code;
	char wire[TEXT];

	CHECK(fd >= 0);
	answer(fd);
	play(fd, c, false, bytewise, wire, &code);
	ramet_close(fd);
	join(t);
	check_case(c, wire, code);
}

static void check_client(const struct ws_case *cases, size_t count)
{
	int listener = ramet_listen("tcp://127.0.0.1:0");
	char url[64];

	CHECK(listener >= 0);
	snprintf(url, sizeof url, "ws://127.0.0.1:%d/", ramet_port(listener));
	for (size_t i = 0; i < count; i++) {
		client_case(listener, url, &cases[i], false);
		if (is_short(&cases[i]))
			client_case(listener, url, &cases[i], true);
	}
	ramet_close(listener);
}

TEST_WITHIN(a_client_makes_the_same_of_each_case, 60000)
{
	check_client(ws_cases, sizeof ws_cases / sizeof *ws_cases);
}

TEST_WITHIN(so_does_a_client_that_compresses, 60000)
{
	need_zlib();
	opts.compress = 1;
	check_client(ws_zip_cases, sizeof ws_zip_cases / sizeof *ws_zip_cases);
}
