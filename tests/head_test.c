/* Heads, chunks and trailers are refused or read exactly as the tables in
 * tests/http/ say, wherever the input is cut and whatever is behind it. */
#include "http/cases.h"
#include "http/describe.h"
#include "test.h"

#include "base/scan.h"

static const struct http_limits limits = {.head = 1024, .fields = 16};

static const struct http_case requests[] = {
#include "http/requests.h"
};

static const struct http_case responses[] = {
#include "http/responses.h"
};

/* ---- heads -------------------------------------------------------------- */

enum kind { REQUEST, RESPONSE };

/* Reads of `size` bytes that are nowhere else, and end where their memory does:
 * so the head moves between calls, and sanitizers see what is read beyond. */
static int read_copy(enum kind kind, struct http_head *h,
		     const struct http_case *c, const char *bytes, size_t size)
{
	char *copy = malloc(size ? size : 1);
	int r;

	memcpy(copy, bytes, size);
	r = kind == REQUEST
		    ? ramet__head_request(h, &limits, copy, size)
		    : ramet__head_response(h, &limits, copy, size, c->no_body);
	free(copy);
	return r;
}

static int refusal(const struct http_case *c)
{
	return -c->status;
}

/* Is what was read, r and h, what the case says? */
static void judge(enum kind kind, size_t number, const struct http_case *c,
		  const char *how, int r, const struct http_head *h)
{
	struct description d;
	int want = c->what ? (int)c->size : refusal(c);

	if (r != want)
		test_fail(__FILE__, __LINE__,
			  "case %zu (%s, %s) %s: %d instead of %d", number,
			  c->section, c->title, how, r, want);
	if (!c->what || !*c->what)
		return;
	(kind == REQUEST ? describe_request
			 : describe_response)(&d, h, c->bytes, c->size);
	if (!strstr(c->what, " | ") && strstr(d.text, " | "))
		*strstr(d.text, " | ") = 0;
	if (strcmp(d.text, c->what))
		test_fail(__FILE__, __LINE__,
			  "case %zu (%s, %s) %s: '%s' instead of '%s'", number,
			  c->section, c->title, how, d.text, c->what);
}

static void whole(enum kind kind, size_t number, const struct http_case *c)
{
	struct http_head h;

	ramet__head_init(&h);
	judge(kind, number, c, "whole",
	      read_copy(kind, &h, c, c->bytes, c->size), &h);
}

static void in_two(enum kind kind, size_t number, const struct http_case *c)
{
	for (size_t cut = 0; cut < c->size; cut++) {
		struct http_head h;
		char how[32];
		int r;

		ramet__head_init(&h);
		r = read_copy(kind, &h, c, c->bytes, cut);
		if (!r)
			r = read_copy(kind, &h, c, c->bytes, c->size);
		snprintf(how, sizeof how, "cut at %zu", cut);
		judge(kind, number, c, how, r, &h);
	}
}

static void in_bytes(enum kind kind, size_t number, const struct http_case *c)
{
	struct http_head h;
	int r = 0;

	ramet__head_init(&h);
	for (size_t n = 0; n <= c->size && !r; n++)
		r = read_copy(kind, &h, c, c->bytes, n);
	judge(kind, number, c, "byte by byte", r, &h);
}

/* Whatever was decided, it was by the bytes that are there. */
static void followed(enum kind kind, size_t number, const struct http_case *c)
{
	static const char *const behind[] = {GET CRLF, OK CRLF, "\r\n", " ",
					     "\n"};
	char both[8192];

	for (size_t i = 0; i < countof(behind) && (c->status || c->what); i++) {
		size_t size = c->size + strlen(behind[i]);
		struct http_head h;

		memcpy(both, c->bytes, c->size);
		memcpy(both + c->size, behind[i], size - c->size);
		ramet__head_init(&h);
		judge(kind, number, c, "followed by another",
		      read_copy(kind, &h, c, both, size), &h);
	}
}

static void run(enum kind kind, const struct http_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		whole(kind, i, &cases[i]);
		in_two(kind, i, &cases[i]);
		in_bytes(kind, i, &cases[i]);
		followed(kind, i, &cases[i]);
	}
}

TEST(requests_are_refused_or_read_as_the_table_says)
{
	run(REQUEST, requests, countof(requests));
}

TEST(responses_are_refused_or_read_as_the_table_says)
{
	run(RESPONSE, responses, countof(responses));
}

