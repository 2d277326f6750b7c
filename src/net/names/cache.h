/* cache.h - answers that still hold, of one loop. */
#ifndef NET_NAMES_CACHE_H
#define NET_NAMES_CACHE_H

#include "net/names/answer.h"

struct cache;

/* A copy of what is known of the name, or NULL: nothing, or no memory. */
struct answer *ramet__cache_get(struct cache **cache, int64_t now,
				const char *name, int type);

/* Keep a copy, if it holds for some time and there is memory. */
void ramet__cache_put(struct cache **cache, int64_t now, const char *name,
		      int type, const struct answer *a);

void ramet__cache_free(struct cache *c);

#endif
