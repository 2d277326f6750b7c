/* How a WebSocket begins: what both sides agree on, requests and answers that
 * are no good for one. */
#include "door.h"
#include "frames.h"
#include "ramet.h"
#include "ws.h"

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

static void *(*alloc)(size_t size);
static int left = -1; /* allocations before the one that fails */

static void *alloc_or_not(size_t size)
{
	return left-- == 0 ? NULL : alloc(size);
}

/* Once without memory at some place, once with it. */
static void accept_twice(struct ramet_http *h, void *arg)
{
	int *nth = arg;
	struct ramet_ws *ws;

	left = *nth;
	ws = ramet_ws_accept(h, &server_opts);
	*nth = left < 0 ? *nth + 1 : -1;
	left = -1;
	if (!ws) {
		CHECK_EQ(errno, ENOMEM);
		ws = made(ramet_ws_accept(h, &server_opts));
	}
	echo(ws);
}

TEST(without_memory_it_can_be_accepted_at_the_next_try)
{
	int nth = 0;
	struct ramet_http_opts opts = {.handler = accept_twice, .arg = &nth};
	struct ramet_ws *ws;

	server_opts.protocols = client_opts.protocols = "chat";
	server_opts.compress = client_opts.compress = 1;
	alloc = own_kernel()->alloc;
	own_kernel()->alloc = alloc_or_not;
	served = serve(&opts);
	start(&served);
	while (nth >= 0) {
		ws = connected();
		CHECK(strcmp(ramet_ws_protocol(ws), "chat") == 0);
		send_and_compare(ws, RAMET_WS_TEXT, "a", 1);
		ramet_ws_free(ws);
	}
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

#define OFFER "Sec-WebSocket-Extensions: "

/* RFC 7692, 5.1 and 7.1. */
static const struct {
	const char *about, *offer;
	const char *answer; /* NULL: it is not taken */
	int status;
} offers[] = {
	{"nothing more", "permessage-deflate", "permessage-deflate", 101},
	{"each message anew",
	 "permessage-deflate; server_no_context_takeover; "
	 "client_no_context_takeover",
	 "permessage-deflate; server_no_context_takeover; "
	 "client_no_context_takeover",
	 101},
	{"the server's window", "permessage-deflate; server_max_window_bits=10",
	 "permessage-deflate; server_max_window_bits=10", 101},
	{"the widest, which is to be answered, too (7.1.2.1)",
	 "permessage-deflate; server_max_window_bits=15",
	 "permessage-deflate; server_max_window_bits=15", 101},
	{"the narrowest: nothing is compressed",
	 "permessage-deflate; server_max_window_bits=8",
	 "permessage-deflate; server_max_window_bits=8", 101},
	{"the client's window, which need not be",
	 "permessage-deflate; client_max_window_bits=9", "permessage-deflate",
	 101},
	{"without a value", "permessage-deflate; client_max_window_bits",
	 "permessage-deflate", 101},
	{"bad ones are passed over",
	 "permessage-deflate; server_max_window_bits=16, "
	 "permessage-deflate; server_max_window_bits, "
	 "permessage-deflate; client_max_window_bits=010, "
	 "permessage-deflate; other, "
	 "permessage-deflate; server_no_context_takeover=1; "
	 "server_no_context_takeover, other; a=b, "
	 "permessage-deflate; server_max_window_bits=\"12\"",
	 "permessage-deflate; server_max_window_bits=12", 101},
	{"another extension", "other; a=\"b\"", NULL, 101},
	{"two headers are one list",
	 "other\r\n" OFFER
	 "permessage-deflate; server_max_window_bits=9\r\n" OFFER
	 "permessage-deflate",
	 "permessage-deflate; server_max_window_bits=9", 101},
	{"bad syntax", "permessage-deflate; =", NULL, 400},
	{"a value without an end", "other; a=\"b", NULL, 400},
};

static void check_offer(size_t i)
{
	char text[1024], want[256];
	int fd = connect_to(&served);
	const char *at;

	snprintf(text, sizeof text,
		 "GET / HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY VERSION OFFER
		 "%s\r\n\r\n",
		 offers[i].offer);
	say(fd, text);
	ramet_shutdown(fd, SHUT_WR);
	snprintf(want, sizeof want, OFFER "%s\r\n",
		 offers[i].answer ? offers[i].answer : "");
	at = hear_all(fd);
	if (atoi(at + strlen("HTTP/1.1 ")) != offers[i].status ||
	    (offers[i].answer ? !strstr(at, want) : !!strstr(at, OFFER)))
		test_fail(__FILE__, __LINE__, "%s: %s", offers[i].about, at);
	ramet_close(fd);
}

TEST(compression_is_answered_as_it_is_offered)
{
	server_opts.compress = 1;
	begin(echo);
	for (size_t i = 0; i < sizeof offers / sizeof *offers;
	     i += test_is_swept() ? 5 : 1)
		check_offer(i);
	stop(&served);
}

/* What a handler wants to say of a request must not be what is freed as the
 * WebSocket that it did not become. */
static void accept_late(struct ramet_http *h, void *arg)
{
	char value[64];

	(void)arg;
	memset(value, 'a', sizeof value - 1);
	value[sizeof value - 1] = 0;
	CHECK_EQ(ramet_http_set(h, "X", value), 0);
	CHECK_EQ(ramet_http_reply(h, 200, NULL, "b", 1), 0);
	CHECK_NULL(ramet_ws_accept(h, NULL), EALREADY);
}

TEST(what_was_answered_is_not_accepted)
{
	struct ramet_http_opts opts = {.handler = accept_late};
	static const char text[] =
		"GET / HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY VERSION "\r\n"
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	const char *heard;
	int fd;

	served = serve(&opts);
	start(&served);
	fd = connect_to(&served);
	say(fd, text);
	heard = hear_all(fd);
	CHECK(strstr(heard, "\r\n\r\nbHTTP/1.1 200 OK\r\n"));
	CHECK(!strstr(heard, "Sec-WebSocket"));
	ramet_close(fd);
	stop(&served);
}

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
		if (status != 101)
			CHECK_EQ(refused, EPROTO);
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
	CHECK_NULL(ramet_ws_dial(NULL, NULL), EINVAL);
	CHECK_NULL(ramet_ws_dial("ws://127.0.0.1/#part", NULL), EINVAL);
	stop(&served);
}

