/* The HTTP client: where answers send it, and what it takes along. */
#include "client.h"

#define TO(status, where)                                                      \
	"HTTP/1.1 " status " Go\r\nLocation: " where                           \
	"\r\nContent-Length: 2\r\n\r\nno"
#define REST                                                                   \
	" HTTP/1.1\r\nHost: @\r\nUser-Agent: test\r\n"                         \
	ACCEPT_CODING
#define ASK(line) line REST "\r\n"
#define BODY REST "Content-Type: a/b\r\nContent-Length: 2\r\n\r\nhi"

static const struct ramet_http_header typed[] = {{"Content-Type", "a/b"}};

/* One answer that sends us on, and what is asked then. */
static const struct redirect {
	const char *method, *first, *reply, *second;
	int status; /* of the last answer; 0: */
	int error;
} redirects[] = {
	/* 0: GET */
	{"GET", ASK("GET /a/b"), TO("301", "/c"), ASK("GET /c"), 200, 0},
	{"GET", ASK("GET /a/b"), TO("302", "c?d#e"), ASK("GET /a/c?d"), 200, 0},
	{"GET", ASK("GET /a/b"), TO("303", "../c"), ASK("GET /c"), 200, 0},
	{"GET", ASK("GET /a/b"), TO("307", "//@/c"), ASK("GET /c"), 200, 0},
	{"GET", ASK("GET /a/b"), TO("308", "http://@"), ASK("GET /"), 200, 0},
	{"GET", ASK("GET /a/b"), TO("300", "/c"), NULL, 300, 0},
	{"GET", ASK("GET /a/b"), TO("304", "/c"), NULL, 304, 0},
	{"GET", ASK("GET /a/b"), TO("305", "/c"), NULL, 305, 0},
	{"GET", ASK("GET /a/b"), TO("201", "/c"), NULL, 201, 0},
	{"GET", ASK("GET /a/b"),
	 "HTTP/1.1 302 Where\r\nContent-Length: 2\r\n\r\nno", NULL, 302, 0},
	{"GET", ASK("GET /a/b"), TO("302", "ftp://a/"), NULL, 0, EPROTO},
	{"GET", ASK("GET /a/b"), TO("302", "http://"), NULL, 0, EPROTO},
	{"GET", ASK("GET /a/b"), TO("302", "/a b"), NULL, 0, EPROTO},
	/* 13: HEAD */
	{"HEAD", ASK("HEAD /a/b"),
	 "HTTP/1.1 303 Go\r\nLocation: /c\r\nContent-Length: 2\r\n\r\n",
	 ASK("HEAD /c"), 200, 0},
	/* 14: with a body */
	{"POST", "POST /a/b" BODY, TO("301", "/c"), ASK("GET /c"), 200, 0},
	{"POST", "POST /a/b" BODY, TO("302", "/c"), ASK("GET /c"), 200, 0},
	{"POST", "POST /a/b" BODY, TO("303", "/c"), ASK("GET /c"), 200, 0},
	{"POST", "POST /a/b" BODY, TO("307", "/c"), "POST /c" BODY, 200, 0},
	{"POST", "POST /a/b" BODY, TO("308", "/c"), "POST /c" BODY, 200, 0},
	{"PUT", "PUT /a/b" BODY, TO("301", "/c"), "PUT /c" BODY, 200, 0},
	{"PUT", "PUT /a/b" BODY, TO("303", "/c"), ASK("GET /c"), 200, 0},
};

TEST(redirects_are_followed_as_browsers_do)
{
	for (size_t i = 0; i < sizeof redirects / sizeof *redirects; i++) {
		const struct redirect *d = &redirects[i];
		bool head = strcmp(d->method, "HEAD") == 0;
		bool body = d->method[0] == 'P';
		struct step steps[] = {SAY(d->first, d->reply),
				       SAY(d->second,
					   head ? OK(2) : OK(2) "ok")};
		RUN(s, steps);
		struct ramet_http_client *c = new_client();
		struct ramet_http_request q = {.method = d->method,
					       .headers = typed,
					       .header_count = body,
					       .body = body ? "hi" : NULL,
					       .body_size = body ? 2 : 0};
		struct ramet_http_response *r;

		fprintf(stderr, "redirect %zu\n", i);
		if (!d->second)
			s.count = 1;
		q.url = url_of(&s, "/a/b");
		errno = 0;
		r = ramet_http_request(c, &q);
		CHECK_EQ(r ? ramet_http_status(r) : 0, d->status);
		if (!r)
			CHECK_EQ(errno, d->error);
		ramet_http_response_free(r);
		script_end(&s);
		CHECK_EQ(s.accepted, 1);
		ramet_http_client_free(c);
	}
}

TEST(the_url_that_answered_is_told)
{
	static const struct step steps[] = {SAY(ASK("GET /a"),
						TO("302", "b/c")),
					    SAY(ASK("GET /b/c"),
						TO("302", "./d?e")),
					    SAY(ASK("GET /b/d?e"), OK(0))};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();
	struct ramet_http_response *r = get(c, &s, "/a");

	check_text(ramet_http_url(r), url_of(&s, "/b/d?e"));
	ramet_http_response_free(r);
	script_end(&s);
	ramet_http_client_free(c);
}

