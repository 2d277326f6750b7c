/* list.c - each entry is one piece of memory, so that a list can be cut and
 * freed in parts, as libc's can. */
#include "net/names/list.h"

#include "kernel/kernel.h"
#include "ramet/net.h"

#include <string.h>

struct addrinfo *ramet__addrinfo(const struct addrinfo *like,
				 const struct sockaddr *addr, socklen_t size,
				 const char *canonical)
{
	size_t length = canonical ? strlen(canonical) + 1 : 0;
	struct addrinfo *ai = kernel_alloc(sizeof *ai + size + length);
	char *name;

	if (!ai)
		return NULL;
	*ai = *like;
	ai->ai_next = NULL;
	ai->ai_addr = (struct sockaddr *)(ai + 1);
	ai->ai_addrlen = size;
	memcpy(ai->ai_addr, addr, size);
	name = (char *)ai->ai_addr + size;
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

		kernel_free(result);
		result = next;
	}
}
