/* Addresses as strings, and what listen and dial make of them. */
#include "fds.h"
#include "pair.h"

#include "base/base.h"

#include <netinet/tcp.h>
#include <sys/un.h>

#define PATH_50 "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONGEST_PATH PATH_50 PATH_50 "/aaaaaa" /* 107 bytes, and a NUL */

static const struct good {
	const char *text, *host;
	int type, family, port;
} good[] = {
	{"tcp://127.0.0.1:80", "127.0.0.1", SOCK_STREAM, AF_INET, 80},
	{"tcp://255.255.255.255:1", "255.255.255.255", SOCK_STREAM, AF_INET, 1},
	{"tcp://:0", "0.0.0.0", SOCK_STREAM, AF_INET, 0},
	{"tcp://10.0.0.1:65535", "10.0.0.1", SOCK_STREAM, AF_INET, 65535},
	{"tcp://10.0.0.1:00080", "10.0.0.1", SOCK_STREAM, AF_INET, 80},
	{"udp://0.0.0.0:53", "0.0.0.0", SOCK_DGRAM, AF_INET, 53},
	{"udp://:53", "0.0.0.0", SOCK_DGRAM, AF_INET, 53},
	{"tcp://[::1]:80", "::1", SOCK_STREAM, AF_INET6, 80},
	{"tcp://[::]:0", "::", SOCK_STREAM, AF_INET6, 0},
	{"udp://[2001:db8::ff]:53", "2001:db8::ff", SOCK_DGRAM, AF_INET6, 53},
	{"tcp://[::ffff:1.2.3.4]:5", "::ffff:1.2.3.4", SOCK_STREAM, AF_INET6,
	 5},
	{"tcp://[1111:2222:3333:4444:5555:6666:255.255.255.255]:5",
	 "1111:2222:3333:4444:5555:6666:ffff:ffff", SOCK_STREAM, AF_INET6, 5},
};

TEST(internet_addresses_are_parsed)
{
	for (size_t i = 0; i < countof(good); i++) {
		const struct good *g = &good[i];
		struct sockaddr_storage addr;
		const struct sockaddr_in *v4 = (void *)&addr;
		const struct sockaddr_in6 *v6 = (void *)&addr;
		char host[INET6_ADDRSTRLEN];
		socklen_t size;

		memset(&addr, 0xaa, sizeof addr);
		CHECK_EQ(ramet_address(g->text, &addr, &size), g->type);
		CHECK_EQ(addr.ss_family, g->family);
		if (g->family == AF_INET) {
			CHECK_EQ(size, sizeof *v4);
			CHECK_EQ(ntohs(v4->sin_port), g->port);
			inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
		} else {
			CHECK_EQ(size, sizeof *v6);
			CHECK_EQ(ntohs(v6->sin6_port), g->port);
			CHECK_EQ(v6->sin6_scope_id, 0);
			CHECK_EQ(v6->sin6_flowinfo, 0);
			inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
		}
		if (strcmp(host, g->host) != 0)
			test_fail(__FILE__, __LINE__, "%s became %s", g->text,
				  host);
	}
}

static const struct {
	const char *text;
	int type, size; /* of the path, with its NUL or as an abstract name */
} paths[] = {
	{"unix:///run/x", SOCK_STREAM, 7},
	{"unix-dgram:///run/x", SOCK_DGRAM, 7},
	{"unix-seqpacket:///run/x", SOCK_SEQPACKET, 7},
	{"unix://relative", SOCK_STREAM, 9},
	{"unix://with:colon", SOCK_STREAM, 11},
	{"unix://@name", SOCK_STREAM, 5},
	{"unix-dgram://@n", SOCK_DGRAM, 2},
	{"unix://" LONGEST_PATH, SOCK_STREAM, 108},
};

