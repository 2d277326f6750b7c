/* text.c - names as HTML and as URLs have them. */
#include "http/files/text.h"

#include <stdio.h>
#include <string.h>

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

char *ramet__text_html(char *to, const char *text)
{
	for (; *text; text++) {
		const char *as = entity(*text);

		if (as)
			to = stpcpy(to, as);
		else
			*to++ = *text;
	}
	*to = '\0';
	return to;
}

/* RFC 3986, 2.3, and those that mean nothing in a segment; not '\\', which
 * browsers take for a slash. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("-._~/!$()*,=@", c));
}

char *ramet__text_url(char *to, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (is_plain(*text)) {
			*to++ = *text;
			continue;
		}
		*to++ = '%';
		*to++ = "0123456789ABCDEF"[c >> 4];
		*to++ = "0123456789ABCDEF"[c & 15];
	}
	*to = '\0';
	return to;
}

void ramet__text_size(char to[TEXT_SIZE], int64_t size)
{
	static const char units[][4] = {"B",   "KiB", "MiB", "GiB",
					"TiB", "PiB", "EiB"};
	int64_t rest = 0, unit = 0;

	for (; size >= 1024; size /= 1024, unit++)
		rest = size % 1024;
	if (unit && size < 10)
		snprintf(to, TEXT_SIZE, "%d.%d %s", (int)size,
			 (int)(rest * 10 / 1024), units[unit]);
	else
		snprintf(to, TEXT_SIZE, "%d %s", (int)size, units[unit]);
}
