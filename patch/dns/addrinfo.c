/* addrinfo.c - names to addresses and back.
 *
 * When a scope ends the wait, the result is EAI_SYSTEM and errno says why.
 */
#include "net/names/names.h"
#include "patch/dns/lookup.h"
#include "ramet/net.h"

#include <string.h>

/* What ramet__lookup returned if that was an error, else what the look-up did;
 * errno is set if it has to be. */
static int code_of(int failed, int error, int err)
{
	if (failed == -ENOMEM)
		return EAI_MEMORY;
	if (failed < 0) {
		error = EAI_SYSTEM;
		err = failed;
	}
	if (error == EAI_SYSTEM)
		errno = -err;
	return error;
}

/* ---- names to addresses ------------------------------------------------- */

struct query {
	struct lookup lookup;
	const char *node, *service;
	struct addrinfo hints, *result;
	bool hinted;
	int error, err;
	char text[];
};

static void run(struct loop *l, struct lookup *u)
{
	struct query *q = container_of(u, struct query, lookup);

	q->error = ramet__names_addrinfo(l, q->node, q->service,
					 q->hinted ? &q->hints : NULL,
					 &q->result, &q->err);
	if (q->error)
		q->result = NULL;
}

static void discard(struct lookup *u)
{
	struct query *q = container_of(u, struct query, lookup);

	ramet_freeaddrinfo(q->result);
	kernel_free(q);
}

static struct query *query_new(const char *node, const char *service,
			       const struct addrinfo *hints)
{
	struct query *q = kernel_alloc(sizeof *q + lookup_room(node) +
				       lookup_room(service));
	char *place;

	if (!q)
		return NULL;
	place = q->text;
	q->lookup.run = run;
	q->lookup.free = discard;
	q->node = ramet__lookup_copy(&place, node);
	q->service = ramet__lookup_copy(&place, service);
	q->hinted = hints != NULL;
	if (hints) /* only these four are read */
		q->hints = (struct addrinfo){.ai_flags = hints->ai_flags,
					     .ai_family = hints->ai_family,
					     .ai_socktype = hints->ai_socktype,
					     .ai_protocol = hints->ai_protocol};
	return q;
}

static bool asks_nobody(const char *node, const struct addrinfo *hints)
{
	return !node || (hints && hints->ai_flags & AI_NUMERICHOST) ||
	       ramet__name_is_address(node);
}

/* The list is the program's, for libc's freeaddrinfo: see src/net/names/list.c.
 */
int HOOK(getaddrinfo)(const char *node, const char *service,
		      const struct addrinfo *hints, struct addrinfo **result)
{
	struct loop *l = hook_loop(RAMET_DNS);
	struct query *q;
	int err, error;
	bool alone;

	if (!l || asks_nobody(node, hints))
		return libc.getaddrinfo(node, service, hints, result);
	hook_begin(l);
	q = query_new(node, service, hints);
	err = q ? ramet__lookup(l, &q->lookup) : -ENOMEM;
	hook_end(l, 0);
	if (err < 0)
		return code_of(err, 0, 0);
	alone = lookup_is_libcs(q->error, q->err);
	error = code_of(0, q->error, q->err);
	if (error == 0)
		*result = q->result;
	q->result = NULL;
	discard(&q->lookup);
	return alone ? libc.getaddrinfo(node, service, hints, result) : error;
}

/* ---- and back ----------------------------------------------------------- */

struct reverse {
	struct lookup lookup;
	struct sockaddr_storage addr;
	socklen_t size, host_size, service_size;
	int flags, error, err;
	char host[NI_MAXHOST], service[NI_MAXSERV];
};

static void run_reverse(struct loop *l, struct lookup *u)
{
	struct reverse *r = container_of(u, struct reverse, lookup);

	r->error = ramet__names_nameinfo(l, (const struct sockaddr *)&r->addr,
					 r->size, r->host, r->host_size,
					 r->service, r->service_size, r->flags,
					 &r->err);
}

static void discard_reverse(struct lookup *u)
{
	kernel_free(container_of(u, struct reverse, lookup));
}

static socklen_t at_most(socklen_t size, size_t room)
{
	return size < room ? size : (socklen_t)room;
}

static struct reverse *reverse_new(const struct sockaddr *addr, socklen_t size,
				   socklen_t host_size, socklen_t service_size,
				   int flags)
{
	struct reverse *r = kernel_alloc(sizeof *r);

	if (!r)
		return NULL;
	r->lookup.run = run_reverse;
	r->lookup.free = discard_reverse;
	memcpy(&r->addr, addr, size);
	r->size = size;
	r->host_size = at_most(host_size, sizeof r->host);
	r->service_size = at_most(service_size, sizeof r->service);
	r->flags = flags;
	return r;
}

int HOOK(getnameinfo)(const struct sockaddr *addr, socklen_t size, char *host,
		      socklen_t host_size, char *service,
		      socklen_t service_size, int flags)
{
	struct loop *l = hook_loop(RAMET_DNS);
	struct reverse *r;
	int err, error;
	bool alone;

	if (!l || !host || !host_size || flags & NI_NUMERICHOST ||
	    size > sizeof r->addr || size < sizeof addr->sa_family ||
	    (addr->sa_family != AF_INET && addr->sa_family != AF_INET6))
		return libc.getnameinfo(addr, size, host, host_size, service,
					service_size, flags);
	hook_begin(l);
	r = reverse_new(addr, size, host_size, service ? service_size : 0,
			flags);
	err = r ? ramet__lookup(l, &r->lookup) : -ENOMEM;
	hook_end(l, 0);
	if (err < 0)
		return code_of(err, 0, 0);
	alone = lookup_is_libcs(r->error, r->err);
	error = code_of(0, r->error, r->err);
	if (error == 0) {
		memcpy(host, r->host, strlen(r->host) + 1);
		if (r->service_size)
			memcpy(service, r->service, strlen(r->service) + 1);
	}
	discard_reverse(&r->lookup);
	return alone ? libc.getnameinfo(addr, size, host, host_size, service,
					service_size, flags)
		     : error;
}
