/* names_test.c - look-ups, against a name server within the test. */
#include "lib/nameserver.h"

#include <time.h>

#define countof(a) (sizeof(a) / sizeof *(a))

/* ---- helpers ------------------------------------------------------------ */

/* "10.0.0.1 fd00::1", the addresses in their order, once each; or the error. */
static const char *look_up_flags(const char *name, int family, int flags)
{
	static char text[4096];
	struct addrinfo hints = {.ai_family = family,
				 .ai_flags = flags,
				 .ai_socktype = SOCK_STREAM},
			*list = NULL;
	int error = ramet_getaddrinfo(name, "80", &hints, &list);

	if (error)
		return error == EAI_SYSTEM ? strerror(errno)
					   : gai_strerror(error);
	text[0] = '\0';
	for (struct addrinfo *a = list; a; a = a->ai_next) {
		char one[64];

		CHECK_EQ(ramet_getnameinfo(a->ai_addr, a->ai_addrlen, one,
					   sizeof one, NULL, 0, NI_NUMERICHOST),
			 0);
		if (strlen(text) + strlen(one) + 2 < sizeof text)
			strcat(strcat(text, *text ? " " : ""), one);
	}
	ramet_freeaddrinfo(list);
	return text;
}

static const char *look_up(const char *name)
{
	return look_up_flags(name, AF_INET, 0);
}

static void check_text(int line, const char *name, const char *got,
		       const char *want)
{
	if (strcmp(got, want))
		test_fail(__FILE__, line, "%s: '%s', not '%s'", name, got,
			  want);
}

#define CHECK_NAME(name, want) check_text(__LINE__, name, look_up(name), want)
#define NONAME "Name or service not known"
#define NODATA "No address associated with hostname"
#define AGAIN "Temporary failure in name resolution"
#define FAIL "Non-recoverable failure in name resolution"

/* Under sweep one of n cases has to do. */
static size_t swept_step(size_t n)
{
	return test_is_swept() ? n : 1;
}

/* What takes seconds is not to be repeated for each fault. */
static void not_swept(void)
{
	if (test_is_swept())
		test_skip("it takes too long to be repeated");
}

static void need_ares(void)
{
	if (strcmp(ramet_resolver_name(), "ares"))
		test_skip(ramet_resolver_reason());
}

static void begin(struct nameserver *s, const char *more)
{
	need_ares();
	use_server(s, more);
}

/* ---- answers ------------------------------------------------------------ */

static const struct {
	const char *name;
	int family;
	const char *want;
} answers[] = {
	{"a.test", AF_INET, "10.0.0.1"},
	{"a.test.", AF_INET, "10.0.0.1"},
	{"A.TEST", AF_INET, "10.0.0.1"},
	{"a.test", AF_INET6, "fd00::1"},
	{"only4.test", AF_UNSPEC, "10.0.0.1"},
	{"only6.test", AF_UNSPEC, "fd00::1"},
	{"only4.test", AF_INET6, NODATA},
	{"nx.test", AF_INET, NONAME},
	{"nx.test", AF_UNSPEC, NONAME},
	{"nodata.test", AF_UNSPEC, NODATA},
	{"chain.test", AF_INET, "10.0.0.3"},
	{"backwards.test", AF_INET, "10.0.0.4"},
	{"dangling.test", AF_INET, NODATA},
	{"stranger.test", AF_INET, NODATA},
	{"edns.test", AF_INET, "10.0.0.1"},
	{"edns.test", AF_UNSPEC, "fd00::1 10.0.0.1"},
	/* refused: */
	{"loop.test", AF_INET, FAIL},
	{"self.test", AF_INET, FAIL},
	{"evil.test", AF_INET, FAIL},
	{"short.test", AF_INET, FAIL},
	{"pointer.test", AF_INET, FAIL},
	{"servfail.test", AF_INET, AGAIN},
	/* not even asked for: */
	{"", AF_INET, NONAME},
	{".", AF_INET, NONAME},
	{"a..test", AF_INET, NONAME},
	{"under_score.test", AF_INET, "10.0.0.1"},
	{"0123456789012345678901234567890123456789012345678901234567890123."
	 "test",
	 AF_INET, NONAME},
	{"localhost", AF_INET, "127.0.0.1"},
	{"localhost", AF_INET6, "::1"},
	{"some.LocalHost.", AF_INET, "127.0.0.1"},
	{"10.9.8.7", AF_INET, "10.9.8.7"},
};

