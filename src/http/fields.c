/* fields.c - what the fields mean that frame, route and steer a message.
 *
 * A message that two programs could frame differently is refused: that is how
 * requests are smuggled past the one that checks them.
 */
#include "http/fields.h"

#include <string.h>

#include "http/chars.h"
#include "http/host.h"

/* ---- one field ---------------------------------------------------------- */

/* RFC 9110, 8.6, without the lists of equal values it lets one accept. */
static int note_length(struct http_head *h, const char *text, size_t size)
{
	uint64_t n = 0;

	if (h->flags & HTTP_HAS_LENGTH || !size || size > 19 ||
	    (*text == '0' && size > 1))
		return -400;
	for (size_t i = 0; i < size; i++) {
		if (!is_digit(text[i]))
			return -400;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	if (n > INT64_MAX)
		return -400;
	h->length = n;
	h->flags |= HTTP_HAS_LENGTH;
	return 0;
}

/* The next element of a list, without blanks around it; false: no more. */
static bool next_element(const char **p, const char *end, const char **text,
			 size_t *size)
{
	const char *from = *p, *to;

	if (from > end)
		return false;
	to = memchr(from, ',', (size_t)(end - from));
	if (!to)
		to = end;
	*p = to + 1;
	while (from < to && is_blank(*from))
		from++;
	while (from < to && is_blank(to[-1]))
		to--;
	*text = from;
	*size = (size_t)(to - from);
	return true;
}

/* RFC 9112, 6.1 and 6.3: "chunked" is what we know.  What ends otherwise has no
 * certain end, 400; other codings below it could be decoded, but not by us. */
static int note_coding(struct http_head *h, const char *text, size_t size)
{
	const char *end = text + size, *element;
	int codings = 0, chunked = 0;
	bool last = false;

	if (h->flags & HTTP_HAS_CODING)
		return -400;
	h->flags |= HTTP_HAS_CODING;
	while (next_element(&text, end, &element, &size)) {
		if (!size)
			return -400;
		last = text_is(element, size, "chunked");
		chunked += last;
		codings++;
	}
	if (!last || chunked > 1)
		return -400;
	return codings > 1 ? -501 : 0;
}

static void note_connection(struct http_head *h, const char *text, size_t size)
{
	const char *end = text + size, *element;

	while (next_element(&text, end, &element, &size)) {
		if (text_is(element, size, "close"))
			h->flags |= HTTP_CLOSE;
		else if (text_is(element, size, "keep-alive"))
			h->flags |= HTTP_KEEP_ALIVE;
		else if (text_is(element, size, "upgrade"))
			h->flags |= HTTP_UPGRADE;
	}
}

/* text is in the head at buf. */
static int note_authority(struct http_head *h, const char *buf,
			  const char *text, size_t size, bool keep)
{
	struct authority a;

	if (ramet__authority_parse(&a, text, size) < 0)
		return -400;
	if (keep) {
		h->host.at = (uint32_t)(a.host - buf);
		h->host.size = (uint32_t)a.host_size;
		h->port = a.port;
	}
	return 0;
}

/* RFC 9112, 3.2: one, valid; the target's counts if it has one. */
static int note_host(struct http_head *h, const char *buf, const char *text,
		     size_t size)
{
	if (h->flags & HTTP_HAS_HOST)
		return -400;
	h->flags |= HTTP_HAS_HOST;
	return note_authority(h, buf, text, size, !h->host.size);
}

static int note_expect(struct http_head *h, const char *text, size_t size)
{
	if (!text_is(text, size, "100-continue"))
		return -417;
	h->flags |= HTTP_EXPECT_100;
	return 0;
}

/* What requests and answers have in common. */
static int note_common(struct http_head *h, const char *name, size_t name_size,
		       const char *text, size_t size)
{
	switch (name_size) {
	case 7:
		if (text_is(name, 7, "upgrade"))
			h->flags |= HTTP_HAS_UPGRADE;
		return 0;
	case 10:
		if (text_is(name, 10, "connection"))
			note_connection(h, text, size);
		return 0;
	case 14:
		return text_is(name, 14, "content-length")
			       ? note_length(h, text, size)
			       : 0;
	case 17:
		return text_is(name, 17, "transfer-encoding")
			       ? note_coding(h, text, size)
			       : 0;
	}
	return 0;
}

int ramet__note_request(struct http_head *h, const char *buf,
			const struct http_field *f)
{
	const char *name = buf + f->name.at, *text = buf + f->value.at;

	if (f->name.size == 4 && text_is(name, 4, "host"))
		return note_host(h, buf, text, f->value.size);
	if (f->name.size == 6 && text_is(name, 6, "expect"))
		return note_expect(h, text, f->value.size);
	return note_common(h, name, f->name.size, text, f->value.size);
}

int ramet__note_response(struct http_head *h, const char *buf,
			 const struct http_field *f)
{
	return note_common(h, buf + f->name.at, f->name.size, buf + f->value.at,
			   f->value.size);
}

/* RFC 9110, 6.5.1: what comes too late to frame, route or steer is refused, so
 * that nobody who joins trailers to heads is led astray. */
int ramet__note_trailer(struct http_head *h, const char *buf,
			const struct http_field *f)
{
	static const char *const late[] = {
		"connection",    "content-encoding",  "content-length",
		"content-range", "content-type",      "expect",
		"host",          "keep-alive",        "te",
		"trailer",       "transfer-encoding", "upgrade",
	};

	(void)h;
	for (size_t i = 0; i < countof(late); i++)
		if (text_is(buf + f->name.at, f->name.size, late[i]))
			return -400;
	return 0;
}

/* ---- the target --------------------------------------------------------- */

static bool method_is(const struct http_head *h, const char *buf,
		      const char *name)
{
	return strlen(name) == h->method.size &&
	       !memcmp(buf + h->method.at, name, h->method.size);
}

/* "http://host:port/path?query".  No other scheme is served here, and userinfo
 * is refused with the host's characters (RFC 9110, 4.2.4). */
static int note_absolute(struct http_head *h, const char *buf)
{
	const char *text = buf + h->target.at, *end = text + h->target.size;
	const char *slashes = memchr(text, ':', h->target.size);
	const char *host, *to;
	size_t scheme = slashes ? (size_t)(slashes - text) : 0;

	if (!text_is(text, scheme, "http") && !text_is(text, scheme, "https"))
		return -400;
	if (end - slashes < 3 || memcmp(slashes, "://", 3))
		return -400;
	for (to = host = slashes + 3; to < end && *to != '/' && *to != '?';)
		to++;
	return note_authority(h, buf, host, (size_t)(to - host), true);
}

/* RFC 9112, 3.2: the four forms. */
int ramet__note_target(struct http_head *h, const char *buf)
{
	const char *text = buf + h->target.at;

	if (h->method.size == 7 && method_is(h, buf, "CONNECT")) {
		int err = note_authority(h, buf, text, h->target.size, true);

		return err ? err : h->port ? 0 : -400;
	}
	if (*text == '/')
		return 0;
	if (*text == '*')
		return h->target.size == 1 && method_is(h, buf, "OPTIONS")
			       ? 0
			       : -400;
	return note_absolute(h, buf);
}

/* ---- the whole head ----------------------------------------------------- */

/* Both ways to frame at once, or a coding that the version does not know (RFC
 * 9112, 6.1). */
static bool is_ambiguous(const struct http_head *h)
{
	return h->flags & HTTP_HAS_CODING &&
	       (h->flags & HTTP_HAS_LENGTH || h->version < 11);
}

static void settle_upgrade(struct http_head *h)
{
	if (!(h->flags & HTTP_HAS_UPGRADE) || h->version < 11)
		h->flags &= ~(uint32_t)HTTP_UPGRADE;
}

int ramet__settle_request(struct http_head *h, const char *buf)
{
	if (h->version > 10 && !(h->flags & HTTP_HAS_HOST))
		return -400;
	if (is_ambiguous(h))
		return -400;
	if (h->flags & HTTP_HAS_CODING)
		h->framing = HTTP_CHUNKED;
	else if (h->flags & HTTP_HAS_LENGTH)
		h->framing = HTTP_LENGTH;
	/* What follows CONNECT is the tunnel's: a body would be ambiguous. */
	if ((h->framing == HTTP_CHUNKED || h->length) && h->method.size == 7 &&
	    method_is(h, buf, "CONNECT"))
		return -400;
	if (h->version < 11 || (h->framing != HTTP_CHUNKED && !h->length))
		h->flags &= ~(uint32_t)HTTP_EXPECT_100;
	settle_upgrade(h);
	return 0;
}

/* RFC 9112, 6.3. */
int ramet__settle_response(struct http_head *h, bool no_body)
{
	bool empty = h->status < 200 || h->status == 204;

	if (is_ambiguous(h))
		return -400;
	/* RFC 9112, 6.1; RFC 9110, 8.6: these must not say that they have a
	 * body, and others might believe them. */
	if (empty && (h->flags & HTTP_HAS_CODING || h->length))
		return -400;
	if (empty || no_body || h->status == 304)
		h->framing = HTTP_NO_BODY;
	else if (h->flags & HTTP_HAS_CODING)
		h->framing = HTTP_CHUNKED;
	else if (h->flags & HTTP_HAS_LENGTH)
		h->framing = HTTP_LENGTH;
	else
		h->framing = HTTP_TO_END;
	settle_upgrade(h);
	return 0;
}

bool ramet__head_persists(const struct http_head *h)
{
	if (h->flags & HTTP_CLOSE || h->framing == HTTP_TO_END)
		return false;
	return h->version > 10 || h->flags & HTTP_KEEP_ALIVE;
}

int ramet__head_find(const struct http_head *h, const char *buf,
		     const char *name, uint32_t i)
{
	size_t size = strlen(name);

	for (; i < h->field_count; i++) {
		const struct http_text *t = &h->fields[i].name;

		if (t->size == size && text_same(buf + t->at, name, size))
			return (int)i;
	}
	return -1;
}
