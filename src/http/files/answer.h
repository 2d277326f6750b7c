/* answer.h - an open file as an answer. */
#ifndef HTTP_FILES_ANSWER_H
#define HTTP_FILES_ANSWER_H

#include "http/exchange.h"
#include "http/files/beneath.h"

/* Whether the request is GET or HEAD; *err: otherwise 405 is said, and what
 * came of that. */
bool ramet__file_is_asked(struct ramet_http *h, int *err);

/* Whether the request accepts gzip. */
bool ramet__file_gzip_accepted(const struct ramet_http *h);

/* Answer with the file, or what is asked of it, or that it has not changed.
 * Returns as ramet__http_reply. */
int ramet__file_answer(struct ramet_http *h, struct found *found,
		       const char *type);

/* Close its descriptor, if it is open. */
void ramet__file_close(struct found *found);

/* Read of the file.  Blocks.  Returns how much, 0 at its end, or -errno. */
ssize_t ramet__file_read(struct found *found, void *buf, size_t size,
			 uint64_t at);

/* Send so many bytes of the file, as a part of the body of an answer that is
 * begun and has a size.  -EMSGSIZE: the file has become shorter. */
int ramet__file_send(struct ramet_http *h, struct found *found, uint64_t at,
		     uint64_t size);

#endif
