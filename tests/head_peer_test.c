/* On valid traffic our reader finds what libhttp-parser finds: the same
 * messages, fields, bodies and trailers, in streams cut at random. */
#include "test.h"

#ifndef HAVE_HTTP_PARSER

TEST(messages_are_the_same_to_both_readers)
{
	test_skip("libhttp-parser is not installed");
}

#else

#include "http/head.h"

#include <http_parser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 6, TEXT = 65536 };

struct text {
	size_t size;
	char bytes[TEXT];
};

static void add_bytes(struct text *t, const char *bytes, size_t size)
{
	CHECK(size <= TEXT - t->size);
	memcpy(t->bytes + t->size, bytes, size);
	t->size += size;
}

static __attribute__((format(printf, 2, 3))) void add(struct text *t,
						      const char *fmt, ...)
{
	char line[4096];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	CHECK(n >= 0 && n < (int)sizeof line);
	add_bytes(t, line, (size_t)n);
}

/* ---- traffic ------------------------------------------------------------ */

static void random_text(char *out, size_t most, const char *of)
{
	for (uint32_t n = 1 + test_rand((uint32_t)most); n; n--)
		*out++ = of[test_rand((uint32_t)strlen(of))];
	*out = 0;
}

/* No blank at the end of a value: the other reader would keep it. */
static void add_fields(struct text *t)
{
	for (uint32_t n = test_rand(8); n; n--) {
		char name[24], value[64] = "";

		random_text(name, 20, "abcdefXYZ-_.!#$%&'*+^`|~0189");
		if (test_rand(8))
			random_text(value, 50,
				    "abc XYZ\t09,;=\"()/<>@[]{}\x80\xff");
		add(t, "X-%s:%s%s%s\r\n", name, test_rand(4) ? " " : "", value,
		    *value ? "." : "");
	}
}

static void add_data(struct text *t, size_t size)
{
	for (; size; size--) {
		char c = (char)test_rand(256);

		add_bytes(t, &c, 1);
	}
}

static void add_chunks(struct text *t)
{
	for (uint32_t n = test_rand(6); n; n--) {
		uint32_t size = 1 + test_rand(test_rand(4) ? 20 : 600);

		add(t, test_rand(2) ? "%x%s\r\n" : "%04X%s\r\n", size,
		    test_rand(3) ? "" : ";name=value");
		add_data(t, size);
		add(t, "\r\n");
	}
	add(t, "0\r\n");
	if (!test_rand(3))
		add_fields(t);
	add(t, "\r\n");
}

/* How a message goes on; only the last one may end the connection. */
static void add_body(struct text *t, bool version_10, bool answer, bool last)
{
	uint32_t kind = test_rand(3), size = test_rand(300);

	if (version_10 && !last)
		add(t, "Connection: keep-alive\r\n");
	else if (last && test_rand(2))
		add(t, "Connection: close\r\n");
	if (kind == 0 && !version_10) {
		add(t, "Transfer-Encoding: chunked\r\n\r\n");
		add_chunks(t);
	} else if (kind == 1 && (!answer || last)) {
		add(t, "\r\n");
		if (answer) /* until the end */
			add_data(t, size);
	} else {
		add(t, "Content-Length: %u\r\n\r\n", size);
		add_data(t, size);
	}
}

static void add_request(struct text *t, bool last)
{
	static const char *const methods[] = {"GET",   "HEAD",    "POST",
					      "PUT",   "PATCH",   "DELETE",
					      "TRACE", "M-SEARCH"};
	bool version_10 = !test_rand(6);
	char path[64];

	random_text(path, 60, "abcXYZ09-._~%!$&'()*+,;=:@/?");
	add(t, "%s %s/%s HTTP/1.%d\r\n", methods[test_rand(countof(methods))],
	    test_rand(6) ? "" : "http://example.org:81", path, !version_10);
	add(t, "Host: example.org:81\r\n");
	add_fields(t);
	add_body(t, version_10, false, last);
}

static void add_answer(struct text *t, bool last)
{
	static const int statuses[] = {200, 201, 206, 301, 400, 404, 500, 599};
	bool version_10 = !test_rand(6);

	if (!test_rand(4))
		add(t, "HTTP/1.1 %s\r\n\r\n",
		    test_rand(2) ? "304 Not Modified" : "204 No Content");
	add(t, "HTTP/1.%d %d %s\r\n", !version_10,
	    statuses[test_rand(countof(statuses))],
	    test_rand(4) ? "For a reason" : "");
	add_fields(t);
	add_body(t, version_10, true, last);
}

