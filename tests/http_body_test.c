/* The HTTP client: bodies that are sent and received piece by piece,
 * compressed, asked for or not; and ends that come from outside.
 */
#include "client.h"
#include "fds.h"

#define PUT(rest)                                                              \
	"PUT / HTTP/1.1\r\nHost: @\r\nUser-Agent: test\r\n" ACCEPT_CODING rest

/* ---- bodies that are read from the program ------------------------------ */

struct source {
	const char *const *pieces; /* NULL: the end */
	int error;                 /* which comes then */
};

static ssize_t give(void *arg, void *buf, size_t size)
{
	struct source *s = arg;
	const char *piece = *s->pieces;
	size_t n = piece ? strlen(piece) : 0;

	if (!piece && s->error) {
		errno = s->error;
		return -1;
	}
	if (!piece)
		return 0;
	s->pieces++;
	if (n <= size)
		memcpy(buf, piece, n);
	return (ssize_t)n;
}

static const struct stream {
	const char *pieces[4];
	uint64_t size;
	int error, want_error;
	const char *sent;
} streams[] = {
	{{"he", "llo"},
	 .sent = PUT("Transfer-Encoding: chunked\r\n\r\n"
		     "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")},
	{{NULL}, .sent = PUT("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{{"he", "llo"}, 5, .sent = PUT("Content-Length: 5\r\n\r\nhello")},
	{{"he", "llo"}, 4, .want_error = EINVAL},
	{{"he", "llo"}, 6, .want_error = EMSGSIZE},
	{{"he"}, .error = EBUSY, .want_error = EBUSY},
	{{"he"}, 5, .error = ENOENT, .want_error = ENOENT},
};

TEST(a_body_is_sent_as_it_is_read)
{
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		const struct stream *t = &streams[i];
		struct step steps[] = {SAY(t->sent, OK(2) "ok"), {.gone = 1}};
		struct ramet_http_client *c = new_client();
		struct source source = {t->pieces, t->error};
		struct ramet_http_request q = {.method = "PUT",
					       .body_size = t->size,
					       .read = give,
					       .arg = &source};
		struct ramet_http_response *r;
		RUN(s, steps);

		fprintf(stderr, "stream %zu\n", i);
		if (t->want_error) {
			steps[0] = (struct step){.want = PUT("")};
			s.count = 1;
		}
		q.url = s.url;
		errno = 0;
		r = ramet_http_request(c, &q);
		if (t->want_error)
			CHECK(!r && errno == t->want_error);
		else
			check_body(made(r), "ok");
		ramet_http_response_free(r);
		ramet_http_client_free(c);
		script_end(&s);
	}
}

static ssize_t never(void *arg, void *buf, size_t size)
{
	(void)arg, (void)buf, (void)size;
	return ramet_sleep(RAMET_NEVER);
}

static void *put(void *url)
{
	struct ramet_http_client *c = new_client();
	struct ramet_http_request q = {.method = "PUT",
				       .url = url,
				       .read = never};

	CHECK_EQ(ramet_defer((void (*)(void *))ramet_http_client_free, c), 0);
	CHECK(!ramet_http_request(c, &q));
	return NULL;
}

TEST(a_kill_while_the_program_reads_leaves_nothing_behind)
{
	static const struct step steps[] =
		{{.want = PUT("Transfer-Encoding: chunked\r\n\r\n")},
		 {.gone = 1}};
	RUN(s, steps);
	struct ramet *t = spawn(put, s.url);

	CHECK_EQ(ramet_sleep(10 * RAMET_MS), 0);
	CHECK_EQ(ramet_kill(t), 0);
	CHECK_ERR(ramet_join(t, NULL), ECHILD);
	script_end(&s);
}

/* ---- 100-continue ------------------------------------------------------- */

#define WHETHER PUT("Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")

static void ask_whether(struct script *s, int status, size_t connections)
{
	struct ramet_http_client *c = new_client();
	struct ramet_http_request q = {.method = "PUT",
				       .url = s->url,
				       .body = "hello",
				       .body_size = 5,
				       .expect = 1};
	struct ramet_http_response *r = made(ramet_http_request(c, &q));

	CHECK_EQ(ramet_http_status(r), status);
	check_body(r, "ok");
	ramet_http_response_free(r);
	script_end(s);
	CHECK_EQ(s->accepted, connections);
	ramet_http_client_free(c);
}

TEST(a_body_that_is_wanted_is_sent)
{
	static const struct step steps[] =
		{SAY(WHETHER, "HTTP/1.1 100 Continue\r\n\r\n"),
		 SAY("hello", OK(2) "ok")};
	RUN(s, steps);

	ask_whether(&s, 200, 1);
}

TEST(a_body_that_is_not_wanted_is_not_sent)
{
	static const struct step steps[] =
		{SAY(WHETHER,
		     "HTTP/1.1 413 Big\r\nContent-Length: 2\r\n\r\nok"),
		 {.gone = 1}};
	RUN(s, steps);

	ask_whether(&s, 413, 1);
}

TEST(a_body_of_which_nothing_is_said_is_sent_after_a_second)
{
	static const struct step steps[] = {SAY(WHETHER, NULL),
					    SAY("hello", OK(2) "ok")};
	RUN(s, steps);

	ask_whether(&s, 200, 1);
}

TEST(who_knows_no_expectations_is_asked_without)
{
	static const struct step steps[] =
		{SAY(WHETHER, "HTTP/1.1 417 What\r\nContent-Length: 0\r\n\r\n"),
		 {.gone = 1},
		 SAY(PUT("Content-Length: 5\r\n\r\nhello"), OK(2) "ok")};
	RUN(s, steps);

	ask_whether(&s, 200, 2);
}

static ssize_t hello(void *left, void *buf, size_t size)
{
	int *n = left;

	CHECK(size >= 5);
	CHECK_EQ((*n)--, 1); /* the program cannot begin again */
	memcpy(buf, "hello", 5);
	return 5;
}

TEST(who_says_late_that_it_knows_no_expectations_is_not_asked_again)
{
	static const struct step steps[] =
		{SAY(WHETHER, NULL),
		 SAY("hello",
		     "HTTP/1.1 417 What\r\nContent-Length: 2\r\n\r\nok")};
	RUN(s, steps);
	int left = 1;
	struct ramet_http_client *c = new_client();
	struct ramet_http_request q = {.method = "PUT",
				       .url = s.url,
				       .body_size = 5,
				       .read = hello,
				       .arg = &left,
				       .expect = 1};
	struct ramet_http_response *r = made(ramet_http_request(c, &q));

	CHECK_EQ(ramet_http_status(r), 417);
	check_body(r, "ok");
	ramet_http_response_free(r);
	script_end(&s);
	ramet_http_client_free(c);
}

/* ---- who answers early -------------------------------------------------- */

TEST(an_answer_counts_though_the_question_was_not_read)
{
	static const struct step steps[] = {
		{.want = "PUT / HTTP/1.1\r\n",
		 .reply = "HTTP/1.1 413 Big\r\nConnection: close\r\n"
			  "Content-Length: 2\r\n\r\nok"}};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();
	struct ramet_http_request q = {.method = "PUT",
				       .url = s.url,
				       .body = "a",
				       .body_size = 1};
	struct ramet_http_response *r = ramet_http_request(c, &q);

	/* The reset may come before the answer is read. */
	if (r)
		CHECK_EQ(ramet_http_status(r), 413);
	else
		CHECK_EQ(errno, ECONNRESET);
	ramet_http_response_free(r);
	script_end(&s);
	ramet_http_client_free(c);
}

/* ---- compression -------------------------------------------------------- */

#define GZIP                                                                   \
	"\037\213\010\000\000\000\000\000\002\003\313\110\315\311\311\127\310" \
	"\100\220\134\000\073\174\212\337\022\000\000\000"
#define ZLIB                                                                   \
	"\170\234\313\110\315\311\311\127\310\100\220\134\000\100\265\006\207"
#define RAW "\313\110\315\311\311\127\310\100\220\134\000"
#define HELLO "hello hello hello\n"
#define CODED(coding, text)                                                    \
	"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: " coding    \
	"\r\n\r\n" text

static const struct coded {
	const char *reply;
	size_t size;
	const char *body;
	int error;
	bool keep;
} codeds[] = {
#define IS(coding, text, ...)                                                  \
	{                                                                      \
		CODED(coding, text), sizeof CODED(coding, text) - 1,           \
			__VA_ARGS__                                            \
	}
	IS("gzip", GZIP, .body = HELLO),
	IS("X-GZIP", GZIP, .body = HELLO),
	IS("deflate", ZLIB, .body = HELLO),
	IS("deflate", RAW, .body = HELLO),
	IS("gzip", GZIP GZIP, .body = HELLO HELLO),
	IS("gzip", "", .body = ""),
	IS("identity", HELLO, .body = HELLO),
	IS("br", HELLO, .body = HELLO),
	IS("gzip, gzip", HELLO, .body = HELLO),
	IS("gzip", "hello", .error = EPROTO),
	IS("gzip", GZIP "hello", .error = EPROTO),
	IS("gzip", "\037\213\010", .error = EPROTO),
	IS("deflate", ZLIB "\170", .error = EPROTO),
	IS("deflate", "\170\234\313\110\315", .error = EPROTO),
	IS("deflate", "\170\234\377", .error = EPROTO),
	IS("gzip", "hello", .body = "hello", .keep = true),
};

static void check_coded(const struct coded *t, bool bytewise)
{
	struct ramet_http_client_opts opts = plain;
	struct ramet_http_client *c;
	struct ramet_http_response *r;
	struct step steps[] = {{.want = "GET / HTTP/1.1\r\nHost: @\r\n"
					"User-Agent: test\r\n",
				.reply = t->reply,
				.size = t->size}};
	RUN(s, steps, .bytewise = bytewise);

	opts.keep_coding = t->keep;
	if (!t->keep)
		steps[0].want = GET("/");
	else
		steps[0].want = "GET / HTTP/1.1\r\nHost: @\r\n"
				"User-Agent: test\r\n\r\n";
	c = made(ramet_http_client_new(&opts));
	r = get(c, &s, "/");
	if (t->error) {
		CHECK_NULL(ramet_http_response_body(r, 1000, NULL), t->error);
		CHECK_NULL(ramet_http_response_body(r, 1000, NULL), t->error);
	} else {
		check_body(r, t->body);
	}
	ramet_http_response_free(r);
	script_end(&s);
	ramet_http_client_free(c);
}

TEST(compressed_bodies_are_read_as_what_they_were)
{
	need_zlib();
	for (size_t i = 0; i < sizeof codeds / sizeof *codeds; i++) {
		if (test_is_swept() && i % 4)
			continue;
		fprintf(stderr, "body %zu\n", i);
		check_coded(&codeds[i], false);
		check_coded(&codeds[i], true);
	}
}

/* 100,000 zeros. */
#define ZEROS                                                                  \
	"\037\213\010\000\000\000\000\000\002\003\355\301\061\001\000\000"     \
	"\000\302\240\365\117\155\015\017\240\000\000\000\000\000\000\000"     \
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"     \
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"     \
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"     \
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"     \
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"     \
	"\000\000\000\000\000\000\000\000\000\200\127\003\175\225\021\324"     \
	"\240\206\001\000"

TEST(what_unpacks_to_too_much_is_stopped_at_the_limit)
{
	need_zlib();
	static const struct step steps[] =
		{{.want = GET("/"),
		  .reply = CODED("gzip", ZEROS),
		  .size = sizeof CODED("gzip", ZEROS) - 1,
		  .close = 1},
		 {.want = GET("/"),
		  .reply = CODED("gzip", ZEROS),
		  .size = sizeof CODED("gzip", ZEROS) - 1}};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();
	struct ramet_http_response *r = get(c, &s, "/");
	size_t size = 0;

	CHECK_EQ(ramet_http_response_size(r), -1);
	CHECK_NULL(ramet_http_response_body(r, 99999, NULL), EFBIG);
	ramet_http_response_free(r);
	r = get(c, &s, "/");
	CHECK(ramet_http_response_body(r, 100000, &size));
	CHECK_EQ(size, 100000);
	ramet_http_response_free(r);
	script_end(&s);
	ramet_http_client_free(c);
}

/* ---- limits and ends ---------------------------------------------------- */

TEST(a_body_above_its_limit_is_refused)
{
	static const struct step steps[] =
		{{.want = GET("/"), .reply = OK(9) "nine char", .close = 1},
		 {.want = GET("/"),
		  .reply = "HTTP/1.1 200 OK\r\n\r\nnine char",
		  .close = 1}};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();

	for (int i = 0; i < 2; i++) {
		struct ramet_http_response *r = get(c, &s, "/");

		CHECK_NULL(ramet_http_response_body(r, 8, NULL), EFBIG);
		ramet_http_response_free(r);
		let_run();
	}
	script_end(&s);
	ramet_http_client_free(c);
}

TEST(a_head_above_its_limit_is_refused)
{
	static const struct step steps[] =
		{SAY(GET("/"), "HTTP/1.1 200 OK\r\nA: 012345678901234567890123"
			       "0123456789012345678901234567890123456789\r\n"
			       "Content-Length: 0\r\n\r\n"),
		 {.gone = 1}};
	RUN(s, steps);
	struct ramet_http_client_opts opts = plain;
	struct ramet_http_client *c;

	opts.head_max = 80;
	c = made(ramet_http_client_new(&opts));
	CHECK_NULL(ramet_http_get(c, s.url), EMSGSIZE);
	script_end(&s);
	ramet_http_client_free(c);
}

TEST(a_body_goes_on_after_a_time_limit)
{
	static const struct step steps[] = {SAY(GET("/"), OK(5) "he"),
					    {.reply = "llo",
					     .pause = 50 * RAMET_MS}};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();
	struct ramet_http_response *r = get(c, &s, "/");

	RAMET_WITHIN(RAMET_MS)
		CHECK_NULL(ramet_http_response_body(r, 10, NULL), ETIMEDOUT);
	check_body(r, "hello");
	ramet_http_response_free(r);
	script_end(&s);
	ramet_http_client_free(c);
}

static void *ask_a_silent(void *url)
{
	struct ramet_http_client *c = new_client();

	CHECK_NULL(ramet_http_get(c, url), ECANCELED);
	ramet_http_client_free(c);
	return NULL;
}

TEST(cancel_and_time_limits_end_a_request)
{
	static const struct step steps[] = {SAY(GET("/"), NULL),
					    {.gone = 1},
					    SAY(GET("/"), "HTTP/1.1 2"),
					    {.gone = 1}};
	RUN(s, steps);
	struct ramet *t = spawn(ask_a_silent, s.url);
	struct ramet_http_client *c = new_client();

	CHECK_EQ(ramet_sleep(5 * RAMET_MS), 0);
	CHECK_EQ(ramet_cancel(t), 0);
	join(t);
	RAMET_WITHIN(20 * RAMET_MS)
		CHECK_NULL(ramet_http_get(c, s.url), ETIMEDOUT);
	script_end(&s);
	ramet_http_client_free(c);
}

/* Bodies of all sizes come whole, read in whatever pieces. */
TEST(bodies_come_whole_in_any_pieces)
{
	enum { SIZE = 100000 };
	char *reply = malloc(SIZE + 100), buf[977];
	struct step steps[] = {{.want = GET("/"), .reply = reply}};
	struct ramet_http_client *c = new_client();
	struct ramet_http_response *r;
	size_t at = (size_t)sprintf(reply, "%s", OK(100000)), done = 0;
	ssize_t n;

	for (size_t i = 0; i < SIZE; i++)
		reply[at++] = (char)('a' + i % 26);
	reply[at] = 0;
	RUN(s, steps);
	r = get(c, &s, "/");
	while ((n = ramet_http_response_read(r, buf,
					     1 + test_rand(sizeof buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			CHECK_EQ(buf[i], 'a' + (done + (size_t)i) % 26);
		done += (size_t)n;
	}
	CHECK_EQ(n, 0);
	CHECK_EQ(done, SIZE);
	ramet_http_response_free(r);
	script_end(&s);
	ramet_http_client_free(c);
	free(reply);
}