TEST(answers_are_read_or_refused)
{
	struct nameserver s = {.udp = -1};

	begin(&s, "");
	for (size_t i = 0; i < countof(answers); i += swept_step(6)) {
		const char *got =
			look_up_flags(answers[i].name, answers[i].family, 0);

		/* Which family is preferred is this machine's affair. */
		if (strcmp(got, "10.0.0.1 fd00::1") == 0)
			got = "fd00::1 10.0.0.1";
		if (strcmp(got, answers[i].want))
			test_fail(__FILE__, __LINE__,
				  "case %zu, '%s': '%s', not '%s'", i,
				  answers[i].name, got, answers[i].want);
	}
	server_stop(&s);
}

TEST(the_canonical_name_is_where_aliases_lead)
{
	struct nameserver s = {.udp = -1};
	struct addrinfo hints = {.ai_flags = AI_CANONNAME}, *list;

	begin(&s, "");
	CHECK_EQ(ramet_getaddrinfo("chain.test", NULL, &hints, &list), 0);
	CHECK(list->ai_canonname);
	check_text(__LINE__, "chain.test", list->ai_canonname, "Three.test");
	CHECK(!list->ai_next->ai_canonname);
	ramet_freeaddrinfo(list);
	server_stop(&s);
}

TEST(localhost_is_nobodys_business)
{
	struct nameserver s = {.udp = -1};

	begin(&s, "search example.test");
	CHECK_NAME("localhost", "127.0.0.1");
	CHECK_NAME("a.b.localhost", "127.0.0.1");
	CHECK_EQ(s.asked, 0);
	server_stop(&s);
	not_swept();
	set_file("RAMET_HOSTS", "hosts", "127.0.0.7 localhost\n");
	CHECK_EQ(ramet_sleep(1100 * RAMET_MS), 0);
	CHECK_NAME("localhost", "127.0.0.7");
}

/* ---- forgers ------------------------------------------------------------ */

TEST(forged_answers_are_refused)
{
	struct nameserver s = {.udp = -1};

	begin(&s, "");
	CHECK_NAME("forged.test", "10.0.0.1");
	check_text(__LINE__, "forged.test",
		   look_up_flags("forged.test", AF_INET6, 0), "fd00::1");
	CHECK_EQ(s.asked, 2);
	server_stop(&s);
}

TEST(who_guesses_ids_is_evaded_by_tcp)
{
	struct nameserver s = {.udp = -1};

	begin(&s, "");
	CHECK_NAME("flood.test", "10.0.0.1");
	CHECK_EQ(s.asked_tcp, 1);
	server_stop(&s);
}

/* ---- losses ------------------------------------------------------------- */

TEST(what_is_lost_is_asked_again)
{
	struct nameserver s = {.udp = -1};

	not_swept();
	begin(&s, "");
	s.asked = 1; /* the next is lost */
	CHECK_NAME("lost.test", "10.0.0.1");
	CHECK_EQ(s.asked, 3);
	server_stop(&s);
}

TEST(what_is_too_long_is_asked_by_tcp)
{
	struct nameserver s = {.udp = -1};
	const char *got;

	begin(&s, "");
	got = look_up("long.test");
	CHECK(strncmp(got, "10.0.0.0 10.0.0.1 ", 18) == 0);
	CHECK(strstr(got, " 10.0.0.99"));
	CHECK_EQ(s.asked, 1);
	CHECK_EQ(s.asked_tcp, 1);
	CHECK(strstr(look_up_flags("long.test", AF_UNSPEC, 0), "10.0.0.99"));
	CHECK_EQ(s.asked_tcp, 3);
	server_stop(&s);
}

TEST(option_use_vc_asks_by_tcp)
{
	struct nameserver s = {.udp = -1};

	begin(&s, "options use-vc");
	CHECK_NAME("a.test", "10.0.0.1");
	CHECK_EQ(s.asked, 0);
	CHECK_EQ(s.asked_tcp, 1);
	server_stop(&s);
}

static void two_servers(struct nameserver *a, struct nameserver *b,
			const char *options)
{
	char more[100];

	need_ares();
	server_start(b);
	snprintf(more, sizeof more, "nameserver 127.0.0.1:%d\n%s", b->port,
		 options);
	use_server(a, more);
}

TEST(silent_and_failing_servers_are_passed_over)
{
	struct nameserver a = {.udp = -1}, b = {.udp = -1};

	not_swept();
	two_servers(&a, &b, "");
	a.failing = true;
	CHECK_NAME("a.test", "10.0.0.1");
	a.failing = false;
	a.silent = true;
	CHECK_NAME("b.test", "10.0.0.1");
	CHECK_EQ(b.asked, 2);
	b.silent = true;
	CHECK_NAME("c.test", AGAIN);
	server_stop(&b);
	server_stop(&a);
}

TEST(a_server_that_is_not_there_is_passed_over_at_once)
{
	struct nameserver a = {.udp = -1}, b = {.udp = -1};

	two_servers(&a, &b, "options timeout:10");
	server_stop(&a);
	CHECK_NAME("a.test", "10.0.0.1");
	CHECK_EQ(b.asked, 1);
	server_stop(&b);
	CHECK_NAME("a.test", AGAIN);
}

