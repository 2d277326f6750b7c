/* names_order_test.c - the order of addresses (RFC 6724, 6), on a machine that
 * the tests make up: they answer for the kernel. */
#include "door.h"
#include "nameserver.h"

#include <linux/if_arp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/syscall.h>

/* ---- the machine -------------------------------------------------------- */

enum { NATIVE = 2, TUNNEL = 3 }; /* its interfaces */

/* From where each destination is reached; others are not. */
static const struct route {
	const char *to, *from;
	int interface, flags;
} routes[] = {
	{"2001:db8:1::1", "2001:db8:1::2", NATIVE, 0},
	{"2001:db8:1::9", "2001:db8:1::2", NATIVE, 0},
	{"2001:db8:2::1", "2001:db8:2::2", NATIVE, IFA_F_DEPRECATED},
	{"2001:db8:3::1", "2001:db8:3::2", NATIVE, IFA_F_HOMEADDRESS},
	{"2001:db8:4::1", "2001:db8:4::2", TUNNEL, 0},
	{"2001:db8:5::1", "fe80::2", NATIVE, 0}, /* another scope */
	{"2001:db9::1", "2001:db8:1::2", NATIVE, 0},
	{"2002:c633:6401::1", "2002:c633:6401::2", NATIVE, 0},
	{"2002:c633:6402::1", "2001:db8:1::2", NATIVE, 0}, /* another label */
	{"fe80::1", "fe80::2", NATIVE, 0},
	{"fc00::1", "fc00::2", NATIVE, 0},
	{"::1", "::1", 1, 0},
	{"127.0.0.1", "127.0.0.1", 1, 0},
	{"198.51.100.1", "198.51.100.2", NATIVE, 0},
	{"198.51.100.9", "198.51.100.2", NATIVE, 0},
	{"203.0.113.1", "169.254.13.78", NATIVE, 0},
	{"10.1.2.3", "10.1.2.4", NATIVE, 0},
	{"192.168.0.1", "192.168.0.2", NATIVE, IFA_F_DEPRECATED},
};

static const struct route *last_route;
static int asked_type; /* what netlink was asked for */

static bool same_text(const struct sockaddr *addr, const char *text)
{
	const struct sockaddr_in6 *v6 = (const void *)addr;
	const struct sockaddr_in *v4 = (const void *)addr;
	char own[INET6_ADDRSTRLEN];

	inet_ntop(addr->sa_family,
		  addr->sa_family == AF_INET ? (const void *)&v4->sin_addr
					     : (const void *)&v6->sin6_addr,
		  own, sizeof own);
	return strcmp(own, text) == 0;
}

static long connect_to(const struct sockaddr *addr)
{
	for (size_t i = 0; i < countof(routes); i++)
		if (same_text(addr, routes[i].to)) {
			last_route = &routes[i];
			return 0;
		}
	return -ENETUNREACH;
}

static long name_socket(struct sockaddr *addr)
{
	struct sockaddr_in6 *v6 = (void *)addr;
	struct sockaddr_in *v4 = (void *)addr;
	bool four = strchr(last_route->from, '.');

	addr->sa_family = four ? AF_INET : AF_INET6;
	CHECK_EQ(inet_pton(addr->sa_family, last_route->from,
			   four ? (void *)&v4->sin_addr
				: (void *)&v6->sin6_addr),
		 1);
	return 0;
}

/* ---- netlink ------------------------------------------------------------ */

struct dump {
	char *next;
	size_t size;
};

static void *put(struct dump *d, int type, size_t size)
{
	struct nlmsghdr *h = (void *)d->next;

	size = NLMSG_LENGTH(size);
	memset(h, 0, NLMSG_ALIGN(size));
	h->nlmsg_len = (uint32_t)size;
	h->nlmsg_type = (uint16_t)type;
	d->next += NLMSG_ALIGN(size);
	d->size += NLMSG_ALIGN(size);
	return NLMSG_DATA(h);
}

