/* text.h - names as HTML and as URLs have them. */
#ifndef HTTP_FILES_TEXT_H
#define HTTP_FILES_TEXT_H

#include "base/base.h"

/* What `size` bytes become at most. */
#define TEXT_HTML_MAX(size) (6 * (size) + 1)
#define TEXT_URL_MAX(size) (3 * (size) + 1)

/* Escape for text and attributes; returns the end, where a NUL is. */
char *ramet__text_html(char *to, const char *text);

/* Escape for a path (RFC 3986, 3.3), slashes aside; returns the end, where a
 * NUL is. */
char *ramet__text_url(char *to, const char *text);

/* "12 B", "3.4 MiB". */
enum { TEXT_SIZE = 32 };
void ramet__text_size(char to[TEXT_SIZE], int64_t size);

#endif
