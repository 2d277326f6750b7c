/* WebSockets between a server and a client of ours, and requests that are no
 * good for one.  What frames do is in ws_cases_test.c. */
#include "http.h"
#include "ramet.h"
#include "ramets.h"
#include "zip.h"

#include "http/ws/handshake.h"

static struct ramet_ws_opts server_opts, client_opts;
static void (*with)(struct ramet_ws *ws); /* what the handler does */
static int refused;                       /* errno of accept */

static void handle(struct ramet_http *h, void *arg)
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

static void begin(void (*fn)(struct ramet_ws *))
{
	with = fn;
	served = serve(&http);
	start(&served);
}

static struct ramet_ws *dial_server(void)
{
	char url[64];

	snprintf(url, sizeof url, "ws://127.0.0.1:%d/chat", served.port);
	return ramet_ws_dial(url, &client_opts);
}

static struct ramet_ws *connected(void)
{
	return made(dial_server());
}

static void echo(struct ramet_ws *ws)
{
	struct ramet_ws_message m;

	while (ramet_ws_receive(ws, &m) == 1)
		CHECK_EQ(ramet_ws_send(ws, m.kind, m.data, m.size), 0);
}

static void send_and_compare(struct ramet_ws *ws, enum ramet_ws_kind kind,
			     const char *data, size_t size)
{
	struct ramet_ws_message m;

	CHECK_EQ(ramet_ws_send(ws, kind, data, size), 0);
	CHECK_EQ(ramet_ws_receive(ws, &m), 1);
	CHECK_EQ(m.kind, kind);
	CHECK_EQ(m.size, size);
	CHECK(memcmp(m.data, data, size) == 0);
	CHECK_EQ(m.data[size], 0);
}

/* ---- messages ------------------------------------------------------------ */

static void exchange(void)
{
	static char large[1 << 20];
	struct ramet_ws *ws;

	for (size_t i = 0; i < sizeof large; i++)
		large[i] = (char)('a' + test_rand(26));
	begin(echo);
	ws = connected();
	CHECK_EQ(ramet_ws_compressed(ws), server_opts.compress);
	send_and_compare(ws, RAMET_WS_TEXT, "Hello", 5);
	send_and_compare(ws, RAMET_WS_TEXT, "", 0);
	send_and_compare(ws, RAMET_WS_BINARY, "\0\377", 2);
	for (size_t size = 100; size < sizeof large; size *= 3)
		send_and_compare(ws, RAMET_WS_TEXT, large, size);
	send_and_compare(ws, RAMET_WS_BINARY, large, sizeof large);
	CHECK_EQ(ramet_ws_close(ws, 0, NULL), 0);
	CHECK_EQ(ramet_ws_receive(ws, &(struct ramet_ws_message){0}), 0);
	CHECK_EQ(ramet_ws_code(ws), 1000);
	ramet_ws_free(ws);
	stop(&served);
}

TEST(messages_of_all_sizes_go_there_and_back)
{
	exchange();
}

TEST(so_they_do_compressed)
{
	need_zlib();
	server_opts.compress = client_opts.compress = 1;
	exchange();
}

enum { SENDERS = 8, EACH = 50, SIZE = 3000 };

static void *send_own(void *arg)
{
	void **p = arg;
	char text[SIZE];

	memset(text, 'a' + (int)(intptr_t)p[1], SIZE);
	for (int i = 0; i < EACH; i++)
		CHECK_EQ(ramet_ws_send(p[0], RAMET_WS_TEXT, text, SIZE), 0);
	return NULL;
}

TEST(messages_of_many_senders_do_not_mix)
{
	struct ramet *senders[SENDERS];
	struct ramet_ws_message m;
	void *args[SENDERS][2];
	struct ramet_ws *ws;

	begin(echo);
	ws = connected();
	for (intptr_t i = 0; i < SENDERS; i++) {
		args[i][0] = ws;
		args[i][1] = (void *)i;
		senders[i] = spawn(send_own, args[i]);
	}
	for (int n = 0; n < SENDERS * EACH; n++) {
		CHECK_EQ(ramet_ws_receive(ws, &m), 1);
		CHECK_EQ(m.size, SIZE);
		for (size_t i = 1; i < m.size; i++)
			CHECK(m.data[i] == m.data[0]);
	}
	for (int i = 0; i < SENDERS; i++)
		join(senders[i]);
	ramet_ws_free(ws);
	stop(&served);
}