static void put_addr(struct dump *d, const struct route *r)
{
	bool four = strchr(r->from, '.');
	size_t size = four ? 4 : 16;
	struct {
		struct ifaddrmsg m;
		struct rtattr a;
		char bytes[16];
	} *m = put(d, RTM_NEWADDR, sizeof m->m + sizeof m->a + size);

	m->m.ifa_family = four ? AF_INET : AF_INET6;
	m->m.ifa_flags = (uint8_t)r->flags;
	m->m.ifa_index = (uint32_t)r->interface;
	m->a.rta_len = (uint16_t)RTA_LENGTH(size);
	m->a.rta_type = four ? IFA_LOCAL : IFA_ADDRESS;
	CHECK_EQ(inet_pton(m->m.ifa_family, r->from, m->bytes), 1);
}

static void put_link(struct dump *d, int index, int type)
{
	struct ifinfomsg *m = put(d, RTM_NEWLINK, sizeof *m);

	m->ifi_index = index;
	m->ifi_type = (uint16_t)type;
}

static long answer_netlink(char *buf)
{
	struct dump d = {buf, 0};

	if (asked_type == RTM_GETADDR) {
		for (size_t i = 0; i < countof(routes); i++)
			put_addr(&d, &routes[i]);
	} else {
		put_link(&d, 1, ARPHRD_LOOPBACK);
		put_link(&d, NATIVE, ARPHRD_ETHER);
		put_link(&d, TUNNEL, ARPHRD_SIT);
	}
	put(&d, NLMSG_DONE, sizeof(int));
	return (long)d.size;
}

/* ---- the door ----------------------------------------------------------- */

static long (*call_really)(long nr, long a, long b, long c, long d, long e,
			   long f);

static long answer_call(long nr, long a, long b, long c, long d, long e, long f)
{
	const struct nlmsghdr *h = (const void *)b;

	switch (nr) {
	case SYS_connect:
		return connect_to((const void *)b);
	case SYS_getsockname:
		return name_socket((void *)b);
	case SYS_sendto:
		asked_type = h->nlmsg_type;
		return c;
	case SYS_recvfrom:
		return answer_netlink((char *)b);
	}
	return call_really(nr, a, b, c, d, e, f);
}

/* What the hosts file says from now on, and gai.conf. */
static void make_machine(const char *hosts, const char *gai)
{
	struct kernel *own = own_kernel();

	if (strcmp(ramet_resolver_name(), "ares"))
		test_skip(ramet_resolver_reason());
	set_file("RAMET_HOSTS", "hosts", hosts);
	set_file("RAMET_GAI_CONF", "gai.conf", gai);
	set_file("RAMET_NSSWITCH", "nsswitch.conf", "hosts: files\n");
	call_really = own->call;
	own->call = answer_call;
}

/* ---- tests -------------------------------------------------------------- */

static const char *order_of(const char *name)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	static char text[512];
	int error = ramet_getaddrinfo(name, "1", &hints, &list);

	if (error)
		return gai_strerror(error);
	text[0] = '\0';
	for (struct addrinfo *a = list; a; a = a->ai_next) {
		size_t n = strlen(text);

		if (n)
			text[n++] = ' ';
		CHECK_EQ(ramet_getnameinfo(a->ai_addr, a->ai_addrlen, text + n,
					   (socklen_t)(sizeof text - n), NULL,
					   0, NI_NUMERICHOST),
			 0);
	}
	ramet_freeaddrinfo(list);
	return text;
}

/* Each is tried the other way round too. */
static const struct {
	const char *rule, *first, *second;
	bool stays; /* neither is better: the order is that of the file */
} cases[] = {
	{"1: avoid unusable", "10.1.2.3", "2001:db8:ffff::1", false},
	{"2: matching scope", "2001:db8:1::1", "203.0.113.1", false},
	{"2: matching scope", "198.51.100.1", "2001:db8:5::1", false},
	{"3: avoid deprecated", "2001:db8:1::1", "2001:db8:2::1", false},
	{"3: before 6", "198.51.100.1", "2001:db8:2::1", false},
	{"3: IPv4", "10.1.2.3", "192.168.0.1", false},
	{"4: home", "2001:db8:3::1", "2001:db8:1::1", false},
	{"4: before 8", "2001:db8:3::1", "fe80::1", false},
	{"5: matching label", "2002:c633:6401::1", "2002:c633:6402::1", false},
	{"5: before 6", "198.51.100.1", "2002:c633:6402::1", false},
	{"6: precedence", "2001:db8:1::1", "10.1.2.3", false},
	{"6: precedence", "2001:db8:1::1", "2002:c633:6401::1", false},
	{"6: precedence", "10.1.2.3", "fc00::1", false},
	{"6: loopback", "::1", "127.0.0.1", false},
	{"7: native", "2001:db8:1::1", "2001:db8:4::1", false},
	{"7: before 8", "fe80::1", "2001:db8:4::1", false},
	{"8: smaller scope", "fe80::1", "2001:db8:1::1", false},
	{"9: longest prefix", "2001:db8:1::1", "2001:db9::1", false},
	{"10: unchanged", "2001:db8:1::1", "2001:db8:1::9", true},
	{"10: IPv4", "198.51.100.1", "10.1.2.3", true},
	{"10: both unusable", "2001:db8:fffe::1", "2001:db8:ffff::1", true},
};

