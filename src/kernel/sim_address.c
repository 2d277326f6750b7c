/* sim_address.c - names of sockets, and who is bound to one. */
#include "kernel/sim_state.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

enum { PORT_FIRST = 32768, PORT_LAST = 60999 };

/* ---- to and from the program -------------------------------------------- */

int sim_address_read(struct sim_address *to, const struct sockaddr *addr,
		     socklen_t size)
{
	*to = (struct sim_address){.size = 0};
	if (!addr)
		return 0;
	if (size < sizeof addr->sa_family || size > sizeof to->any)
		return -EINVAL;
	memcpy(&to->any, addr, size);
	to->size = size;
	return 0;
}

/* One that is not set is all zero, or has only its family. */
void sim_address_write(const struct sim_address *a, int family,
		       struct sockaddr *addr, socklen_t *size)
{
	struct sockaddr_storage any = {0};
	socklen_t whole = family == AF_INET    ? sizeof(struct sockaddr_in)
			  : family == AF_INET6 ? sizeof(struct sockaddr_in6)
					       : sizeof(sa_family_t);

	if (!addr || !size)
		return;
	any.ss_family = (sa_family_t)family;
	if (a->size) {
		any = a->any;
		whole = a->size;
	}
	memcpy(addr, &any, *size < whole ? *size : whole);
	*size = whole;
}

/* ---- ports and hosts ---------------------------------------------------- */

static in_port_t *port_of(struct sim_address *a)
{
	return a->any.ss_family == AF_INET
		       ? &((struct sockaddr_in *)&a->any)->sin_port
		       : &((struct sockaddr_in6 *)&a->any)->sin6_port;
}

static bool any_host(const struct sim_address *a)
{
	const struct sockaddr_in6 *v6 = (const void *)&a->any;
	const struct sockaddr_in *v4 = (const void *)&a->any;

	return a->any.ss_family == AF_INET
		       ? v4->sin_addr.s_addr == htonl(INADDR_ANY)
		       : IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

static bool same_host(const struct sim_address *a, const struct sim_address *b)
{
	const struct sockaddr_in6 *a6 = (const void *)&a->any;
	const struct sockaddr_in6 *b6 = (const void *)&b->any;
	const struct sockaddr_in *a4 = (const void *)&a->any;
	const struct sockaddr_in *b4 = (const void *)&b->any;

	return a->any.ss_family == AF_INET
		       ? a4->sin_addr.s_addr == b4->sin_addr.s_addr
		       : IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr);
}

bool sim_same_address(const struct sim_address *a, const struct sim_address *b)
{
	struct sim_address x = *a, y = *b;

	if (!a->size || !b->size || a->any.ss_family != b->any.ss_family)
		return false;
	if (a->any.ss_family == AF_UNIX)
		return a->size == b->size &&
		       memcmp(&a->any, &b->any, a->size) == 0;
	return *port_of(&x) == *port_of(&y) &&
	       (any_host(a) || any_host(b) || same_host(a, b));
}

/* ---- binding ------------------------------------------------------------ */

/* A connection shares its listener's name, but nobody can reach it by that. */
static bool reachable(const struct sim_file *f)
{
	return f->phase == SIM_FRESH || f->phase == SIM_LISTENS;
}

/* Who has that address; the listener, if one does. */
struct sim_file *sim_find(const struct sim_file *asker,
			  const struct sim_address *a)
{
	struct sim_file *found = NULL;
	uint32_t n = 0;

	for (struct sim_file *f = SIM->first; f; f = f->next)
		if (f->type == asker->type && f != asker && reachable(f) &&
		    sim_same_address(&f->name, a) &&
		    (f->kind == SIM_DATAGRAM || f->phase == SIM_LISTENS) &&
		    (!n++ || sim_below(SIM_BY_WORLD, n) == 0))
			found = f;
	return found;
}

static bool taken(const struct sim_file *f, const struct sim_address *a)
{
	for (struct sim_file *o = SIM->first; o; o = o->next)
		if (o != f && o->type == f->type &&
		    sim_same_address(&o->name, a) && reachable(o) &&
		    !(o->reuse_port && f->reuse_port))
			return true;
	return false;
}

static int choose_port(struct sim_file *f, struct sim_address *a)
{
	for (int tries = 0; tries <= PORT_LAST - PORT_FIRST; tries++) {
		if (SIM->port < PORT_FIRST || SIM->port >= PORT_LAST)
			SIM->port = PORT_FIRST;
		else
			SIM->port++;
		*port_of(a) = htons(SIM->port);
		if (!taken(f, a))
			return 0;
	}
	return -EADDRINUSE;
}

/* UNIX sockets that bind to no name get one that is free. */
static void choose_name(struct sim_address *a)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&a->any;

	SIM->port++;
	memset(un->sun_path, 0, sizeof un->sun_path);
	for (int i = 0; i < 5; i++)
		un->sun_path[1 + i] =
			"0123456789abcdef"[SIM->port >> (16 - 4 * i) & 15];
	a->size = offsetof(struct sockaddr_un, sun_path) + 6;
}

int sim_bind(struct sim_file *f, const struct sim_address *a)
{
	struct sim_address name = *a;
	int err = 0;

	if (a->any.ss_family != f->family)
		return f->family == AF_UNIX ? -EINVAL : -EAFNOSUPPORT;
	if (f->name.size || f->phase != SIM_FRESH)
		return -EINVAL;
	if (f->family == AF_UNIX && a->size == sizeof(sa_family_t))
		choose_name(&name);
	else if (f->family != AF_UNIX && !*port_of(&name))
		err = choose_port(f, &name);
	if (err == 0 && taken(f, &name))
		err = -EADDRINUSE;
	if (err == 0)
		f->name = name;
	return err;
}

/* Sending or connecting without a name needs one. */
void sim_bind_any(struct sim_file *f)
{
	struct sim_address a = {.size = f->family == AF_INET
						? sizeof(struct sockaddr_in)
						: sizeof(struct sockaddr_in6)};

	if (f->name.size || f->family == AF_UNIX)
		return;
	a.any.ss_family = (sa_family_t)f->family;
	if (f->family == AF_INET)
		((struct sockaddr_in *)&a.any)->sin_addr.s_addr =
			htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)&a.any)->sin6_addr = in6addr_loopback;
	if (choose_port(f, &a) == 0)
		f->name = a;
}
