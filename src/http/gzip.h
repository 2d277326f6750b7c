/* gzip.h - gzip (RFC 1952), as a stream; by zlib, which is loaded when it is
 * first needed. */
#ifndef HTTP_GZIP_H
#define HTTP_GZIP_H

#include "base/base.h"

struct gzip;

/* Whether it is to be had. */
bool ramet__gzip_there(void);

/* NULL: it is not there, or no memory. */
struct gzip *ramet__gzip_new(void);

/* NULL is allowed. */
void ramet__gzip_free(struct gzip *g);

/* Compress `size` bytes, and with `last` what was kept back, and give what
 * comes of it to put, piece by piece.  Lets others run now and then.  Returns
 * 0, or what put did if that is not 0. */
typedef int gzip_put(void *arg, const void *data, size_t size);
int ramet__gzip_add(struct gzip *g, const void *data, size_t size, bool last,
		    gzip_put *put, void *arg);

#endif