/* ---- what each of them finds -------------------------------------------- */

/* For each message: first line, fields, bytes of the body, trailer. */
struct finding {
	struct text all, body, trailer;
};

static void end_message(struct finding *f, bool persists)
{
	add(&f->all, "\n");
	add_bytes(&f->all, f->body.bytes, f->body.size);
	add(&f->all, "\n");
	add_bytes(&f->all, f->trailer.bytes, f->trailer.size);
	add(&f->all, "%s\n", persists ? "persists" : "ends");
	f->body.size = f->trailer.size = 0;
}

/* Theirs. */
struct theirs {
	struct finding *f;
	struct text *fields; /* head's or trailer's */
	struct text url, reason;
	bool in_value, answers;
};

static int on_begin(http_parser *p)
{
	struct theirs *t = p->data;

	t->fields = &t->f->trailer; /* until the first line is known */
	t->in_value = false;
	t->url.size = t->reason.size = 0;
	return 0;
}

static int on_url(http_parser *p, const char *at, size_t size)
{
	add_bytes(&((struct theirs *)p->data)->url, at, size);
	return 0;
}

static int on_reason(http_parser *p, const char *at, size_t size)
{
	add_bytes(&((struct theirs *)p->data)->reason, at, size);
	return 0;
}

static int on_name(http_parser *p, const char *at, size_t size)
{
	struct theirs *t = p->data;

	if (t->in_value)
		add(t->fields, "\n");
	t->in_value = false;
	add_bytes(t->fields, at, size);
	return 0;
}

static int on_value(http_parser *p, const char *at, size_t size)
{
	struct theirs *t = p->data;

	if (!t->in_value)
		add(t->fields, "=");
	t->in_value = true;
	add_bytes(t->fields, at, size);
	return 0;
}

static void end_fields(struct theirs *t)
{
	if (t->in_value)
		add(t->fields, "\n");
	t->in_value = false;
}

static int on_head(http_parser *p)
{
	struct theirs *t = p->data;
	struct finding *f = t->f;

	end_fields(t);
	if (t->answers)
		add(&f->all, "%d.%d %d %.*s\n", p->http_major, p->http_minor,
		    p->status_code, (int)t->reason.size, t->reason.bytes);
	else
		add(&f->all, "%s %.*s %d.%d\n",
		    http_method_str((enum http_method)p->method),
		    (int)t->url.size, t->url.bytes, p->http_major,
		    p->http_minor);
	add_bytes(&f->all, f->trailer.bytes, f->trailer.size);
	f->trailer.size = 0;
	return 0;
}

static int on_body(http_parser *p, const char *at, size_t size)
{
	add_bytes(&((struct theirs *)p->data)->f->body, at, size);
	return 0;
}

static int on_end(http_parser *p)
{
	struct theirs *t = p->data;

	end_fields(t);
	end_message(t->f, http_should_keep_alive(p));
	return 0;
}

static void read_theirs(struct finding *f, const struct text *in, bool answers)
{
	static struct theirs t;
	http_parser_settings settings = {.on_message_begin = on_begin,
					 .on_url = on_url,
					 .on_status = on_reason,
					 .on_header_field = on_name,
					 .on_header_value = on_value,
					 .on_headers_complete = on_head,
					 .on_body = on_body,
					 .on_message_complete = on_end};
	http_parser p;

	t = (struct theirs){.f = f, .answers = answers};
	http_parser_init(&p, answers ? HTTP_RESPONSE : HTTP_REQUEST);
	p.data = &t;
	for (size_t at = 0, n; at < in->size; at += n) {
		n = 1 + test_rand(300);
		if (n > in->size - at)
			n = in->size - at;
		CHECK_EQ(http_parser_execute(&p, &settings, in->bytes + at, n),
			 n);
	}
	http_parser_execute(&p, &settings, NULL, 0);
	CHECK_EQ(HTTP_PARSER_ERRNO(&p), HPE_OK);
}

/* Ours: a stream that is read as its bytes come. */
struct ours {
	struct finding *f;
	const char *bytes;
	size_t at, size; /* of them: dealt with, and there */
	bool answers;
	enum { HEAD, LENGTH, CHUNKS, TRAILER, TO_END } state;
	struct http_head head, trailer;
	struct http_chunks chunks;
	uint64_t left;
};

static const struct http_limits limits = {.head = 8192, .fields = 100};

static void add_ours(struct text *out, const struct http_head *h,
		     const char *buf)
{
	for (uint32_t i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		add(out, "%.*s=%.*s\n", (int)f->name.size, buf + f->name.at,
		    (int)f->value.size, buf + f->value.at);
	}
}

