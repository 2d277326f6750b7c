/* hostent.c - the older look-ups, which answer in a struct hostent. */
#include "net/names/host.h"

#include "kernel/kernel.h"
#include "net/names/system.h"
#include "ramet/core.h"
#include "ramet/net.h"

#include <netdb.h>
#include <stdio.h>
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

static size_t aliases_of(const struct found *f)
{
	size_t n = 0;

	for (const struct found_alias *a = f->aliases; a; a = a->next)
		n++;
	return n;
}

static char *take_text(struct room *r, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = take(r, size, 1);

	return copy ? memcpy(copy, text, size) : NULL;
}

int ramet__hostent(const struct found *f, int family, struct hostent *h,
		   char *buf, size_t size)
{
	size_t length = family == AF_INET ? 4 : 16, aliases = aliases_of(f);
	struct room r = {buf, size, false};
	char **names = take(&r, (aliases + 1) * sizeof *names, sizeof *names);
	char **list = take(&r, (f->count + 1) * sizeof *list, sizeof *list);
	char *bytes = take(&r, f->count * length, 4);

	*h = (struct hostent){.h_name = take_text(&r, f->name),
			      .h_aliases = names,
			      .h_addrtype = family,
			      .h_length = (int)length,
			      .h_addr_list = list};
	for (const struct found_alias *a = f->aliases; a && !r.full;
	     a = a->next)
		*names++ = take_text(&r, a->name);
	if (r.full)
		return ERANGE;
	for (size_t i = 0; i < f->count; i++)
		list[i] = memcpy(bytes + i * length, f->list[i].bytes, length);
	*names = list[f->count] = NULL;
	return 0;
}

/* ---- codes -------------------------------------------------------------- */

int ramet__hostent_code(int error, int err, int *h_error)
{
	switch (error) {
	case 0:
		*h_error = NETDB_SUCCESS;
		return 0;
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

/* ---- looking up --------------------------------------------------------- */

static int find_host(struct loop *l, struct names *n, const char *name,
		     int family, struct found *f, int *err)
{
	struct config *c;
	int error = ramet__found_number(f, name, family, false);

	if (error != 1) {
		snprintf(f->name, sizeof f->name, "%s", name);
		return error;
	}
	if (!ramet__names_by_ares() || !ramet__name_is_plain(name))
		return FIND_SYSTEM;
	error = ramet__config_get(l, &n->files, &c);
	if (error < 0)
		return ramet__find_failed(error, err);
	error = ramet__find(l, n, c, name, family, f, err);
	ramet__config_put(c);
	return error;
}

static int find_host_of(struct loop *l, struct names *n, const void *addr,
			int family, struct found *f, int *err)
{
	struct config *c;
	int error;

	if (!ramet__names_by_ares())
		return FIND_SYSTEM;
	error = ramet__config_get(l, &n->files, &c);
	if (error < 0)
		return ramet__find_failed(error, err);
	error = ramet__find_name(l, n, c, family, addr, f, err);
	ramet__config_put(c);
	return error ? error : ramet__found_add(f, family, addr, 0);
}

/* Of a name, or of an address. */
static int host(struct loop *l, const char *name, const void *addr, int family,
		struct found *f, int *err)
{
	struct names *n = ramet__names(l);
	int error;

	*f = (struct found){.wants_aliases = true};
	if (!n)
		return EAI_MEMORY;
	ramet__point(l);
	ramet__spend(l);
	error = name ? find_host(l, n, name, family, f, err)
		     : find_host_of(l, n, addr, family, f, err);
	return error == FIND_SYSTEM
		       ? ramet__system_host(l, name, addr, family, f, err)
		       : error;
}

int ramet__names_host(struct loop *l, const char *name, int family,
		      struct found *f, int *err)
{
	return host(l, name, NULL, family, f, err);
}

int ramet__names_host_of(struct loop *l, const void *addr, int family,
			 struct found *f, int *err)
{
	return host(l, NULL, addr, family, f, err);
}

/* ---- in the caller's memory --------------------------------------------- */

/* Lay out what was found, and forget it.  Returns 0 or an error number. */
static int finish(struct found *f, int error, int err, int family,
		  struct hostent *host, char *buf, size_t room, int *h_error)
{
	int result = ramet__hostent_code(error, err, h_error);

	if (error == 0)
		result = ramet__hostent(f, family, host, buf, room);
	if (result == ERANGE)
		*h_error = NETDB_INTERNAL;
	ramet__found_free(f);
	return result;
}

static int by_name(struct loop *l, const char *name, int family,
		   struct hostent *host, char *buf, size_t room, int *h_error)
{
	struct found f;
	int err = 0, error;

	family = family ? family : AF_INET;
	if (family != AF_INET && family != AF_INET6) {
		*h_error = NETDB_INTERNAL;
		return EAFNOSUPPORT;
	}
	error = ramet__names_host(l, name, family, &f, &err);
	return finish(&f, error, err, family, host, buf, room, h_error);
}

static int by_addr(struct loop *l, const void *addr, socklen_t size, int family,
		   struct hostent *host, char *buf, size_t room, int *h_error)
{
	struct found f;
	int err = 0, error;

	if ((family != AF_INET || size != 4) &&
	    (family != AF_INET6 || size != 16)) {
		*h_error = HOST_NOT_FOUND;
		return EAFNOSUPPORT;
	}
	error = ramet__names_host_of(l, addr, family, &f, &err);
	return finish(&f, error, err, family, host, buf, room, h_error);
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