/* ---- ends ---------------------------------------------------------------- */

static void close_first(struct ramet_ws *ws)
{
	CHECK_EQ(ramet_ws_close(ws, 4711, "enough"), 0);
	CHECK_ERR(ramet_ws_send(ws, RAMET_WS_TEXT, "a", 1), EPIPE);
}

TEST(a_close_has_a_code_and_a_reason)
{
	struct ramet_ws_message m;
	struct ramet_ws *ws;

	begin(close_first);
	ws = connected();
	CHECK_EQ(ramet_ws_code(ws), 0);
	CHECK_EQ(ramet_ws_receive(ws, &m), 0);
	CHECK_EQ(ramet_ws_code(ws), 4711);
	CHECK(strcmp(ramet_ws_reason(ws), "enough") == 0);
	CHECK_ERR(ramet_ws_send(ws, RAMET_WS_TEXT, "a", 1), EPIPE);
	CHECK_EQ(ramet_ws_receive(ws, &m), 0);
	ramet_ws_free(ws);
	stop(&served);
}

static void vanish(struct ramet_ws *ws)
{
	(void)ws;
	ramet_kill(ramet_self());
	ramet_yield();
}

TEST(a_handler_that_is_killed_ends_the_connection)
{
	struct ramet_ws_message m;
	struct ramet_ws *ws;

	begin(vanish);
	ws = connected();
	CHECK(ramet_ws_receive(ws, &m) <= 0);
	CHECK(ramet_ws_code(ws) == 1001 || ramet_ws_code(ws) == 1006);
	ramet_ws_free(ws);
	stop(&served);
}

TEST(what_may_not_be_sent_is_refused_and_the_connection_stays)
{
	struct ramet_ws *ws;
	char long_reason[125];

	memset(long_reason, 'a', 124);
	long_reason[124] = 0;
	begin(echo);
	ws = connected();
	CHECK_ERR(ramet_ws_send(ws, RAMET_WS_TEXT, "\377", 1), EILSEQ);
	CHECK_ERR(ramet_ws_close(ws, 1005, NULL), EINVAL);
	CHECK_ERR(ramet_ws_close(ws, 999, NULL), EINVAL);
	CHECK_ERR(ramet_ws_close(ws, 1000, long_reason), EMSGSIZE);
	CHECK_ERR(ramet_ws_ping(ws, long_reason, 126), EMSGSIZE);
	send_and_compare(ws, RAMET_WS_TEXT, "still", 5);
	ramet_ws_free(ws);
	stop(&served);
}

TEST(a_message_above_the_limit_ends_it_with_1009)
{
	struct ramet_ws_message m;
	struct ramet_ws *ws;
	char text[101] = "";

	server_opts.message_max = 100;
	begin(echo);
	ws = connected();
	send_and_compare(ws, RAMET_WS_BINARY, text, 100);
	CHECK_EQ(ramet_ws_send(ws, RAMET_WS_BINARY, text, 101), 0);
	CHECK_EQ(ramet_ws_receive(ws, &m), 0);
	CHECK_EQ(ramet_ws_code(ws), 1009);
	ramet_ws_free(ws);
	stop(&served);
}

/* ---- limits of time, pings ----------------------------------------------- */

TEST(a_wait_that_was_over_leaves_the_connection_good)
{
	struct ramet_ws_message m;
	struct ramet_ws *ws;

	begin(echo);
	ws = connected();
	RAMET_WITHIN(5 * RAMET_MS)
		CHECK_ERR(ramet_ws_receive(ws, &m), ETIMEDOUT);
	send_and_compare(ws, RAMET_WS_TEXT, "still", 5);
	ramet_ws_free(ws);
	stop(&served);
}

TEST(a_ping_is_answered)
{
	struct ramet_ws *ws;

	begin(echo);
	ws = connected();
	CHECK_EQ(ramet_ws_pong_at(ws), 0);
	CHECK_EQ(ramet_ws_ping(ws, "p", 1), 0);
	send_and_compare(ws, RAMET_WS_TEXT, "a", 1); /* it came before */
	CHECK(ramet_ws_pong_at(ws) > 0);
	ramet_ws_free(ws);
	stop(&served);
}

