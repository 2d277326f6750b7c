/* sort.c - the order of addresses: RFC 6724, section 6.
 *
 * Where each would be reached from the kernel tells, by a connected UDP socket,
 * which sends nothing, and what it knows about that address by netlink.  Rule 7
 * sees only tunnels that end on this machine.  Rule 9 is for IPv6 only: of IPv4
 * it would upset what name servers do to share load.
 */
#include "net/names/find.h"

#include "kernel/calls.h"

#include <string.h>

struct candidate {
	struct found_addr addr;
	uint8_t dest[16], source[16]; /* as IPv6 */
	bool usable, deprecated, home, tunnelled;
	int scope, source_scope, precedence;
	bool same_label;
};

/* ---- properties of addresses -------------------------------------------- */

enum { LINK_LOCAL = 2, SITE_LOCAL = 5, GLOBAL = 14 };

/* RFC 6724, 3.1 and 3.2. */
static int scope_of(const struct policy *p, const uint8_t *a)
{
	const struct in6_addr *v6 = (const void *)a;

	if (IN6_IS_ADDR_MULTICAST(v6))
		return a[1] & 15;
	if (IN6_IS_ADDR_V4MAPPED(v6))
		return ramet__policy_value(&p->scopes, a);
	if (IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_LINKLOCAL(v6))
		return LINK_LOCAL;
	return IN6_IS_ADDR_SITELOCAL(v6) ? SITE_LOCAL : GLOBAL;
}

/* ---- where it would be reached from ------------------------------------- */

static socklen_t to_sockaddr(const struct found_addr *a,
			     struct sockaddr_storage *to)
{
	enum { ANY_PORT = 53 };
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;

	memset(to, 0, sizeof *to);
	to->ss_family = (sa_family_t)a->family;
	if (a->family == AF_INET) {
		v4->sin_port = htons(ANY_PORT);
		memcpy(&v4->sin_addr, a->bytes, 4);
		return sizeof *v4;
	}
	v6->sin6_port = htons(ANY_PORT);
	v6->sin6_scope_id = a->scope;
	memcpy(&v6->sin6_addr, a->bytes, 16);
	return sizeof *v6;
}

static void probe(struct candidate *c)
{
	struct sockaddr_storage addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&addr;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&addr;
	socklen_t size = to_sockaddr(&c->addr, &addr);
	int fd = kernel_socket(c->addr.family,
			       SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	if (kernel_connect(fd, (struct sockaddr *)&addr, size) == 0 &&
	    kernel_getsockname(fd, (struct sockaddr *)&addr, &size) == 0) {
		c->usable = true;
		found_as_v6(c->addr.family,
			    c->addr.family == AF_INET ? (void *)&v4->sin_addr
						      : (void *)&v6->sin6_addr,
			    c->source);
	}
	kernel_close(fd);
}

static void look_up_source(struct candidate *c, const struct own_addrs *own)
{
	for (size_t i = 0; i < own->count; i++) {
		const struct own_addr *o = &own->list[i];

		if (memcmp(o->bytes, c->source, sizeof o->bytes))
			continue;
		c->deprecated = o->deprecated;
		c->home = o->home;
		c->tunnelled = o->tunnelled;
		return;
	}
}

static void examine(struct candidate *c, const struct policy *p,
		    const struct own_addrs *own)
{
	found_as_v6(c->addr.family, c->addr.bytes, c->dest);
	c->scope = scope_of(p, c->dest);
	c->precedence = ramet__policy_value(&p->precedences, c->dest);
	probe(c);
	if (!c->usable)
		return;
	c->source_scope = scope_of(p, c->source);
	c->same_label = ramet__policy_value(&p->labels, c->dest) ==
			ramet__policy_value(&p->labels, c->source);
	look_up_source(c, own);
}

/* ---- the rules ---------------------------------------------------------- */

static int better(bool a, bool b)
{
	return (int)a - (int)b;
}

static int common(const struct candidate *c)
{
	return ramet__common_bits(c->dest, c->source, 64);
}

/* Above 0 if a comes before b, below if behind. */
static int compare(const struct candidate *a, const struct candidate *b)
{
	int d = better(a->usable, b->usable); /* rule 1 */
	bool both = a->usable && b->usable;

	if (d == 0 && both)
		d = better(a->scope == a->source_scope,
			   b->scope == b->source_scope); /* 2 */
	if (d == 0)
		d = better(b->deprecated, a->deprecated); /* 3 */
	if (d == 0)
		d = better(a->home, b->home); /* 4 */
	if (d == 0)
		d = better(a->same_label, b->same_label); /* 5 */
	if (d == 0)
		d = a->precedence - b->precedence; /* 6 */
	if (d == 0)
		d = better(b->tunnelled, a->tunnelled); /* 7 */
	if (d == 0)
		d = b->scope - a->scope; /* 8 */
	if (d == 0 && both && a->addr.family == AF_INET6 &&
	    b->addr.family == AF_INET6)
		d = common(a) - common(b); /* 9 */
	return d;
}

/* Insertion keeps the order of equals (rule 10); lists are short. */
static void sort(struct candidate *c, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct candidate one = c[i];
		size_t k = i;

		for (; k && compare(&one, &c[k - 1]) > 0; k--)
			c[k] = c[k - 1];
		c[k] = one;
	}
}

/* The order is no reason to fail: without memory it stays. */
void ramet__found_sort(struct loop *l, struct names *n, const struct policy *p,
		       struct found *f)
{
	enum { SORTED_MAX = 256 };
	size_t count = f->count < SORTED_MAX ? f->count : SORTED_MAX;
	const struct own_addrs *own;
	struct candidate *c =
		count > 1 ? kernel_alloc(count * sizeof *c) : NULL;

	if (!c)
		return;
	l->now = kernel_now();
	own = ramet__interfaces(l, n);
	for (size_t i = 0; i < count; i++) {
		c[i].addr = f->list[i];
		examine(&c[i], p, own);
	}
	sort(c, count);
	for (size_t i = 0; i < count; i++)
		f->list[i] = c[i].addr;
	kernel_free(c);
}
