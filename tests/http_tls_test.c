/* The HTTP client over TLS: whom it trusts, tunnels through proxies, and ends
 * that are none. */
#include "tls.h"

#include <stdio.h>

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* One connection: perhaps a tunnel is asked for first, then come questions. */
struct origin {
	bool tunnel;
	const char *answer; /* to each question */
	int questions;
	const struct ramet_tls_opts *opts;
	char url[64];
	int listener, port;
	struct ramet *ramet;
};

static void accept_tunnel(const struct origin *o, int fd)
{
	static const char yes[] = "HTTP/1.1 200 Go on\r\n\r\n";
	char want[256], got[256];
	ssize_t size = snprintf(want, sizeof want,
				"CONNECT localhost:%d HTTP/1.1\r\n"
				"Host: localhost:%d\r\n"
				"User-Agent: test\r\n\r\n",
				o->port, o->port);

	CHECK_EQ(ramet_recv(fd, got, (size_t)size, MSG_WAITALL), size);
	CHECK_EQ(memcmp(got, want, (size_t)size), 0);
	CHECK_EQ(ramet_send(fd, yes, sizeof yes - 1, 0), sizeof yes - 1);
}

static void answer(const struct origin *o, struct ramet_conn *conn)
{
	for (int i = 0; i < o->questions; i++) {
		char buf[512];

		CHECK(ramet_conn_read(conn, buf, sizeof buf) > 0);
		CHECK_EQ(memcmp(buf, "GET / HTTP/1.1\r\n", 16), 0);
		CHECK_EQ(ramet_conn_write(conn, o->answer, strlen(o->answer)),
			 strlen(o->answer));
	}
}

static void *serve(void *arg)
{
	struct origin *o = arg;
	struct ramet_tls *tls = server_of(o->opts);
	int fd = ramet_accept(o->listener, NULL, NULL);
	struct ramet_conn *conn;

	CHECK(fd >= 0);
	if (o->tunnel)
		accept_tunnel(o, fd);
	conn = made(ramet_conn_new(fd));
	/* A client that does not trust us leaves. */
	if (ramet_conn_start_tls(conn, tls, NULL) == 0)
		answer(o, conn);
	ramet_conn_close(conn);
	ramet_tls_free(tls);
	/* Who asks again is to be told that nobody is here. */
	CHECK_EQ(ramet_close(o->listener), 0);
	return NULL;
}

static void start(struct origin *o)
{
	o->listener = ramet_listen("tcp://127.0.0.1:0");
	CHECK(o->listener >= 0);
	o->port = ramet_port(o->listener);
	snprintf(o->url, sizeof o->url, "https://localhost:%d/", o->port);
	o->ramet = spawn(serve, o);
}

static void end(struct origin *o)
{
	join(o->ramet);
}

static void visit(struct ramet_http_client *c, const char *url)
{
	struct ramet_http_response *r = made(ramet_http_get(c, url));
	const char *body = ramet_http_response_body(r, 10, NULL);

	CHECK(body && strcmp(body, "ok") == 0);
	ramet_http_response_free(r);
}

/* ---- a server of ours ---------------------------------------------------- */

static void cut(struct ramet_http *h, void *arg)
{
	(void)arg;
	ramet_http_begin(h, 200, "text/plain", -1);
	ramet_http_write(h, "some", 4);
	ramet_http_flush(h);
	ramet_kill(ramet_self());
	ramet_yield();
}

static void *serve_http(void *server)
{
	CHECK_EQ(ramet_http_serve(server), 0);
	return NULL;
}

/* A goodbye would say that this was all. */
TEST(half_an_answer_over_tls_ends_in_an_error)
{
	static const char ask[] = "GET / HTTP/1.0\r\n\r\n";
	struct ramet_tls *tls = client_of(&trusting);
	struct ramet_http_opts opts = {.handler = cut,
				       .tls = server_of(&serving)};
	struct ramet_http_server *s = made(ramet_http_server_new(&opts));
	char address[64], text[512];
	struct ramet_conn *conn;
	struct ramet *server;
	ssize_t n = -1;

	snprintf(address, sizeof address, "tls://localhost:%d",
		 ramet_http_listen(s, "https://127.0.0.1:0"));
	server = spawn(serve_http, s);
	conn = made(ramet_conn_dial(address, tls));
	CHECK_EQ(ramet_conn_write(conn, ask, sizeof ask - 1), sizeof ask - 1);
	while ((n = ramet_conn_read(conn, text, sizeof text)) > 0)
		;
	CHECK(n < 0);
	ramet_conn_close(conn);
	ramet_http_stop(s);
	join(server);
	ramet_http_server_free(s);
	ramet_tls_free(opts.tls);
	ramet_tls_free(tls);
}

/* ---- clients of ours ----------------------------------------------------- */

TEST(a_connection_over_tls_is_kept)
{
	struct origin o = {.answer = ANSWER, .questions = 3, .opts = &serving};
	struct ramet_tls *tls = client_of(&trusting);
	struct ramet_http_client_opts opts = {.proxy = "", .tls = tls};
	struct ramet_http_client *c = made(ramet_http_client_new(&opts));

	start(&o);
	for (int i = 0; i < 3; i++)
		visit(c, o.url);
	end(&o);
	ramet_http_client_free(c);
	ramet_tls_free(tls);
}

TEST(who_is_not_to_be_trusted_is_told_nothing)
{
	static const struct ramet_tls_opts other = {.cert = "other.pem",
						    .key = "server.key"};
	struct origin o = {.answer = ANSWER, .questions = 1, .opts = &other};
	struct ramet_tls *tls = client_of(&trusting);
	struct ramet_http_client_opts opts = {.proxy = "", .tls = tls};
	struct ramet_http_client *c = made(ramet_http_client_new(&opts));

	start(&o);
	CHECK_NULL(ramet_http_get(c, o.url), EKEYREJECTED);
	CHECK(*ramet_tls_error());
	o.questions = 0;
	end(&o);
	ramet_http_client_free(c);
	ramet_tls_free(tls);
}

TEST(tls_goes_through_a_proxy_by_a_tunnel)
{
	struct origin o = {.tunnel = true,
			   .answer = ANSWER,
			   .questions = 2,
			   .opts = &serving};
	struct ramet_tls *tls = client_of(&trusting);
	struct ramet_http_client_opts opts = {.user_agent = "test", .tls = tls};
	struct ramet_http_client *c;
	char proxy[64];

	start(&o);
	snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", o.port);
	opts.proxy = proxy;
	c = made(ramet_http_client_new(&opts));
	visit(c, o.url);
	visit(c, o.url);
	end(&o);
	ramet_http_client_free(c);
	ramet_tls_free(tls);
}

/* Without a length the end is TLS's own, or else the body was cut. */
TEST(a_body_until_the_end_is_read_over_tls)
{
	struct origin o = {.answer = "HTTP/1.1 200 OK\r\n\r\nok",
			   .questions = 1,
			   .opts = &serving};
	struct ramet_tls *tls = client_of(&trusting);
	struct ramet_http_client_opts opts = {.proxy = "", .tls = tls};
	struct ramet_http_client *c = made(ramet_http_client_new(&opts));

	start(&o);
	visit(c, o.url);
	end(&o);
	ramet_http_client_free(c);
	ramet_tls_free(tls);
}
