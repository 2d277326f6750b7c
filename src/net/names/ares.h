/* ares.h - what is used of c-ares: the wire format, which is pure functions. */
#ifndef NET_NAMES_ARES_H
#define NET_NAMES_ARES_H

#include "base/base.h"

/* Load it.  Returns 0, -ENOTSUP, or -ENOSYS: it was not there to build with. */
int ramet__ares_load(void);

/* A query for `name` in *query, for ramet__ares_free; with EDNS0 that allows
 * answers of `udp_size` bytes, unless that is 0.  Returns 0, -EINVAL (no name
 * can be so) or -ENOMEM. */
int ramet__ares_query(const char *name, int type, uint16_t id, int udp_size,
		      uint8_t **query, size_t *size);
void ramet__ares_free(void *query);

/* The name at `at` of a message, as text, and how many bytes it takes there.
 * Returns 0, or -EBADMSG if it is broken or does not fit. */
int ramet__ares_name(const uint8_t *at, const uint8_t *msg, size_t size,
		     char *name, size_t room, size_t *used);

#endif
