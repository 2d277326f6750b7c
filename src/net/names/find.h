/* find.h - addresses of a name, from whoever knows them. */
#ifndef NET_NAMES_FIND_H
#define NET_NAMES_FIND_H

#include <netinet/in.h>

#include "net/names/state.h"

struct found_addr {
	int family;
	uint32_t scope;
	uint8_t bytes[16];
};

struct found_alias {
	struct found_alias *next;
	char name[];
};

struct found {
	char name[NAME_ROOM]; /* the canonical one */
	struct found_alias *aliases;
	struct found_addr *list;
	size_t count, room;
	bool numeric;       /* it was no name */
	bool wants_aliases; /* asked for by who begins */
};

void ramet__found_free(struct found *f);

/* Append one.  Returns 0 or EAI_MEMORY. */
int ramet__found_add(struct found *f, int family, const void *bytes,
		     uint32_t scope);

/* Append a name by which it is known too, if that is wanted and new.  Returns 0
 * or EAI_MEMORY. */
int ramet__found_alias(struct found *f, const char *name);

/* If text is an address for `family` or any (AF_UNSPEC), append it; mapped:
 * IPv4 will do for AF_INET6.  Returns 0, 1 if it is none, EAI_ADDRFAMILY,
 * EAI_MEMORY, EAI_NONAME (its scope is none). */
int ramet__found_number(struct found *f, const char *text, int family,
			bool mapped);

/* What only libc can tell. */
enum { FIND_SYSTEM = 1 };

/* Look a name up.  Returns 0, FIND_SYSTEM, or one of the EAI_ codes; with
 * EAI_SYSTEM *err is -errno. */
int ramet__find(struct loop *l, struct names *n, const struct config *c,
		const char *name, int family, struct found *f, int *err);

/* The name of an address.  The same errors. */
int ramet__find_name(struct loop *l, struct names *n, const struct config *c,
		     int family, const void *addr, struct found *f, int *err);

/* EAI_ code for -errno, which *err then has. */
int ramet__find_failed(int error, int *err);

/* Whether to ask libc in any case: characters that are no ASCII. */
bool ramet__name_is_plain(const char *name);

/* ---- sort.c, interfaces.c ----------------------------------------------- */

/* IPv4 as ::ffff:0:0/96. */
static inline void found_as_v6(int family, const void *bytes, uint8_t v6[16])
{
	__builtin_memset(v6, 0, 16);
	v6[10] = v6[11] = 0xff;
	if (family == AF_INET)
		__builtin_memcpy(v6 + 12, bytes, 4);
	else
		__builtin_memcpy(v6, bytes, 16);
}

/* Into the order in which they should be tried: RFC 6724. */
void ramet__found_sort(struct loop *l, struct names *n, const struct policy *p,
		       struct found *f);

/* The addresses of this machine, no older than a second by l->now. */
const struct own_addrs *ramet__interfaces(struct loop *l, struct names *n);

#endif
