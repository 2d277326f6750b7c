/* The server's limits, how it stops, and its log. */
#include "http.h"
#include "pair.h"

#include <dirent.h>
#include <signal.h>
#include <pthread.h>

#define TEXT(size, text)                                                       \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " size \
	"\r\n\r\n" text
#define LAST(status, size, text)                                               \
	"HTTP/1.1 " status                                                     \
	"\r\nContent-Type: text/plain\r\nContent-Length: " size                \
	"\r\nConnection: close\r\n\r\n" text
#define TIMEOUT LAST("408 Request Timeout", "20", "408 Request Timeout\n")

static const char hello_request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

static int in_handler, cancelled;

static void answer(struct ramet_http *h, void *arg)
{
	const char *path = ramet_http_path(h);

	(void)arg;
	if (strcmp(path, "/body") == 0 && !ramet_http_body(h, NULL))
		return;
	in_handler++;
	if (strcmp(path, "/slow") == 0 && ramet_sleep(100 * RAMET_MS) < 0)
		cancelled++;
	if (strcmp(path, "/never") == 0 && ramet_sleep(RAMET_NEVER) < 0)
		cancelled++;
	in_handler--;
	ramet_http_reply(h, 200, "text/plain", "hello", 5);
}

static struct ramet_http_opts options(void)
{
	return (struct ramet_http_opts){.handler = answer};
}

static struct ramet_http_stats stats_of(const struct served *s)
{
	struct ramet_http_stats stats;

	ramet_http_get_stats(s->server, &stats);
	return stats;
}

/* What is answered to this, before the connection ends. */
static const char *asked(const struct served *s, const char *text)
{
	const char *got;
	int fd = connect_to(s);

	ramet_send(fd, text, strlen(text), 0);
	got = hear_all(fd);
	CHECK_EQ(ramet_close(fd), 0);
	return got;
}

/* ---- time -----------------------------------------------------------------
 */

TEST(a_head_has_its_time)
{
	static const char start_of[] = "GET /aaaaaaaaaa";
	struct ramet_http_opts opts = options();
	struct served s;
	int fd;

	opts.head_time = 50 * RAMET_MS;
	s = serve(&opts);
	start(&s);
	SAME(asked(&s, "GET / HTTP/1.1\r\nHo"), TIMEOUT);
	/* One byte after the other does not make it longer. */
	fd = connect_to(&s);
	for (int i = 0; i < (test_is_swept() ? 2 : 100); i++) {
		if (ramet_send(fd, &start_of[i < 14 ? i : 14], 1, 0) < 0)
			break;
		ramet_sleep(RAMET_MS);
	}
	SAME(hear_all(fd), TIMEOUT);
	ramet_close(fd);
	CHECK_EQ(stats_of(&s).timed_out, 2);
	stop(&s);
}

TEST(between_requests_silence_ends_a_connection_silently)
{
	struct ramet_http_opts opts = options();
	struct served s;
	int fd;

	opts.idle_time = 50 * RAMET_MS;
	s = serve(&opts);
	start(&s);
	SAME(asked(&s, ""), "");
	fd = connect_to(&s);
	say(fd, hello_request);
	HEAR(fd, TEXT("5", "hello"));
	HEAR_END(fd);
	stop(&s);
}

TEST(a_connection_that_was_idle_for_long_is_served)
{
	struct served s;
	struct ramet_http_opts opts = options();
	int fd;

	if (test_is_swept())
		test_skip("takes too long to be swept");
	s = serve(&opts);
	start(&s);
	fd = connect_to(&s);
	ramet_sleep(1200 * RAMET_MS);
	say(fd, hello_request);
	HEAR(fd, TEXT("5", "hello"));
	ramet_close(fd);
	stop(&s);
}

TEST(a_body_must_go_on_coming)
{
	struct ramet_http_opts opts = options();
	struct served s;

	opts.body_time = 50 * RAMET_MS;
	s = serve(&opts);
	start(&s);
	SAME(asked(&s, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5"
		       "\r\n\r\nabc"),
	     TIMEOUT);
	SAME(asked(&s, "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
		       "chunked\r\n\r\n5\r\nabc"),
	     TIMEOUT);
	SAME(asked(&s, "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
		       "chunked\r\n\r\n0\r\nA: b"),
	     TIMEOUT);
	stop(&s);
}

