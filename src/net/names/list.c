/* list.c - laid out as libc's: an entry is one piece of memory with its
 * address, and its name another.  A list can be cut and freed in parts, and
 * what comes from malloc is freed by freeaddrinfo as well, which programs that
 * are patched call. */
#include "net/names/list.h"

#include "kernel/kernel.h"
#include "ramet/net.h"

#include <string.h>

struct addrinfo *ramet__addrinfo(const struct addrinfo *like,
				 const struct sockaddr *addr, socklen_t size,
				 const char *canonical)
{
	size_t length = canonical ? strlen(canonical) + 1 : 0;
	struct addrinfo *ai = kernel_alloc(sizeof *ai + size);
	char *name = ai && canonical ? kernel_alloc(length) : NULL;

	if (!ai || (canonical && !name)) {
		kernel_free(ai);
		return NULL;
	}
	*ai = *like;
	ai->ai_next = NULL;
	ai->ai_addr = (struct sockaddr *)(ai + 1);
	ai->ai_addrlen = size;
	memcpy(ai->ai_addr, addr, size);
	ai->ai_canonname = canonical ? memcpy(name, canonical, length) : NULL;
	return ai;
}

int ramet__addrinfo_copy(const struct addrinfo *list, struct addrinfo **copy)
{
	struct addrinfo **end = copy;

	*copy = NULL;
	for (; list; list = list->ai_next) {
		*end = ramet__addrinfo(list, list->ai_addr, list->ai_addrlen,
				       list->ai_canonname);
		if (!*end) {
			ramet_freeaddrinfo(*copy);
			*copy = NULL;
			return EAI_MEMORY;
		}
		end = &(*end)->ai_next;
	}
	return 0;
}

void ramet_freeaddrinfo(struct addrinfo *result)
{
	while (result) {
		struct addrinfo *next = result->ai_next;

		kernel_free(result->ai_canonname);
		kernel_free(result);
		result = next;
	}
}
