/* condition.c - compares what a client has with what we have. */
#include "http/files/condition.h"
#include "http/exchange.h"

#include <string.h>
#include <strings.h>

/* The end of the tag that begins at p, quotes and W/ included; NULL: none does.
 * RFC 9110, 8.8.3: any but quotes, blanks and controls may be in it. */
static const char *tag_end(const char *p)
{
	if (strncmp(p, "W/", 2) == 0)
		p += 2;
	if (*p++ != '"')
		return NULL;
	while ((unsigned char)*p > ' ' && *p != '"' && *p != 0x7f)
		p++;
	return *p == '"' ? p + 1 : NULL;
}

/* RFC 9110, 8.8.3.2. */
static bool same(const char *tag, const char *end, const char *ours, bool weak)
{
	if (*tag == 'W') {
		if (!weak)
			return false;
		tag += 2;
	}
	return strlen(ours) == (size_t)(end - tag) &&
	       memcmp(tag, ours, (size_t)(end - tag)) == 0;
}

bool ramet__etag_in(const char *list, const char *etag, bool weak)
{
	const char *end;

	if (strcmp(list, "*") == 0)
		return true;
	for (;;) {
		list += strspn(list, " \t,");
		end = tag_end(list);
		if (!end)
			return false;
		if (same(list, end, etag, weak))
			return true;
		list = end + strspn(end, " \t");
		if (*list != ',')
			return false;
	}
}

static void take_once(struct http_conditions *c, const char **slot,
		      const char *value)
{
	if (*slot)
		c->twice = true;
	*slot = value;
}

void ramet__condition_add(struct http_conditions *c, const char *name,
			  const char *value, const struct http_validator *v)
{
	if (strcasecmp(name, "Range") == 0)
		take_once(c, &c->range, value);
	if (strncasecmp(name, "If-", 3) != 0)
		return;
	name += 3;
	if (strcasecmp(name, "None-Match") == 0) {
		c->none_match = true;
		c->present |= ramet__etag_in(value, v->etag, true);
	} else if (strcasecmp(name, "Match") == 0) {
		c->match = true;
		c->matches |= ramet__etag_in(value, v->etag, false);
	} else if (strcasecmp(name, "Modified-Since") == 0)
		c->modified_since = value;
	else if (strcasecmp(name, "Unmodified-Since") == 0)
		c->unmodified_since = value;
	else if (strcasecmp(name, "Range") == 0)
		take_once(c, &c->if_range, value);
}

/* Whether it has changed since; a date that is none says nothing. */
static bool changed_since(const char *date, const struct http_validator *v,
			  bool otherwise)
{
	int64_t seconds = date ? ramet__http_date_parse(date) : -1;

	return seconds < 0 ? otherwise : v->modified > seconds;
}

int ramet__condition_status(const struct http_conditions *c,
			    const struct http_validator *v)
{
	if (c->match) {
		if (!c->matches)
			return 412;
	} else if (changed_since(c->unmodified_since, v, false))
		return 412;
	if (c->none_match)
		return c->present ? 304 : 200;
	return changed_since(c->modified_since, v, true) ? 200 : 304;
}

/* A date is as good as a tag only once the file can no longer change without
 * changing it: RFC 9110, 8.8.2.2. */
static bool is_ours(const char *if_range, const struct http_validator *v)
{
	const char *end = tag_end(if_range);

	if (end)
		return !*end && same(if_range, end, v->etag, false);
	return ramet__http_date_parse(if_range) == v->modified &&
	       v->now - v->modified > 1;
}

const char *ramet__condition_range(const struct http_conditions *c,
				   const struct http_validator *v)
{
	if (!c->range || c->twice || (c->if_range && !is_ours(c->if_range, v)))
		return NULL;
	return c->range;
}
