/* Names and addresses, from threads; nothing is asked beyond this machine. */
#include "posix.h"

#include <arpa/inet.h>
#include <netdb.h>

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return t;
}

static void *join(pthread_t t)
{
	void *value;

	CHECK_EQ(pthread_join(t, &value), 0);
	return value;
}

/* The first address, as text. */
static const char *address_of(const struct addrinfo *ai)
{
	static char text[128];

	CHECK_EQ(getnameinfo(ai->ai_addr, ai->ai_addrlen, text, sizeof text,
			     NULL, 0, NI_NUMERICHOST),
		 0);
	return text;
}

static void need_localhost(void)
{
	struct addrinfo *ai;

	if (getaddrinfo("localhost", NULL, NULL, &ai))
		skip("localhost is not known here");
	freeaddrinfo(ai);
}

TEST(addresses_are_understood)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *ai;

	CHECK_EQ(getaddrinfo("192.0.2.7", "80", &hints, &ai), 0);
	CHECK_EQ(strcmp(address_of(ai), "192.0.2.7"), 0);
	CHECK_EQ(ai->ai_family, AF_INET);
	freeaddrinfo(ai);
	CHECK_EQ(getaddrinfo("2001:db8::1", "80", &hints, &ai), 0);
	CHECK_EQ(ai->ai_family, AF_INET6);
	freeaddrinfo(ai);
	CHECK_EQ(getaddrinfo(NULL, "80", &hints, &ai), 0);
	freeaddrinfo(ai);
}

TEST(mistakes_are_told)
{
	struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST}, *ai;
	struct addrinfo bad = {.ai_family = 999};

	CHECK_EQ(getaddrinfo("localhost", NULL, &numeric, &ai), EAI_NONAME);
	CHECK_EQ(getaddrinfo(NULL, NULL, NULL, &ai), EAI_NONAME);
	CHECK_EQ(getaddrinfo("localhost", NULL, &bad, &ai), EAI_FAMILY);
}

TEST(localhost_is_found)
{
	struct addrinfo hints = {.ai_family = AF_INET,
				 .ai_socktype = SOCK_STREAM},
			*ai;

	need_localhost();
	errno = 0;
	CHECK_EQ(getaddrinfo("localhost", "1234", &hints, &ai), 0);
	CHECK_EQ(strcmp(address_of(ai), "127.0.0.1"), 0);
	CHECK_EQ(ntohs(((struct sockaddr_in *)ai->ai_addr)->sin_port), 1234);
	CHECK_EQ(ai->ai_socktype, SOCK_STREAM);
	freeaddrinfo(ai);
}

static void *look_up(void *unused)
{
	struct addrinfo *ai;

	for (int i = 0; i < 5; i++) {
		CHECK_EQ(getaddrinfo("localhost", NULL, NULL, &ai), 0);
		freeaddrinfo(ai);
	}
	return unused;
}

TEST(many_look_up_at_once)
{
	pthread_t t[100];

	need_localhost();
	for (int i = 0; i < 100; i++)
		t[i] = start(look_up, NULL);
	for (int i = 0; i < 100; i++)
		join(t[i]);
}

TEST(addresses_have_names)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(22)};
	char host[256], service[64];

	need_localhost();
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ(getnameinfo((struct sockaddr *)&sin, sizeof sin, host,
			     sizeof host, service, sizeof service,
			     NI_NUMERICSERV),
		 0);
	CHECK(host[0]);
	CHECK_EQ(strcmp(service, "22"), 0);
	CHECK_EQ(getnameinfo((struct sockaddr *)&sin, sizeof sin, host, 1, NULL,
			     0, 0),
		 EAI_OVERFLOW);
	CHECK_EQ(getnameinfo((struct sockaddr *)&sin, 1, host, sizeof host,
			     NULL, 0, 0),
		 EAI_FAMILY);
}

static void check_host(const struct hostent *h)
{
	CHECK(h != NULL);
	CHECK_EQ(h->h_addrtype, AF_INET);
	CHECK_EQ(h->h_length, 4);
	CHECK(h->h_addr_list[0] != NULL);
	CHECK_EQ(h->h_addr_list[0][0], 127);
	CHECK(strlen(h->h_name) > 0);
	for (char **a = h->h_aliases; *a; a++)
		CHECK(strlen(*a) > 0);
}

TEST(gethostbyname_works)
{
	need_localhost();
	check_host(gethostbyname("localhost"));
	check_host(gethostbyname("127.0.0.1"));
	check_host(gethostbyname2("localhost", AF_INET));
}

TEST(gethostbyname_r_answers_in_the_callers_buffer)
{
	struct hostent h, *result = NULL;
	char buf[2048];
	int error;

	need_localhost();
	CHECK_EQ(gethostbyname_r("localhost", &h, buf, sizeof buf, &result,
				 &error),
		 0);
	CHECK(result == &h);
	check_host(&h);
	CHECK(h.h_name >= buf && h.h_name < buf + sizeof buf);
	CHECK((char *)h.h_addr_list >= buf &&
	      (char *)h.h_addr_list < buf + sizeof buf);
	CHECK(h.h_addr_list[0] >= buf && h.h_addr_list[0] < buf + sizeof buf);
	CHECK_EQ(gethostbyname_r("localhost", &h, buf, 8, &result, &error),
		 ERANGE);
	CHECK(result == NULL);
}

TEST(gethostbyaddr_works)
{
	struct in_addr addr = {htonl(INADDR_LOOPBACK)};

	need_localhost();
	check_host(gethostbyaddr(&addr, sizeof addr, AF_INET));
	CHECK(gethostbyaddr(&addr, sizeof addr, 999) == NULL);
}

static void *look_up_for_ever(void *unused)
{
	struct addrinfo *ai;

	for (;;)
		if (getaddrinfo("localhost", NULL, NULL, &ai) == 0)
			freeaddrinfo(ai);
	return unused;
}

TEST(looking_up_can_be_cancelled)
{
	pthread_t t[20];

	need_localhost();
	for (int i = 0; i < 20; i++)
		t[i] = start(look_up_for_ever, NULL);
	sleep_ms(20);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(pthread_cancel(t[i]), 0);
	for (int i = 0; i < 20; i++)
		CHECK(join(t[i]) == PTHREAD_CANCELED);
}
