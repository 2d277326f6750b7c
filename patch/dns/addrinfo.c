/* addrinfo.c - names to addresses and back.
 *
 * When a scope ends the wait, the result is EAI_SYSTEM and errno says why. */
#include "patch/dns/lookup.h"

#include <string.h>

struct query {
	struct lane_call call;
	const char *node, *service;
	struct addrinfo hints, *result;
	bool hinted;
	int error, error_number;
	char text[];
};

static void run(struct lane_call *c)
{
	struct query *q = container_of(c, struct query, call);

	q->error = libc.getaddrinfo(q->node, q->service,
				    q->hinted ? &q->hints : NULL, &q->result);
	q->error_number = errno;
}

static void discard(struct lane_call *c)
{
	struct query *q = container_of(c, struct query, call);

	if (q->result)
		freeaddrinfo(q->result);
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
	q->call.run = run;
	q->call.free = discard;
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

/* A result for -errno. */
static int failed(int err)
{
	if (err == -ENOMEM)
		return EAI_MEMORY;
	errno = -err;
	return EAI_SYSTEM;
}

static bool asks_nobody(const char *node, const struct addrinfo *hints)
{
	return !node || (hints && hints->ai_flags & AI_NUMERICHOST) ||
	       ramet__name_is_address(node);
}

int HOOK(getaddrinfo)(const char *node, const char *service,
		      const struct addrinfo *hints, struct addrinfo **result)
{
	struct loop *l = hook_loop(RAMET_DNS);
	struct query *q;
	int err;

	if (!l || asks_nobody(node, hints))
		return libc.getaddrinfo(node, service, hints, result);
	q = query_new(node, service, hints);
	if (!q)
		return EAI_MEMORY;
	err = ramet__lookup(l, &q->call);
	if (err == -EAGAIN)
		return libc.getaddrinfo(node, service, hints, result);
	if (err < 0)
		return failed(err);
	err = q->error;
	if (err == 0)
		*result = q->result;
	else if (err == EAI_SYSTEM)
		errno = q->error_number;
	if (err == 0)
		q->result = NULL;
	discard(&q->call);
	return err;
}

/* ---- and back ----------------------------------------------------------- */

struct reverse {
	struct lane_call call;
	struct sockaddr_storage addr;
	socklen_t size, host_size, service_size;
	int flags, error, error_number;
	char host[NI_MAXHOST], service[NI_MAXSERV];
};

static void run_reverse(struct lane_call *c)
{
	struct reverse *r = container_of(c, struct reverse, call);

	r->error = libc.getnameinfo((const struct sockaddr *)&r->addr, r->size,
				    r->host_size ? r->host : NULL, r->host_size,
				    r->service_size ? r->service : NULL,
				    r->service_size, r->flags);
	r->error_number = errno;
}

static void discard_reverse(struct lane_call *c)
{
	kernel_free(container_of(c, struct reverse, call));
}

static socklen_t at_most(socklen_t size, size_t room)
{
	return size < room ? size : (socklen_t)room;
}

int HOOK(getnameinfo)(const struct sockaddr *addr, socklen_t size, char *host,
		      socklen_t host_size, char *service,
		      socklen_t service_size, int flags)
{
	struct loop *l = hook_loop(RAMET_DNS);
	struct reverse *r;
	int err;

	if (!l || !host || !host_size || flags & NI_NUMERICHOST ||
	    size > sizeof r->addr || size < sizeof addr->sa_family ||
	    (addr->sa_family != AF_INET && addr->sa_family != AF_INET6))
		return libc.getnameinfo(addr, size, host, host_size, service,
					service_size, flags);
	r = kernel_alloc(sizeof *r);
	if (!r)
		return EAI_MEMORY;
	r->call.run = run_reverse;
	r->call.free = discard_reverse;
	memcpy(&r->addr, addr, size);
	r->size = size;
	r->flags = flags;
	r->host_size = at_most(host_size, sizeof r->host);
	r->service_size =
		service ? at_most(service_size, sizeof r->service) : 0;
	err = ramet__lookup(l, &r->call);
	if (err == -EAGAIN)
		return libc.getnameinfo(addr, size, host, host_size, service,
					service_size, flags);
	if (err < 0)
		return failed(err);
	err = r->error;
	if (err == 0) {
		memcpy(host, r->host, strlen(r->host) + 1);
		if (r->service_size)
			memcpy(service, r->service, strlen(r->service) + 1);
	} else if (err == EAI_SYSTEM) {
		errno = r->error_number;
	}
	discard_reverse(&r->call);
	return err;
}
