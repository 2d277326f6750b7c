/* slow.c - clients that never come to the end of their request.
 *
 *     slow PORT CONNECTIONS SECONDS
 *
 * opens connections and sends on each a byte of a head every second.  It prints
 * "ready" when each has sent its first bytes; when all are closed by the
 * server, or after SECONDS, it prints: how many were closed, how many of these
 * answered with 408, and the least and the greatest number of seconds from the
 * first byte to the end.
 */
#include "client.h"

enum { EVENTS = 256 };

static const char head[] = "GET / HTTP/1.1\r\nHost: localhost\r\n"
			   "X-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

struct conn {
	int fd;
	int64_t from; /* when it sent the first byte */
	char got[16]; /* the beginning of the answer */
	size_t size;
};

static struct conn *conns;
static int conn_count, poller, closed, refused;
static int64_t earliest = INT64_MAX, latest;

static void end(struct conn *c)
{
	int64_t after = now() - c->from;

	closed++;
	refused += c->size > 12 && !memcmp(c->got, "HTTP/1.1 408 ", 13);
	earliest = after < earliest ? after : earliest;
	latest = after > latest ? after : latest;
	close(c->fd);
	c->fd = -1;
}

static void receive(struct conn *c)
{
	char buf[4096];
	ssize_t n;

	while ((n = recv(c->fd, buf, sizeof buf, 0)) > 0) {
		size_t room = sizeof c->got - c->size, size = (size_t)n;

		size = size < room ? size : room;
		memcpy(c->got + c->size, buf, size);
		c->size += size;
	}
	if (n == 0 || errno != EAGAIN)
		end(c);
}

static void wait_until(int64_t when)
{
	static struct epoll_event events[EVENTS];

	for (int64_t left; (left = when - now()) > 0 && closed < conn_count;) {
		int n = epoll_wait(poller, events, EVENTS,
				   (int)(left / 1000000) + 1);

		for (int i = 0; i < n; i++)
			receive(events[i].data.ptr);
	}
}

/* A byte on each, spread over the second as clients that know nothing of each
 * other would: in bursts they would keep the others' load from its processor. */
static void drip(int round, int64_t from)
{
	int step = conn_count / 1000 + 1;

	for (int i = 0; i < conn_count; i++) {
		if (conns[i].fd >= 0) /* what it says to this, recv tells */
			(void)!send(conns[i].fd,
				    head + round % (int)(sizeof head - 1), 1,
				    MSG_NOSIGNAL);
		if (i % step == step - 1)
			wait_until(from + (int64_t)i * 1000000000 / conn_count);
	}
	wait_until(from + 1000000000);
}

int main(int argc, char **argv)
{
	int64_t from, until;

	if (argc < 4) {
		fprintf(stderr, "usage: slow PORT CONNECTIONS SECONDS\n");
		return 2;
	}
	conn_count = atoi(argv[2]);
	conns = calloc((size_t)conn_count, sizeof *conns);
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (!conns || poller < 0)
		fail("slow");
	alarm(120); /* whatever becomes of the server */
	raise_limit();
	for (int i = 0; i < conn_count; i++) {
		conns[i].fd = connect_here(atoi(argv[1]), i);
		conns[i].from = now();
		if (send(conns[i].fd, head, 4, MSG_NOSIGNAL) != 4)
			fail("slow: send");
		watch(poller, conns[i].fd,
		      EPOLLIN | EPOLLRDHUP | (uint32_t)EPOLLET, &conns[i]);
	}
	puts("ready");
	fflush(stdout);
	from = now();
	until = from + atoi(argv[3]) * INT64_C(1000000000);
	for (int round = 4; closed < conn_count && now() < until; round++)
		drip(round, from + (round - 4) * INT64_C(1000000000));
	printf("%d %d %.3f %.3f\n", closed, refused,
	       closed ? (double)earliest / 1e9 : 0, (double)latest / 1e9);
	return 0;
}
