/* system.h - libc's look-ups, on the lane: what only it knows. */
#ifndef NET_NAMES_SYSTEM_H
#define NET_NAMES_SYSTEM_H

#include <netdb.h>

#include "net/names/find.h"

/* As getaddrinfo, with a list for ramet_freeaddrinfo; *err is -errno if it
 * returns EAI_SYSTEM. */
int ramet__system_addrinfo(struct loop *l, const char *node,
			   const char *service, const struct addrinfo *hints,
			   struct addrinfo **result, int *err);

/* As gethostbyname2, or gethostbyaddr where name is NULL. */
int ramet__system_host(struct loop *l, const char *name, const void *addr,
		       int family, struct found *f, int *err);

/* As getnameinfo; rooms of 0 mean that it is not wanted. */
int ramet__system_nameinfo(struct loop *l, const struct sockaddr *addr,
			   socklen_t size, char *host, socklen_t host_room,
			   char *service, socklen_t service_room, int flags,
			   int *err);

#endif
