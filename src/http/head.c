/* head.c - the lines of a head, read strictly and in one pass. */
#include "http/head.h"

#include <string.h>

#include "base/scan.h"
#include "http/chars.h"
#include "http/fields.h"
#include "http/reader.h"

/* ---- the request line --------------------------------------------------- */

/* RFC 9112, 2.2: an empty line before it is ignored; we take one, as some
 * clients send behind the body of a POST, not any number. */
static int start(struct reader *r)
{
	if (r->p == r->end)
		return WAIT;
	if (*r->p != '\r')
		begin(r, METHOD);
	else
		one(r, '\r', START_LF);
	return ON;
}

static int method(struct reader *r)
{
	struct http_head *h = r->h;

	while (r->p < r->end && char_is(*r->p, CHAR_TOKEN))
		r->p++;
	h->method = text_from(r, h->mark);
	if (h->method.size > HTTP_METHOD_MAX)
		return -501;
	if (r->p == r->end)
		return WAIT;
	return h->method.size ? one(r, ' ', TARGET) : -400;
}

static int target(struct reader *r)
{
	struct http_head *h = r->h;
	int err;

	while (r->p < r->end && char_is(*r->p, CHAR_TARGET))
		r->p++;
	if (r->p == r->end)
		return WAIT;
	h->target = text_from(r, h->mark);
	if (*r->p != ' ' || !h->target.size)
		return -400;
	err = ramet__note_target(h, r->buf);
	return err ? err : one(r, ' ', VERSION);
}

/* "HTTP/1.1"; the name is in capitals (RFC 9112, 2.3).  There is no later minor
 * version, so one is refused like another major one. */
int ramet__read_version(struct reader *r, uint32_t next)
{
	static const char form[] = "HTTP/0.0";
	const char *text = r->buf + r->h->mark;
	size_t i = (size_t)(r->p - text);

	if (!i && r->end - r->p >= 8 && !memcmp(text, "HTTP/1.1", 8)) {
		r->h->version = 11;
		r->p += 8;
		begin(r, next);
		return ON;
	}
	for (; i < 8; i++, r->p++) {
		if (r->p == r->end)
			return WAIT;
		if (form[i] == '0' ? !is_digit(*r->p) : *r->p != form[i])
			return -400;
	}
	r->h->version = (text[5] - '0') * 10 + text[7] - '0';
	if (r->h->version != 10 && r->h->version != 11)
		return -505;
	begin(r, next);
	return ON;
}

static int request_line(struct reader *r)
{
	int got = ON;

	while (got == ON)
		switch (r->h->state) {
		case START:
			got = start(r);
			break;
		case START_LF:
			got = one(r, '\n', METHOD);
			break;
		case METHOD:
			got = method(r);
			if (got != ON)
				break;
			__attribute__((fallthrough));
		case TARGET:
			got = target(r);
			if (got != ON)
				break;
			__attribute__((fallthrough));
		case VERSION:
			got = ramet__read_version(r, VERSION_CR);
			if (got != ON)
				break;
			__attribute__((fallthrough));
		case VERSION_CR:
			got = one(r, '\r', VERSION_LF);
			if (got != ON)
				break;
			__attribute__((fallthrough));
		case VERSION_LF:
			got = one(r, '\n', LINE);
			break;
		default:
			return ON;
		}
	return got;
}

/* ---- fields ------------------------------------------------------------- */

static int line(struct reader *r)
{
	if (r->p == r->end)
		return WAIT;
	if (*r->p == '\r') {
		r->p++;
		begin(r, END_LF);
		return ON;
	}
	if (r->h->field_count == r->fields_max)
		return -431;
	begin(r, NAME);
	return ON;
}

/* A blank before the colon, or at the start of a line as once to continue the
 * one before, is no character of names (RFC 9112, 5.1 and 5.2). */
static int name(struct reader *r)
{
	struct http_head *h = r->h;
	struct http_text *t = &h->fields[h->field_count].name;

	while (r->p < r->end && char_is(*r->p, CHAR_TOKEN))
		r->p++;
	if (r->p == r->end)
		return WAIT;
	*t = text_from(r, h->mark);
	return t->size ? one(r, ':', BLANKS) : -400;
}

