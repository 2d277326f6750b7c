/* condition.h - what a request asks of the file before it wants it: RFC 9110,
 * 13. */
#ifndef HTTP_FILES_CONDITION_H
#define HTTP_FILES_CONDITION_H

#include "base/base.h"

enum { HTTP_ETAG_SIZE = 64 };

/* What tells one state of a file from another. */
struct http_validator {
	char etag[HTTP_ETAG_SIZE]; /* with quotes; never weak */
	int64_t modified;          /* seconds since 1970 */
	int64_t now;
};

/* What the fields of the request say, as they are added one by one. */
struct http_conditions {
	bool match, matches;      /* If-Match: there, and true so far */
	bool none_match, present; /* If-None-Match: there, and one is ours */
	const char *modified_since, *unmodified_since, *if_range, *range;
	bool twice; /* one of the last two is there twice */
};

void ramet__condition_add(struct http_conditions *c, const char *name,
			  const char *value, const struct http_validator *v);

/* RFC 9110, 13.2.2: 200: go on, 304 or 412. */
int ramet__condition_status(const struct http_conditions *c,
			    const struct http_validator *v);

/* The header Range if it is to be heeded, as If-Range says; else NULL. */
const char *ramet__condition_range(const struct http_conditions *c,
				   const struct http_validator *v);

/* Whether the list of tags has that one, or is "*". */
bool ramet__etag_in(const char *list, const char *etag, bool weak);

#endif
