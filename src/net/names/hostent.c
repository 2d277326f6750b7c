/* hostent.c - the older look-ups, which answer in a struct hostent. */
#include "net/names/find.h"
#include "net/names/names.h"

#include "kernel/kernel.h"
#include "ramet/core.h"
#include "ramet/net.h"

#include <netdb.h>
#include <string.h>

/* ---- laying out --------------------------------------------------------- */

struct room {
	char *next;
	size_t left;
	bool full;
};

static void *take(struct room *r, size_t size, size_t alignment)
{
	size_t skip = -(uintptr_t)r->next % alignment;
	char *p = r->next + skip;

	if (r->full || r->left < skip + size) {
		r->full = true;
		return NULL;
	}
	r->next = p + size;
	r->left -= skip + size;
	return p;
}

/* One name and the addresses, which are `length` bytes each.  Returns 0 or
 * ERANGE. */
static int lay_out(struct hostent *h, char *buf, size_t size, const char *name,
		   int family, const uint8_t (*addrs)[16], size_t count)
{
	size_t length = family == AF_INET ? 4 : 16;
	struct room r = {buf, size, false};
	char **aliases = take(&r, sizeof *aliases, sizeof *aliases);
	char **list = take(&r, (count + 1) * sizeof *list, sizeof *list);
	char *bytes = take(&r, count * length, 4);
	char *copy = take(&r, strlen(name) + 1, 1);

	if (r.full)
		return ERANGE;
	aliases[0] = NULL;
	for (size_t i = 0; i < count; i++)
		list[i] = memcpy(bytes + i * length, addrs[i], length);
	list[count] = NULL;
	*h = (struct hostent){.h_name = strcpy(copy, name),
			      .h_aliases = aliases,
			      .h_addrtype = family,
			      .h_length = (int)length,
			      .h_addr_list = list};
	return 0;
}

/* ---- codes -------------------------------------------------------------- */

/* What a look-up says, as these calls do.  Returns 0 or an error number. */
static int failed(int error, int err, int *h_error)
{
	switch (error) {
	case EAI_SYSTEM:
		*h_error = err == -ETIMEDOUT || err == -ECANCELED
				   ? TRY_AGAIN
				   : NETDB_INTERNAL;
		return -err;
	case EAI_MEMORY:
		*h_error = NETDB_INTERNAL;
		return ENOMEM;
	case EAI_AGAIN:
		*h_error = TRY_AGAIN;
		return 0;
	case EAI_FAIL:
		*h_error = NO_RECOVERY;
		return 0;
	case EAI_NODATA:
		*h_error = NO_DATA;
		return 0;
	}
	*h_error = HOST_NOT_FOUND;
	return 0;
}

/* ---- by name ------------------------------------------------------------ */

static size_t count_of(const struct addrinfo *list)
{
	size_t n = 0;

	for (; list; list = list->ai_next)
		n++;
	return n;
}

static const void *bytes_of(const struct addrinfo *a)
{
	const struct sockaddr_in6 *v6 = (const void *)a->ai_addr;
	const struct sockaddr_in *v4 = (const void *)a->ai_addr;

	return a->ai_family == AF_INET ? (const void *)&v4->sin_addr
				       : (const void *)&v6->sin6_addr;
}

static int from_list(const struct addrinfo *list, const char *name, int family,
		     struct hostent *host, char *buf, size_t room)
{
	size_t count = count_of(list), i = 0;
	uint8_t(*addrs)[16] = kernel_alloc(count * sizeof *addrs);
	int err;

	if (!addrs)
		return ENOMEM;
	for (const struct addrinfo *a = list; a; a = a->ai_next)
		memcpy(addrs[i++], bytes_of(a), family == AF_INET ? 4 : 16);
	err = lay_out(host, buf, room,
		      list->ai_canonname ? list->ai_canonname : name, family,
		      (const uint8_t(*)[16])addrs, count);
	kernel_free(addrs);
	return err;
}

static int by_name(struct loop *l, const char *name, int family,
		   struct hostent *host, char *buf, size_t room, int *h_error)
{
	struct addrinfo hints = {.ai_flags = AI_CANONNAME,
				 .ai_family = family ? family : AF_INET,
				 .ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	int err = 0, error;

