/* type.h - media types by the endings of names. */
#ifndef HTTP_FILES_TYPE_H
#define HTTP_FILES_TYPE_H

#include "base/base.h"

/* "text/html; charset=utf-8"; "application/octet-stream" for what is not known.
 */
const char *ramet__media_type(const char *name);

/* Whether such content becomes smaller by compression. */
bool ramet__media_type_shrinks(const char *type);

#endif