TEST(a_redirect_whose_body_has_no_end_is_followed)
{
	static const struct step steps[] =
		{SAY(ASK("GET /"),
		     "HTTP/1.1 302 Go\r\nLocation: /on\r\n\r\n..."),
		 {.gone = 1},
		 SAY(ASK("GET /on"), OK(2) "ok")};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();
	struct ramet_http_response *r = get(c, &s, "/");

	CHECK_EQ(ramet_http_status(r), 200);
	ramet_http_response_free(r);
	script_end(&s);
	ramet_http_client_free(c);
}

TEST(redirects_come_to_an_end)
{
	static const struct step steps[] = {SAY(ASK("GET /"), TO("302", "/")),
					    SAY(ASK("GET /"), TO("302", "/")),
					    SAY(ASK("GET /"), TO("302", "/"))};
	RUN(s, steps);
	struct ramet_http_client_opts opts = plain;
	struct ramet_http_client *c;

	opts.redirects_max = 2;
	c = made(ramet_http_client_new(&opts));
	CHECK_NULL(ramet_http_get(c, s.url), ELOOP);
	script_end(&s);
	ramet_http_client_free(c);
}

TEST(redirects_are_not_followed_where_that_is_not_wanted)
{
	static const struct step steps[] = {SAY(ASK("GET /"), TO("302", "/"))};
	RUN(s, steps);
	struct ramet_http_client_opts opts = plain;
	struct ramet_http_client *c;
	struct ramet_http_response *r;

	opts.redirects_max = -1;
	c = made(ramet_http_client_new(&opts));
	r = get(c, &s, "/");
	CHECK_EQ(ramet_http_status(r), 302);
	check_body(r, "no");
	ramet_http_response_free(r);
	script_end(&s);
	ramet_http_client_free(c);
}

/* ---- what is told to whom ----------------------------------------------- */

static const struct ramet_http_header secrets[] = {{"Authorization",
						    "Bearer x"},
						   {"Cookie", "a=b"},
						   {"X-Own", "c"}};

#define SECRETS "Authorization: Bearer x\r\nCookie: a=b\r\nX-Own: c\r\n\r\n"

TEST(secrets_are_for_the_origin_that_was_asked)
{
	static const struct step first[] = {SAY("GET /" REST SECRETS,
						TO("302", "/again")),
					    SAY("GET /again" REST SECRETS,
						TO("302", "http://#/there"))};
	static const struct step second[] =
		{SAY("GET /there" REST "X-Own: c\r\n\r\n", TO("302", "/on")),
		 SAY("GET /on" REST "X-Own: c\r\n\r\n", OK(0))};
	RUN(other, second);
	RUN(s, first, .other = &other);
	struct ramet_http_client *c = new_client();
	struct ramet_http_request q = {.url = s.url,
				       .headers = secrets,
				       .header_count = 3};

	ramet_http_response_free(made(ramet_http_request(c, &q)));
	script_end(&s);
	script_end(&other);
	ramet_http_client_free(c);
}

/* Nor are they told again to who sent us away and has us back. */
TEST(the_user_in_a_url_is_for_its_origin)
{
	static const struct step first[] = {
		SAY("GET / HTTP/1.1\r\nHost: @\r\nAuthorization: Basic YTpi\r\n"
		    "User-Agent: test\r\n" ACCEPT_CODING "\r\n",
		    TO("302", "/again")),
		SAY("GET /again HTTP/1.1\r\nHost: @\r\n"
		    "Authorization: Basic YTpi\r\n"
		    "User-Agent: test\r\n" ACCEPT_CODING "\r\n",
		    TO("302", "http://#/there")),
		SAY(ASK("GET /back"), OK(0))};
	static const struct step second[] = {
		SAY(ASK("GET /there"), TO("302", "http://#/back"))};
	struct script s = {.steps = first, .count = 3};
	struct script other = {.steps = second, .count = 1, .other = &s};
	struct ramet_http_client *c = new_client();
	char url[100];

	s.other = &other;
	script_start(&other);
	script_start(&s);
	snprintf(url, sizeof url, "http://a:b@%s/", s.host);
	ramet_http_response_free(made(ramet_http_get(c, url)));
	script_end(&s);
	script_end(&other);
	ramet_http_client_free(c);
}

static ssize_t once(void *arg, void *buf, size_t size)
{
	int *left = arg;

	CHECK(size > 0);
	*(char *)buf = 'x';
	return (*left)-- > 0;
}

TEST(a_body_that_was_read_is_not_sent_again)
{
	static const struct step steps[] = {SAY("PUT /" REST
						"Content-Length: 1\r\n\r\nx",
						TO("307", "/on"))};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();
	int left = 1;
	struct ramet_http_request q = {.method = "PUT",
				       .url = s.url,
				       .body_size = 1,
				       .read = once,
				       .arg = &left};
	struct ramet_http_response *r = made(ramet_http_request(c, &q));

	CHECK_EQ(ramet_http_status(r), 307);
	ramet_http_response_free(r);
	script_end(&s);
	ramet_http_client_free(c);
}
