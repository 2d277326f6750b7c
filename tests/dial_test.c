/* dial_test.c - connections to names: whose address answers first has won. */
#include "lib/nameserver.h"

/* Hosts are 127.0.0.x and ::1: those on which nobody listens refuse, and one
 * whose backlog is full is silent. */

static void need_ares(void)
{
	if (strcmp(ramet_resolver_name(), "ares"))
		test_skip(ramet_resolver_reason());
}

static void use_hosts(const char *text)
{
	need_ares();
	set_file("RAMET_HOSTS", "hosts", text);
	set_file("RAMET_NSSWITCH", "nsswitch.conf", "hosts: files\n");
	set_resolv("options timeout:1\n");
}

static int listen_at(const char *host, int port, int backlog)
{
	struct sockaddr_in addr = loopback(port);
	int fd = ramet_socket(AF_INET, SOCK_STREAM, 0), one = 1;

	CHECK_EQ(inet_pton(AF_INET, host, &addr.sin_addr), 1);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
	CHECK_EQ(bind(fd, (void *)&addr, sizeof addr), 0);
	CHECK_EQ(listen(fd, backlog), 0);
	return fd;
}

/* Connections that nobody accepts fill the backlog: the next hangs. */
static int silent_listener(int port, int fillers[2])
{
	int fd = listen_at("127.0.0.2", port, 0);
	struct sockaddr_in addr = loopback(ramet_port(fd));

	addr.sin_addr.s_addr = htonl(0x7f000002);
	for (int i = 0; i < 2; i++) {
		fillers[i] = ramet_socket(AF_INET, SOCK_STREAM, 0);
		connect(fillers[i], (void *)&addr, sizeof addr);
	}
	return fd;
}

static int dial_name(const char *scheme, const char *host, int port)
{
	char text[300];

	snprintf(text, sizeof text, "%s://%s:%d", scheme, host, port);
	return ramet_dial(text);
}

static const char *peer_of(int fd)
{
	static char text[INET_ADDRSTRLEN];
	struct sockaddr_in addr = {.sin_family = AF_UNSPEC};
	socklen_t size = sizeof addr;

	CHECK_EQ(getpeername(fd, (void *)&addr, &size), 0);
	CHECK(inet_ntop(AF_INET, &addr.sin_addr, text, sizeof text));
	return text;
}

static void check_peer(int fd, const char *want)
{
	CHECK(fd >= 0);
	if (strcmp(peer_of(fd), want))
		test_fail(__FILE__, __LINE__, "%s, not %s", peer_of(fd), want);
	CHECK_EQ(ramet_close(fd), 0);
}

TEST(a_name_is_dialled)
{
	int listener = listen_at("127.0.0.1", 0, 8);
	int port = ramet_port(listener);

	use_hosts("127.0.0.1 here.test\n");
	check_peer(dial_name("tcp", "here.test", port), "127.0.0.1");
	check_peer(dial_name("tcp", "HERE.test", port), "127.0.0.1");
	check_peer(dial_name("udp", "here.test", port), "127.0.0.1");
	check_peer(dial_name("tcp", "localhost", port), "127.0.0.1");
	CHECK_EQ(ramet_close(listener), 0);
}

/* ::1 is preferred, and nobody listens there. */
TEST(what_refuses_is_passed_over)
{
	int listener = listen_at("127.0.0.3", 0, 8);
	int port = ramet_port(listener);

	use_hosts("::1 here.test\n127.0.0.2 here.test\n127.0.0.3 here.test\n");
	check_peer(dial_name("tcp", "here.test", port), "127.0.0.3");
	CHECK_EQ(ramet_close(listener), 0);
}

/* It would take minutes to give up; the other is tried after 250 ms. */
TEST(what_is_silent_is_passed_over)
{
	int fillers[2], listener = listen_at("127.0.0.3", 0, 8);
	int port = ramet_port(listener);
	int silent = silent_listener(port, fillers);

	use_hosts("127.0.0.2 here.test\n127.0.0.3 here.test\n");
	check_peer(dial_name("tcp", "here.test", port), "127.0.0.3");
	CHECK_EQ(ramet_close(listener), 0);
	CHECK_EQ(ramet_close(silent), 0);
	close_pair(fillers);
}

