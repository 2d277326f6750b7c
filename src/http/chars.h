/* chars.h - which characters may stand where (RFC 9110, 5.6.2; RFC 3986, 2). */
#ifndef HTTP_CHARS_H
#define HTTP_CHARS_H

#include "base/base.h"

enum {
	CHAR_TOKEN = 1,  /* methods, names of fields */
	CHAR_TARGET = 2, /* of a request: what clients send in URLs */
	CHAR_HOST = 4,   /* names of hosts: RFC 3986's "unreserved" */
	CHAR_USER = 8,   /* userinfo, '%' included */
	CHAR_SCHEME = 16,
	CHAR_HEX = 32,
};

extern const uint8_t ramet__chars[256];

static inline bool char_is(char c, int class)
{
	return ramet__chars[(unsigned char)c] & class;
}

static inline bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline char lower(char c)
{
	return (unsigned char)(c - 'A') < 26 ? (char)(c | 32) : c;
}

/* Of a CHAR_HEX. */
static inline unsigned hex_value(char c)
{
	return (unsigned)(is_digit(c) ? c - '0' : (c | 32) - 'a' + 10);
}

/* Whether text is `word`, which is in lower case, in any case of letters. */
static inline bool text_is(const char *text, size_t size, const char *word)
{
	for (size_t i = 0; i < size; i++)
		if (lower(text[i]) != word[i])
			return false; /* also where word ends early */
	return !word[size];
}

/* Whether two texts of one size are the same but for the case of letters. */
static inline bool text_same(const char *a, const char *b, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

#endif