TEST(option_rotate_shares_the_load)
{
	struct nameserver a = {.udp = -1}, b = {.udp = -1};

	two_servers(&a, &b, "options rotate");
	for (int i = 0; i < 4; i++)
		CHECK_NAME("a.test", "10.0.0.1");
	CHECK_EQ(a.asked, 2);
	CHECK_EQ(b.asked, 2);
	server_stop(&b);
	server_stop(&a);
}

TEST(option_single_request_asks_one_after_the_other)
{
	struct nameserver s = {.udp = -1};

	begin(&s, "options single-request");
	CHECK(strstr(look_up_flags("a.test", AF_UNSPEC, 0), "fd00::1"));
	CHECK_EQ(s.asked, 2);
	server_stop(&s);
}

/* ---- the search list ---------------------------------------------------- */

TEST(short_names_are_searched_for)
{
	struct nameserver s = {.udp = -1};

	begin(&s, "search nx.test good.test\noptions ndots:2");
	CHECK_NAME("a", "10.0.0.1"); /* a.nx.test is as good as any */
	CHECK_EQ(s.asked, 1);
	CHECK_NAME("nx", NONAME); /* in both, and as it is */
	CHECK_EQ(s.asked, 4);
	CHECK_NAME("nx.b", NONAME); /* the list first, for there is one dot */
	CHECK_EQ(s.asked, 7);
	CHECK_NAME("a.b.c", "10.0.0.1");
	CHECK_EQ(s.asked, 8);
	CHECK_NAME("nx.b.c.", NONAME); /* it is whole */
	CHECK_EQ(s.asked, 9);
	CHECK_NAME("nodata", NODATA);
	server_stop(&s);
}

/* ---- files -------------------------------------------------------------- */

TEST(the_hosts_file_comes_first)
{
	struct nameserver s = {.udp = -1};

	begin(&s, "");
	set_file("RAMET_HOSTS", "hosts",
		 "# comment\n10.1.1.1\tmine.test Mine # more\n"
		 "10.1.1.2 mine.test\nfd01::1 mine.test six\n"
		 "bad.address mine.test\n10.1.1.3\n::1 loop6\n");
	CHECK_NAME("MINE.test", "10.1.1.1 10.1.1.2");
	CHECK_NAME("mine", "10.1.1.1");
	CHECK_NAME("loop6", "127.0.0.1"); /* as in libc */
	check_text(__LINE__, "six", look_up_flags("six", AF_INET6, 0),
		   "fd01::1");
	check_text(__LINE__, "mine",
		   look_up_flags("mine", AF_INET6, AI_V4MAPPED),
		   "::ffff:10.1.1.1");
	CHECK_EQ(s.asked, 0);
	CHECK_NAME("six.test", "10.0.0.1");
	server_stop(&s);
}

TEST(changed_files_are_read_again)
{
	struct nameserver a = {.udp = -1}, b = {.udp = -1};
	char text[100];

	not_swept();
	begin(&a, "");
	CHECK_NAME("a.test", "10.0.0.1");
	server_start(&b);
	snprintf(text, sizeof text, "nameserver 127.0.0.1:%d\n", b.port);
	set_resolv(text);
	set_file("RAMET_HOSTS", "hosts", "10.2.2.2 b.test\n");
	CHECK_EQ(ramet_sleep(1100 * RAMET_MS), 0);
	CHECK_NAME("a.test", "10.0.0.1");
	CHECK_NAME("b.test", "10.2.2.2");
	CHECK_EQ(a.asked, 1);
	CHECK_EQ(b.asked, 1);
	server_stop(&b);
	server_stop(&a);
}

static const struct {
	const char *line, *in_hosts, *in_dns;
} orders[] = {
	{"hosts: files dns", "10.1.1.1", "10.0.0.1"},
	{"hosts: dns files", "10.0.0.1", "10.0.0.1"},
	{"hosts: files", "10.1.1.1", NONAME},
	{"hosts:dns", "10.0.0.1", "10.0.0.1"},
	{"hosts: files [NOTFOUND=return] dns", "10.1.1.1", NONAME},
	{"hosts: files [!SUCCESS=return] dns", "10.1.1.1", NONAME},
	{"hosts: files [notfound=continue] dns", "10.1.1.1", "10.0.0.1"},
	{"hosts: files mdns4_minimal [NOTFOUND=return] dns", "10.1.1.1",
	 "10.0.0.1"},
	{"hosts: files myhostname dns", "10.1.1.1", "10.0.0.1"},
	{"passwd: files", "10.1.1.1", "10.0.0.1"},
	{"", "10.1.1.1", "10.0.0.1"},
};

