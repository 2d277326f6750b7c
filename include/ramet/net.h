/* ramet/net.h - names of hosts and services, looked up without blocking others.
 *
 * The calls are their namesakes of libc, with its results and error codes.
 * They ask as libc is told to (nsswitch.conf, hosts, resolv.conf, which is read
 * again when it changes), but speak DNS themselves, so that a thousand look-ups
 * wait at once.  What only a module of libc knows is asked of libc, on another
 * OS thread.  RAMET_RESOLVER=system in the environment has libc asked for
 * everything; "ares", the default, is as described, if libcares.so.2 is there.
 */
#ifndef RAMET_NET_H
#define RAMET_NET_H

#include <netdb.h>
#include <sys/socket.h>

#include "ramet/base.h"

struct addrinfo; /* netdb.h hides it from strict C */

#ifdef __cplusplus
extern "C" {
#endif

/* Addresses of a host, of a service, or of both, in the order in which they
 * should be tried (RFC 6724).  *result, on success, is the caller's, for
 * ramet_freeaddrinfo.  Blocks.  Returns 0 or one of the EAI_ codes; EAI_SYSTEM
 * with ETIMEDOUT, ECANCELED, or another errno. */
RAMET_API int ramet_getaddrinfo(const char *node, const char *service,
				const struct addrinfo *hints,
				struct addrinfo **result);

/* NULL is allowed. */
RAMET_API void ramet_freeaddrinfo(struct addrinfo *result);

/* The names of an address; either may be NULL with room 0.  Blocks unless the
 * flags ask for numbers.  Returns 0 or one of the EAI_ codes, as above. */
RAMET_API int ramet_getnameinfo(const struct sockaddr *addr, socklen_t size,
				char *host, socklen_t host_room, char *service,
				socklen_t service_room, int flags);

/* As gethostbyname_r, gethostbyname2_r and gethostbyaddr_r: what is found is in
 * `room` bytes at `buf`.  Blocks.  Returns 0, and *result, NULL if nothing was
 * found, with *h_error set; or an error number: ERANGE (more room), ETIMEDOUT,
 * ECANCELED. */
RAMET_API int ramet_gethostbyname_r(const char *name, int family,
				    struct hostent *host, char *buf,
				    size_t room, struct hostent **result,
				    int *h_error);
RAMET_API int ramet_gethostbyaddr_r(const void *addr, socklen_t size,
				    int family, struct hostent *host, char *buf,
				    size_t room, struct hostent **result,
				    int *h_error);

/* The same with memory of the calling ramet's own, good until its next such
 * call.  NULL: *h_error says why. */
RAMET_API struct hostent *ramet_gethostbyname(const char *name, int *h_error);

/* Keep up to `count` answers of name servers, each as long as it says; 0, as at
 * the start: none.  For the whole process.  Returns 0, or -1: ENOMEM. */
RAMET_API int ramet_names_cache(size_t count);

/* "ares" or "system", and why. */
RAMET_API const char *ramet_resolver_name(void);
RAMET_API const char *ramet_resolver_reason(void);

#ifdef __cplusplus
}
#endif
#endif
