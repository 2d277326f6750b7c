/* list.h - lists of struct addrinfo as ramet_getaddrinfo returns them. */
#ifndef NET_NAMES_LIST_H
#define NET_NAMES_LIST_H

#include <netdb.h>

#include "base/base.h"

/* A copy of *like with copies of an address of `size` bytes and of a name,
 * which may be NULL; or NULL. */
struct addrinfo *ramet__addrinfo(const struct addrinfo *like,
				 const struct sockaddr *addr, socklen_t size,
				 const char *canonical);

/* A copy of a whole list in *copy.  Returns 0 or EAI_MEMORY. */
int ramet__addrinfo_copy(const struct addrinfo *list, struct addrinfo **copy);

#endif
