/* The HTTP client: what it writes, and what it reads of what servers say. */
#include "client.h"

/* ---- answers ------------------------------------------------------------ */

TEST(an_answer_says_what_was_sent)
{
	static const struct step steps[] = {
		SAY(GET("/a?b"), "HTTP/1.1 404 Not at all\r\nX-One: 1\r\n"
				 "x-two:\t two words \r\nX-One: again\r\n"
				 "Empty:\r\nContent-Length: 5\r\n\r\nhello")};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();
	struct ramet_http_response *r = get(c, &s, "/a?b#fragment");

	CHECK_EQ(ramet_http_status(r), 404);
	check_text(ramet_http_reason(r), "Not at all");
	check_text(ramet_http_url(r), url_of(&s, "/a?b#fragment"));
	check_text(ramet_http_response_header(r, "x-one"), "1");
	check_text(ramet_http_response_header(r, "X-TWO"), "two words");
	check_text(ramet_http_response_header(r, "empty"), "");
	CHECK(!ramet_http_response_header(r, "X-Three"));
	check_text(ramet_http_response_header_at(r, 2)->value, "again");
	check_text(ramet_http_response_header_at(r, 4)->name, "Content-Length");
	CHECK(!ramet_http_response_header_at(r, 5));
	CHECK_EQ(ramet_http_response_size(r), 5);
	check_body(r, "hello");
	check_body(r, "hello");
	CHECK(!ramet_http_response_trailer(r, "x-one"));
	ramet_http_response_free(r);
	ramet_http_response_free(NULL);
	ramet_http_client_free(c);
	ramet_http_client_free(NULL);
	script_end(&s);
}

/* What comes of what is said, and of the end that may follow. */
static const struct answer {
	const char *reply;
	int status; /* 0: the request fails with: */
	int error;  /* or else reading of the body */
	const char *body;
	bool kept;   /* the connection is used again */
	bool closes; /* the server does */
	const char *method;
} answers[] = {
	/* 0: by length */
	{OK(2) "ok", 200, 0, "ok", .kept = true},
	{OK(0), 200, 0, "", .kept = true},
	{OK(3) "ok", 200, .error = ECONNABORTED, .closes = true},
	{OK(2) "ok?", 200, 0, "ok", .kept = false},
	{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
	 200, 0, "ok", .kept = false},
	/* 5: until the end */
	{"HTTP/1.1 200 OK\r\n\r\nok", 200, 0, "ok", .closes = true},
	{"HTTP/1.0 200 OK\r\n\r\nok", 200, 0, "ok", .closes = true},
	{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, 0, "ok",
	 .kept = false},
	{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
	 "Content-Length: 2\r\n\r\nok",
	 200, 0, "ok", .kept = true},
	/* 9: in chunks */
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "1\r\no\r\n1;x=\"y\"\r\nk\r\n0\r\n\r\n",
	 200, 0, "ok", .kept = true},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200,
	 0, "", .kept = true},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "2\r\nok\r\n0\r\n\r\nmore",
	 200, 0, "ok", .kept = false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
	 200, .error = ECONNABORTED, .closes = true},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
	 "chunked\r\n\r\n2\r\nok\r\n0\r\n",
	 200, .error = ECONNABORTED, .closes = true},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n",
	 200, .error = EPROTO},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n",
	 200, .error = EPROTO},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "0\r\nContent-Length: 1\r\n\r\n",
	 200, .error = EPROTO},
	/* 17: without one */
	{"HTTP/1.1 204 None\r\n\r\n", 204, 0, "", .kept = true},
	{"HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n", 304, 0, "",
	 .kept = true},
	{OK(2), 200, 0, "", .kept = true, .method = "HEAD"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, 0, "",
	 .kept = true, .method = "HEAD"},
	/* 21: after others */
	{"HTTP/1.1 100 Continue\r\n\r\n" OK(2) "ok", 200, 0, "ok",
	 .kept = true},
	{"HTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 102 Wait\r\n\r\n" OK(
		 2) "ok",
	 200, 0, "ok", .kept = true},
	{"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
	 0, .error = EPROTO},
	/* 24: that are none */
	{"", 0, .error = ECONNABORTED, .closes = true},
	{"HTTP/1.1 200 OK\r\nA: b\r\n", 0, .error = ECONNABORTED,
	 .closes = true},
	{"hello\r\n\r\n", 0, .error = EPROTO},
	{"HTTP/2 200 OK\r\n\r\n", 0, .error = EPROTO},
	{"HTTP/1.1 20 OK\r\n\r\n", 0, .error = EPROTO},
	{"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", 0, .error = EPROTO},
	{"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", 0, .error = EPROTO},
	{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 0,
	 .error = EPROTO},
	{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
	 "Transfer-Encoding: chunked\r\n\r\n",
	 0, .error = EPROTO},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 0,
	 .error = EPROTO},
	{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, .error = EPROTO},
};