static void *receive_too(void *ws)
{
	struct ramet_ws_message m;

	CHECK_ERR(ramet_ws_receive(ws, &m), EBUSY);
	CHECK_EQ(ramet_ws_close(ws, 0, NULL), 0);
	return NULL;
}

TEST(one_receives_at_a_time)
{
	struct ramet_ws_message m;
	struct ramet_ws *ws;
	struct ramet *other;

	begin(echo);
	ws = connected();
	other = spawn(receive_too, ws);
	CHECK_EQ(ramet_ws_receive(ws, &m), 0);
	join(other);
	ramet_ws_free(ws);
	stop(&served);
}

/* ---- hand-shakes --------------------------------------------------------- */

TEST(the_best_protocol_of_both_is_agreed_on)
{
	struct ramet_ws *ws;

	server_opts.protocols = "superchat,chat";
	client_opts.protocols = "other, chat";
	begin(echo);
	ws = connected();
	CHECK(strcmp(ramet_ws_protocol(ws), "chat") == 0);
	ramet_ws_free(ws);
	client_opts.protocols = "unknown";
	ws = connected();
	CHECK(strcmp(ramet_ws_protocol(ws), "") == 0);
	ramet_ws_free(ws);
	stop(&served);
}

TEST(pages_of_other_origins_are_refused)
{
	struct ramet_http_header origin = {"Origin", "https://evil.example"};
	struct ramet_ws *ws;

	client_opts.headers = &origin;
	client_opts.header_count = 1;
	begin(echo);
	CHECK_NULL(dial_server(), ECONNREFUSED);
	CHECK_EQ(refused, EACCES);
	server_opts.origins = "https://a.example https://evil.example";
	ws = connected();
	ramet_ws_free(ws);
	server_opts.origins = "https://a.example";
	CHECK_NULL(dial_server(), ECONNREFUSED);
	server_opts.origins = "*";
	ws = connected();
	ramet_ws_free(ws);
	stop(&served);
}

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

/* RFC 6455, 4.2.1. */
static const struct {
	const char *about, *request;
	int status;
} requests[] = {
	{"good", "GET / HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY VERSION, 101},
	{"in other cases of letters",
	 "GET / HTTP/1.1\r\nHost: a\r\nupgrade: WebSocket\r\n"
	 "connection: keep-alive, UPGRADE\r\n" KEY VERSION,
	 101},
	{"no upgrade", "GET / HTTP/1.1\r\nHost: a\r\n" KEY VERSION, 400},
	{"POST",
	 "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" UPGRADE KEY
		 VERSION,
	 400},
	{"no key", "GET / HTTP/1.1\r\nHost: a\r\n" UPGRADE VERSION, 400},
	{"a short key",
	 "GET / HTTP/1.1\r\nHost: a\r\n" UPGRADE
	 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n" VERSION,
	 400},
	{"two keys", "GET / HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY KEY VERSION,
	 400},
	{"no version", "GET / HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY, 400},
	{"version 8",
	 "GET / HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY
	 "Sec-WebSocket-Version: 8\r\n",
	 426},
};

TEST(requests_that_are_no_good_are_answered_so)
{
	begin(echo);
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		int fd = connect_to(&served), status = 0;
		char reply[16] = "";

		CHECK(ramet_write_all(fd, requests[i].request,
				      strlen(requests[i].request)) > 0);
		CHECK_EQ(ramet_write_all(fd, "\r\n", 2), 2);
		CHECK_EQ(ramet_read_all(fd, reply, 12), 12);
		sscanf(reply, "HTTP/1.1 %d", &status);
		if (status != requests[i].status)
			test_fail(__FILE__, __LINE__, "%s: %d, not %d",
				  requests[i].about, status,
				  requests[i].status);
		ramet_close(fd);
	}
	stop(&served);
}

static void not_found(struct ramet_http *h, void *arg)
{
	(void)arg;
	ramet_http_fail(h, 404);
}

TEST(a_server_without_websockets_refuses)
{
	struct ramet_http_opts opts = {.handler = not_found};

	served = serve(&opts);
	start(&served);
	CHECK_NULL(dial_server(), ECONNREFUSED);
	CHECK_NULL(ramet_ws_dial("http://127.0.0.1/", NULL), EINVAL);
	CHECK_NULL(ramet_ws_dial("ws://", NULL), EINVAL);
	stop(&served);
}
