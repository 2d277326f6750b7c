/* Requests read by oneself: ramet_http_reader_*. */
#include "test.h"

#include <ramet/http.h>

#include <errno.h>

#include <string.h>

static const char post[] = "POST /a?b HTTP/1.1\r\nHost: h\r\nX-Y:  z \r\n"
			   "Transfer-Encoding: chunked\r\n\r\n";
static const char chunks[] = "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nA: b\r\n\r\nrest";

static bool is(const char *buf, struct ramet_http_text t, const char *word)
{
	return t.size == strlen(word) && !memcmp(buf + t.at, word, t.size);
}

static struct ramet_http_reader *reader(void)
{
	struct ramet_http_reader *r = ramet_http_reader_new(0, 0);

	CHECK(r);
	return r;
}

TEST(a_head_is_read_however_it_is_cut)
{
	for (size_t cut = 0; cut < sizeof post - 1; cut++) {
		struct ramet_http_reader *r = reader();
		struct ramet_http_request_head h;
		struct ramet_http_text name, value;

		CHECK(ramet_http_reader_head(r, post, cut, &h) == 0);
		CHECK(ramet_http_reader_head(r, post, sizeof post - 1, &h) ==
		      sizeof post - 1);
		CHECK(is(post, h.method, "POST") && is(post, h.target, "/a?b"));
		CHECK(h.version == 11 && h.flags == RAMET_HTTP_PERSISTS);
		CHECK(h.body == -1 && h.headers == 3 && h.status == 0);
		CHECK(ramet_http_reader_header(r, 1, &name, &value) == 1);
		CHECK(is(post, name, "X-Y") && is(post, value, "z"));
		CHECK(ramet_http_reader_header(r, 3, &name, &value) == 0);
		ramet_http_reader_free(r);
	}
}

/* The data of `chunks`, which come one more byte at a time. */
static size_t read_slowly(struct ramet_http_reader *r, char *all, size_t *rest)
{
	char buf[sizeof chunks];
	size_t have = 0, total = 0;
	int ended = 0;

	for (size_t i = 0; i < sizeof chunks - 1 && !ended; i++) {
		size_t data;
		ssize_t n;

		buf[have++] = chunks[i];
		n = ramet_http_reader_chunks(r, buf, have, &data, &ended);
		CHECK(n >= 0);
		memcpy(all + total, buf, data);
		total += data;
		have -= (size_t)n;
		memmove(buf, buf + n, have);
		*rest = sizeof chunks - 1 - i - 1;
	}
	CHECK(ended);
	return total;
}

TEST(chunks_are_decoded_and_the_trailer_is_read)
{
	struct ramet_http_reader *r = reader();
	struct ramet_http_text name, value;
	char all[sizeof chunks];
	size_t rest;

	CHECK(read_slowly(r, all, &rest) == 5 && !memcmp(all, "abcde", 5));
	CHECK(rest == strlen("rest"));
	CHECK(ramet_http_reader_header(r, 0, &name, &value) == 1);
	ramet_http_reader_free(r);
}

TEST(what_is_refused_says_with_which_status)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/3.0\r\n\r\n", 505},
		{"GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", 417},
		{"GET / HTTP/1.0\r\nA: b\r\nC: d\r\nE: f\r\n\r\n", 431},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ramet_http_reader *r = ramet_http_reader_new(0, 2);
		struct ramet_http_request_head h;

		CHECK(r);
		CHECK(ramet_http_reader_head(r, cases[i].text,
					     strlen(cases[i].text), &h) == -1);
		CHECK(errno == EPROTO && h.status == cases[i].status);
		ramet_http_reader_free(r);
	}
}

TEST(a_bad_chunk_is_refused_and_the_next_request_begins_anew)
{
	struct ramet_http_reader *r = reader();
	struct ramet_http_request_head h;
	char bad[] = "x\r\n";
	size_t data;
	int ended;

	CHECK(ramet_http_reader_chunks(r, bad, 3, &data, &ended) == -1);
	CHECK(errno == EPROTO && data == 0 && !ended);
	ramet_http_reader_begin(r);
	CHECK(ramet_http_reader_head(r, post, sizeof post - 1, &h) > 0);
	ramet_http_reader_free(r);
	ramet_http_reader_free(NULL);
}
