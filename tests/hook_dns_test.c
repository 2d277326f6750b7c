/* Look-ups under the patch: who runs meanwhile, and what ends them. */
#include "hooked.h"
#include "nameserver.h"

#include "task/lane.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <sys/stat.h>

/* Helpers that look up at once share what libc keeps. */
static void need_libcs_locks(void)
{
	if (TEST_TSAN)
		test_skip("the sanitizer does not see libc's locks");
}

static void need_localhost(void)
{
	struct addrinfo *ai;

	find_libc();
	if (libc.getaddrinfo("localhost", NULL, NULL, &ai))
		test_skip("localhost is not known here");
	freeaddrinfo(ai);
}

TEST(an_address_needs_no_helper)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct addrinfo *ai;
	char host[64];

	find_libc();
	CHECK_EQ(HOOK(getaddrinfo)("127.0.0.1", "80", NULL, &ai), 0);
	freeaddrinfo(ai);
	CHECK_EQ(HOOK(getaddrinfo)("::1", NULL, NULL, &ai), 0);
	freeaddrinfo(ai);
	CHECK_EQ(HOOK(getaddrinfo)(NULL, "80", NULL, &ai), 0);
	freeaddrinfo(ai);
	CHECK(HOOK(gethostbyname)("127.0.0.1") != NULL);
	CHECK_EQ(HOOK(getnameinfo)((struct sockaddr *)&sin, sizeof sin, host,
				   sizeof host, NULL, 0, NI_NUMERICHOST),
		 0);
	CHECK_EQ(os_threads(), 1);
}

TEST(others_run_while_a_name_is_looked_up)
{
	struct addrinfo *ai;
	struct ramet *t;
	int turns = 0;

	need_localhost();
	t = spawn(count_turns, &turns);
	CHECK_EQ(HOOK(getaddrinfo)("localhost", NULL, NULL, &ai), 0);
	freeaddrinfo(ai);
	CHECK(turns > 0);
	ramet_cancel(t);
	join(t);
}

TEST(an_expired_scope_is_told_by_errno)
{
	struct in_addr addr = {htonl(INADDR_LOOPBACK)};
	struct addrinfo *ai;

	need_localhost();
	RAMET_WITHIN(0) {
		errno = 0;
		CHECK_EQ(HOOK(getaddrinfo)("localhost", NULL, NULL, &ai),
			 EAI_SYSTEM);
		CHECK_EQ(errno, ETIMEDOUT);
		h_errno = 0;
		CHECK(HOOK(gethostbyname)("localhost") == NULL);
		CHECK_EQ(h_errno, TRY_AGAIN);
		CHECK(HOOK(gethostbyaddr)(&addr, sizeof addr, AF_INET) == NULL);
	}
}

TEST(a_scope_may_end_anywhere_in_a_look_up)
{
	struct addrinfo *ai;
	int fds;

	need_libcs_locks();
	need_localhost();
	fds = open_fds();
	for (int i = 0; i < (test_is_swept() ? 5 : test_rounds(300)); i++)
		RAMET_WITHIN(test_rand(200) * RAMET_US) {
			int err =
				HOOK(getaddrinfo)("localhost", "1", NULL, &ai);

			if (err == 0)
				freeaddrinfo(ai);
			else
				CHECK_EQ(err, EAI_SYSTEM);
		}
	/* Those that were left go on, and may have yet to open a file. */
	for (int calm = 0; calm < 20; calm = open_fds() > fds ? 0 : calm + 1)
		settle();
}

static void *look_up(void *count)
{
	struct hostent h, *result;
	char buf[1024];
	int error;

	CHECK_EQ(HOOK(gethostbyname_r)("localhost", &h, buf, sizeof buf,
				       &result, &error),
		 0);
	CHECK(result == &h && h.h_addr_list[0]);
	++*(int *)count;
	return NULL;
}

TEST(a_thousand_look_up_with_few_threads)
{
	enum { N_MAX = 1000, AT_ONCE = 16 };
	struct ramet *t[N_MAX];
	int number = test_is_swept() ? 3 * AT_ONCE : N_MAX;
	int count = 0, most = 0, n;

	need_libcs_locks();
	need_localhost();
	for (int i = 0; i < number; i++)
		t[i] = spawn(look_up, &count);
	while (count < number) {
		n = os_threads();
		if (n > most)
			most = n;
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	}
	for (int i = 0; i < number; i++)
		join(t[i]);
	CHECK(most <= 1 + AT_ONCE + TEST_TSAN);
}

/* ---- by the library's own resolver -------------------------------------- */

static void begin(struct nameserver *s)
{
	if (strcmp(ramet_resolver_name(), "ares"))
		test_skip(ramet_resolver_reason());
	find_libc();
	use_server(s, "");
}

