/* load.c - the client of the echo servers.
 *
 *     load PORT PID CONNECTIONS BYTES WARM_UP SECONDS
 *
 * keeps one message in flight on each connection.  After WARM_UP seconds, and
 * when each has had an answer, it counts for SECONDS and prints one line:
 * messages, seconds, CPU seconds that process PID (the server) used meanwhile,
 * p50 and p99 of the time from message to answer in microseconds.  With SECONDS
 * 0 it sends one message on each connection, prints "idle" and keeps them open
 * until standard input ends.
 *
 *     load PORT PID CONNECTIONS BYTES WARM_UP SECONDS asks
 *
 * also sends SIGUSR1 to the server at both ends of the window.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, LATENCIES = 1 << 20 };

struct conn {
	int fd;
	size_t got;       /* of the answer */
	bool answered;    /* ever */
	int64_t asked_at; /* when its message was sent */
};

static int port, server, conn_count, poller;
static size_t size;
static struct conn *conns;
static char *out, *in;
static uint32_t latencies[LATENCIES]; /* by us; the last is "or more" */
static uint64_t messages;
static int answered; /* connections that have had an answer */
static clockid_t server_clock;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) < 0)
		fail("load: clock_gettime");
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static void send_message(struct conn *c)
{
	c->got = 0;
	c->asked_at = now();
	/* The answer to the last one has come: there is room. */
	if (send(c->fd, out, size, MSG_NOSIGNAL) != (ssize_t)size)
		fail("load: send");
}

static void connect_all(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	const struct linger at_once = {1, 0}; /* leaves nothing behind */
	const int one = 1;

	addr.sin_port = htons((uint16_t)port);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < conn_count; i++) {
		struct conn *c = &conns[i];
		struct epoll_event e = {.events = EPOLLIN | (uint32_t)EPOLLET,
					.data.ptr = c};

		c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (c->fd < 0 ||
		    connect(c->fd, (struct sockaddr *)&addr, sizeof addr) < 0)
			fail("load: connect");
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once,
			   sizeof at_once);
		fcntl(c->fd, F_SETFL, O_NONBLOCK);
		if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e) < 0)
			fail("load: epoll_ctl");
	}
}

/* Take in part of an answer; returns whether it is complete. */
static bool receive(struct conn *c)
{
	ssize_t n = recv(c->fd, in, size - c->got, 0);
	int64_t us;

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0)
		fail("load: recv");
	c->got += (size_t)n;
	if (c->got < size)
		return false;
	messages++;
	answered += !c->answered;
	c->answered = true;
	us = (now() - c->asked_at) / 1000;
	latencies[us < LATENCIES ? us : LATENCIES - 1]++;
	return true;
}

/* Until `end` of the clock has come and each connection has been answered. */
static void run(int64_t end, bool go_on)
{
	static struct epoll_event events[EVENTS];

	while (answered < conn_count || now() < end) {
		int n = epoll_wait(poller, events, EVENTS, 100);

		for (int i = 0; i < n; i++)
			if (receive(events[i].data.ptr) && go_on)
				send_message(events[i].data.ptr);
	}
}

static void ask_server(bool asks)
{
	if (asks && kill(server, SIGUSR1) < 0)
		fail("load: kill");
}

static int percentile(double share)
{
	uint64_t below = 0, wanted = (uint64_t)(share * (double)messages);
	int us = 0;

	while (us < LATENCIES - 1 && (below += latencies[us]) <= wanted)
		us++;
	return us;
}

/* Not before all are served: a server of threads that are all busy hardly comes
 * to accept more. */
static void start_all(void)
{
	run(0, false);
	for (int i = 0; i < conn_count; i++)
		send_message(&conns[i]);
}

static void measure(double warm_up, double seconds, bool asks)
{
	int64_t cpu, from;

	start_all();
	run(now() + (int64_t)(warm_up * 1e9), true);
	memset(latencies, 0, sizeof latencies);
	messages = 0;
	ask_server(asks);
	cpu = clock_ns(server_clock);
	from = now();
	run(from + (int64_t)(seconds * 1e9), true);
	from = now() - from;
	cpu = clock_ns(server_clock) - cpu;
	ask_server(asks);
	printf("%llu %.6f %.6f %d %d\n", (unsigned long long)messages,
	       (double)from / 1e9, (double)cpu / 1e9, percentile(0.5),
	       percentile(0.99));
}

static void be_idle(void)
{
	char c;

	run(0, false);
	puts("idle");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
}

static void raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	if (argc < 7) {
		fprintf(stderr,
			"usage: load PORT PID CONNECTIONS BYTES WARM_UP "
			"SECONDS [asks]\n");
		return 2;
	}
	port = atoi(argv[1]);
	server = atoi(argv[2]);
	conn_count = atoi(argv[3]);
	size = strtoul(argv[4], NULL, 10);
	conns = calloc((size_t)conn_count, sizeof *conns);
	out = calloc(1, size);
	in = malloc(size);
	poller = epoll_create1(EPOLL_CLOEXEC);
	errno = clock_getcpuclockid(server, &server_clock);
	if (errno || !conns || !out || !in || poller < 0)
		fail("load");
	alarm(120); /* whatever becomes of the server */
	raise_limit();
	connect_all();
	for (int i = 0; i < conn_count; i++)
		send_message(&conns[i]);
	if (strtod(argv[6], NULL) > 0)
		measure(strtod(argv[5], NULL), strtod(argv[6], NULL), argc > 7);
	else
		be_idle();
	return 0;
}
