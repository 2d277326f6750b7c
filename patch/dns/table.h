/* table.h - the functions of group dns: see patch/engine/table.h. */
#ifndef PATCH_DNS_TABLE_H
#define PATCH_DNS_TABLE_H

#include <netdb.h>

/* Not <resolv.h>, whose names are everybody's. */
struct __res_state;

#define PATCH_DNS(X)                                                           \
	X(RAMET_DNS, int, getaddrinfo,                                         \
	  (const char *node, const char *service,                              \
	   const struct addrinfo *hints, struct addrinfo **result))            \
	X(RAMET_DNS, int, getnameinfo,                                         \
	  (const struct sockaddr *addr, socklen_t size, char *host,            \
	   socklen_t host_size, char *service, socklen_t service_size,         \
	   int flags))                                                         \
	X(RAMET_DNS, struct hostent *, gethostbyname, (const char *name))      \
	X(RAMET_DNS, struct hostent *, gethostbyname2,                         \
	  (const char *name, int family))                                      \
	X(RAMET_DNS, struct hostent *, gethostbyaddr,                          \
	  (const void *addr, socklen_t size, int family))                      \
	X(RAMET_DNS, int, gethostbyname_r,                                     \
	  (const char *name, struct hostent *host, char *buf, size_t size,     \
	   struct hostent **result, int *error))                               \
	X(RAMET_DNS, int, gethostbyname2_r,                                    \
	  (const char *name, int family, struct hostent *host, char *buf,      \
	   size_t size, struct hostent **result, int *error))                  \
	X(RAMET_DNS, int, gethostbyaddr_r,                                     \
	  (const void *addr, socklen_t addr_size, int family,                  \
	   struct hostent *host, char *buf, size_t size,                       \
	   struct hostent **result, int *error))                               \
	X(RAMET_DNS, int, res_query,                                           \
	  (const char *name, int class, int type, unsigned char *answer,       \
	   int size))                                                          \
	X(RAMET_DNS, int, res_search,                                          \
	  (const char *name, int class, int type, unsigned char *answer,       \
	   int size))                                                          \
	X(RAMET_DNS, int, res_nquery,                                          \
	  (struct __res_state * state, const char *name, int class, int type,             \
	   unsigned char *answer, int size))                                   \
	X(RAMET_DNS, int, res_nsearch,                                         \
	  (struct __res_state * state, const char *name, int class, int type,             \
	   unsigned char *answer, int size))                                   \
	X(RAMET_DNS, int, res_send,                                            \
	  (const unsigned char *query, int query_size, unsigned char *answer,  \
	   int size))                                                          \
	X(RAMET_DNS, int, res_nsend,                                           \
	  (struct __res_state * state, const unsigned char *query, int query_size,        \
	   unsigned char *answer, int size))

#endif
