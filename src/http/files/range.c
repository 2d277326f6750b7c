/* range.c - reads the header Range. */
#include "http/files/range.h"

#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* The largest stands for all that are above.  NULL: no digit. */
static const char *get_number(const char *p, uint64_t *n)
{
	const char *start = p;
	bool above = false;

	for (*n = 0; *p >= '0' && *p <= '9'; p++)
		above |= __builtin_mul_overflow(*n, 10u, n) ||
			 __builtin_add_overflow(*n, (unsigned)(*p - '0'), n);
	if (above)
		*n = UINT64_MAX;
	return p > start ? p : NULL;
}

/* "-500": the last so many bytes.  All of an empty file, if that is what it is.
 */
static const char *get_suffix(const char *p, uint64_t size,
			      struct http_range *r)
{
	uint64_t n;

	p = get_number(p + 1, &n);
	if (n && !size)
		return NULL;
	if (n > size)
		n = size;
	*r = (struct http_range){size - n, n};
	return p;
}

/* "0-499", "500-". */
static const char *get_span(const char *p, uint64_t size, struct http_range *r)
{
	uint64_t first, last = UINT64_MAX;

	p = get_number(p, &first);
	if (!p || *p != '-')
		return NULL;
	p++;
	if (*p >= '0' && *p <= '9')
		p = get_number(p, &last);
	if (last < first)
		return NULL;
	if (size && last > size - 1)
		last = size - 1;
	*r = (struct http_range){first, first < size ? last - first + 1 : 0};
	return p;
}

static bool overlap(const struct http_range *a, const struct http_range *b)
{
	return a->at < b->at + b->size && b->at < a->at + a->size;
}

static bool any_overlap(const struct http_range *ranges, int count)
{
	for (int i = 1; i < count; i++)
		for (int j = 0; j < i; j++)
			if (overlap(&ranges[i], &ranges[j]))
				return true;
	return false;
}

/* Past one element, and the comma behind it; what cannot be met is left out.
 * NULL: it is not well formed, or one too many. */
static const char *get_element(const char *p, uint64_t size,
			       struct http_range *ranges, int *count)
{
	struct http_range r;

	p = *p == '-' ? get_suffix(p, size, &r) : get_span(p, size, &r);
	if (!p)
		return NULL;
	if (r.size && *count == HTTP_RANGES)
		return NULL;
	if (r.size)
		ranges[(*count)++] = r;
	p = skip_blanks(p);
	if (*p && *p != ',')
		return NULL;
	return p;
}

int ramet__range_parse(const char *text, uint64_t size,
		       struct http_range ranges[HTTP_RANGES])
{
	static const char unit[] = "bytes=";
	const char *p = text + sizeof unit - 1;
	int count = 0;
	bool any = false;

	if (strncasecmp(text, unit, sizeof unit - 1) != 0)
		return 0;
	for (;;) {
		p = skip_blanks(p);
		if (!*p)
			break;
		if (*p == ',') { /* RFC 9110, 5.6.1.2: empty elements */
			p++;
			continue;
		}
		p = get_element(p, size, ranges, &count);
		if (!p)
			return 0;
		any = true;
	}
	if (!any || any_overlap(ranges, count))
		return 0;
	return count ? count : -1;
}
