/* names.c - ramet_getaddrinfo. */
#include "net/names/names.h"

#include "net/names/system.h"
#include "ramet/net.h"

int ramet__names_addrinfo(struct loop *l, const char *node, const char *service,
			  const struct addrinfo *hints,
			  struct addrinfo **result, int *err)
{
	return ramet__system_addrinfo(l, node, service, hints, result, err);
}

int ramet_getaddrinfo(const char *node, const char *service,
		      const struct addrinfo *hints, struct addrinfo **result)
{
	struct loop *l = ramet__loop();
	int error = EAI_MEMORY, err = 0;

	if (l)
		error = ramet__names_addrinfo(l, node, service, hints, result,
					      &err);
	if (error == EAI_SYSTEM)
		ramet__fail(err);
	return error;
}