static void check_order(size_t i, const char *name, const char *first,
			const char *second)
{
	const char *got = order_of(name);
	char want[200];

	snprintf(want, sizeof want, "%s %s", first, second);
	if (strcmp(got, want))
		test_fail(__FILE__, __LINE__,
			  "case %zu, rule %s: '%s' not '%s'", i, cases[i].rule,
			  got, want);
}

TEST(addresses_are_in_the_order_of_rfc_6724)
{
	size_t step = test_is_swept() ? 7 : 1;
	char hosts[8192] = "", *end = hosts;

	for (size_t i = 0; i < countof(cases); i++)
		end += sprintf(end, "%s a%zu\n%s a%zu b%zu\n%s b%zu\n",
			       cases[i].first, i, cases[i].second, i, i,
			       cases[i].first, i);
	make_machine(hosts, "");
	for (size_t i = 0; i < countof(cases); i += step) {
		char name[2][16];

		snprintf(name[0], sizeof name[0], "a%zu", i);
		snprintf(name[1], sizeof name[1], "b%zu", i);
		check_order(i, name[0], cases[i].first, cases[i].second);
		if (cases[i].stays)
			check_order(i, name[1], cases[i].second,
				    cases[i].first);
		else
			check_order(i, name[1], cases[i].first,
				    cases[i].second);
	}
}

static void check_text(const char *name, const char *want)
{
	const char *got = order_of(name);

	if (strcmp(got, want))
		test_fail(__FILE__, __LINE__, "%s: '%s' not '%s'", name, got,
			  want);
}

static const char hosts[] = "2001:db8:1::1 a\n10.1.2.3 a\n"
			    "2002:c633:6402::1 label\n10.1.2.3 label\n"
			    "10.1.2.3 scope\n198.51.100.1 scope\n"
			    "fc00::1 local\n2001:db8:1::1 local\n";

TEST(gai_conf_prefers_ipv4)
{
	make_machine(hosts,
		     "# comment\nprecedence ::ffff:0:0/96  100 # IPv4\n");
	check_text("a", "10.1.2.3 2001:db8:1::1");
	check_text("label", "10.1.2.3 2002:c633:6402::1");
	/* Others are as what is left over. */
	check_text("local", "fc00::1 2001:db8:1::1");
}

TEST(gai_conf_changes_labels_and_scopes)
{
	make_machine(hosts, "label ::/0 7\nreload yes\nscopev4 10.0.0.0/8 14\n"
			    "scopev4 ::ffff:198.51.100.0/120 5\n");
	check_text("label", "10.1.2.3 2002:c633:6402::1"); /* precedence */
	check_text("scope", "198.51.100.1 10.1.2.3");
	check_text("a", "2001:db8:1::1 10.1.2.3");
}

TEST(what_makes_no_sense_in_gai_conf_is_passed_over)
{
	char long_one[100 * 40] = "", *end = long_one;

	for (int i = 0; i < 50; i++)
		end += sprintf(end, "label 2001:db8:%x::/48 %d\n", i, i);
	strcat(long_one, "precedence ::/0\nprecedence x 7\nprecedence\n"
			 "precedence ::/129 7\nprecedence ::/x 7\n"
			 "precedence ::/0 -7\nprecedence ::/0 7x\n"
			 "precedence 10.0.0.0/33 7\nunknown ::/0 7\n");
	make_machine(hosts, long_one);
	check_text("a", "2001:db8:1::1 10.1.2.3");
}
