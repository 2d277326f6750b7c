/* interfaces.c - the addresses of this machine, and what the kernel knows about
 * them.  It has them at hand, so none of this waits. */
#include "net/names/find.h"

#include "kernel/calls.h"

#include <linux/if_arp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

enum {
	LOOK_NS = 1000 * 1000 * 1000,
	REPLY_ROOM = 32 * 1024, /* the kernel makes them no longer */
};

/* ---- messages ----------------------------------------------------------- */

static const void *attribute(struct nlmsghdr *h, void *first, int type,
			     size_t room)
{
	struct rtattr *a = first;
	size_t skip = (size_t)((char *)first - (char *)h);
	uint32_t size = skip < h->nlmsg_len ? h->nlmsg_len - (uint32_t)skip : 0;

	for (; RTA_OK(a, size); a = RTA_NEXT(a, size))
		if (a->rta_type == type && RTA_PAYLOAD(a) >= room)
			return RTA_DATA(a);
	return NULL;
}

static bool is_loopback(const uint8_t *v6)
{
	static const uint8_t v4[] = {[10] = 0xff, 0xff, 127, [15] = 1};

	return memcmp(v6, v4, sizeof v4) == 0 ||
	       IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)v6);
}

static int add(struct own_addrs *o, const struct own_addr *addr)
{
	struct own_addr *list = o->list;

	if (o->count == o->room) {
		size_t room = o->room ? o->room * 2 : 8;

		list = kernel_alloc(room * sizeof *list);
		if (!list)
			return -ENOMEM;
		if (o->count)
			memcpy(list, o->list, o->count * sizeof *list);
		kernel_free(o->list);
		o->list = list;
		o->room = room;
	}
	list[o->count++] = *addr;
	return 0;
}

/* Of a point-to-point link IFA_ADDRESS is the other end. */
static int note_addr(struct own_addrs *o, struct nlmsghdr *h)
{
	struct ifaddrmsg *m = NLMSG_DATA(h);
	struct own_addr addr = {.index = m->ifa_index,
				.deprecated = m->ifa_flags & IFA_F_DEPRECATED,
				.home = m->ifa_flags & IFA_F_HOMEADDRESS};
	size_t size = m->ifa_family == AF_INET ? 4 : 16;
	const void *bytes;

	if (m->ifa_family != AF_INET && m->ifa_family != AF_INET6)
		return 0;
	bytes = attribute(h, m + 1, IFA_LOCAL, size);
	if (!bytes)
		bytes = attribute(h, m + 1, IFA_ADDRESS, size);
	if (!bytes)
		return 0;
	found_as_v6(m->ifa_family, bytes, addr.bytes);
	if (!is_loopback(addr.bytes)) {
		o->has_v4 |= m->ifa_family == AF_INET;
		o->has_v6 |= m->ifa_family == AF_INET6;
	}
	return add(o, &addr);
}

/* IPv6 in something else. */
static void note_link(struct own_addrs *o, struct nlmsghdr *h)
{
	struct ifinfomsg *m = NLMSG_DATA(h);

	if (m->ifi_type != ARPHRD_SIT && m->ifi_type != ARPHRD_TUNNEL6)
		return;
	for (size_t i = 0; i < o->count; i++)
		o->list[i].tunnelled |=
			o->list[i].index == (unsigned)m->ifi_index;
}

/* Returns 1 if it was the last, 0, or -errno. */
static int take_in(struct own_addrs *o, char *buf, size_t size)
{
	struct nlmsghdr *h = (void *)buf;
	uint32_t left = (uint32_t)size;
	int err = 0;

	for (; err == 0 && NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == NLMSG_DONE)
			err = 1;
		else if (h->nlmsg_type == NLMSG_ERROR)
			err = -EIO;
		else if (h->nlmsg_type == RTM_NEWADDR)
			err = note_addr(o, h);
		else if (h->nlmsg_type == RTM_NEWLINK)
			note_link(o, h);
	}
	return err;
}

/* ---- questions ---------------------------------------------------------- */

static int ask(struct own_addrs *o, int fd, uint16_t type, char *buf)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg body;
	} request = {
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
			 .nlmsg_type = type,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {AF_UNSPEC},
	};
	ssize_t got = kernel_sendto(fd, &request, sizeof request, 0, NULL, 0);
	int err = got < 0 ? (int)got : 0;

	while (err == 0) {
		got = kernel_recvfrom(fd, buf, REPLY_ROOM, MSG_DONTWAIT, NULL,
				      NULL);
		if (got != -EINTR)
			err = got <= 0 ? -EIO : take_in(o, buf, (size_t)got);
	}
	return err < 0 ? err : 0;
}

/* What cannot be known is as it mostly is: all families are there, and no
 * address is anything special. */
static void look(struct own_addrs *o)
{
	int fd = kernel_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
			       NETLINK_ROUTE);
	char *buf = kernel_alloc(REPLY_ROOM);

	o->has_v4 = o->has_v6 = false;
	o->count = 0;
	if (fd < 0 || !buf || ask(o, fd, RTM_GETADDR, buf) < 0)
		o->has_v4 = o->has_v6 = true;
	else
		ask(o, fd, RTM_GETLINK, buf);
	kernel_free(buf);
	if (fd >= 0)
		kernel_close(fd);
}

const struct own_addrs *ramet__interfaces(struct loop *l, struct names *n)
{
	struct own_addrs *o = &n->own;

	if (!o->looked || l->now - o->looked >= LOOK_NS) {
		look(o);
		o->looked = l->now;
	}
	return o;
}
