/* coding.h - whether an answer may be compressed: RFC 9110, 12.5.3. */
#ifndef HTTP_FILES_CODING_H
#define HTTP_FILES_CODING_H

#include "base/base.h"

/* What the fields Accept-Encoding say, as they are added one by one: weights in
 * thousandths, and 1; 0: not named. */
struct http_codings {
	int gzip, identity, others;
};

void ramet__codings_add(struct http_codings *c, const char *value);

/* Whether gzip is accepted, and no worse than nothing. */
bool ramet__codings_gzip(const struct http_codings *c);

#endif