static int blanks(struct reader *r)
{
	while (r->p < r->end && is_blank(*r->p))
		r->p++;
	if (r->p == r->end)
		return WAIT;
	begin(r, VALUE);
	return ON;
}

/* Ends with CR: no other control but the tab may be in it, LF included. */
static int value(struct reader *r)
{
	struct http_head *h = r->h;
	struct http_text *t = &h->fields[h->field_count].value;
	const char *from = r->buf + h->mark, *to;

	r->p = scan_control(r->p, r->end);
	if (r->p == r->end)
		return WAIT;
	for (to = r->p; to > from && is_blank(to[-1]);)
		to--;
	*t = (struct http_text){h->mark, (uint32_t)(to - from)};
	return one(r, '\r', VALUE_LF);
}

static int value_lf(struct reader *r, field_note *note)
{
	struct http_head *h = r->h;
	int err = one(r, '\n', LINE);

	if (err != ON)
		return err;
	err = note(h, r->buf, &h->fields[h->field_count++]);
	return err ? err : ON;
}

/* One line; DONE: it was the empty one. */
static int field_line(struct reader *r, field_note *note)
{
	int got = ON;

	switch (r->h->state) {
	case LINE:
		got = line(r);
		if (got != ON || r->h->state == END_LF)
			break;
		__attribute__((fallthrough));
	case NAME:
		got = name(r);
		if (got != ON)
			break;
		__attribute__((fallthrough));
	case BLANKS:
		got = blanks(r);
		if (got != ON)
			break;
		__attribute__((fallthrough));
	case VALUE:
		got = value(r);
		if (got != ON)
			break;
		__attribute__((fallthrough));
	case VALUE_LF:
		got = value_lf(r, note);
		break;
	case END_LF:
		got = one(r, '\n', WHOLE);
		return got == ON ? DONE : got;
	}
	return got;
}

static inline __attribute__((always_inline)) int field_lines(struct reader *r,
							     field_note *note)
{
	int got = ON;

	while (got == ON)
		got = field_line(r, note);
	return got;
}

/* ---- heads -------------------------------------------------------------- */

void ramet__head_init(struct http_head *h)
{
	memset(h, 0, offsetof(struct http_head, fields));
}

void ramet__head_trailer_init(struct http_head *h)
{
	ramet__head_init(h);
	h->state = LINE;
}

static struct reader reader(struct http_head *h,
			    const struct http_limits *limits, const char *buf,
			    size_t size)
{
	assert(h->at <= size && h->state < WHOLE);
	assert(limits->fields <= HTTP_FIELDS && limits->head <= INT32_MAX);
	if (size > limits->head)
		size = limits->head;
	return (struct reader){h, buf, buf + h->at, buf + size, limits->fields};
}

/* Nothing beyond the limit was looked at: what is not whole there is too long.
 */
static int ended(struct reader *r, const struct http_limits *limits, int got)
{
	uint32_t at = (uint32_t)(r->p - r->buf);

	r->h->at = at;
	if (got == WAIT && at == limits->head)
		return r->h->state < ANSWER ? -414 : -431;
	return got == DONE ? (int)at : got;
}

int ramet__head_request(struct http_head *h, const struct http_limits *limits,
			const char *buf, size_t size)
{
	struct reader r = reader(h, limits, buf, size);
	int got = request_line(&r);

	if (got == ON)
		got = field_lines(&r, ramet__note_request);
	if (got == DONE) {
		int err = ramet__settle_request(h, buf);

		if (err)
			return err;
	}
	return ended(&r, limits, got);
}

int ramet__head_response(struct http_head *h, const struct http_limits *limits,
			 const char *buf, size_t size, bool no_body)
{
	struct reader r = reader(h, limits, buf, size);
	int got = ramet__read_status_line(&r);

	if (got == ON)
		got = field_lines(&r, ramet__note_response);
	if (got == DONE && ramet__settle_response(h, no_body) < 0)
		return -400;
	got = ended(&r, limits, got);
	return got < 0 && got != -431 ? -400 : got;
}

int ramet__head_trailer(struct http_head *h, const struct http_limits *limits,
			const char *buf, size_t size)
{
	struct reader r = reader(h, limits, buf, size);

	return ended(&r, limits, field_lines(&r, ramet__note_trailer));
}
