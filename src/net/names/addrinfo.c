/* addrinfo.c - ramet_getaddrinfo: what is asked for, and what of what was found
 * is returned.  The rules are libc's, down to its codes. */
#include "net/names/names.h"

#include "kernel/kernel.h"
#include "net/names/find.h"
#include "net/names/list.h"
#include "net/names/system.h"
#include "ramet/net.h"

#include <stdlib.h>
#include <string.h>

enum {
	IDN_FLAGS = AI_IDN | AI_CANONIDN,
	OLD_IDN_FLAGS = 0x300, /* no longer looked at */
	ALL_FLAGS = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_ADDRCONFIG |
		    AI_V4MAPPED | AI_ALL | AI_NUMERICSERV | IDN_FLAGS |
		    OLD_IDN_FLAGS,
};

struct wish {
	struct loop *loop;
	struct names *names;
	struct config *config;
	const char *node, *service; /* NULL: none */
	int flags, family, type, protocol;
	int asked_flags; /* as they are returned */
	int port;        /* -1: `service` is a name */
};

/* ---- services ----------------------------------------------------------- */

static const struct transport {
	int type, protocol;
	bool any_protocol, no_service, is_default;
	const char *name;
} transports[] = {
	{SOCK_STREAM, IPPROTO_TCP, false, false, true, "tcp"},
	{SOCK_DGRAM, IPPROTO_UDP, false, false, true, "udp"},
	{SOCK_DCCP, IPPROTO_DCCP, false, false, false, "dccp"},
	{SOCK_DGRAM, IPPROTO_UDPLITE, false, false, false, "udplite"},
	{SOCK_STREAM, IPPROTO_SCTP, false, false, false, "sctp"},
	{SOCK_SEQPACKET, IPPROTO_SCTP, false, false, false, "sctp"},
	{SOCK_RAW, 0, true, true, true, "raw"},
};

struct end {
	int type, protocol, port;
};

struct ends {
	struct end list[countof(transports)];
	size_t count;
};

static bool fits(const struct wish *w, const struct transport *t)
{
	return (!w->type || w->type == t->type) &&
	       (!w->protocol || t->any_protocol || w->protocol == t->protocol);
}

static void add_end(struct ends *e, const struct wish *w,
		    const struct transport *t, int port)
{
	e->list[e->count++] =
		(struct end){t->type,
			     t->any_protocol ? w->protocol : t->protocol, port};
}

static void add_named(struct ends *e, const struct wish *w,
		      const struct transport *t)
{
	int port =
		ramet__service_port(&w->config->services, w->service, t->name);

	if (port >= 0)
		add_end(e, w, t, port);
}

/* What one kind of socket was asked for: the first that fits. */
static int one_end(struct ends *e, const struct wish *w)
{
	const struct transport *t = transports;

	while (t < transports + countof(transports) && !fits(w, t))
		t++;
	if (t == transports + countof(transports))
		return w->type ? EAI_SOCKTYPE : EAI_SERVICE;
	if (w->service && t->no_service)
		return EAI_SERVICE;
	if (w->port >= 0)
		add_end(e, w, t, w->port);
	else
		add_named(e, w, t);
	return e->count ? 0 : EAI_SERVICE;
}

static int find_ends(struct ends *e, const struct wish *w)
{
	e->count = 0;
	if (w->type || w->protocol)
		return one_end(e, w);
	for (size_t i = 0; i < countof(transports); i++) {
		const struct transport *t = &transports[i];

		if (w->port < 0 && !t->no_service)
			add_named(e, w, t);
		else if (w->port >= 0 && t->is_default)
			add_end(e, w, t, w->port);
	}
	return e->count ? 0 : EAI_SERVICE;
}

/* ---- hosts -------------------------------------------------------------- */

