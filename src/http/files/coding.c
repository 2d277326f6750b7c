/* coding.c - reads Accept-Encoding. */
#include "http/files/coding.h"

#include <string.h>
#include <strings.h>

/* RFC 9110, 12.4.2: "0.5", in thousandths.  -1: it is none. */
static int get_weight(const char *p, size_t size)
{
	int weight = 0, digit = 1000;

	if (!size || size > 5 || (*p != '0' && *p != '1') ||
	    (size > 1 && p[1] != '.'))
		return -1;
	for (size_t i = 0; i < size; i++) {
		if (i == 1)
			continue;
		if (p[i] < '0' || p[i] > '9')
			return -1;
		weight += digit * (p[i] - '0');
		digit /= 10;
	}
	return weight <= 1000 ? weight : -1;
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* ";q=0.5" and blanks, up to `end`.  -1: something else. */
static int get_parameter(const char *p, const char *end)
{
	const char *last = end;

	if (*p != ';')
		return p == end ? 1000 : -1;
	p = skip_blanks(p + 1);
	while (last > p && (last[-1] == ' ' || last[-1] == '\t'))
		last--;
	if (last - p < 2 || (*p != 'q' && *p != 'Q') || p[1] != '=')
		return -1;
	return get_weight(p + 2, (size_t)(last - p - 2));
}

static bool is(const char *name, size_t size, const char *want)
{
	return size == strlen(want) && strncasecmp(name, want, size) == 0;
}

/* One element, from p to end; what is not well formed is not named. */
static void add(struct http_codings *c, const char *p, const char *end)
{
	size_t size = strcspn(p, " \t;,");
	int weight = get_parameter(skip_blanks(p + size), end);

	if (weight < 0)
		return;
	if (is(p, size, "gzip") || is(p, size, "x-gzip"))
		c->gzip = weight + 1;
	else if (is(p, size, "identity"))
		c->identity = weight + 1;
	else if (is(p, size, "*"))
		c->others = weight + 1;
}

void ramet__codings_add(struct http_codings *c, const char *value)
{
	for (const char *p = value;; p++) {
		p = skip_blanks(p);
		add(c, p, p + strcspn(p, ","));
		p += strcspn(p, ",");
		if (!*p)
			return;
	}
}

bool ramet__codings_gzip(const struct http_codings *c)
{
	int gzip = c->gzip ? c->gzip : c->others;

	return gzip > 1 && gzip >= c->identity;
}
