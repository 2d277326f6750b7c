/* chunks.c - a body in chunks (RFC 9112, 7.1), decoded in place.
 *
 * The size is hexadecimal digits and nothing else.  An extension is skipped,
 * but its characters and its length are looked at: a line feed in it, or no end
 * of it, are ways to smuggle and to starve.
 */
#include <string.h>

#include "http/chars.h"
#include "http/head.h"

enum {
	SIZE, /* must be 0 */
	SIZE_BLANKS,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	LAST_LF, /* of the line of the chunk that is empty */
};

enum { DIGITS_MAX = 16 }; /* zeros in front are legal, an endless row is not */

static bool add_digit(struct http_chunks *c, char ch)
{
	if (c->left >> 59 || ++c->digits > DIGITS_MAX)
		return false;
	c->left = c->left << 4 | hex_value(ch);
	return true;
}

/* What follows the digits, or an extension. */
static bool end_size(struct http_chunks *c, char ch)
{
	if (!c->digits)
		return false;
	if (ch == '\r')
		c->state = c->left ? SIZE_LF : LAST_LF;
	else if (ch == ';')
		c->state = EXTENSION;
	else if (is_blank(ch))
		c->state = SIZE_BLANKS;
	else
		return false;
	return true;
}

/* Blanks are let pass before a semicolon, as 7.1.1 demands, nowhere else. */
static bool extend(struct http_chunks *c, char ch)
{
	if (++c->extension > HTTP_EXTENSION_MAX)
		return false;
	if (c->state == SIZE_BLANKS)
		return ch != '\r' && end_size(c, ch);
	return ch == '\r' ? end_size(c, ch) : ramet__is_value(&ch, 1);
}

static bool expect(struct http_chunks *c, char ch, char want, uint32_t next)
{
	c->state = next;
	return ch == want;
}

/* A byte that is no data. */
static bool frame(struct http_chunks *c, char ch)
{
	switch (c->state) {
	case SIZE:
		return char_is(ch, CHAR_HEX) ? add_digit(c, ch)
					     : end_size(c, ch);
	case SIZE_BLANKS:
	case EXTENSION:
		return extend(c, ch);
	case SIZE_LF:
		return expect(c, ch, '\n', DATA);
	case DATA_CR:
		return expect(c, ch, '\r', DATA_LF);
	case DATA_LF:
		c->digits = 0;
		return expect(c, ch, '\n', SIZE);
	case LAST_LF:
		return expect(c, ch, '\n', HTTP_CHUNKS_END);
	}
	return false;
}

ssize_t ramet__chunks_read(struct http_chunks *c, char *buf, size_t size,
			   size_t *data)
{
	size_t at = 0;

	*data = 0;
	while (at < size && c->state != HTTP_CHUNKS_END) {
		size_t n = size - at;

		if (c->state != DATA) {
			if (!frame(c, buf[at++]))
				return -1;
			continue;
		}
		if (n > c->left)
			n = (size_t)c->left;
		memmove(buf + *data, buf + at, n);
		*data += n;
		at += n;
		c->left -= n;
		if (!c->left)
			c->state = DATA_CR;
	}
	return (ssize_t)at;
}