static void check_answer(const struct answer *a, bool bytewise)
{
	struct step steps[] = {{.want = a->method ? HEAD : GET("/"),
				.reply = a->reply,
				.close = a->closes},
			       {.gone = true}};
	static const struct step again = SAY(GET("/"), OK(2) "ok");
	char url[64];
	RUN(s, steps, .bytewise = bytewise);
	struct ramet_http_client *c = new_client();
	struct ramet_http_request q = {.method = a->method, .url = url};
	struct ramet_http_response *r;

	if (a->closes)
		s.count = 1;
	if (a->kept)
		steps[1] = again;
	strcpy(url, s.url);
	errno = 0;
	r = ramet_http_request(c, &q);
	CHECK_EQ(r ? ramet_http_status(r) : 0, a->status);
	if (!r)
		CHECK_EQ(errno, a->error);
	else if (a->error)
		CHECK_NULL(ramet_http_response_body(r, 100, NULL), a->error);
	else
		check_body(r, a->body);
	ramet_http_response_free(r);
	if (a->kept)
		visit(c, &s);
	script_end(&s);
	CHECK_EQ(s.accepted, 1);
	ramet_http_client_free(c);
}

TEST(answers_are_read_as_they_are_framed)
{
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		if (test_is_swept() && i % 8)
			continue;
		fprintf(stderr, "answer %zu\n", i);
		check_answer(&answers[i], false);
		check_answer(&answers[i], true);
	}
}

TEST(a_trailer_is_there_at_the_end)
{
	static const struct step steps[] =
		{SAY(GET("/"),
		     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		     "\r\n2\r\nok\r\n0\r\nSum: 1\r\nOther: 2\r\n\r\n"),
		 SAY(GET("/"), OK(2) "ok")};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();
	struct ramet_http_response *r = get(c, &s, "/");

	CHECK_EQ(ramet_http_response_size(r), -1);
	check_body(r, "ok");
	check_text(ramet_http_response_trailer(r, "other"), "2");
	check_text(ramet_http_response_trailer(r, "SUM"), "1");
	CHECK(!ramet_http_response_trailer(r, "none"));
	ramet_http_response_free(r);
	visit(c, &s);
	script_end(&s);
	ramet_http_client_free(c);
}

/* ---- questions ---------------------------------------------------------- */

static const struct ramet_http_header several[] = {{"Accept", "text/html"},
						   {"Content-Type", "a/b"},
						   {"X", ""}};
static const struct ramet_http_header own[] = {{"host", "example.org:81"},
					       {"User-Agent", "me"},
					       {"accept-encoding", "br"}};
static const struct ramet_http_header range[] = {{"Range", "bytes=0-1"}};

static const struct question {
	struct ramet_http_request request; /* its url: from the path on */
	const char *sent;
} questions[] = {
	/* 0 */
	{{.url = ""}, GET("/")},
	{{.url = "?a=b#c"}, GET("/?a=b")},
	{{.method = "OPTIONS", .url = "/x"},
	 "OPTIONS /x HTTP/1.1\r\nHost: @\r\nUser-Agent: test\r\n" ACCEPT_CODING
	 "\r\n"},
	{{.method = "POST", .url = "/"},
	 "POST / HTTP/1.1\r\nHost: @\r\nUser-Agent: test\r\n" ACCEPT_CODING
	 "Content-Length: 0\r\n\r\n"},
	{{.url = "/", .body = "a b", .body_size = 3},
	 "POST / HTTP/1.1\r\nHost: @\r\nUser-Agent: test\r\n" ACCEPT_CODING
	 "Content-Length: 3\r\n\r\na b"},
	/* 5 */
	{{.method = "DELETE", .url = "/", .body = "", .body_size = 0},
	 "DELETE / HTTP/1.1\r\nHost: @\r\nUser-Agent: test\r\n" ACCEPT_CODING
	 "Content-Length: 0\r\n\r\n"},
	{{.method = "PUT",
	  .url = "/",
	  .headers = several,
	  .header_count = 3,
	  .body = "a",
	  .body_size = 1},
	 "PUT / HTTP/1.1\r\nHost: @\r\nUser-Agent: test\r\n" ACCEPT_CODING
	 "Accept: text/html\r\n"
	 "Content-Type: a/b\r\nX: \r\nContent-Length: 1\r\n\r\na"},
	{{.url = "/", .headers = own, .header_count = 3},
	 "GET / HTTP/1.1\r\nhost: example.org:81\r\nUser-Agent: me\r\n"
	 "accept-encoding: br\r\n\r\n"},
	{{.url = "/", .headers = range, .header_count = 1},
	 "GET / HTTP/1.1\r\nHost: @\r\nUser-Agent: test\r\n"
	 "Range: bytes=0-1\r\n\r\n"},
};