TEST(unix_addresses_are_parsed)
{
	for (size_t i = 0; i < countof(paths); i++) {
		struct sockaddr_storage addr;
		const struct sockaddr_un *un = (void *)&addr;
		const char *path = strstr(paths[i].text, "://") + 3;
		socklen_t size;

		memset(&addr, 0xaa, sizeof addr);
		CHECK_EQ(ramet_address(paths[i].text, &addr, &size),
			 paths[i].type);
		CHECK_EQ(addr.ss_family, AF_UNIX);
		CHECK_EQ(size - offsetof(struct sockaddr_un, sun_path),
			 paths[i].size);
		CHECK_EQ(un->sun_path[0], *path == '@' ? '\0' : *path);
		CHECK(memcmp(un->sun_path + 1, path + 1,
			     (size_t)paths[i].size - 1) == 0);
	}
}

static const char *const bad[] = {
	"",
	"tcp",
	"tcp:",
	"tcp:/",
	"tcp://",
	"tcp://:",
	"tcp://127.0.0.1",
	"tcp://127.0.0.1:",
	"tcp://127.0.0.1:65536",
	"tcp://127.0.0.1:-1",
	"tcp://127.0.0.1:+1",
	"tcp://127.0.0.1: 1",
	"tcp://127.0.0.1:1 ",
	"tcp://127.0.0.1:http",
	"tcp://127.0.0.1:0x10",
	"tcp://127.0.0.1:99999999999999999999",
	"tcp://127.0.0.1:4294967376",
	"tcp://127.0.0:80",
	"tcp://127.0.0.256:80",
	"tcp://127.0.0.1.1:80",
	"tcp://*:80",
	"tcp:// 127.0.0.1:80",
	"TCP://127.0.0.1:80",
	"http://127.0.0.1:80",
	" tcp://127.0.0.1:80",
	"127.0.0.1:80",
	"tcp://::1:80",
	"tcp://[::1]",
	"tcp://[::1]:",
	"tcp://[::1]80",
	"tcp://[::1:80",
	"tcp://::1]:80",
	"tcp://[]:80",
	"tcp://[:80",
	"tcp://[127.0.0.1]:80",
	"tcp://[::g]:80",
	"tcp://[::1%lo]:80",
	"tcp://[1111:2222:3333:4444:5555:6666:7777:8888:9999]:80",
	"tcp://[0000000000000000000000000000000000000000000000000000::1]:80",
	"tcp://0000000000000000000000000000000000000000000000000127.0.0.1:80",
	"udp:///run/x",
	"unix://",
	"unix://@",
	"unix-dgram://",
	"unix-stream:///run/x",
	"unix:/run/x",
	"unix://" LONGEST_PATH "a",
	"unix://@" LONGEST_PATH,
};

TEST(bad_addresses_are_refused)
{
	struct sockaddr_storage addr;
	socklen_t size;

	for (size_t i = 0; i < countof(bad); i++) {
		errno = 0;
		if (ramet_address(bad[i], &addr, &size) != -1 ||
		    errno != EINVAL)
			test_fail(__FILE__, __LINE__, "'%s' is accepted",
				  bad[i]);
		CHECK_ERR(ramet_listen(bad[i]), EINVAL);
		CHECK_ERR(ramet_dial(bad[i]), EINVAL);
	}
	/* Only to dial may it be a name. */
	CHECK_ERR(ramet_address("tcp://localhost:80", &addr, &size), EINVAL);
	CHECK_ERR(ramet_listen("tcp://localhost:80"), EINVAL);
	CHECK_ERR(ramet_address(NULL, &addr, &size), EINVAL);
	CHECK_ERR(ramet_listen(NULL), EINVAL);
	CHECK_ERR(ramet_dial(NULL), EINVAL);
}

