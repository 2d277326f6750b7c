/* answer.h - what the writers of answers share. */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "http/server.h"

/* Whether these may be a header of an answer or of its trailer. */
bool ramet__answer_is_field(const char *name, const char *value);

/* Whether the library alone writes headers of that name. */
bool ramet__answer_is_ours(const char *name);

#endif