TEST(nobody_listens)
{
	int fd = ramet_listen("tcp://127.0.0.1:0");

	served.port = ramet_port(fd);
	ramet_close(fd);
	CHECK_NULL(dial_server(), ECONNREFUSED);
}

TEST(what_a_client_must_not_say_is_refused)
{
	static const struct ramet_http_header bad[] = {
		{"Host", "b"},
		{"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
		{"Connection", "close"},
		{"A b", "c"},
		{"A", "b\r\nC: d"},
		{"A", NULL},
		{NULL, "b"},
	};
	static const char *const protocols[] = {"", "a b", "a, a", "a,@"};

	client_opts.header_count = 1;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		client_opts.headers = &bad[i];
		CHECK_NULL(dial_server(), EINVAL);
	}
	client_opts.header_count = 0;
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
		client_opts.protocols = protocols[i];
		CHECK_NULL(dial_server(), EINVAL);
	}
}

#define ZIP "Sec-WebSocket-Extensions: permessage-deflate"

/* RFC 6455, 4.1 and 4.2.2; RFC 7692, 7.1.  Asked for: chat, and compression. */
static const struct {
	const char *about, *headers;
	int error; /* 0: good */
} answers[] = {
	{"good", UPGRADED, 0},
	{"all that was asked for",
	 UPGRADED "Sec-WebSocket-Protocol: chat\r\n" ZIP "\r\n", 0},
	{"in other cases of letters",
	 "HTTP/1.1 101 Yes\r\nupgrade: WebSocket\r\nconnection: a, UPGRADE\r\n"
	 "sec-websocket-accept: %s\r\n",
	 0},
	{"after an interim answer", "HTTP/1.1 100 Continue\r\n\r\n" UPGRADED,
	 0},
	{"another status", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
	 ECONNREFUSED},
	{"a redirect", "HTTP/1.1 302 Found\r\nLocation: /\r\n", ECONNREFUSED},
	{"none", NULL, ECONNABORTED},
	{"not HTTP", "SSH-2.0-x\r\n", EPROTO},
	{"HTTP/1.0",
	 "HTTP/1.0 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	 "Sec-WebSocket-Accept: %s\r\n",
	 EPROTO},
	{"no Upgrade",
	 "HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\n"
	 "Sec-WebSocket-Accept: %s\r\n",
	 EPROTO},
	{"another one",
	 "HTTP/1.1 101 Yes\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
	 "Sec-WebSocket-Accept: %s\r\n",
	 EPROTO},
	{"no Connection",
	 "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n"
	 "Sec-WebSocket-Accept: %s\r\n",
	 EPROTO},
	{"no Accept",
	 "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n"
	 "Connection: Upgrade\r\n",
	 EPROTO},
	{"that of another key",
	 "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n"
	 "Connection: Upgrade\r\n"
	 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
	 EPROTO},
	{"a protocol that was not asked for",
	 UPGRADED "Sec-WebSocket-Protocol: other\r\n", EPROTO},
	{"two protocols",
	 UPGRADED "Sec-WebSocket-Protocol: chat\r\n"
		  "Sec-WebSocket-Protocol: chat\r\n",
	 EPROTO},
	{"another extension", UPGRADED "Sec-WebSocket-Extensions: other\r\n",
	 EPROTO},
	{"compression twice", UPGRADED ZIP "\r\n" ZIP "\r\n", EPROTO},
	{"a parameter that is none", UPGRADED ZIP "; other\r\n", EPROTO},
	{"a window of 8 bits at the client",
	 UPGRADED ZIP "; client_max_window_bits=8\r\n", 0},
	{"of 7", UPGRADED ZIP "; client_max_window_bits=7\r\n", EPROTO},
	{"of 16", UPGRADED ZIP "; server_max_window_bits=16\r\n", EPROTO},
	{"without a value", UPGRADED ZIP "; client_max_window_bits\r\n",
	 EPROTO},
	{"in quotes", UPGRADED ZIP "; server_max_window_bits=\"10\"\r\n", 0},
	{"bad syntax", UPGRADED ZIP "; a=b=c\r\n", EPROTO},
};

