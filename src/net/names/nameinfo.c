/* nameinfo.c - ramet_getnameinfo: the name of an address, as libc has it. */
#include "net/names/find.h"
#include "net/names/names.h"
#include "net/names/system.h"

#include "kernel/calls.h"
#include "ramet/net.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <sys/utsname.h>

enum {
	ALL_FLAGS = NI_NUMERICHOST | NI_NUMERICSERV | NI_NOFQDN | NI_NAMEREQD |
		    NI_DGRAM | NI_IDN | 0xc0 /* no longer looked at */,
};

struct reverse {
	struct loop *loop;
	struct names *names;
	struct config *config; /* NULL: not needed */
	const struct sockaddr *addr;
	socklen_t size;
	int flags;
	char *host, *service; /* NULL: not wanted */
	socklen_t host_room, service_room;
};

static int put(char *to, socklen_t room, const char *text)
{
	size_t size = strlen(text) + 1;

	if (size > room)
		return EAI_OVERFLOW;
	memcpy(to, text, size);
	return 0;
}

static const void *bytes_of(const struct sockaddr *addr)
{
	return addr->sa_family == AF_INET
		       ? (const void *)&((const struct sockaddr_in *)addr)
				 ->sin_addr
		       : (const void *)&((const struct sockaddr_in6 *)addr)
				 ->sin6_addr;
}

/* ---- hosts -------------------------------------------------------------- */

/* "%eth0" where the address is of one link, else the number. */
static void put_scope(char *text, size_t room, const struct sockaddr_in6 *addr)
{
	char name[IF_NAMESIZE];

	if ((IN6_IS_ADDR_LINKLOCAL(&addr->sin6_addr) ||
	     IN6_IS_ADDR_MC_LINKLOCAL(&addr->sin6_addr)) &&
	    if_indextoname(addr->sin6_scope_id, name))
		snprintf(text, room, "%%%s", name);
	else
		snprintf(text, room, "%%%u", addr->sin6_scope_id);
}

static int put_number(const struct reverse *r)
{
	char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	const struct sockaddr_in6 *v6 = (const void *)r->addr;
	size_t size;

	inet_ntop(r->addr->sa_family, bytes_of(r->addr), text, sizeof text);
	size = strlen(text);
	if (r->addr->sa_family == AF_INET6 && v6->sin6_scope_id)
		put_scope(text + size, sizeof text - size, v6);
	return put(r->host, r->host_room, text);
}

/* Without the domain that is this machine's. */
static void shorten(const struct reverse *r, char *name)
{
	const struct resolv *v = &r->config->resolv;
	size_t size = strlen(name), domain;

	if (!(r->flags & NI_NOFQDN) || !v->search_count)
		return;
	domain = strlen(v->search[0]);
	if (size > domain + 1 && name[size - domain - 1] == '.' &&
	    strcasecmp(name + size - domain, v->search[0]) == 0)
		name[size - domain - 1] = '\0';
}

static int put_host(const struct reverse *r, int *err)
{
	struct found f = {.count = 0};
	int error = EAI_NONAME;

	if (!(r->flags & NI_NUMERICHOST))
		error = ramet__find_name(r->loop, r->names, r->config,
					 r->addr->sa_family, bytes_of(r->addr),
					 &f, err);
	if (error == 0) {
		shorten(r, f.name);
		return put(r->host, r->host_room, f.name);
	}
	if (error != EAI_NONAME || r->flags & NI_NAMEREQD)
		return error;
	return put_number(r);
}

/* ---- services ----------------------------------------------------------- */

static int put_service(const struct reverse *r)
{
	const struct sockaddr_in *v4 = (const void *)r->addr;
	uint16_t port = ntohs(v4->sin_port); /* in IPv6 it is there too */
	const char *name = NULL;
	char text[8];

	if (!(r->flags & NI_NUMERICSERV))
		name = ramet__service_name(&r->config->services, port,
					   r->flags & NI_DGRAM ? "udp" : "tcp");
	snprintf(text, sizeof text, "%u", port);
	return put(r->service, r->service_room, name ? name : text);
}

