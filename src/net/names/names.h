/* names.h - look-ups for the layer itself: they return errors and are no border
 * where a kill takes effect. */
#ifndef NET_NAMES_NAMES_H
#define NET_NAMES_NAMES_H

#include <netdb.h>

#include "core/core.h"

/* As ramet_getaddrinfo; *err is -errno if it returns EAI_SYSTEM. */
int ramet__names_addrinfo(struct loop *l, const char *node, const char *service,
			  const struct addrinfo *hints,
			  struct addrinfo **result, int *err);

/* As ramet_getnameinfo. */
int ramet__names_nameinfo(struct loop *l, const struct sockaddr *addr,
			  socklen_t size, char *host, socklen_t host_room,
			  char *service, socklen_t service_room, int flags,
			  int *err);

#endif
