/* numeric.c - addresses that are written as such, and lists of addresses. */
#include "net/names/find.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- the list ----------------------------------------------------------- */

void ramet__found_free(struct found *f)
{
	struct found_alias *a;

	while ((a = f->aliases)) {
		f->aliases = a->next;
		kernel_free(a);
	}
	kernel_free(f->list);
	f->list = NULL;
	f->count = f->room = 0;
}

int ramet__found_add(struct found *f, int family, const void *bytes,
		     uint32_t scope)
{
	struct found_addr *a;

	if (f->count == f->room) {
		size_t room = f->room ? f->room * 2 : 8;

		a = kernel_alloc(room * sizeof *a);
		if (!a)
			return EAI_MEMORY;
		if (f->count)
			memcpy(a, f->list, f->count * sizeof *a);
		kernel_free(f->list);
		f->list = a;
		f->room = room;
	}
	a = &f->list[f->count++];
	*a = (struct found_addr){.family = family, .scope = scope};
	memcpy(a->bytes, bytes, family == AF_INET ? 4 : 16);
	return 0;
}

int ramet__found_alias(struct found *f, const char *name)
{
	struct found_alias **end = &f->aliases, *a;
	size_t size = strlen(name) + 1;

	if (!f->wants_aliases || strcasecmp(name, f->name) == 0)
		return 0;
	for (; *end; end = &(*end)->next)
		if (strcasecmp((*end)->name, name) == 0)
			return 0;
	a = kernel_alloc(sizeof *a + size);
	if (!a)
		return EAI_MEMORY;
	memcpy(a->name, name, size);
	*end = a;
	return 0;
}

/* ---- numbers ------------------------------------------------------------ */

/* "127.1" and "0x7f000001" too; inet_aton allows a space behind it. */
static bool is_v4(const char *text, struct in_addr *v4)
{
	return !text[strcspn(text, " \t\n\v\f\r")] && inet_aton(text, v4);
}

/* What follows '%': the name of an interface where it has a meaning, else a
 * number. */
static bool parse_scope(const struct in6_addr *v6, const char *text,
			uint32_t *scope)
{
	unsigned long n;
	char *end;

	*scope = 0;
	if (IN6_IS_ADDR_LINKLOCAL(v6) || IN6_IS_ADDR_MC_LINKLOCAL(v6))
		*scope = if_nametoindex(text);
	if (*scope)
		return true;
	if (*text < '0' || *text > '9')
		return false;
	n = strtoul(text, &end, 10);
	*scope = (uint32_t)n;
	return !*end && n <= UINT32_MAX;
}

static int add_v4(struct found *f, const struct in_addr *v4, int family,
		  bool mapped)
{
	uint8_t v6[16] = {[10] = 0xff, [11] = 0xff};

	if (family != AF_INET6)
		return ramet__found_add(f, AF_INET, v4, 0);
	if (!mapped)
		return EAI_ADDRFAMILY;
	memcpy(v6 + 12, v4, 4);
	return ramet__found_add(f, AF_INET6, v6, 0);
}

static int add_v6(struct found *f, const struct in6_addr *v6, int family,
		  uint32_t scope)
{
	if (family != AF_INET)
		return ramet__found_add(f, AF_INET6, v6, scope);
	if (IN6_IS_ADDR_V4MAPPED(v6))
		return ramet__found_add(f, AF_INET, &v6->s6_addr[12], 0);
	return EAI_ADDRFAMILY;
}

int ramet__found_number(struct found *f, const char *text, int family,
			bool mapped)
{
	char host[INET6_ADDRSTRLEN];
	size_t size = strcspn(text, "%");
	struct in6_addr v6;
	struct in_addr v4;
	uint32_t scope = 0;

	f->numeric = true;
	if (is_v4(text, &v4))
		return add_v4(f, &v4, family, mapped);
	f->numeric = false;
	if (size >= sizeof host)
		return 1;
	memcpy(host, text, size);
	host[size] = '\0';
	if (inet_pton(AF_INET6, host, &v6) != 1)
		return 1;
	f->numeric = true;
	if (text[size] && !parse_scope(&v6, text + size + 1, &scope))
		return EAI_NONAME;
	return add_v6(f, &v6, family, scope);
}