/* Changed files are looked for once a second: each order has a loop. */
static void *in_order(void *i)
{
	size_t n = (size_t)(uintptr_t)i;

	CHECK_NAME("mine.test", orders[n].in_hosts);
	CHECK_NAME("a.test", orders[n].in_dns);
	return NULL;
}

TEST(nsswitch_tells_the_order)
{
	struct nameserver s = {.udp = -1};

	begin(&s, "");
	set_file("RAMET_HOSTS", "hosts", "10.1.1.1 mine.test\n");
	for (size_t i = 0; i < countof(orders); i++) {
		if (i && test_is_swept())
			break;
		set_file("RAMET_NSSWITCH", "nsswitch.conf", orders[i].line);
		if (i)
			CHECK_EQ(ramet_sleep(1010 * RAMET_MS), 0);
		in_order((void *)i);
	}
	server_stop(&s);
}

/* ---- many --------------------------------------------------------------- */

static int found;

static void *find_one(void *number)
{
	char name[32];
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;

	snprintf(name, sizeof name, "n%d.test", (int)(intptr_t)number);
	if (ramet_getaddrinfo(name, NULL, &hints, &list) == 0) {
		found += list->ai_next != NULL;
		ramet_freeaddrinfo(list);
	}
	return NULL;
}

TEST(a_thousand_names_at_once)
{
	struct nameserver s = {.udp = -1, .delay = 50 * RAMET_MS};
	int count = test_is_swept() ? 5 : test_rounds(1000);
	struct ramet **ts = calloc((size_t)count, sizeof *ts);

	CHECK(ts);
	begin(&s, "options timeout:5");
	for (int i = 0; i < count; i++)
		ts[i] = spawn(find_one, (void *)(intptr_t)i);
	for (int i = 0; i < count; i++)
		join(ts[i]);
	free(ts);
	CHECK_EQ(found, count);
	CHECK_EQ(s.asked, 2 * count);
	server_stop(&s);
}

/* ---- being stopped ------------------------------------------------------ */

TEST(a_scope_ends_it)
{
	struct nameserver s = {.udp = -1, .silent = true};
	int error = 0;

	begin(&s, "options timeout:30");
	RAMET_WITHIN(test_pause(50 * RAMET_MS)) {
		error = ramet_getaddrinfo("a.test", NULL, NULL,
					  &(struct addrinfo *){NULL});
		CHECK_EQ(errno, ETIMEDOUT);
	}
	CHECK_EQ(error, EAI_SYSTEM);
	s.silent = false;
	CHECK_NAME("a.test", "10.0.0.1");
	server_stop(&s);
}

static void *expect_cancel(void *result)
{
	struct addrinfo *list;

	CHECK_EQ(ramet_getaddrinfo("a.test", NULL, NULL, &list), EAI_SYSTEM);
	*(int *)result = errno;
	return NULL;
}

/* Whoever reads for all leaves; the others must not be left behind. */
TEST(cancel_ends_one_and_no_other)
{
	struct nameserver s = {.udp = -1, .delay = test_pause(200 * RAMET_MS)};
	struct ramet *cancelled, *killed, *other;
	int error = 0;

	begin(&s, "options timeout:5");
	cancelled = spawn(expect_cancel, &error);
	killed = spawn(expect_cancel, &error);
	other = spawn(find_one, (void *)1);
	CHECK_EQ(ramet_sleep(test_pause(50 * RAMET_MS)), 0);
	CHECK_EQ(ramet_cancel(cancelled), 0);
	CHECK_EQ(ramet_kill(killed), 0);
	join(cancelled);
	CHECK_EQ(error, ECANCELED);
	CHECK_ERR(ramet_join(killed, NULL), ECHILD);
	join(other);
	CHECK_EQ(found, 1);
	server_stop(&s);
}

/* ---- the cache ---------------------------------------------------------- */

TEST(answers_are_kept_if_that_is_wished)
{
	struct nameserver s = {.udp = -1};

	begin(&s, "");
	CHECK_EQ(ramet_names_cache(100), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_NAME("chain.test", "10.0.0.3");
		CHECK_NAME("nx.test", NONAME);
		CHECK_NAME("nodata.test", NODATA);
		CHECK_NAME("servfail.test", AGAIN); /* is not kept */
	}
	CHECK_EQ(s.asked, 3 + 3 * 2);
	CHECK_EQ(ramet_names_cache(0), 0);
	CHECK_NAME("chain.test", "10.0.0.3");
	CHECK_EQ(s.asked, 10);
	server_stop(&s);
}