/* Any bytes at all are parsed or refused. */
TEST(random_addresses_do_no_harm)
{
	static const char alphabet[] = "tcpudnix-gram:/[]@.0123456789af%\xff";
	struct sockaddr_storage addr;
	socklen_t size;

	for (int i = 0; i < test_rounds(50000); i++) {
		char text[200] = "tcp://";
		size_t n = test_rand(2) ? 6 : 0, end = n + test_rand(190);

		for (; n < end; n++)
			text[n] = alphabet[test_rand(sizeof alphabet - 1)];
		text[n] = '\0';
		if (ramet_address(text, &addr, &size) < 0)
			CHECK_EQ(errno, EINVAL);
		else
			CHECK(size <= sizeof(struct sockaddr_un));
	}
}

/* ---- listen and dial ---------------------------------------------------- */

static bool has_ipv6(void)
{
	int fd = ramet_listen("tcp://[::1]:0");

	if (fd >= 0)
		ramet_close(fd);
	return fd >= 0;
}

static void check_flags(int fd)
{
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void check_connection(int listener, const char *address)
{
	int out = dial(address), in = ramet_accept(listener, NULL, NULL);
	char buf[8];

	CHECK(in >= 0);
	check_flags(listener);
	check_flags(out);
	check_flags(in);
	CHECK_EQ(ramet_write(out, "hello", 5), 5);
	CHECK_EQ(ramet_read(in, buf, sizeof buf), 5);
	CHECK(memcmp(buf, "hello", 5) == 0);
	CHECK_EQ(ramet_write(in, buf, 2), 2);
	CHECK_EQ(ramet_read(out, buf, sizeof buf), 2);
	CHECK_EQ(ramet_close(out), 0);
	CHECK_EQ(ramet_read(in, buf, sizeof buf), 0);
	CHECK_EQ(ramet_close(in), 0);
}

static void check_sends_at_once(int fd)
{
	int on = 0;
	socklen_t size = sizeof on;

	CHECK_EQ(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
	CHECK(on);
}

TEST(tcp_has_nagle_off_at_both_ends)
{
	int listener = ramet_listen("tcp://127.0.0.1:0"), fd, in;

	CHECK(ramet_port(listener) > 0);
	check_connection(listener, address_of("127.0.0.1", listener));
	fd = dial(address_of("127.0.0.1", listener));
	CHECK_EQ(ramet_port(fd) > 0, 1);
	in = ramet_accept(listener, NULL, NULL);
	check_sends_at_once(fd);
	check_sends_at_once(in);
	CHECK_EQ(ramet_close(in), 0);
	CHECK_EQ(ramet_close(fd), 0);
	CHECK_EQ(ramet_close(listener), 0);
}

TEST(tcp_over_ipv6)
{
	int listener;

	if (!has_ipv6())
		test_skip("no IPv6 here");
	listener = ramet_listen("tcp://[::1]:0");
	check_connection(listener, address_of("[::1]", listener));
	CHECK_EQ(ramet_close(listener), 0);
}

TEST(an_empty_host_listens_anywhere_and_dials_the_loopback)
{
	int listener = ramet_listen("tcp://:0");

	CHECK(listener >= 0);
	check_connection(listener, address_of("", listener));
	check_connection(listener, address_of("127.0.0.2", listener));
	CHECK_EQ(ramet_close(listener), 0);
}

TEST(unix_sockets_by_path)
{
	char address[128];
	int listener;

	for (int seqpacket = 0; seqpacket < 2; seqpacket++) {
		snprintf(address, sizeof address, "%s://%s/socket",
			 seqpacket ? "unix-seqpacket" : "unix", test_dir());
		listener = ramet_listen(address);
		CHECK(listener >= 0);
		CHECK_EQ(ramet_port(listener), 0);
		check_connection(listener, address);
		CHECK_ERR(ramet_listen(address), EADDRINUSE);
		CHECK_EQ(ramet_close(listener), 0);
		CHECK_ERR(ramet_dial(address), ECONNREFUSED);
		CHECK_EQ(unlink(strstr(address, "://") + 3), 0);
		CHECK_ERR(ramet_dial(address), ENOENT);
	}
}

TEST(unix_sockets_by_abstract_name)
{
	char address[64];
	int listener;

	snprintf(address, sizeof address, "unix://@ramet-%d", getpid());
	CHECK_ERR(ramet_dial(address), ECONNREFUSED);
	listener = ramet_listen(address);
	CHECK(listener >= 0);
	check_connection(listener, address);
	CHECK_ERR(ramet_listen(address), EADDRINUSE);
	CHECK_EQ(ramet_close(listener), 0);
	CHECK_ERR(ramet_dial(address), ECONNREFUSED);
}

static void check_datagrams(int server, const char *address)
{
	int client = dial(address);
	char buf[8];

	CHECK_EQ(ramet_write(client, "one", 3), 3);
	CHECK_EQ(ramet_write(client, "two!", 4), 4);
	CHECK_EQ(ramet_read(server, buf, sizeof buf), 3);
	CHECK_EQ(ramet_read(server, buf, 2), 2); /* the rest is lost */
	CHECK_EQ(ramet_write(client, "", 0), 0);
	CHECK_EQ(ramet_recv(server, buf, sizeof buf, 0), 0);
	CHECK_EQ(ramet_close(client), 0);
	CHECK_EQ(ramet_close(server), 0);
}

TEST(datagram_sockets_are_bound_and_connected)
{
	char address[64];
	int server = ramet_listen("udp://127.0.0.1:0");

	CHECK(server >= 0);
	snprintf(address, sizeof address, "udp://127.0.0.1:%d",
		 ramet_port(server));
	check_datagrams(server, address);
	snprintf(address, sizeof address, "unix-dgram://@ramet-%d", getpid());
	server = ramet_listen(address);
	CHECK(server >= 0);
	check_datagrams(server, address);
}

TEST(a_port_in_use_and_a_port_nobody_listens_on)
{
	int listener = ramet_listen("tcp://127.0.0.1:0");
	struct sockaddr_in addr;
	int fd = bound_socket(&addr);

	CHECK_ERR(ramet_listen(address_of("127.0.0.1", listener)), EADDRINUSE);
	CHECK_EQ(ramet_close(listener), 0);
	CHECK_ERR(ramet_dial(address_of("127.0.0.1", fd)), ECONNREFUSED);
	CHECK_EQ(ramet_close(fd), 0);
	CHECK_ERR(ramet_listen("tcp://192.0.2.1:0"), EADDRNOTAVAIL);
}

/* SO_REUSEADDR: what the last run's connections left behind is no obstacle. */
TEST(a_server_can_start_again_at_once)
{
	int listener = ramet_listen("tcp://127.0.0.1:0");
	char address[64];

	snprintf(address, sizeof address, "%s",
		 address_of("127.0.0.1", listener));
	for (int i = 0; i < 3; i++) {
		int out = dial(address);
		int in = ramet_accept(listener, NULL, NULL);

		CHECK_EQ(ramet_close(in),
			 0); /* it keeps the port for a while */
		CHECK_EQ(ramet_close(out), 0);
		CHECK_EQ(ramet_close(listener), 0);
		listener = ramet_listen(address);
		CHECK(listener >= 0);
	}
	CHECK_EQ(ramet_close(listener), 0);
}

TEST(the_port_of_what_has_none)
{
	int fds[2];

	CHECK_EQ(ramet_pipe(fds, 0), 0);
	CHECK_ERR(ramet_port(fds[0]), ENOTSOCK);
	close_pair(fds);
	CHECK_ERR(ramet_port(fds[0]), EBADF);
	CHECK_ERR(ramet_port(-1), EBADF);
	unix_pair(fds);
	CHECK_EQ(ramet_port(fds[0]), 0);
	close_pair(fds);
}

TEST(without_descriptors_listen_and_dial_say_so)
{
	rlim_t before = allow_fds(0);

	CHECK_ERR(ramet_listen("tcp://127.0.0.1:0"), EMFILE);
	CHECK_ERR(ramet_dial("tcp://127.0.0.1:1"), EMFILE);
	allow_fds(before);
}
