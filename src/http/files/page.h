/* page.h - the list of a directory as a page. */
#ifndef HTTP_FILES_PAGE_H
#define HTTP_FILES_PAGE_H

#include "http/exchange.h"
#include "http/files/directory.h"

/* Answer with it; path as the request has it, with a slash at its end.  Returns
 * as ramet__http_write. */
int ramet__page_answer(struct ramet_http *h, const char *path,
		       const struct directory *d);

#endif
