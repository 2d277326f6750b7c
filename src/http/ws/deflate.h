/* deflate.h - permessage-deflate (RFC 7692, 7.2): messages compressed and
 * decompressed in pieces. */
#ifndef HTTP_WS_DEFLATE_H
#define HTTP_WS_DEFLATE_H

#include <sys/uio.h>

#include "base/base.h"

struct ws_zip; /* one direction */

/* Whether zlib is there: 0 or -ENOTSUP. */
int ramet__zip_load(void);

/* The window's bits; resets: each message begins anew.  NULL: ENOMEM.
 * Compressing needs bits >= 9: zlib has no smaller window. */
struct ws_zip *ramet__zip_in_new(unsigned bits, bool resets);
struct ws_zip *ramet__zip_out_new(unsigned bits, bool resets);
void ramet__zip_in_free(struct ws_zip *z);
void ramet__zip_out_free(struct ws_zip *z);

/* Compress what is left of `in`, which was not empty at first, into `room`
 * bytes at out; at least 16.  Returns how many there are; *whole: the message
 * ends with them. */
size_t ramet__zip_out(struct ws_zip *z, struct iovec *in, char *out,
		      size_t room, bool *whole);

/* Decompress, again while it returns more than 0: how many bytes there are at
 * out.  0: in is used up; -EPROTO: bad data, -ENOMEM. */
ssize_t ramet__zip_in(struct ws_zip *z, struct iovec *in, char *out,
		      size_t room);

/* The same at a message's end, again while it returns more than 0. */
ssize_t ramet__zip_in_end(struct ws_zip *z, char *out, size_t room);

#endif