/* ---- sockets of this machine -------------------------------------------- */

static int put_local(const struct reverse *r)
{
	const struct sockaddr_un *un = (const void *)r->addr;
	size_t size = r->size - offsetof(struct sockaddr_un, sun_path);
	struct utsname machine = {.nodename = "localhost"};
	char path[sizeof un->sun_path + 1] = "";
	int error = 0;

	if (r->size > offsetof(struct sockaddr_un, sun_path))
		memcpy(path, un->sun_path,
		       size < sizeof un->sun_path ? size : sizeof un->sun_path);
	if (r->host && !(r->flags & NI_NUMERICHOST))
		kernel_call(SYS_uname, KERNEL_ARG(&machine), 0, 0, 0, 0, 0);
	else if (r->host && r->flags & NI_NAMEREQD)
		return EAI_NONAME;
	if (r->host)
		error = put(r->host, r->host_room, machine.nodename);
	if (error == 0 && r->service)
		error = put(r->service, r->service_room, path);
	return error;
}

/* ---- all of it ---------------------------------------------------------- */

static int check_args(const struct reverse *r)
{
	if (r->flags & ~ALL_FLAGS)
		return EAI_BADFLAGS;
	if (!r->addr || r->size < sizeof r->addr->sa_family)
		return EAI_FAMILY;
	if (r->flags & NI_NAMEREQD && !r->host && !r->service)
		return EAI_NONAME;
	switch (r->addr->sa_family) {
	case AF_UNIX:
		return 0;
	case AF_INET:
		return r->size < sizeof(struct sockaddr_in) ? EAI_FAMILY : 0;
	case AF_INET6:
		return r->size < sizeof(struct sockaddr_in6) ? EAI_FAMILY : 0;
	}
	return EAI_FAMILY;
}

static int reverse(struct reverse *r, int *err)
{
	bool asks = (r->host && !(r->flags & NI_NUMERICHOST)) ||
		    (r->service && !(r->flags & NI_NUMERICSERV));
	int error =
		asks ? ramet__config_get(r->loop, &r->names->files, &r->config)
		     : 0;

	if (error < 0)
		return ramet__find_failed(error, err);
	if (r->host)
		error = put_host(r, err);
	if (error == 0 && r->service)
		error = put_service(r);
	ramet__config_put(r->config);
	return error;
}

static int look_up(struct reverse *r, int *err)
{
	int error = check_args(r);

	if (error)
		return error;
	if (r->addr->sa_family == AF_UNIX)
		return put_local(r);
	r->names = ramet__names(r->loop);
	if (!r->names)
		return EAI_MEMORY;
	ramet__point(r->loop);
	ramet__spend(r->loop);
	if (!ramet__names_by_ares() && r->host && !(r->flags & NI_NUMERICHOST))
		error = FIND_SYSTEM;
	else
		error = reverse(r, err);
	if (error == FIND_SYSTEM)
		error = ramet__system_nameinfo(r->loop, r->addr, r->size,
					       r->host, r->host_room,
					       r->service, r->service_room,
					       r->flags, err);
	return error;
}

int ramet__names_nameinfo(struct loop *l, const struct sockaddr *addr,
			  socklen_t size, char *host, socklen_t host_room,
			  char *service, socklen_t service_room, int flags,
			  int *err)
{
	struct reverse r = {.loop = l,
			    .addr = addr,
			    .size = size,
			    .flags = flags,
			    .host = host_room ? host : NULL,
			    .service = service_room ? service : NULL,
			    .host_room = host ? host_room : 0,
			    .service_room = service ? service_room : 0};

	return look_up(&r, err);
}

int ramet_getnameinfo(const struct sockaddr *addr, socklen_t size, char *host,
		      socklen_t host_room, char *service,
		      socklen_t service_room, int flags)
{
	struct loop *l = ramet__loop();
	int error = EAI_MEMORY, err = 0;

	if (l)
		error = ramet__names_nameinfo(l, addr, size, host, host_room,
					      service, service_room, flags,
					      &err);
	if (error == EAI_SYSTEM)
		ramet__fail(err);
	return error;
}