/* Of 128 fields there is room for all. */
TEST(there_is_room_for_as_many_fields_as_limits_may_allow)
{
	static const char first[] = "GET / HTTP/1.1\r\nHost: a\r\n";
	struct http_limits most = {.head = 65536, .fields = HTTP_FIELDS};
	char text[4096];
	struct http_head h;
	size_t n = strlen(first);

	memcpy(text, first, n);
	for (int i = 1; i < HTTP_FIELDS; i++, n += 6)
		memcpy(text + n, "A: b\r\n", 6);
	memcpy(text + n, "\r\n", 2);
	ramet__head_init(&h);
	CHECK_EQ(ramet__head_request(&h, &most, text, n + 2), n + 2);
	CHECK_EQ(h.field_count, HTTP_FIELDS);
	memcpy(text + n, "A: b\r\n\r\n", 8);
	ramet__head_init(&h);
	CHECK_EQ(ramet__head_request(&h, &most, text, n + 8), -431);
}

static bool persists(enum kind kind, const char *text)
{
	struct http_head h;
	size_t size = strlen(text);

	ramet__head_init(&h);
	CHECK_EQ(kind == REQUEST
			 ? ramet__head_request(&h, &limits, text, size)
			 : ramet__head_response(&h, &limits, text, size, false),
		 size);
	return ramet__head_persists(&h);
}