static void *find_host(void *found)
{
	struct addrinfo hints = {.ai_family = AF_INET,
				 .ai_flags = AI_CANONNAME},
			*list;
	int error = HOOK(getaddrinfo)("a.test", NULL, &hints, &list);

	if (error == 0) {
		CHECK_EQ(strcmp(list->ai_canonname, "a.test"), 0);
		freeaddrinfo(list); /* libc's */
		++*(int *)found;
	}
	return NULL;
}

TEST(a_signal_does_not_end_a_look_up)
{
	struct nameserver s = {.udp = -1, .delay = test_pause(500 * RAMET_MS)};
	int found = 0, interrupted = 0;
	struct ramet *t;

	begin(&s);
	t = spawn(find_host, &found);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(ramet_sleep(test_pause(10 * RAMET_MS)), 0);
		interrupted += ramet__interrupt(t);
	}
	join(t);
	CHECK(interrupted || test_is_swept()); /* by then it may be over */
	CHECK_EQ(found, 1);
	server_stop(&s);
}

TEST(who_leaves_ends_the_look_up)
{
	struct nameserver s = {.udp = -1, .silent = true};
	int found = 0, fds;
	struct ramet *t[3];

	begin(&s);
	fds = open_fds();
	for (int i = 0; i < 3; i++)
		t[i] = spawn(find_host, &found);
	CHECK_EQ(ramet_sleep(20 * RAMET_MS), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(ramet_cancel(t[i]), 0);
		join(t[i]);
	}
	CHECK_EQ(found, 0);
	while (open_fds() > fds)
		settle();
	server_stop(&s);
}

static const struct {
	const char *name;
	int err, h_error;
} failures[] = {
	{"nx.test", 0, HOST_NOT_FOUND},
	{"nodata.test", 0, NO_DATA},
	{"servfail.test", EAGAIN, TRY_AGAIN},
};

TEST(failures_of_the_older_calls_are_libcs)
{
	struct nameserver s = {.udp = -1};
	struct hostent h, *result;
	char buf[1024];
	int error;

	begin(&s);
	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
		if (HOOK(gethostbyname_r)(failures[i].name, &h, buf, sizeof buf,
					  &result, &error) != failures[i].err ||
		    result || error != failures[i].h_error)
			test_fail(__FILE__, __LINE__, "case %zu, %s", i,
				  failures[i].name);
		CHECK(!HOOK(gethostbyname)(failures[i].name));
		CHECK_EQ(h_errno, failures[i].h_error);
	}
	CHECK_EQ(HOOK(gethostbyname_r)("a.test", &h, buf, 16, &result, &error),
		 ERANGE);
	CHECK(!result && error == NETDB_INTERNAL && errno == ERANGE);
	result = HOOK(gethostbyname)("long.test");
	CHECK(result && result->h_addr_list[99] && !result->h_addr_list[100]);
	result = HOOK(gethostbyname2)("a.test", AF_INET6);
	CHECK(result && result->h_length == 16);
	server_stop(&s);
}

/* ---- the lane ----------------------------------------------------------- */

struct slow {
	struct lane_call call;
	int pipe[2];
	bool *freed;
};

static void be_slow(struct lane_call *c)
{
	struct slow *s = container_of(c, struct slow, call);
	char byte;

	CHECK_EQ(read(s->pipe[0], &byte, 1), 1);
}

static void freed(struct lane_call *c)
{
	*container_of(c, struct slow, call)->freed = true;
}

TEST(a_call_that_is_left_is_freed_when_it_is_back)
{
	struct loop *l = (find_libc(), ramet__loop());
	bool gone = false;
	struct slow s = {.call = {.run = be_slow, .free = freed},
			 .freed = &gone};

	CHECK_EQ(pipe(s.pipe), 0);
	CHECK_EQ(ramet__lane_send(l, &s.call), 0);
	RAMET_WITHIN(5 * RAMET_MS) {
		CHECK_EQ(ramet__lane_wait(l, &s.call), -ETIMEDOUT);
	}
	ramet__lane_leave(l, &s.call);
	CHECK(!gone);
	CHECK_EQ(write(s.pipe[1], "x", 1), 1);
	for (int i = 0; i < 5000 && !gone; i++)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK(gone);
	close(s.pipe[0]);
	close(s.pipe[1]);
}

/* ---- the resolver's own ------------------------------------------------- */

TEST(a_query_that_cannot_be_is_refused)
{
	unsigned char answer[512];
	char name[2000];

	/* Nobody may answer what is none. */
	CHECK_EQ(setenv("RES_OPTIONS", "timeout:1 attempts:1", 1), 0);
	find_libc();
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	h_errno = 0;
	CHECK_EQ(HOOK(res_query)(name, 1, 1, answer, sizeof answer), -1);
	CHECK(h_errno != 0);
	CHECK_EQ(HOOK(res_send)((unsigned char *)name, 4, answer,
				sizeof answer),
		 -1);
}