TEST(a_full_cache_forgets)
{
	struct nameserver s = {.udp = -1};

	begin(&s, "");
	CHECK_EQ(ramet_names_cache(1), 0);
	for (int i = 0; i < 20; i += (int)swept_step(7)) {
		char name[32];

		snprintf(name, sizeof name, "n%d.test", i);
		CHECK_NAME(name, "10.0.0.1");
		CHECK_NAME(name, "10.0.0.1");
	}
	CHECK_EQ(s.asked, test_is_swept() ? 3 : 20);
	server_stop(&s);
}

/* ---- the other calls ---------------------------------------------------- */

TEST(addresses_have_names)
{
	struct nameserver s = {.udp = -1};
	struct sockaddr_in addr = loopback(0);
	char name[100], service[32];

	begin(&s, "domain test");
	set_file("RAMET_HOSTS", "hosts", "10.1.1.1 mine.test mine\n");
	addr.sin_addr.s_addr = htonl(0x0a090807);
	CHECK_EQ(ramet_getnameinfo((void *)&addr, sizeof addr, name,
				   sizeof name, service, sizeof service, 0),
		 0);
	check_text(__LINE__, "10.9.8.7", name, "pointed.test");
	check_text(__LINE__, "0", service, "0");
	CHECK_EQ(ramet_getnameinfo((void *)&addr, sizeof addr, name,
				   sizeof name, NULL, 0, NI_NOFQDN),
		 0);
	check_text(__LINE__, "10.9.8.7", name, "pointed");
	CHECK_EQ(ramet_getnameinfo((void *)&addr, sizeof addr, name, 12, NULL,
				   0, 0),
		 EAI_OVERFLOW);
	addr.sin_addr.s_addr = htonl(0x0a010101);
	CHECK_EQ(ramet_getnameinfo((void *)&addr, sizeof addr, name,
				   sizeof name, NULL, 0, NI_NAMEREQD),
		 0);
	check_text(__LINE__, "10.1.1.1", name, "mine.test");
	s.failing = true;
	addr.sin_addr.s_addr = htonl(0x0a090807);
	CHECK_EQ(ramet_getnameinfo((void *)&addr, sizeof addr, name,
				   sizeof name, NULL, 0, 0),
		 EAI_AGAIN);
	server_stop(&s);
}

TEST(gethostbyname_and_its_kin)
{
	struct nameserver s = {.udp = -1};
	struct hostent h, *result;
	char buf[300];
	uint8_t addr[4] = {10, 9, 8, 7};
	int error;

	begin(&s, "");
	set_file("RAMET_HOSTS", "hosts",
		 "10.1.1.1 mine.test Mine\n10.1.1.2 other.test mine "
		 "mine.test\n");
	CHECK_EQ(ramet_gethostbyname_r("mine", 0, &h, buf, sizeof buf, &result,
				       &error),
		 0);
	CHECK(result == &h && h.h_addr_list[1] &&
	      memcmp(h.h_addr_list[1], "\x0a\1\1\2", 4) == 0);
	check_text(__LINE__, "mine", h.h_name, "mine.test");
	check_text(__LINE__, "mine", h.h_aliases[0], "Mine");
	check_text(__LINE__, "mine", h.h_aliases[1], "other.test");
	CHECK(!h.h_aliases[2]);
	CHECK_EQ(ramet_gethostbyaddr_r("\x0a\1\1\1", 4, AF_INET, &h, buf,
				       sizeof buf, &result, &error),
		 0);
	CHECK(result == &h);
	check_text(__LINE__, "10.1.1.1", h.h_name, "mine.test");
	check_text(__LINE__, "10.1.1.1", h.h_aliases[0], "Mine");
	CHECK(memcmp(h.h_addr_list[0], "\x0a\1\1\1", 4) == 0);
	CHECK_EQ(ramet_gethostbyname_r("chain.test", AF_INET, &h, buf,
				       sizeof buf, &result, &error),
		 0);
	CHECK(result == &h && h.h_addrtype == AF_INET && h.h_length == 4);
	check_text(__LINE__, "chain.test", h.h_name, "Three.test");
	CHECK(memcmp(h.h_addr_list[0], "\x0a\0\0\3", 4) == 0);
	CHECK(!h.h_addr_list[1] && h.h_aliases[0] && h.h_aliases[1]);
	check_text(__LINE__, "chain.test", h.h_aliases[0], "chain.test");
	check_text(__LINE__, "chain.test", h.h_aliases[1], "two.test");
	CHECK(!h.h_aliases[2]);
	for (size_t room = 0; room < 84; room += 4)
		CHECK_EQ(ramet_gethostbyname_r("chain.test", AF_INET6, &h, buf,
					       room, &result, &error),
			 ERANGE);
	CHECK_EQ(ramet_gethostbyname_r("nx.test", AF_INET, &h, buf, sizeof buf,
				       &result, &error),
		 0);
	CHECK(!result && error == HOST_NOT_FOUND);
	CHECK_EQ(ramet_gethostbyaddr_r(addr, sizeof addr, AF_INET, &h, buf,
				       sizeof buf, &result, &error),
		 0);
	CHECK(result == &h && strcmp(h.h_name, "pointed.test") == 0);
	result = ramet_gethostbyname("long.test", &error);
	CHECK(result &&
	      memcmp(result->h_addr_list[99], "\x0a\0\0\x63", 4) == 0);
	CHECK(!ramet_gethostbyname("nodata.test", &error));
	CHECK_EQ(error, NO_DATA);
	server_stop(&s);
}