/* No name: this machine, or any address of it. */
static int own_address(const struct wish *w, struct found *f)
{
	struct in_addr v4 = {w->flags & AI_PASSIVE ? htonl(INADDR_ANY)
						   : htonl(INADDR_LOOPBACK)};
	int error = 0;

	f->numeric = true;
	if (w->family != AF_INET)
		error = ramet__found_add(f, AF_INET6,
					 w->flags & AI_PASSIVE
						 ? &in6addr_any
						 : &in6addr_loopback,
					 0);
	if (error == 0 && w->family != AF_INET6)
		error = ramet__found_add(f, AF_INET, &v4, 0);
	return error;
}

static bool wants_mapped(const struct wish *w)
{
	return w->family == AF_INET6 && w->flags & AI_V4MAPPED;
}

/* IPv4 as IPv6, if that is wanted: all, or where there is none of IPv6. */
static void map(const struct wish *w, struct found *f)
{
	bool v6 = false, keep;
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++)
		v6 |= f->list[i].family == AF_INET6;
	keep = !v6 || w->flags & AI_ALL;
	for (size_t i = 0; i < f->count; i++) {
		struct found_addr a = f->list[i];

		if (a.family == AF_INET) {
			if (!keep)
				continue;
			memmove(a.bytes + 12, a.bytes, 4);
			memset(a.bytes, 0, 10);
			a.bytes[10] = a.bytes[11] = 0xff;
			a.family = AF_INET6;
		}
		f->list[count++] = a;
	}
	f->count = count;
}

static int find_name(const struct wish *w, struct found *f, int *err)
{
	int family = wants_mapped(w) ? AF_UNSPEC : w->family;
	int error = ramet__find(w->loop, w->names, w->config, w->node, family,
				f, err);

	if (error == 0 && wants_mapped(w))
		map(w, f);
	return error;
}

static int find_host(const struct wish *w, struct found *f, int *err)
{
	int error;

	if (!w->node)
		return own_address(w, f);
	error = ramet__found_number(f, w->node, w->family,
				    w->flags & AI_V4MAPPED);
	if (error == 1 && w->flags & AI_NUMERICHOST)
		return EAI_NONAME;
	if (error != 1)
		return error;
	if (!ramet__names_by_ares() || w->flags & IDN_FLAGS ||
	    !ramet__name_is_plain(w->node))
		return FIND_SYSTEM;
	return find_name(w, f, err);
}

/* ---- the list ----------------------------------------------------------- */

static socklen_t fill(struct sockaddr_storage *to, const struct found_addr *a,
		      int port)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;

	memset(to, 0, sizeof *to);
	to->ss_family = (sa_family_t)a->family;
	if (a->family == AF_INET) {
		v4->sin_port = htons((uint16_t)port);
		memcpy(&v4->sin_addr, a->bytes, sizeof v4->sin_addr);
		return sizeof *v4;
	}
	v6->sin6_port = htons((uint16_t)port);
	v6->sin6_scope_id = a->scope;
	memcpy(&v6->sin6_addr, a->bytes, sizeof v6->sin6_addr);
	return sizeof *v6;
}

static struct addrinfo *entry(const struct wish *w, const struct found_addr *a,
			      const struct end *e, const char *canonical)
{
	struct addrinfo like = {.ai_flags = w->asked_flags,
				.ai_family = a->family,
				.ai_socktype = e->type,
				.ai_protocol = e->protocol};
	struct sockaddr_storage addr;
	socklen_t size = fill(&addr, a, e->port);

	return ramet__addrinfo(&like, (struct sockaddr *)&addr, size,
			       canonical);
}

static int make_list(const struct wish *w, const struct found *f,
		     const struct ends *ends, struct addrinfo **list)
{
	const char *canonical =
		w->flags & AI_CANONNAME ? f->numeric ? w->node : f->name : NULL;
	struct addrinfo **end = list;

	*list = NULL;
	for (size_t i = 0; i < f->count; i++)
		for (size_t k = 0; k < ends->count; k++) {
			*end = entry(w, &f->list[i], &ends->list[k], canonical);
			if (!*end) {
				ramet_freeaddrinfo(*list);
				*list = NULL;
				return EAI_MEMORY;
			}
			end = &(*end)->ai_next;
			canonical = NULL;
		}
	return 0;
}

/* ---- hints -------------------------------------------------------------- */