static void send_much(struct ramet_http *h, void *arg)
{
	static char zeros[1 << 20];
	int *result = arg;

	CHECK_EQ(ramet_http_begin(h, 200, NULL, -1), 0);
	while (ramet_http_write(h, zeros, sizeof zeros) == 0)
		;
	*result = errno;
}

TEST(a_client_that_does_not_read_is_left)
{
	int result = 0, fd;
	struct ramet_http_opts opts = {.handler = send_much,
				       .arg = &result,
				       .write_time = 50 * RAMET_MS};
	struct served s = serve(&opts);

	start(&s);
	fd = connect_to(&s);
	say(fd, hello_request);
	AWAIT(!stats_of(&s).connections && result);
	if (!test_is_swept())
		CHECK_EQ(result, ETIMEDOUT);
	ramet_close(fd);
	stop(&s);
}

/* ---- size -----------------------------------------------------------------
 */

TEST(heads_have_a_size)
{
	struct ramet_http_opts opts = options();
	char text[2048] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
	struct served s;

	opts.head_max = 1000;
	opts.headers_max = 3;
	s = serve(&opts);
	start(&s);
	memset(text + strlen(text), 'x', 1500);
	SAME(asked(&s, text), LAST("431 Request Header Fields Too Large", "36",
				   "431 Request Header Fields Too Large\n"));
	memset(text + 5, 'x', 1500);
	SAME(asked(&s, text),
	     LAST("414 URI Too Long", "17", "414 URI Too Long\n"));
	SAME(asked(&s, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\nE: f\r\n"
		       "\r\n"),
	     LAST("431 Request Header Fields Too Large", "36",
		  "431 Request Header Fields Too Large\n"));
	CHECK_EQ(stats_of(&s).refused, 3);
	stop(&s);
}

TEST(a_long_head_is_read)
{
	struct ramet_http_opts opts = options();
	static char text[16000] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
	struct served s = serve(&opts);
	int fd;

	memset(text + strlen(text), 'x', 15000);
	strcat(text, "\r\n\r\n");
	start(&s);
	fd = connect_to(&s);
	for (int i = 0; i < 2; i++) {
		say(fd, text);
		HEAR(fd, TEXT("5", "hello"));
	}
	ramet_close(fd);
	stop(&s);
}

TEST(a_large_body_that_nobody_reads_ends_the_connection_after_the_answer)
{
	struct ramet_http_opts opts = options();
	static char zeros[100 * 1000];
	struct served s = serve(&opts);
	int fd;

	start(&s);
	fd = connect_to(&s);
	say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
	ramet_write_all(fd, zeros, sizeof zeros);
	HEAR(fd, LAST("200 OK", "5", "hello"));
	ramet_close(fd);
	stop(&s);
}

TEST(a_connection_has_so_many_requests)
{
	struct ramet_http_opts opts = options();
	struct served s;
	int fd;

	opts.requests_max = 2;
	s = serve(&opts);
	start(&s);
	fd = connect_to(&s);
	say(fd, hello_request);
	HEAR(fd, TEXT("5", "hello"));
	say(fd, hello_request);
	HEAR(fd, LAST("200 OK", "5", "hello"));
	HEAR_END(fd);
	stop(&s);
}

TEST(connections_above_the_limit_wait)
{
	struct ramet_http_opts opts = options();
	struct served s;
	int first, second;

	opts.connections_max = 1;
	s = serve(&opts);
	start(&s);
	first = connect_to(&s);
	say(first, hello_request);
	HEAR(first, TEXT("5", "hello"));
	second = connect_to(&s);
	say(second, hello_request);
	settle();
	CHECK_EQ(stats_of(&s).accepted, 1);
	ramet_close(first);
	HEAR(second, TEXT("5", "hello"));
	CHECK_EQ(stats_of(&s).accepted, 2);
	/* One that waits for room is not forgotten by a stop. */
	first = connect_to(&s);
	settle();
	ramet_close(second);
	ramet_close(first);
	stop(&s);
}

