/* multipart.h - several ranges of a file: RFC 9110, 14.6. */
#ifndef HTTP_FILES_MULTIPART_H
#define HTTP_FILES_MULTIPART_H

#include "http/files/answer.h"
#include "http/files/range.h"

/* "bytes 0-499/1234", NULL: "bytes * /1234" (without the blank). */
enum { HTTP_CONTENT_RANGE = sizeof "bytes -/" + 3 * 20 };
void ramet__content_range(char text[HTTP_CONTENT_RANGE],
			  const struct http_range *range, uint64_t size);

/* Answer with 206 and all of them; type is the file's. */
int ramet__multipart_answer(struct ramet_http *h, struct found *found,
			    const char *type, const struct http_range *ranges,
			    int count);

#endif
