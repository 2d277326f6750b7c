/* sort.c - the order of addresses: RFC 6724, section 6.
 *
 * Where each would be reached from the kernel tells, by a connected UDP socket,
 * which sends nothing.  Rules 3, 4 and 7 need what it does not tell, and rule 9
 * is for IPv6 only: of IPv4 it would upset what name servers do to share load.
 */
#include "net/names/find.h"

#include "kernel/calls.h"

#include <string.h>

struct candidate {
	struct found_addr addr;
	uint8_t dest[16], source[16]; /* as IPv6 */
	bool usable;
};

static void as_v6(int family, const uint8_t *bytes, uint8_t v6[16])
{
	memset(v6, 0, 16);
	v6[10] = v6[11] = 0xff;
	if (family == AF_INET)
		memcpy(v6 + 12, bytes, 4);
	else
		memcpy(v6, bytes, 16);
}

/* ---- properties of addresses -------------------------------------------- */

/* RFC 6724, 2.1; ::ffff:0:0/96 is IPv4. */
static const struct policy {
	uint8_t prefix[16];
	int bits, precedence, label;
} policies[] = {
	{{[15] = 1}, 128, 50, 0},  {{[10] = 0xff, [11] = 0xff}, 96, 35, 4},
	{{0}, 96, 1, 3},           {{0x20, 0x01}, 32, 5, 5},
	{{0x20, 0x02}, 16, 30, 2}, {{0x3f, 0xfe}, 16, 1, 12},
	{{0xfe, 0xc0}, 10, 1, 11}, {{0xfc}, 7, 3, 13},
	{{0}, 0, 40, 1},
};

static int common_bits(const uint8_t *a, const uint8_t *b, int most)
{
	int n = 0;

	while (n < most && !((a[n / 8] ^ b[n / 8]) & 0x80 >> n % 8))
		n++;
	return n;
}

/* The longest prefix that fits: they stand in that order but for the last. */
static const struct policy *policy_of(const uint8_t *a)
{
	const struct policy *p = policies;

	while (common_bits(a, p->prefix, p->bits) < p->bits)
		p++;
	return p;
}

enum { LINK_LOCAL = 2, SITE_LOCAL = 5, GLOBAL = 14 };

/* RFC 6724, 3.1 and 3.2. */
static int scope_of(const uint8_t *a)
{
	const struct in6_addr *v6 = (const void *)a;

	if (IN6_IS_ADDR_MULTICAST(v6))
		return a[1] & 15;
	if (IN6_IS_ADDR_V4MAPPED(v6))
		return a[12] == 127 || (a[12] == 169 && a[13] == 254)
			       ? LINK_LOCAL
			       : GLOBAL;
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
		as_v6(c->addr.family,
		      c->addr.family == AF_INET
			      ? (const uint8_t *)&v4->sin_addr
			      : (const uint8_t *)&v6->sin6_addr,
		      c->source);
	}
	kernel_close(fd);
}

/* ---- the rules ---------------------------------------------------------- */

static int better(bool a, bool b)
{
	return (int)a - (int)b;
}

static bool same_scope(const struct candidate *c)
{
	return scope_of(c->dest) == scope_of(c->source);
}

static bool same_label(const struct candidate *c)
{
	return policy_of(c->dest)->label == policy_of(c->source)->label;
}

/* Above 0 if a comes before b, below if behind. */
static int compare(const struct candidate *a, const struct candidate *b)
{
	int d = better(a->usable, b->usable); /* rule 1 */

	if (d == 0 && a->usable)
		d = better(same_scope(a), same_scope(b)); /* 2 */
	if (d == 0 && a->usable)
		d = better(same_label(a), same_label(b)); /* 5 */
	if (d == 0)                                       /* 6 */
		d = policy_of(a->dest)->precedence -
		    policy_of(b->dest)->precedence;
	if (d == 0) /* 8 */
		d = scope_of(b->dest) - scope_of(a->dest);
	if (d == 0 && a->usable && a->addr.family == AF_INET6 &&
	    b->addr.family == AF_INET6) /* 9 */
		d = common_bits(a->dest, a->source, 64) -
		    common_bits(b->dest, b->source, 64);
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
void ramet__found_sort(struct found *f)
{
	enum { SORTED_MAX = 256 };
	size_t count = f->count < SORTED_MAX ? f->count : SORTED_MAX;
	struct candidate *c =
		count > 1 ? kernel_alloc(count * sizeof *c) : NULL;

	if (!c)
		return;
	for (size_t i = 0; i < count; i++) {
		c[i].addr = f->list[i];
		as_v6(c[i].addr.family, c[i].addr.bytes, c[i].dest);
		probe(&c[i]);
	}
	sort(c, count);
	for (size_t i = 0; i < count; i++)
		f->list[i] = c[i].addr;
	kernel_free(c);
}