/* RFC 9112, 9.3. */
TEST(connections_persist_as_the_version_and_the_fields_say)
{
	CHECK(persists(REQUEST, GET CRLF));
	CHECK(!persists(REQUEST, GET "Connection: close\r\n\r\n"));
	CHECK(!persists(REQUEST, GET "Connection: close, keep-alive\r\n\r\n"));
	CHECK(!persists(REQUEST, "GET / HTTP/1.0\r\n\r\n"));
	CHECK(persists(REQUEST,
		       "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
	CHECK(!persists(RESPONSE, OK CRLF));
	CHECK(persists(RESPONSE, OK "Content-Length: 0\r\n\r\n"));
	CHECK(persists(RESPONSE, OK "Transfer-Encoding: chunked\r\n\r\n"));
	CHECK(!persists(RESPONSE, "HTTP/1.0 204 \r\n\r\n"));
	CHECK(persists(RESPONSE, "HTTP/1.1 304 \r\n\r\n"));
}

TEST(fields_are_found_in_any_case_of_letters_and_in_their_order)
{
	static const char text[] = GET "A-b: 1\r\nC: 2\r\na-B: 3\r\n\r\n";
	struct http_head h;

	ramet__head_init(&h);
	CHECK(ramet__head_request(&h, &limits, text, sizeof text - 1) > 0);
	CHECK_EQ(ramet__head_find(&h, text, "HOST", 0), 0);
	CHECK_EQ(ramet__head_find(&h, text, "a-b", 0), 1);
	CHECK_EQ(ramet__head_find(&h, text, "A-B", 2), 3);
	CHECK_EQ(ramet__head_find(&h, text, "A-B", 4), -1);
	CHECK_EQ(ramet__head_find(&h, text, "A", 0), -1);
	CHECK_EQ(ramet__head_find(&h, text, "A-bc", 0), -1);
}

/* ---- chunks ------------------------------------------------------------- */

struct chunk_case {
	const char *section, *title, *data, *trailer;
	const char *bytes;
	size_t size;
	enum { GOOD, UNDONE, WRONG } verdict;
};

#define BODY(section, data, trailer, title, bytes)                             \
	{section, title, data, trailer, bytes, sizeof(bytes) - 1, GOOD},
#define OPEN(section, data, title, bytes)                                      \
	{section, title, data, "", bytes, sizeof(bytes) - 1, UNDONE},
#define BAD(section, title, bytes)                                             \
	{section, title, "", "", bytes, sizeof(bytes) - 1, WRONG},

static const struct chunk_case bodies[] = {
#include "http/chunks.h"
};

/* Somebody who reads a body in parts, as servers and clients do. */
struct body {
	struct http_chunks chunks;
	struct http_head trailer;
	char data[8192], rest[8192]; /* the trailer's bytes so far */
	size_t data_size, rest_size, used;
	bool bad, done;
};

static void body_init(struct body *b)
{
	memset(&b->chunks, 0, sizeof b->chunks);
	ramet__head_trailer_init(&b->trailer);
	b->data_size = b->rest_size = b->used = 0;
	b->bad = b->done = false;
}

static void take_trailer(struct body *b, const char *bytes, size_t size)
{
	int r;

	memcpy(b->rest + b->rest_size, bytes, size);
	b->rest_size += size;
	r = ramet__head_trailer(&b->trailer, &limits, b->rest, b->rest_size);
	b->bad = r < 0;
	b->done = r > 0;
	if (b->done)
		b->used -= b->rest_size - (size_t)r;
	CHECK(r >= 0 || r == -400 || r == -431);
}

static void take(struct body *b, const char *bytes, size_t size)
{
	char *copy;
	ssize_t used;
	size_t n;

	if (b->bad || b->done)
		return;
	copy = malloc(size ? size : 1);
	memcpy(copy, bytes, size);
	used = ramet__chunks_read(&b->chunks, copy, size, &n);
	CHECK(n <= size);
	memcpy(b->data + b->data_size, copy, n);
	b->data_size += n;
	b->bad = used < 0;
	if (used >= 0) {
		CHECK(used == (ssize_t)size ||
		      b->chunks.state == HTTP_CHUNKS_END);
		b->used += size;
		if (b->chunks.state == HTTP_CHUNKS_END)
			take_trailer(b, copy + used, size - (size_t)used);
	}
	free(copy);
}

static void trailer_text(const struct body *b, char *text)
{
	for (uint32_t i = 0; i < b->trailer.field_count; i++) {
		const struct http_field *f = &b->trailer.fields[i];

		text += sprintf(text, "%.*s=%.*s|", (int)f->name.size,
				b->rest + f->name.at, (int)f->value.size,
				b->rest + f->value.at);
	}
	*text = 0;
}

static void judge_body(size_t i, const char *how, size_t cut, struct body *b)
{
	const struct chunk_case *c = &bodies[i];
	char text[1024] = "";
	bool ok = b->bad == (c->verdict == WRONG) &&
		  b->done == (c->verdict == GOOD);

	if (c->verdict != WRONG)
		ok = ok && b->data_size == strlen(c->data) &&
		     !memcmp(b->data, c->data, b->data_size);
	if (c->verdict == GOOD) {
		trailer_text(b, text);
		ok = ok && b->used == c->size && !strcmp(text, c->trailer);
	}
	if (!ok)
		test_fail(__FILE__, __LINE__,
			  "case %zu (%s, %s) %s %zu: %s, '%.*s', '%s'", i,
			  c->section, c->title, how, cut,
			  b->bad    ? "refused"
			  : b->done ? "read"
				    : "not whole",
			  (int)b->data_size, b->data, text);
}

static void body_whole(size_t i, const char *behind)
{
	static struct body b;
	char both[8192];
	size_t size = bodies[i].size + strlen(behind);

	memcpy(both, bodies[i].bytes, bodies[i].size);
	memcpy(both + bodies[i].size, behind, strlen(behind));
	body_init(&b);
	take(&b, both, size);
	judge_body(i, *behind ? "with something behind" : "whole", 0, &b);
}

static void body_in_parts(size_t i)
{
	static struct body b;
	const struct chunk_case *c = &bodies[i];

	for (size_t cut = 0; cut < c->size; cut++) {
		body_init(&b);
		take(&b, c->bytes, cut);
		take(&b, c->bytes + cut, c->size - cut);
		judge_body(i, "cut at", cut, &b);
	}
	body_init(&b);
	for (size_t at = 0; at < c->size; at++)
		take(&b, c->bytes + at, 1);
	judge_body(i, "byte by byte", 0, &b);
}

TEST(chunks_are_refused_or_read_as_the_table_says)
{
	for (size_t i = 0; i < countof(bodies); i++) {
		body_whole(i, "");
		if (bodies[i].verdict != UNDONE)
			body_whole(i, GET CRLF);
		body_in_parts(i);
	}
}

/* ---- characters --------------------------------------------------------- */

/* RFC 9110, 5.6.2 and 5.5, without the table of the reader. */
TEST(tokens_and_values_are_what_the_grammar_says)
{
	for (int c = 0; c < 256; c++) {
		char text[2] = {'a', (char)c};
		bool token = c && (strchr("!#$%&'*+-.^_`|~0123456789", c) ||
				   ((c | 32) >= 'a' && (c | 32) <= 'z'));

		CHECK_EQ(ramet__is_token(text, 2), c < 128 && token);
		CHECK_EQ(ramet__is_value(text, 2),
			 c == '\t' || (c >= ' ' && c != 127));
	}
	CHECK(!ramet__is_token("", 0));
	CHECK(ramet__is_value("", 0));
}

/* The scanner looks at many bytes at a time; a loop looks at each. */
TEST(the_first_control_is_found_wherever_it_is)
{
	for (int round = 0; round < test_rounds(20000); round++) {
		size_t size = test_rand(80), i;
		char *text = malloc(size + 1);

		for (i = 0; i < size; i++)
			text[i] = (char)(test_rand(40) ? 32 + test_rand(95)
						       : test_rand(256));
		for (i = 0; i < size; i++)
			if (text[i] == 127 ||
			    ((unsigned char)text[i] < 32 && text[i] != '\t'))
				break;
		/* The last byte is the memory's last but one; and not beyond.
		 */
		text[size] = '\n';
		CHECK_EQ(scan_control(text, text + size) - text, i);
		free(text);
	}
}
