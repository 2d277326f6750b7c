/* path.c - the paths and queries of requests, decoded.
 *
 * Everything is decoded once, and before segments are looked at: "%2e%2e" is
 * "..", and "%252e" is not.  A slash that is encoded would become one of two
 * things, depending on who looks first, so it is refused.
 */
#include <string.h>

#include "http/chars.h"
#include "http/url.h"

/* The byte at p, which may be a code; *used: how many bytes say it.  -EINVAL: a
 * bad code, or NUL. */
static int decode(const char *p, const char *end, size_t *used)
{
	unsigned c;

	*used = 1;
	if (*p != '%')
		return *p ? (unsigned char)*p : -EINVAL;
	if (end - p < 3 || !char_is(p[1], CHAR_HEX) || !char_is(p[2], CHAR_HEX))
		return -EINVAL;
	*used = 3;
	c = hex_value(p[1]) << 4 | hex_value(p[2]);
	return c ? (int)c : -EINVAL;
}

/* out holds `size` bytes of whole segments, each with the slash before it; what
 * begins at `from` is the last one.  Returns the size without it if it says
 * nothing, without one more if it is "..".  -EINVAL: there is none more. */
static ssize_t settle(const char *out, size_t from, size_t size)
{
	size_t n = size - from;

	if (n <= 1 || (n == 2 && out[from + 1] == '.'))
		return (ssize_t)from;
	if (n != 3 || out[from + 1] != '.' || out[from + 2] != '.')
		return (ssize_t)size;
	while (from > 0)
		if (out[--from] == '/')
			return (ssize_t)from;
	return -EINVAL;
}

/* Where the path begins; NULL: the target is of another form. */
static const char *path_of(const char *target, const char *end)
{
	const char *p = target;

	if (p < end && *p == '/')
		return p;
	while (p < end && char_is(*p, CHAR_SCHEME))
		p++;
	if (p == target || end - p < 3 || memcmp(p, "://", 3))
		return NULL;
	for (p += 3; p < end && *p != '/' && *p != '?';)
		p++;
	return p;
}

ssize_t ramet__path_decode(const char *target, size_t size, char *out)
{
	const char *end = target + size, *p = path_of(target, end);
	size_t from = 0, at = 0, used;

	if (!p)
		return -EINVAL;
	while (p < end && *p != '?') {
		int c = decode(p, end, &used);

		if (c < 0 || (c == '/' && used > 1))
			return -EINVAL;
		if (c == '/') {
			ssize_t kept = settle(out, from, at);

			if (kept < 0)
				return kept;
			from = at = (size_t)kept;
		}
		out[at++] = (char)c;
		p += used;
	}
	if (at > from + 1) { /* the last one; where it goes its slash stays */
		ssize_t kept = settle(out, from, at);

		if (kept < 0)
			return kept;
		if ((size_t)kept < at)
			out[kept++] = '/';
		at = (size_t)kept;
	}
	if (!at)
		out[at++] = '/';
	out[at] = 0;
	return (ssize_t)at;
}

ssize_t ramet__form_decode(const char *text, size_t size, char *out)
{
	const char *end = text + size;
	size_t at = 0, used;

	for (const char *p = text; p < end; p += used) {
		int c = decode(p, end, &used);

		if (c < 0)
			return -EINVAL;
		out[at++] = *p == '+' ? ' ' : (char)c;
	}
	return (ssize_t)at;
}
