/* chars.c - the table of characters.
 *
 * Targets: RFC 3986 has no room for \ ^ ` { | } either, but browsers send them
 * as they are.  Nobody sends " < >, which do harm where they are shown.
 */
#include "http/chars.h"

#include "base/scan.h"
#include "http/head.h"

enum {
	T = CHAR_TOKEN,
	R = CHAR_TARGET,
	H = CHAR_HOST,
	U = CHAR_USER,
	S = CHAR_SCHEME,
	X = CHAR_HEX,
};

const uint8_t ramet__chars[256] = {
	['0' ... '9'] = T | R | H | U | S | X,
	['A' ... 'F'] = T | R | H | U | S | X,
	['G' ... 'Z'] = T | R | H | U | S,
	['a' ... 'f'] = T | R | H | U | S | X,
	['g' ... 'z'] = T | R | H | U | S,
	['-'] = T | R | H | U | S,
	['.'] = T | R | H | U | S,
	['_'] = T | R | H | U,
	['~'] = T | R | H | U,
	['+'] = T | R | U | S,
	['!'] = T | R | U,
	['$'] = T | R | U,
	['%'] = T | R | U,
	['&'] = T | R | U,
	['\''] = T | R | U,
	['*'] = T | R | U,
	['('] = R | U,
	[')'] = R | U,
	[','] = R | U,
	[':'] = R | U,
	[';'] = R | U,
	['='] = R | U,
	['#'] = T,
	['^'] = T | R,
	['`'] = T | R,
	['|'] = T | R,
	['/'] = R,
	['?'] = R,
	['@'] = R,
	['['] = R,
	['\\'] = R,
	[']'] = R,
	['{'] = R,
	['}'] = R,
};

bool ramet__is_token(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!char_is(text[i], CHAR_TOKEN))
			return false;
	return size > 0;
}

bool ramet__is_value(const char *text, size_t size)
{
	return scan_control(text, text + size) == text + size;
}
