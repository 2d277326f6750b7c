/* How connections end: what was answered arrives, and what was cut never looks
 * whole. */
#include "http.h"
#include "pair.h"

#define TEXT(size, text)                                                       \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " size \
	"\r\n\r\n" text
#define LAST(size, text)                                                       \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " size \
	"\r\nConnection: close\r\n\r\n" text
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static char zeros[1 << 20]; /* large: few calls */
static bool waiting, full;
static ssize_t filled;

/* Bytes of no answer, until the kernel takes no more. */
static void fill_up(struct ramet_http *h)
{
	int fd = ramet_conn_fd(ramet_http_conn(h));
	ssize_t n;

	while ((n = ramet_send(fd, zeros, sizeof zeros, MSG_DONTWAIT)) > 0)
		filled += n;
	while ((n = ramet_send(fd, zeros, 64, MSG_DONTWAIT)) > 0)
		filled += n;
	full = true;
}

static void handle(struct ramet_http *h, void *arg)
{
	const char *path = ramet_http_path(h);

	(void)arg;
	if (strcmp(path, "/kill") == 0) {
		ramet_kill(ramet_self());
		ramet_yield();
	}
	if (strcmp(path, "/cut") == 0) {
		ramet_http_begin(h, 200, "text/plain", -1);
		ramet_http_write(h, "some", 4);
		ramet_http_flush(h);
		ramet_kill(ramet_self());
		ramet_yield();
	}
	if (strcmp(path, "/wait") == 0) {
		waiting = true;
		ramet_sleep(60 * RAMET_SEC);
		waiting = false;
	}
	if (strcmp(path, "/fill") == 0)
		fill_up(h);
	ramet_http_reply(h, 200, "text/plain", "hello", 5);
}

static const struct ramet_http_opts plain = {.handler = handle};

/* ---- what was answered arrives ------------------------------------------- */

TEST(an_answer_outlives_the_kill_of_the_next_handler)
{
	struct served s = serve(&plain);
	int fd;

	start(&s);
	fd = connect_to(&s);
	say(fd, GET("/hello") GET("/kill"));
	HEAR(fd, TEXT("5", "hello"));
	HEAR_END(fd);
	stop(&s);
}

/* Until the server has tried to send all it has; nobody reads meanwhile. */
static void await_fill(void)
{
	for (int i = 0; !full; i++) {
		CHECK(i < (test_is_swept() ? 100 : 3000));
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	}
	settle();
}

/* The rest of an answer follows as soon as the client has read what is in front
 * of it, though the handler of the next request goes on waiting. */
TEST(an_answer_that_did_not_fit_follows)
{
	struct served s = serve(&plain);
	ssize_t left, n;
	int fd;

	start(&s);
	fd = connect_to(&s);
	say(fd, GET("/fill") GET("/wait"));
	await_fill();
	for (left = filled; left; left -= n) {
		size_t size = (size_t)left < sizeof zeros ? (size_t)left
							  : sizeof zeros;

		n = -1;
		SOON n = ramet_read(fd, zeros, size);
		CHECK(n > 0);
	}
	HEAR(fd, TEXT("5", "hello"));
	AWAIT(waiting);
	ramet_close(fd);
	ramet_http_stop(s.server);
	stop(&s);
}

/* The same, but nobody reads, and the connection ends. */
TEST(an_answer_that_never_fits_holds_nobody)
{
	struct served s = serve(&plain);
	int fd;

	start(&s);
	fd = connect_to(&s);
	say(fd, GET("/fill") GET("/wait"));
	await_fill();
	ramet_close(fd);
	ramet_http_stop(s.server);
	stop(&s);
}

/* Requests that nobody will read must not make of the end a reset, which
 * destroys what the client has not read yet. */
TEST(requests_after_the_last_do_not_destroy_its_answer)
{
	enum { REQUEST = 64, MANY = 32 };
	struct ramet_http_opts opts = plain;
	static char asked[2 * MANY * REQUEST + 1], want[MANY * 128];
	struct served s;
	int fd;

	for (int i = 0; i < 2 * MANY; i++)
		sprintf(asked + i * REQUEST,
			"GET /hello HTTP/1.1\r\nHost: a\r\nX: %027d\r\n\r\n",
			0);
	CHECK_EQ(strlen(asked), 2 * MANY * REQUEST);
	for (int i = 0; i < MANY; i++)
		strcat(want,
		       i < MANY - 1 ? TEXT("5", "hello") : LAST("5", "hello"));
	opts.requests_max = MANY;
	s = serve(&opts);
	start(&s);
	fd = connect_to(&s);
	say(fd, asked);
	HEAR(fd, want);
	HEAR_END(fd);
	stop(&s);
}

/* ---- what was cut does not look whole ------------------------------------ */

/* To HTTP/1.0 the end of the connection is the end of the answer. */
TEST(half_an_answer_without_a_size_ends_in_a_reset)
{
	struct served s = serve(&plain);
	char text[512];
	ssize_t n = -1;
	int fd;

	start(&s);
	fd = connect_to(&s);
	say(fd, "GET /cut HTTP/1.0\r\n\r\n");
	SOON while ((n = ramet_read(fd, text, sizeof text)) > 0);
	CHECK(n < 0 && errno == ECONNRESET);
	ramet_close(fd);
	stop(&s);
}

TEST(half_an_answer_in_chunks_ends_without_the_last)
{
	struct served s = serve(&plain);
	int fd;

	start(&s);
	fd = connect_to(&s);
	say(fd, GET("/cut"));
	HEAR(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-"
		 "Encoding: chunked\r\n\r\n0004\r\nsome\r\n");
	HEAR_END(fd);
	stop(&s);
}

/* ---- tunnels ------------------------------------------------------------- */

/* RFC 9110, 9.3.6: after 2xx to CONNECT comes the tunnel.  What is behind it is
 * no request: whoever forwards has stopped to look. */
TEST(a_reply_to_connect_is_the_last)
{
	struct served s = serve(&plain);
	int fd;

	start(&s);
	fd = connect_to(&s);
	say(fd, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n" GET("/hello"));
	HEAR(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: "
		 "close\r\n\r\nhello");
	HEAR_END(fd);
	stop(&s);
}
