/* utf8.c - the table of RFC 3629, 4: the first byte of a character says how
 * many follow, and between which limits the first of those has to be. */
#include "http/ws/utf8.h"

#include <string.h>

/* How much of it is ASCII: what most text is. */
static size_t ascii(const unsigned char *p, size_t size)
{
	const uint64_t high = 0x8080808080808080u;
	uint64_t w[4];
	size_t i = 0;

	for (; size - i >= sizeof w; i += sizeof w) {
		memcpy(w, p + i, sizeof w);
		if ((w[0] | w[1] | w[2] | w[3]) & high)
			break;
	}
	while (i < size && p[i] < 0x80)
		i++;
	return i;
}

/* A first byte that is not ASCII. */
static bool begin(struct utf8 *u, unsigned c)
{
	if (c < 0xc2 || c > 0xf4)
		return false;
	u->left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	u->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	u->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	return true;
}

bool ramet__utf8_read(struct utf8 *u, const void *text, size_t size)
{
	const unsigned char *p = text, *end = size ? p + size : p;

	while (p < end) {
		if (!u->left) {
			p += ascii(p, (size_t)(end - p));
			if (p < end && !begin(u, *p++))
				return false;
			continue;
		}
		if (*p < u->low || *p > u->high)
			return false;
		u->low = 0x80;
		u->high = 0xbf;
		u->left--;
		p++;
	}
	return true;
}