static void check_hosts(const struct hostent *a, const struct hostent *b)
{
	check_text(__LINE__, "name", a->h_name, b->h_name);
	for (size_t i = 0; a->h_aliases[i] || b->h_aliases[i]; i++) {
		CHECK(a->h_aliases[i] && b->h_aliases[i]);
		check_text(__LINE__, "alias", a->h_aliases[i], b->h_aliases[i]);
	}
	CHECK_EQ(a->h_length, b->h_length);
	for (size_t i = 0; a->h_addr_list[i] || b->h_addr_list[i]; i++)
		CHECK(a->h_addr_list[i] && b->h_addr_list[i] &&
		      memcmp(a->h_addr_list[i], b->h_addr_list[i],
			     (size_t)a->h_length) == 0);
}

/* As it is in this machine's files, which libc asks. */
TEST(libc_is_asked_for_all_if_that_is_wished)
{
	struct hostent h, *result, *want;
	struct in_addr addr = {htonl(INADDR_LOOPBACK)};
	char buf[1024];
	int error;

	setenv("RAMET_RESOLVER", "system", 1);
	check_text(__LINE__, "resolver", ramet_resolver_name(), "system");
	want = gethostbyname("localhost");
	if (!want)
		test_skip("localhost is not known here");
	CHECK_EQ(ramet_gethostbyname_r("localhost", 0, &h, buf, sizeof buf,
				       &result, &error),
		 0);
	CHECK(result == &h);
	check_hosts(&h, want);
	CHECK_NAME("localhost", "127.0.0.1");
	want = gethostbyaddr(&addr, sizeof addr, AF_INET);
	CHECK_EQ(ramet_gethostbyaddr_r(&addr, sizeof addr, AF_INET, &h, buf,
				       sizeof buf, &result, &error),
		 0);
	CHECK(!want == !result);
	if (want)
		check_hosts(&h, want);
	RAMET_WITHIN(0)
		CHECK_EQ(ramet_gethostbyname_r("localhost", 0, &h, buf,
					       sizeof buf, &result, &error),
			 ETIMEDOUT);
}

/* ---- as libc ------------------------------------------------------------ */

