/* host.h - look-ups that answer in a struct hostent, in two halves: what is
 * found may be laid out later, and by somebody else. */
#ifndef NET_NAMES_HOST_H
#define NET_NAMES_HOST_H

#include <netdb.h>

#include "net/names/find.h"

/* What gethostbyname2 and gethostbyaddr find, in the order in which it comes,
 * in *f, for ramet__found_free in any case.  family is AF_INET or AF_INET6.
 * Returns 0 or one of the EAI_ codes; *err is -errno if that is EAI_SYSTEM. */
int ramet__names_host(struct loop *l, const char *name, int family,
		      struct found *f, int *err);
int ramet__names_host_of(struct loop *l, const void *addr, int family,
			 struct found *f, int *err);

/* As a struct hostent, whose parts are in buf.  Returns 0 or ERANGE. */
int ramet__hostent(const struct found *f, int family, struct hostent *h,
		   char *buf, size_t size);

/* What a look-up has returned, as those calls say it: *h_error, and 0 or an
 * error number. */
int ramet__hostent_code(int error, int err, int *h_error);

#endif
