/* host.h - "host:port", as in Host, targets and URLs (RFC 3986, 3.2). */
#ifndef HTTP_HOST_H
#define HTTP_HOST_H

#include "base/base.h"

struct authority {
	const char *host; /* in the text; IPv6 without brackets */
	size_t host_size; /* 1 to 255 */
	uint16_t port;    /* 0: none is said */
	bool ipv6;
};

/* Returns 0, or -EINVAL.  Stricter than RFC 3986: a name is made of letters,
 * digits and -._~ alone, so no percent codes and no commas, has no empty label
 * except at its end, and there is one; no port 0; no IPvFuture, no zones; no
 * userinfo. */
int ramet__authority_parse(struct authority *a, const char *text, size_t size);

#endif