	if (hints.ai_family != AF_INET && hints.ai_family != AF_INET6) {
		*h_error = NETDB_INTERNAL;
		return EAFNOSUPPORT;
	}
	error = ramet__names_addrinfo(l, name, NULL, &hints, &list, &err);
	if (error)
		return failed(error, err, h_error);
	err = from_list(list, name, hints.ai_family, host, buf, room);
	ramet_freeaddrinfo(list);
	*h_error = err ? NETDB_INTERNAL : NETDB_SUCCESS;
	return err;
}

/* The border: an error number is errno as well, and a kill takes effect. */
static int leave(int err, int h_error, struct hostent *host,
		 struct hostent **result)
{
	*result = err == 0 && h_error == NETDB_SUCCESS ? host : NULL;
	if (err)
		ramet__fail(-err);
	return err;
}

int ramet_gethostbyname_r(const char *name, int family, struct hostent *host,
			  char *buf, size_t room, struct hostent **result,
			  int *h_error)
{
	struct loop *l = ramet__loop();
	int err = ENOMEM;

	*h_error = NETDB_INTERNAL;
	*result = NULL;
	if (l)
		err = by_name(l, name, family, host, buf, room, h_error);
	return leave(err, *h_error, host, result);
}

/* ---- by address --------------------------------------------------------- */

static int name_of(struct loop *l, const void *addr, int family, char *name,
		   int *err)
{
	struct sockaddr_storage any = {.ss_family = (sa_family_t)family};
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&any;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&any;
	bool four = family == AF_INET;

	memcpy(four ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr, addr,
	       four ? 4 : 16);
	return ramet__names_nameinfo(l, (struct sockaddr *)&any,
				     four ? sizeof *v4 : sizeof *v6, name,
				     NAME_ROOM, NULL, 0, NI_NAMEREQD, err);
}

static int by_addr(struct loop *l, const void *addr, socklen_t size, int family,
		   struct hostent *host, char *buf, size_t room, int *h_error)
{
	char name[NAME_ROOM];
	uint8_t bytes[1][16];
	int err = 0, error;

	if ((family != AF_INET || size != 4) &&
	    (family != AF_INET6 || size != 16)) {
		*h_error = HOST_NOT_FOUND;
		return EAFNOSUPPORT;
	}
	error = name_of(l, addr, family, name, &err);
	if (error)
		return failed(error, err, h_error);
	memcpy(bytes[0], addr, size);
	err = lay_out(host, buf, room, name, family,
		      (const uint8_t(*)[16])bytes, 1);
	*h_error = err ? NETDB_INTERNAL : NETDB_SUCCESS;
	return err;
}

int ramet_gethostbyaddr_r(const void *addr, socklen_t size, int family,
			  struct hostent *host, char *buf, size_t room,
			  struct hostent **result, int *h_error)
{
	struct loop *l = ramet__loop();
	int err = ENOMEM;

	*h_error = NETDB_INTERNAL;
	*result = NULL;
	if (l)
		err = by_addr(l, addr, size, family, host, buf, room, h_error);
	return leave(err, *h_error, host, result);
}

/* ---- in the ramet's own memory ------------------------------------------ */

struct own {
	struct hostent host;
	char buf[];
};

static void free_own(void *own)
{
	kernel_free(own);
}

/* The key is made by the first, for all; who loses a race leaves one unused. */
static struct ramet_local *own_key(void)
{
	static struct ramet_local *key; /* atomic */
	struct ramet_local *k = __atomic_load_n(&key, __ATOMIC_ACQUIRE);
	struct ramet_local *none = NULL;

	if (k)
		return k;
	k = ramet_local_new(free_own);
	if (!k ||
	    __atomic_compare_exchange_n(&key, &none, k, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return k;
	return none;
}

/* In a piece of memory that is large enough; or an error number. */
static int find_own(struct loop *l, const char *name, struct own **own,
		    int *h_error)
{
	enum { FIRST = 1024, LAST = 1 << 20 };
	int err = ERANGE;

	for (size_t room = FIRST; err == ERANGE && room <= LAST; room *= 4) {
		kernel_free(*own);
		*own = kernel_alloc(sizeof **own + room);
		err = *own ? by_name(l, name, AF_INET, &(*own)->host,
				     (*own)->buf, room, h_error)
			   : ENOMEM;
	}
	return err;
}

/* A place for it, before there is anything to lose.  Returns 0 or ENOMEM. */
static int reserve(struct ramet_local **key)
{
	*key = own_key();
	return *key && ramet_local_set(*key, ramet_local_get(*key)) == 0
		       ? 0
		       : ENOMEM;
}

static void keep(struct ramet_local *key, struct own *own)
{
	void *last = ramet_local_get(key);

	ramet_local_set(key, own);
	free_own(last);
}

struct hostent *ramet_gethostbyname(const char *name, int *h_error)
{
	struct loop *l = ramet__loop();
	struct ramet_local *key;
	struct own *own = NULL;
	int err = ENOMEM;

	*h_error = NETDB_INTERNAL;
	if (l)
		err = reserve(&key);
	if (err == 0)
		err = find_own(l, name, &own, h_error);
	if (err == 0 && *h_error == NETDB_SUCCESS) {
		keep(key, own);
		return &own->host;
	}
	kernel_free(own);
	if (err == ENOMEM)
		*h_error = NETDB_INTERNAL;
	if (err)
		ramet__fail(-err);
	return NULL;
}