static const struct request {
	const char *node, *service;
	struct addrinfo hints;
} requests[] = {
#define R(node, service, flags, family, type, protocol)                        \
	{                                                                      \
		node, service,                                                 \
		{                                                              \
			flags, family, type, protocol, 0, NULL, NULL, NULL     \
		}                                                              \
	}
	R(NULL, NULL, 0, 0, 0, 0),
	R(NULL, "80", 0, 0, 0, 0),
	R(NULL, "80", AI_PASSIVE, 0, 0, 0),
	R(NULL, "80", AI_PASSIVE, AF_INET, SOCK_STREAM, 0),
	R(NULL, "80", AI_CANONNAME, 0, 0, 0),
	R("*", "80", 0, 0, 0, 0),
	R("127.0.0.1", "*", 0, 0, 0, 0),
	R("*", "*", 0, 0, 0, 0),
	R("127.0.0.1", NULL, 0, 0, 0, 0),
	R("127.0.0.1", "", 0, 0, 0, 0),
	R("127.1", "1", AI_CANONNAME, 0, SOCK_STREAM, 0),
	R("0x7f.1", "1", 0, 0, SOCK_STREAM, 0),
	R("017700000001", "1", 0, 0, SOCK_STREAM, 0),
	R("127.0.0.1 ", "1", AI_NUMERICHOST, 0, SOCK_STREAM, 0),
	R("1.2.3.4.5", "1", AI_NUMERICHOST, 0, SOCK_STREAM, 0),
	R("256.1.1.1", "1", AI_NUMERICHOST, 0, SOCK_STREAM, 0),
	R("", "1", AI_NUMERICHOST, 0, SOCK_STREAM, 0),
	R("127.0.0.1", "1", 0, AF_INET6, 0, 0),
	R("127.0.0.1", "1", AI_V4MAPPED, AF_INET6, SOCK_STREAM, 0),
	R("127.0.0.1", "1", AI_V4MAPPED | AI_ALL, AF_INET6, SOCK_STREAM, 0),
	R("::1", "1", 0, 0, 0, 0),
	R("::1", "1", AI_NUMERICHOST | AI_CANONNAME, AF_INET6, SOCK_DGRAM, 0),
	R("::1", "1", 0, AF_INET, 0, 0),
	R("::ffff:1.2.3.4", "1", 0, AF_INET, SOCK_STREAM, 0),
	R("::ffff:1.2.3.4", "1", 0, 0, SOCK_STREAM, 0),
	R("fe80::1%1", "1", 0, 0, SOCK_STREAM, 0),
	R("fe80::1%lo", "1", 0, 0, SOCK_STREAM, 0),
	R("fe80::1%nosuch", "1", 0, 0, SOCK_STREAM, 0),
	R("fe80::1%", "1", 0, 0, SOCK_STREAM, 0),
	R("2001:db8::1%4", "1", 0, 0, SOCK_STREAM, 0),
	R("2001:db8::1%lo", "1", AI_NUMERICHOST, 0, SOCK_STREAM, 0),
	R("::1::", "1", AI_NUMERICHOST, 0, SOCK_STREAM, 0),
	R("127.0.0.1", "65536", 0, 0, SOCK_STREAM, 0),
	R("127.0.0.1", "99999", 0, 0, SOCK_STREAM, 0),
	R("127.0.0.1", "-1", 0, 0, SOCK_STREAM, 0),
	R("127.0.0.1", "1x", 0, 0, SOCK_STREAM, 0),
	R("127.0.0.1", "1x", AI_NUMERICSERV, 0, SOCK_STREAM, 0),
	R("127.0.0.1", "http", AI_NUMERICSERV, 0, SOCK_STREAM, 0),
	R("127.0.0.1", "http", 0, 0, SOCK_STREAM, 0),
	R("127.0.0.1", "http", 0, 0, SOCK_DGRAM, 0),
	R("127.0.0.1", "http", 0, 0, 0, 0),
	R("127.0.0.1", "www", 0, 0, SOCK_STREAM, 0),
	R("127.0.0.1", "domain", 0, 0, 0, 0),
	R("127.0.0.1", "domain", 0, 0, 0, IPPROTO_UDP),
	R("127.0.0.1", "ntp", 0, 0, SOCK_STREAM, 0),
	R("127.0.0.1", "nosuchservice", 0, 0, 0, 0),
	R("127.0.0.1", "80", 0, 0, 0, IPPROTO_TCP),
	R("127.0.0.1", "80", 0, 0, SOCK_STREAM, IPPROTO_UDP),
	R("127.0.0.1", "80", 0, 0, 0, IPPROTO_ICMP),
	R("127.0.0.1", "80", 0, 0, SOCK_RAW, IPPROTO_ICMP),
	R("127.0.0.1", NULL, 0, 0, SOCK_RAW, IPPROTO_ICMP),
	R("127.0.0.1", NULL, 0, 0, SOCK_RAW, 0),
	R("127.0.0.1", NULL, 0, 0, 77, 0),
	R("127.0.0.1", NULL, 0, 0, 0, 250),
	R("127.0.0.1", NULL, 0, 0, SOCK_SEQPACKET, 0),
	R("127.0.0.1", NULL, 0, 0, SOCK_DGRAM, IPPROTO_UDPLITE),
	R("127.0.0.1", NULL, 0, AF_UNIX, 0, 0),
	R("127.0.0.1", NULL, 0, 4711, 0, 0),
	R("127.0.0.1", NULL, 0x1000, 0, 0, 0),
	R("127.0.0.1", NULL, 0x40000000, 0, 0, 0),
	R("127.0.0.1", NULL, AI_ADDRCONFIG, 0, SOCK_STREAM, 0),
	R("::1", NULL, AI_ADDRCONFIG, AF_INET6, SOCK_STREAM, 0),
	R("localhost", NULL, 0, AF_INET, SOCK_STREAM, 0),
	R("localhost", "80", AI_CANONNAME, AF_INET, SOCK_STREAM, 0),
	R("localhost", "80", AI_NUMERICHOST, AF_INET, SOCK_STREAM, 0),
	R("localhost", "http", 0, AF_INET, 0, 0),
	R("localhost", "nosuchservice", 0, AF_INET, 0, 0),
};

