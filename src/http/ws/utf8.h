/* utf8.h - whether text is UTF-8 (RFC 3629), read in pieces cut anywhere. */
#ifndef HTTP_WS_UTF8_H
#define HTTP_WS_UTF8_H

#include "base/base.h"

/* Zeros at first. */
struct utf8 {
	uint8_t left;      /* bytes that the present character still needs */
	uint8_t low, high; /* between which the next of them has to be */
};

/* Read on.  False at the first byte that no text can have there: overlong
 * forms, surrogates, above U+10FFFF. */
bool ramet__utf8_read(struct utf8 *u, const void *text, size_t size);

/* Whether no character is halfway through. */
static inline bool utf8_is_whole(const struct utf8 *u)
{
	return u->left == 0;
}

#endif