static const char *given(const char *text)
{
	return text && strcmp(text, "*") == 0 ? NULL : text;
}

/* A family of which this machine has no address is of no use. */
static int mind_interfaces(struct wish *w)
{
	const struct own_addrs *own;
	bool v4, v6;

	if (!(w->flags & AI_ADDRCONFIG))
		return 0;
	w->loop->now = kernel_now();
	own = ramet__interfaces(w->loop, w->names);
	v4 = own->has_v4;
	v6 = own->has_v6;
	if (w->family == AF_UNSPEC && v4 != v6)
		w->family = v4 ? AF_INET : AF_INET6;
	else if ((w->family == AF_INET && !v4) ||
		 (w->family == AF_INET6 && !v6))
		return EAI_NONAME;
	return 0;
}

static int read_service(struct wish *w)
{
	char *end;

	if (!w->service || !*w->service) {
		w->service = NULL;
		return 0;
	}
	w->port = (int)strtoul(w->service, &end, 10);
	if (!*end)
		return 0;
	w->port = -1;
	return w->flags & AI_NUMERICSERV ? EAI_NONAME : 0;
}

static int read_hints(struct wish *w, const struct addrinfo *hints)
{
	static const struct addrinfo none = {.ai_flags = AI_V4MAPPED |
							 AI_ADDRCONFIG};
	const struct addrinfo *h = hints ? hints : &none;
	int error;

	if (!w->node && !w->service)
		return EAI_NONAME;
	w->flags = w->asked_flags = h->ai_flags;
	w->family = h->ai_family;
	w->type = h->ai_socktype;
	w->protocol = h->ai_protocol;
	if (w->flags & ~ALL_FLAGS || (w->flags & AI_CANONNAME && !w->node))
		return EAI_BADFLAGS;
	if (w->family != AF_UNSPEC && w->family != AF_INET &&
	    w->family != AF_INET6)
		return EAI_FAMILY;
	error = mind_interfaces(w);
	return error ? error : read_service(w);
}

/* ---- all of it ---------------------------------------------------------- */

static int find_and_list(const struct wish *w, struct addrinfo **result,
			 int *err)
{
	struct found f = {.count = 0};
	struct ends ends;
	int error = find_ends(&ends, w);

	if (error == 0)
		error = find_host(w, &f, err);
	if (error == 0) {
		if (w->config)
			ramet__found_sort(w->loop, w->names, &w->config->policy,
					  &f);
		error = make_list(w, &f, &ends, result);
	}
	ramet__found_free(&f);
	return error;
}

/* Whether a file has to be read: for names, and for the order of several
 * addresses. */
static bool needs_files(const struct wish *w)
{
	struct found f = {.count = 0};
	int error;

	if (w->port < 0)
		return true;
	if (!w->node)
		return w->family == AF_UNSPEC;
	error = ramet__found_number(&f, w->node, AF_UNSPEC, true);
	ramet__found_free(&f);
	return error == 1 && !(w->flags & AI_NUMERICHOST) &&
	       ramet__names_by_ares();
}

static int look_up(struct wish *w, struct addrinfo **result, int *err)
{
	int error;

	if (needs_files(w)) {
		error = ramet__config_get(w->loop, &w->names->files,
					  &w->config);
		if (error < 0)
			return ramet__find_failed(error, err);
	}
	error = find_and_list(w, result, err);
	ramet__config_put(w->config);
	return error;
}

int ramet__names_addrinfo(struct loop *l, const char *node, const char *service,
			  const struct addrinfo *hints,
			  struct addrinfo **result, int *err)
{
	struct wish w = {.loop = l,
			 .names = ramet__names(l),
			 .node = given(node),
			 .service = given(service)};
	int error;

	if (!w.names)
		return EAI_MEMORY;
	ramet__point(l);
	ramet__spend(l);
	error = read_hints(&w, hints);
	if (error == 0)
		error = look_up(&w, result, err);
	if (error == FIND_SYSTEM)
		return ramet__system_addrinfo(l, node, service, hints, result,
					      err);
	return error;
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
