/* load.c - the client of the HTTP servers.
 *
 *     load PORT GROUP CONNECTIONS DEPTH PATH WARM_UP SECONDS [asks]
 *
 * sends DEPTH requests at a time on each connection, and the next DEPTH when
 * all are answered.  After WARM_UP seconds, and when each connection has had an
 * answer, it counts for SECONDS and prints one line: answers, seconds, CPU
 * seconds that the processes of GROUP (the server's) used meanwhile, p50 and
 * p99 of the time from request to answer in microseconds.  Every answer is
 * checked; a wrong one, or a closed connection, ends it with status 1.  With
 * "asks" it sends SIGUSR1 to the server at both ends of the window.
 */
#include "answer.h"
#include "client.h"

enum { EVENTS = 256, ROOM = 1 << 18 };

struct conn {
	int fd;
	int missing; /* answers to what was sent */
	bool answered;
	int64_t asked_at;
	char *held; /* the beginning of an answer */
	size_t held_size;
};

static struct conn *conns;
static int conn_count, depth, poller, answered;
static char *out, in[ROOM];
static size_t out_size;
static struct answer expected;
static struct waits waits;
static uint64_t answers;

static void send_requests(struct conn *c)
{
	c->missing = depth;
	c->asked_at = now();
	/* All of before are answered: there is room. */
	if (send(c->fd, out, out_size, MSG_NOSIGNAL) != (ssize_t)out_size)
		fail("load: send");
}

static void keep(struct conn *c, const char *p, size_t size)
{
	c->held_size = size;
	if (!size)
		return;
	if (!c->held && !(c->held = malloc(ROOM)))
		fail("load");
	memmove(c->held, p, size);
}

/* Take in answers, or parts; returns whether all have come. */
static bool receive(struct conn *c)
{
	size_t size = c->held_size, at = 0, n;
	ssize_t got;

	memcpy(in, c->held ? c->held : in, size);
	got = recv(c->fd, in + size, ROOM - size, 0);
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got <= 0)
		fail("load: recv");
	size += (size_t)got;
	for (; c->missing && (n = answer_check(&expected, in + at, size - at));
	     at += n, c->missing--, answers++)
		waited(&waits, now() - c->asked_at);
	keep(c, in + at, size - at);
	if (c->missing)
		return false;
	if (c->held_size)
		wrong("more answers than requests");
	answered += !c->answered;
	c->answered = true;
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
				send_requests(events[i].data.ptr);
	}
}

static void measure(struct group *server, double warm_up, double seconds,
		    bool asks)
{
	int64_t cpu, from;

	run(0, false);
	for (int i = 0; i < conn_count; i++)
		send_requests(&conns[i]);
	run(now() + (int64_t)(warm_up * 1e9), true);
	memset(&waits, 0, sizeof waits);
	answers = 0;
	if (asks)
		ask_server(server);
	cpu = group_cpu(server);
	from = now();
	run(from + (int64_t)(seconds * 1e9), true);
	from = now() - from;
	cpu = group_cpu(server) - cpu;
	if (asks)
		ask_server(server);
	printf("%llu %.6f %.6f %d %d\n", (unsigned long long)answers,
	       (double)from / 1e9, (double)cpu / 1e9, percentile(&waits, 0.5),
	       percentile(&waits, 0.99));
}

static void write_requests(const char *path)
{
	char *one;
	int size = asprintf(&one,
			    "GET %s HTTP/1.1\r\nHost: localhost\r\n"
			    "User-Agent: load\r\nAccept: */*\r\n\r\n",
			    path);

	if (size < 0 || !(out = malloc((size_t)(size * depth))))
		fail("load");
	for (int i = 0; i < depth; i++)
		memcpy(out + i * size, one, (size_t)size);
	out_size = (size_t)(size * depth);
	free(one);
}

int main(int argc, char **argv)
{
	struct group server;

	if (argc < 8) {
		fprintf(stderr, "usage: load PORT GROUP CONNECTIONS DEPTH PATH "
				"WARM_UP SECONDS [asks]\n");
		return 2;
	}
	conn_count = atoi(argv[3]);
	depth = atoi(argv[4]);
	conns = calloc((size_t)conn_count, sizeof *conns);
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (!conns || poller < 0)
		fail("load");
	write_requests(argv[5]);
	alarm(120); /* whatever becomes of the server */
	raise_limit();
	for (int i = 0; i < conn_count; i++) {
		conns[i].fd = connect_here(atoi(argv[1]), i);
		watch(poller, conns[i].fd, EPOLLIN | (uint32_t)EPOLLET,
		      &conns[i]);
		send_requests(&conns[i]);
	}
	find_group(&server, atoi(argv[2]));
	measure(&server, strtod(argv[6], NULL), strtod(argv[7], NULL),
		argc > 8);
	return 0;
}