struct dialed {
	struct ramet_ws *ws;
	int error;
};

static void *dial_and_tell(void *arg)
{
	struct dialed *d = arg;

	d->ws = dial_server();
	d->error = d->ws ? 0 : errno;
	ramet_ws_free(d->ws);
	return NULL;
}

TEST(answers_that_are_no_good_are_refused)
{
	int listener = ramet_listen("tcp://127.0.0.1:0");

	served.port = ramet_port(listener);
	client_opts.protocols = "chat";
	client_opts.compress = 1;
	for (size_t i = 0; i < sizeof answers / sizeof *answers;
	     i += test_is_swept() ? 5 : 1) {
		struct dialed d;
		struct ramet *dialer = spawn(dial_and_tell, &d);
		int fd = -1;

		SOON fd = ramet_accept(listener, NULL, NULL);
		CHECK(fd >= 0);
		if (answers[i].headers)
			answer_upgrade(fd, answers[i].headers, NULL);
		else
			read_head(fd, (char[HEAD]){""});
		ramet_close(fd);
		join(dialer);
		if (d.error != answers[i].error)
			test_fail(__FILE__, __LINE__, "%s: %s, not %s",
				  answers[i].about, strerror(d.error),
				  strerror(answers[i].error));
	}
	ramet_close(listener);
}