static void end_ours(struct ours *o)
{
	end_message(o->f, ramet__head_persists(&o->head));
	o->state = HEAD;
	ramet__head_init(&o->head);
}

static bool our_head(struct ours *o)
{
	const char *buf = o->bytes + o->at;
	struct http_head *h = &o->head;
	size_t size = o->size - o->at;
	int r = o->answers ? ramet__head_response(h, &limits, buf, size, false)
			   : ramet__head_request(h, &limits, buf, size);

	CHECK(r >= 0);
	if (!r)
		return false;
	if (o->answers)
		add(&o->f->all, "%d.%d %d %.*s\n", h->version / 10,
		    h->version % 10, h->status, (int)h->reason.size,
		    buf + h->reason.at);
	else
		add(&o->f->all, "%.*s %.*s %d.%d\n", (int)h->method.size,
		    buf + h->method.at, (int)h->target.size, buf + h->target.at,
		    h->version / 10, h->version % 10);
	add_ours(&o->f->all, h, buf);
	o->at += (size_t)r;
	o->left = h->length;
	memset(&o->chunks, 0, sizeof o->chunks);
	ramet__head_trailer_init(&o->trailer);
	if (h->framing == HTTP_NO_BODY)
		end_ours(o);
	else
		o->state = h->framing == HTTP_LENGTH    ? LENGTH
			   : h->framing == HTTP_CHUNKED ? CHUNKS
							: TO_END;
	return true;
}

static bool our_data(struct ours *o)
{
	size_t n = o->size - o->at;

	if (o->state == LENGTH && n > o->left)
		n = (size_t)o->left;
	add_bytes(&o->f->body, o->bytes + o->at, n);
	o->at += n;
	o->left -= n;
	if (o->state == TO_END || o->left)
		return false;
	end_ours(o);
	return true;
}

static bool our_chunks(struct ours *o)
{
	static char copy[TEXT];
	size_t size = o->size - o->at, n;
	ssize_t used;

	memcpy(copy, o->bytes + o->at, size);
	used = ramet__chunks_read(&o->chunks, copy, size, &n);
	CHECK(used >= 0);
	add_bytes(&o->f->body, copy, n);
	o->at += (size_t)used;
	if (o->chunks.state != HTTP_CHUNKS_END)
		return false;
	o->state = TRAILER;
	return true;
}

static bool our_trailer(struct ours *o)
{
	const char *buf = o->bytes + o->at;
	int r = ramet__head_trailer(&o->trailer, &limits, buf, o->size - o->at);

	CHECK(r >= 0);
	if (!r)
		return false;
	add_ours(&o->f->trailer, &o->trailer, buf);
	o->at += (size_t)r;
	end_ours(o);
	return true;
}

/* Returns whether there may be more to do with the bytes that are there. */
static bool our_step(struct ours *o)
{
	switch (o->state) {
	case HEAD:
		return o->at < o->size && our_head(o);
	case CHUNKS:
		return our_chunks(o);
	case TRAILER:
		return our_trailer(o);
	default:
		return our_data(o);
	}
}

static void read_ours(struct finding *f, const struct text *in, bool answers)
{
	static struct ours o;

	o = (struct ours){.f = f, .bytes = in->bytes, .answers = answers};
	ramet__head_init(&o.head);
	while (o.size < in->size) {
		o.size += 1 + test_rand(300);
		if (o.size > in->size)
			o.size = in->size;
		while (our_step(&o))
			;
	}
	if (o.state == TO_END)
		end_ours(&o);
	CHECK_EQ(o.state, HEAD);
	CHECK_EQ(o.at, in->size);
}

TEST(messages_are_the_same_to_both_readers)
{
	static struct finding ours, theirs;
	static struct text in;

	for (int round = 0; round < test_rounds(2000); round++) {
		bool answers = round % 2;

		in.size = ours.all.size = theirs.all.size = 0;
		for (uint32_t n = test_rand(MESSAGES); n; n--)
			(answers ? add_answer : add_request)(&in, false);
		(answers ? add_answer : add_request)(&in, true);
		read_theirs(&theirs, &in, answers);
		read_ours(&ours, &in, answers);
		if (ours.all.size != theirs.all.size ||
		    memcmp(ours.all.bytes, theirs.all.bytes, ours.all.size))
			test_fail(__FILE__, __LINE__,
				  "round %d: we find\n%.*s\nand they\n%.*s",
				  round, (int)ours.all.size, ours.all.bytes,
				  (int)theirs.all.size, theirs.all.bytes);
	}
}

#endif