/* Those that are silent stay in the race: one wakes up. */
TEST(who_is_late_may_win)
{
	int fillers[2], silent = silent_listener(0, fillers);
	int port = ramet_port(silent);

	use_hosts("127.0.0.2 here.test\n127.0.0.3 here.test\n");
	for (int i = 0; i < 2; i++) {
		int fd = -1;

		RAMET_WITHIN(test_pause(100 * RAMET_MS))
			fd = ramet_accept(silent, NULL, NULL);
		if (fd >= 0)
			CHECK_EQ(ramet_close(fd), 0);
	}
	check_peer(dial_name("tcp", "here.test", port), "127.0.0.2");
	CHECK_EQ(ramet_close(silent), 0);
	close_pair(fillers);
}

TEST(where_all_fail_the_first_error_counts)
{
	struct sockaddr_in addr;
	int fd = bound_socket(&addr), port = ntohs(addr.sin_port);

	use_hosts("::1 here.test\n127.0.0.2 here.test\n255.255.255.255 "
		  "bad.test\n");
	CHECK_ERR(dial_name("tcp", "here.test", port), ECONNREFUSED);
	CHECK(dial_name("tcp", "bad.test", port) < 0 && errno != ECONNREFUSED);
	CHECK_EQ(ramet_close(fd), 0);
}

TEST(no_such_name)
{
	struct nameserver s = {.udp = -1};

	need_ares();
	use_server(&s, "");
	CHECK_ERR(ramet_dial("tcp://nx.test:80"), ENXIO);
	CHECK_ERR(ramet_dial("tcp://nodata.test:80"), ENXIO);
	CHECK_ERR(ramet_dial("udp://nx.test:80"), ENXIO);
	s.failing = true;
	CHECK_ERR(ramet_dial("tcp://a.test:80"), EHOSTUNREACH);
	server_stop(&s);
}

static const char *const no_names[] = {
	"tcp://:",
	"tcp://host",
	"tcp://host:",
	"tcp://host:http",
	"tcp://host:65536",
	"tcp://ho st:80",
	"tcp://host/:80",
	"tcp://user@host:80",
	"tcp://host:80:80",
	"tcp://10.0.0:80",
	"tcp://1.2.3.4.5:80",
	"tcp://a.1:80",
	"unix-seqpacket://",
	"xyz://host:80",
	"tcp://[host]:80",
	"tcp://h\xc3\xb6st:80",
};

TEST(what_is_no_name_is_not_looked_up)
{
	for (size_t i = 0; i < sizeof no_names / sizeof *no_names; i++) {
		errno = 0;
		if (ramet_dial(no_names[i]) != -1 || errno != EINVAL)
			test_fail(__FILE__, __LINE__, "case %zu, '%s'", i,
				  no_names[i]);
	}
}

static void *dial_in_vain(void *port)
{
	CHECK_ERR(dial_name("tcp", "here.test", (int)(intptr_t)port),
		  ECANCELED);
	return NULL;
}

/* All the attempts end with it: the test would find their descriptors. */
TEST(cancel_and_scopes_end_all_attempts)
{
	int fillers[2], silent = silent_listener(0, fillers);
	int port = ramet_port(silent);
	struct ramet *t, *killed;

	use_hosts("127.0.0.2 here.test\n");
	RAMET_WITHIN(test_pause(300 * RAMET_MS))
		CHECK_ERR(dial_name("tcp", "here.test", port), ETIMEDOUT);
	t = spawn(dial_in_vain, (void *)(intptr_t)port);
	killed = spawn(dial_in_vain, (void *)(intptr_t)port);
	CHECK_EQ(ramet_sleep(test_pause(100 * RAMET_MS)), 0);
	CHECK_EQ(ramet_cancel(t), 0);
	CHECK_EQ(ramet_kill(killed), 0);
	join(t);
	CHECK_ERR(ramet_join(killed, NULL), ECHILD);
	CHECK_EQ(ramet_close(silent), 0);
	close_pair(fillers);
}