static void compare(size_t i, const struct addrinfo *a,
		    const struct addrinfo *b)
{
	for (; a && b; a = a->ai_next, b = b->ai_next) {
		if (a->ai_flags != b->ai_flags ||
		    a->ai_family != b->ai_family ||
		    a->ai_socktype != b->ai_socktype ||
		    a->ai_protocol != b->ai_protocol ||
		    a->ai_addrlen != b->ai_addrlen ||
		    memcmp(a->ai_addr, b->ai_addr, a->ai_addrlen))
			break;
		if (!a->ai_canonname != !b->ai_canonname ||
		    (a->ai_canonname &&
		     strcmp(a->ai_canonname, b->ai_canonname)))
			test_fail(__FILE__, __LINE__, "case %zu: '%s', '%s'", i,
				  a->ai_canonname, b->ai_canonname);
	}
	if (a || b)
		test_fail(__FILE__, __LINE__, "case %zu: the lists differ", i);
}

TEST(numbers_services_and_errors_are_as_in_libc)
{
	if (strcmp(ramet_kernel_name(), "sim") == 0)
		test_skip("libc asks the real kernel for the order");
	for (size_t i = 0; i < countof(requests); i += swept_step(9)) {
		const struct request *r = &requests[i];
		struct addrinfo *own = NULL, *libc = NULL;
		int got =
			ramet_getaddrinfo(r->node, r->service, &r->hints, &own);
		int want = getaddrinfo(r->node, r->service, &r->hints, &libc);

		if (got != want)
			test_fail(__FILE__, __LINE__,
				  "case %zu, '%s' '%s': %d, not %d", i,
				  r->node ? r->node : "(none)",
				  r->service ? r->service : "(none)", got,
				  want);
		if (got)
			continue;
		compare(i, own, libc);
		ramet_freeaddrinfo(own);
		freeaddrinfo(libc);
	}
}

static const struct {
	const char *text;
	int port, flags, size;
	unsigned host_room, service_room;
} reverses[] = {
	{"127.0.0.1", 80, NI_NUMERICHOST, 16, 100, 32},
	{"127.0.0.1", 80, NI_NUMERICHOST | NI_NUMERICSERV, 16, 100, 32},
	{"127.0.0.1", 53, NI_NUMERICHOST | NI_DGRAM, 16, 100, 32},
	{"127.0.0.1", 65535, NI_NUMERICHOST, 16, 100, 32},
	{"127.0.0.1", 80, NI_NUMERICHOST | NI_NAMEREQD, 16, 100, 32},
	{"127.0.0.1", 80, NI_NUMERICHOST, 16, 9, 32},
	{"127.0.0.1", 80, NI_NUMERICHOST, 16, 10, 2},
	{"127.0.0.1", 80, NI_NUMERICHOST, 15, 100, 32},
	{"127.0.0.1", 80, NI_NUMERICHOST, 1, 100, 32},
	{"127.0.0.1", 80, 0x10000, 16, 100, 32},
	{"127.0.0.1", 80, 0, 16, 0, 32},
	{"127.0.0.1", 80, NI_NAMEREQD, 16, 0, 0},
	{"127.0.0.1", 80, 0, 16, 0, 0},
	{"::1", 80, NI_NUMERICHOST, 28, 100, 32},
	{"::1", 80, NI_NUMERICHOST, 27, 100, 32},
	{"fe80::1", 80, NI_NUMERICHOST, 28, 100, 32},
};

TEST(names_of_numbers_are_as_in_libc)
{
	for (size_t i = 0; i < countof(reverses); i += swept_step(5)) {
		struct sockaddr_storage addr = {0};
		struct sockaddr_in6 *v6 = (void *)&addr;
		struct sockaddr_in *v4 = (void *)&addr;
		char host[2][100] = {"", ""}, service[2][32] = {"", ""};
		bool four = strchr(reverses[i].text, '.');
		int got, want;

		addr.ss_family = four ? AF_INET : AF_INET6;
		v4->sin_port = htons((uint16_t)reverses[i].port);
		if (!four)
			v6->sin6_scope_id =
				strncmp(reverses[i].text, "fe", 2) ? 0 : 1;
		CHECK_EQ(inet_pton(addr.ss_family, reverses[i].text,
				   four ? (void *)&v4->sin_addr
					: (void *)&v6->sin6_addr),
			 1);
#define ARGS(n)                                                                \
	(void *)&addr, (socklen_t)reverses[i].size,                            \
		reverses[i].host_room ? host[n] : NULL, reverses[i].host_room, \
		reverses[i].service_room ? service[n] : NULL,                  \
		reverses[i].service_room, reverses[i].flags
		got = ramet_getnameinfo(ARGS(0));
		want = getnameinfo(ARGS(1));
		if (got != want ||
		    (got == 0 && (strcmp(host[0], host[1]) ||
				  strcmp(service[0], service[1]))))
			test_fail(__FILE__, __LINE__,
				  "case %zu: %d '%s' '%s', not %d '%s' '%s'", i,
				  got, host[0], service[0], want, host[1],
				  service[1]);
	}
}
