/* interfaces.c - which families this machine has addresses of: for
 * AI_ADDRCONFIG.  The kernel has the list at hand, so none of this waits. */
#include "net/names/find.h"

#include "kernel/calls.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

enum { LOOK_NS = 1000 * 1000 * 1000 };

static void note(struct names *n, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	const struct rtattr *a = (const void *)(m + 1);
	uint32_t size =
		h->nlmsg_len - (uint32_t)((const char *)a - (const char *)h);
	struct in6_addr v6;
	struct in_addr v4;

	for (; RTA_OK(a, size); a = RTA_NEXT(a, size)) {
		if (a->rta_type != IFA_ADDRESS)
			continue;
		if (m->ifa_family == AF_INET) {
			memcpy(&v4, RTA_DATA(a), sizeof v4);
			n->has_v4 |= v4.s_addr != htonl(INADDR_LOOPBACK);
		} else if (m->ifa_family == AF_INET6) {
			memcpy(&v6, RTA_DATA(a), sizeof v6);
			n->has_v6 |= !IN6_IS_ADDR_LOOPBACK(&v6);
		}
	}
}

/* Whether it was the last. */
static bool take_in(struct names *n, const char *buf, size_t size)
{
	const struct nlmsghdr *h = (const void *)buf;
	uint32_t left = (uint32_t)size;

	for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return true;
		if (h->nlmsg_type == RTM_NEWADDR)
			note(n, h);
	}
	return false;
}

static int ask(struct names *n, int fd)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg body;
	} request = {
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
			 .nlmsg_type = RTM_GETADDR,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {AF_UNSPEC},
	};
	char buf[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t got = kernel_sendto(fd, &request, sizeof request, 0, NULL, 0);

	while (got > 0) {
		got = kernel_recvfrom(fd, buf, sizeof buf, MSG_DONTWAIT, NULL,
				      NULL);
		if (got == -EINTR)
			got = 1;
		else if (got > 0 && take_in(n, buf, (size_t)got))
			return 0;
	}
	return -EAGAIN;
}

/* Without an answer all is taken to be there. */
void ramet__interfaces(struct loop *l, struct names *n, bool *v4, bool *v6)
{
	if (!n->interfaces_at || l->now - n->interfaces_at >= LOOK_NS) {
		int fd = kernel_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
				       NETLINK_ROUTE);

		n->has_v4 = n->has_v6 = false;
		if (fd < 0 || ask(n, fd) < 0)
			n->has_v4 = n->has_v6 = true;
		if (fd >= 0)
			kernel_close(fd);
		n->interfaces_at = l->now;
	}
	*v4 = n->has_v4;
	*v6 = n->has_v6;
}