TEST(connections_above_the_limit_wait_at_each_listener)
{
	struct ramet_http_opts opts = options();
	int fd = ramet_listen("tcp://127.0.0.1:0"), first, second;
	struct served s, other = {.port = ramet_port(fd)};

	CHECK(fd >= 0);
	opts.connections_max = 1;
	s = serve(&opts);
	CHECK_EQ(ramet_http_listen_fd(s.server, fd, 0), 0);
	start(&s);
	settle(); /* both wait for somebody */
	first = connect_to(&s);
	say(first, hello_request);
	HEAR(first, TEXT("5", "hello"));
	second = connect_to(&other);
	say(second, hello_request);
	settle();
	CHECK_EQ(stats_of(&s).requests, 1);
	CHECK_EQ(stats_of(&s).connections, 1);
	ramet_close(first);
	HEAR(second, TEXT("5", "hello"));
	first = connect_to(&s);
	settle();
	ramet_http_stop(s.server); /* finds it waiting */
	ramet_close(second);
	stop(&s);
	ramet_close(first);
}

/* ---- slow clients, many of them -------------------------------------------
 */

static size_t resident(void)
{
	unsigned long pages = 0, all;
	FILE *f = fopen("/proc/self/statm", "r");

	CHECK(f && fscanf(f, "%lu %lu", &all, &pages) == 2);
	fclose(f);
	return pages * 4096;
}