TEST(questions_are_written_as_the_standard_says)
{
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
		struct step step = SAY(questions[i].sent, OK(2) "ok");
		struct ramet_http_request q = questions[i].request;
		struct ramet_http_client *c = new_client();
		struct ramet_http_response *r;
		struct script s = {.steps = &step, .count = 1};

		fprintf(stderr, "question %zu\n", i);
		script_start(&s);
		q.url = url_of(&s, q.url);
		r = made(ramet_http_request(c, &q));
		check_body(r, "ok");
		ramet_http_response_free(r);
		script_end(&s);
		ramet_http_client_free(c);
	}
}

TEST(who_a_url_names_is_told_by_basic_authentication)
{
	static const struct step steps[] =
		{SAY("GET / HTTP/1.1\r\nHost: @\r\n"
		     "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
		     "User-Agent: test\r\n" ACCEPT_CODING "\r\n",
		     OK(2) "ok"),
		 SAY("GET / HTTP/1.1\r\nHost: @\r\n"
		     "Authorization: Basic bWU6\r\n"
		     "User-Agent: test\r\n" ACCEPT_CODING "\r\n",
		     OK(2) "ok")};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();
	char url[128];

	snprintf(url, sizeof url, "http://Aladdin:open%%20sesame@%s/", s.host);
	ramet_http_response_free(made(ramet_http_get(c, url)));
	snprintf(url, sizeof url, "http://me@%s/", s.host);
	ramet_http_response_free(made(ramet_http_get(c, url)));
	script_end(&s);
	ramet_http_client_free(c);
}

static ssize_t no_body(void *arg, void *buf, size_t size)
{
	(void)arg, (void)buf, (void)size;
	return 0;
}

TEST(what_cannot_be_sent_is_refused)
{
	static const struct ramet_http_header bad[] = {
		{"", "a"},
		{"a b", "c"},
		{"a:", "b"},
		{"a", "b\r\nc: d"},
		{"a", "b\n"},
		{"a", NULL},
		{NULL, "a"},
		{"Content-Length", "1"},
		{"transfer-encoding", "chunked"},
		{"connection", "close"},
		{"Keep-Alive", "a"},
		{"Upgrade", "a"},
		{"TE", "trailers"},
		{"Trailer", "a"},
		{"Expect", "100-continue"},
		{"Proxy-Connection", "close"},
		{"Host", ""},
		{"Host", "a b"},
		{"Host", "a/b"},
	};
	static const struct ramet_http_header hosts[] = {{"Host", "a"},
							 {"Host", "a"}};
	static const struct ramet_http_request requests[] = {
		{.url = NULL},
		{.url = ""},
		{.url = "/path"},
		{.url = "ftp://a/"},
		{.url = "ws://a/"},
		{.url = "http:///"},
		{.url = "http://a:99999/"},
		{.url = "http://a/b c"},
		{.url = "http://a/b\r\nc"},
		{.url = "http://%zz@a/"},
		{.url = "http://a%0d%0ab@a/"},
		{.method = "", .url = "http://a/"},
		{.method = "GET /", .url = "http://a/"},
		{.method = "CONNECT", .url = "http://a/"},
		{.url = "http://a/", .body_size = 1},
		{.url = "http://a/", .body = "", .read = no_body},
		{.url = "http://a/", .headers = hosts, .header_count = 2},
	};
	struct ramet_http_client *c = new_client();

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct ramet_http_request q = {.url = "http://127.0.0.1:9/",
					       .headers = &bad[i],
					       .header_count = 1};

		fprintf(stderr, "header %zu\n", i);
		CHECK_NULL(ramet_http_request(c, &q), EINVAL);
	}
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		fprintf(stderr, "request %zu\n", i);
		CHECK_NULL(ramet_http_request(c, &requests[i]), EINVAL);
	}
	ramet_http_client_free(c);
}
