/* fields.h - what the fields mean that frame, route and steer a message. */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "http/head.h"

/* Note what the field says, when its line is read.  Returns 0, or minus the
 * status of a refusal. */
typedef int field_note(struct http_head *h, const char *buf,
		       const struct http_field *f);
field_note ramet__note_request, ramet__note_response, ramet__note_trailer;

/* The same of a request's target, when method and target are read. */
int ramet__note_target(struct http_head *h, const char *buf);

/* When the head is whole: is it consistent, and what follows? */
int ramet__settle_request(struct http_head *h, const char *buf);
int ramet__settle_response(struct http_head *h, bool no_body);

#endif