TEST(slow_clients_cost_little_and_are_cut)
{
	enum { MANY = 400 };
	struct ramet_http_opts opts = options();
	struct served s;
	size_t before, cost;
	static int fds[MANY];
	int n = MANY, fd;

	if (test_is_swept())
		test_skip("too many to be swept");
	opts.head_time = (test_slow() ? 6000 : 1500) * RAMET_MS;
	s = serve(&opts);
	start(&s);
	before = resident();
	for (int i = 0; i < n; i++) {
		fds[i] = connect_to(&s);
		say(fds[i], "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	}
	settle();
	cost = (resident() - before) / (size_t)n;
	/* Simulated sockets are in our memory as well, and so is what watches.
	 */
	if (!test_slow() && strcmp(ramet_kernel_name(), "sim") != 0)
		CHECK(cost <= 24 * 1024);
	fd = connect_to(&s);
	say(fd, hello_request);
	HEAR(fd, TEXT("5", "hello"));
	ramet_close(fd);
	for (int i = 0; i < n; i++) {
		SAME(hear_all(fds[i]), TIMEOUT);
		ramet_close(fds[i]);
	}
	stop(&s);
}

/* ---- stop -----------------------------------------------------------------
 */

TEST(a_stop_lets_requests_end_and_idle_connections_go)
{
	struct ramet_http_opts opts = options();
	struct served s = serve(&opts);
	int idle, used, slow;

	start(&s);
	idle = connect_to(&s);
	used = connect_to(&s);
	slow = connect_to(&s);
	say(used, hello_request);
	HEAR(used, TEXT("5", "hello"));
	say(slow, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
	AWAIT(in_handler);
	ramet_http_stop(s.server);
	HEAR_END(idle);
	HEAR_END(used);
	HEAR(slow, LAST("200 OK", "5", "hello"));
	HEAR_END(slow);
	join(s.ramet);
	CHECK_EQ(s.result, 0);
	CHECK_EQ(cancelled, 0);
	CHECK_ERR(ramet_http_serve(s.server), EINVAL);
	ramet_http_server_free(s.server);
}

TEST(after_the_grace_requests_are_cancelled)
{
	struct ramet_http_opts opts = options();
	struct served s;
	int fd;

	opts.grace = 50 * RAMET_MS;
	s = serve(&opts);
	start(&s);
	fd = connect_to(&s);
	say(fd, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
	AWAIT(in_handler);
	ramet_http_stop(s.server);
	join(s.ramet);
	CHECK_EQ(cancelled, 1);
	ramet_close(fd);
	ramet_http_server_free(s.server);
}

TEST(a_second_stop_does_not_wait)
{
	struct ramet_http_opts opts = options();
	struct served s;
	int fd;

	opts.grace = 1000 * RAMET_SEC;
	s = serve(&opts);
	start(&s);
	fd = connect_to(&s);
	say(fd, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
	AWAIT(in_handler);
	ramet_http_stop(s.server);
	settle();
	CHECK_EQ(cancelled, 0);
	ramet_http_stop(s.server);
	join(s.ramet);
	CHECK_EQ(cancelled, 1);
	ramet_close(fd);
	ramet_http_server_free(s.server);
}

TEST(cancel_stops_it_too)
{
	struct ramet_http_opts opts = options();
	struct served s = serve(&opts);
	int slow;

	start(&s);
	slow = connect_to(&s);
	say(slow, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
	AWAIT(in_handler);
	CHECK_EQ(ramet_cancel(s.ramet), 0);
	HEAR(slow, LAST("200 OK", "5", "hello"));
	HEAR_END(slow);
	join(s.ramet);
	CHECK_EQ(s.result, -1);
	CHECK_EQ(s.error, ECANCELED);
	ramet_http_server_free(s.server);
}

TEST(a_killed_server_ends_its_connections_first)
{
	struct ramet_http_opts opts = options();
	struct served s = serve(&opts);
	int fd;

	start(&s);
	fd = connect_to(&s);
	say(fd, hello_request);
	HEAR(fd, TEXT("5", "hello"));
	CHECK_EQ(ramet_kill(s.ramet), 0);
	HEAR_END(fd);
	CHECK_ERR(ramet_join(s.ramet, NULL), ECHILD);
	ramet_http_server_free(s.server);
}

TEST(a_stop_before_it_serves_counts)
{
	struct ramet_http_opts opts = options();
	struct served s = serve(&opts);

	ramet_http_stop(s.server);
	CHECK_EQ(ramet_http_serve(s.server), 0);
	ramet_http_stop(s.server);
	ramet_http_server_free(s.server);
}

/* Whoever started it knows that it listens, and may want it to end. */
TEST(a_signal_before_it_serves_counts)
{
	struct ramet_http_opts opts = options();
	struct served s;

	opts.stop_signals = 1;
	s = serve(&opts);
	CHECK_EQ(kill(getpid(), SIGTERM), 0);
	CHECK_EQ(ramet_http_serve(s.server), 0);
	ramet_http_server_free(s.server);
}

TEST(one_server_has_the_signals)
{
	struct ramet_http_opts opts = options();
	struct ramet_http_server *other;
	struct served s;

	opts.stop_signals = 1;
	s = serve(&opts);
	other = made(ramet_http_server_new(&opts));
	CHECK_ERR(ramet_http_listen(other, "http://127.0.0.1:0"), EBUSY);
	ramet_http_server_free(s.server);
	CHECK(ramet_http_listen(other, "http://127.0.0.1:0") > 0);
	ramet_http_server_free(other);
}

static void *stop_elsewhere(void *server)
{
	ramet_http_stop(server);
	return NULL;
}

TEST(any_thread_may_stop_it)
{
	struct ramet_http_opts opts = options();
	struct served s = serve(&opts);
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, stop_elsewhere, s.server), 0);
	CHECK_EQ(ramet_http_serve(s.server), 0);
	pthread_join(t, NULL);
	ramet_http_server_free(s.server);
}

/* ---- how it begins --------------------------------------------------------
 */

TEST(options_are_looked_at)
{
	struct ramet_http_opts opts = options(), bad = opts;
	struct ramet_http_server *s;

	bad.handler = NULL;
	CHECK_NULL(ramet_http_server_new(&bad), EINVAL);
	CHECK_NULL(ramet_http_server_new(NULL), EINVAL);
	bad = opts;
	bad.name = "a\nb";
	CHECK_NULL(ramet_http_server_new(&bad), EINVAL);
	bad = opts;
	bad.stack_size = (size_t)1 << 40;
	CHECK_NULL(ramet_http_server_new(&bad), EINVAL);
	s = made(ramet_http_server_new(&opts));
	CHECK_ERR(ramet_http_serve(s), EINVAL);
	CHECK_ERR(ramet_http_listen(s, "https://127.0.0.1:0"), EINVAL);
	CHECK_ERR(ramet_http_listen(s, "tcp://127.0.0.1:0"), EINVAL);
	CHECK_ERR(ramet_http_listen(s, "http://127.0.0.1"), EINVAL);
	CHECK_ERR(ramet_http_listen(s, NULL), EINVAL);
	ramet_http_server_free(s);
	ramet_http_server_free(NULL);
}

TEST(several_listeners_serve_the_same)
{
	struct ramet_http_opts opts = options();
	struct served s = serve(&opts);
	int fd = ramet_listen("tcp://127.0.0.1:0");
	struct served other = {.port = ramet_port(fd)};

	CHECK(fd >= 0);
	CHECK_EQ(ramet_http_listen_fd(s.server, fd, 0), 0);
	start(&s);
	fd = connect_to(&s);
	say(fd, hello_request);
	HEAR(fd, TEXT("5", "hello"));
	ramet_close(fd);
	fd = connect_to(&other);
	say(fd, hello_request);
	HEAR(fd, TEXT("5", "hello"));
	ramet_close(fd);
	stop(&s);
}

TEST(what_is_no_listener_ends_the_server)
{
	struct ramet_http_opts opts = options();
	struct ramet_http_server *s = made(ramet_http_server_new(&opts));
	int fds[2];

	unix_pair(fds);
	CHECK_EQ(ramet_http_listen_fd(s, fds[0], 0), 0);
	CHECK_ERR(ramet_http_listen_fd(s, fds[0], 1), EINVAL); /* no tls */
	CHECK_ERR(ramet_http_serve(s), EINVAL);
	ramet_http_server_free(s);
	CHECK_EQ(ramet_close(fds[1]), 0);
}

static void tell_peer(struct ramet_http *h, void *arg)
{
	const char *peer = ramet_http_peer(h);

	(void)arg;
	ramet_http_reply(h, 200, "text/plain", peer, strlen(peer));
}

TEST(a_path_is_listened_on)
{
	struct ramet_http_opts opts = {.handler = tell_peer};
	struct served s = {.server = made(ramet_http_server_new(&opts))};
	char path[256];
	int fd;

	snprintf(path, sizeof path, "http+unix://%s/s", test_dir());
	CHECK_EQ(ramet_http_listen(s.server, path), 0);
	start(&s);
	snprintf(path, sizeof path, "unix://%s/s", test_dir());
	fd = dial(path);
	say(fd, hello_request);
	HEAR(fd, TEXT("4", "unix"));
	ramet_close(fd);
	stop(&s);
}

/* ---- the log --------------------------------------------------------------
 */

static void read_log(int fd, char *text, size_t room, size_t lines)
{
	size_t at = 0;

	for (size_t seen = 0; seen < lines;) {
		ssize_t n = -1;

		SOON n = ramet_read(fd, text + at, room - 1 - at);
		CHECK(n > 0);
		for (ssize_t i = 0; i < n; i++)
			seen += text[at + (size_t)i] == '\n';
		at += (size_t)n;
	}
	text[at] = '\0';
}

/* The line after its date, without its duration. */
static const char *shown(char *line)
{
	char *at = strchr(line, ']'), *end = strrchr(line, ' ');

	CHECK(at && end && strncmp(line, "127.0.0.1 - - [", 15) == 0);
	*end = '\0';
	return at + 2;
}

TEST(each_answer_is_logged)
{
	static const char *const want[] = {
		"\"GET / HTTP/1.1\" 200 5",
		"\"POST /body?\\x22x HTTP/1.0\" 200 5",
		"\"-\" 400 16",
		"\"HEAD / HTTP/1.1\" 200 0",
	};
	struct ramet_http_opts opts = options();
	char text[4096], *line = text;
	struct served s;
	int fds[2];

	CHECK_EQ(ramet_pipe(fds, 0), 0);
	opts.log_fd = fds[1];
	s = serve(&opts);
	start(&s);
	asked(&s, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	asked(&s, "POST /body?%22x HTTP/1.0\r\n\r\n");
	asked(&s, "GET  HTTP/1.1\r\n\r\n");
	asked(&s, "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	read_log(fds[0], text, sizeof text, 4);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		char *end = strchr(line, '\n');

		CHECK(end != NULL);
		*end = '\0';
		SAME(shown(line),
		     i == 1 ? "\"POST /body?%22x HTTP/1.0\" 200 5" : want[i]);
		line = end + 1;
	}
	CHECK_EQ(stats_of(&s).log_lost, 0);
	stop(&s);
	close_pair(fds);
}

/* Of those that come together each has its own. */
TEST(each_line_has_its_duration)
{
	struct ramet_http_opts opts = options();
	char text[4096], *line = text;
	struct served s;
	int fds[2], fd;

	CHECK_EQ(ramet_pipe(fds, 0), 0);
	opts.log_fd = fds[1];
	s = serve(&opts);
	start(&s);
	CHECK_EQ(ramet_sleep(20 * RAMET_MS), 0);
	fd = connect_to(&s);
	say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
		"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
		"GET  HTTP/1.1\r\n\r\n");
	hear_all(fd);
	ramet_close(fd);
	read_log(fds[0], text, sizeof text, 3);
	for (int i = 0; i < 3; i++) {
		char *end = strchr(line, '\n'), *blank;
		double took;

		CHECK(end != NULL);
		*end = '\0';
		blank = strrchr(line, ' ');
		CHECK(blank != NULL);
		took = strtod(blank, NULL);
		CHECK(took < 15 && (i != 1 || took >= 0.1));
		line = end + 1;
	}
	stop(&s);
	close_pair(fds);
}

TEST(a_log_that_nobody_reads_stops_nobody)
{
	struct ramet_http_opts opts = options();
	struct served s;
	int fds[2], fd;

	CHECK_EQ(ramet_pipe(fds, 0), 0);
	opts.log_fd = fds[1];
	s = serve(&opts);
	start(&s);
	CHECK_EQ(ramet_close(fds[0]), 0); /* and no SIGPIPE */
	fd = connect_to(&s);
	for (int i = 0; i < 3; i++) {
		say(fd, hello_request);
		HEAR(fd, TEXT("5", "hello"));
		settle();
	}
	CHECK_EQ(stats_of(&s).log_lost, 3);
	ramet_close(fd);
	stop(&s);
	CHECK_EQ(ramet_close(fds[1]), 0);
}

TEST(a_log_that_is_full_loses_lines_and_not_requests)
{
	struct ramet_http_opts opts = options();
	int fds[2], fd, n = 3000;
	struct served s;

	if (test_is_swept())
		test_skip("too many to be swept");
	opts.grace = 50 * RAMET_MS;
	CHECK_EQ(ramet_pipe(fds, 0), 0);
	opts.log_fd = fds[1];
	s = serve(&opts);
	start(&s);
	fd = connect_to(&s);
	for (int i = 0; i < n; i++) {
		say(fd, hello_request);
		HEAR(fd, TEXT("5", "hello"));
	}
	CHECK(stats_of(&s).log_lost > 0);
	ramet_close(fd);
	stop(&s);
	close_pair(fds);
}

/* ---- dates ----------------------------------------------------------------
 */

#include "http/exchange.h"

TEST(dates_are_written_and_read)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} dates[] = {
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
		{"Sun Nov  6 08:49:37 1994", 784111777},
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},
		{"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
		{"Thu, 31 Dec 2016 23:59:60 GMT", 1483228799},
		{"Sun, 06 Nov 1994 08:49:37", -1},
		{"Sun, 06 Nov 1994 08:49:37 GMTx", -1},
		{"Sun, 31 Nov 1994 08:49:37 GMT", -1},
		{"Sun, 29 Feb 1900 08:49:37 GMT", -1},
		{"Sun, 06 Nov 1994 24:49:37 GMT", -1},
		{"Sun, 6 Nov 1994 08:49:37 GMT", -1},
		{"sun, 06 nov 1994 08:49:37 gmt", -1},
		{"Wed, 31 Dec 1969 23:59:59 GMT", -1},
		{"", -1},
	};
	char text[HTTP_DATE], log[HTTP_LOG_DATE];

	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
		if (ramet__http_date_parse(dates[i].text) != dates[i].seconds)
			test_fail(__FILE__, __LINE__, "date %zu: %lld", i,
				  (long long)ramet__http_date_parse(
					  dates[i].text));
	for (int64_t t = 0; t < INT64_C(4102444800); t += 86400 * 3 + 12345) {
		ramet__http_date(t, text);
		CHECK_EQ(ramet__http_date_parse(text), t);
	}
	ramet__http_log_date(784111777, log);
	SAME(log, "[06/Nov/1994:08:49:37 +0000]");
	ramet__http_date(-5, text);
	SAME(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}
