/* epoll.c - the HTTP server as a bare epoll loop: what the others are measured
 * against.
 *
 *     epoll [BODY_SIZE]
 *
 * It does the least that keeps connections alive: finds the end of each
 * request, answers all that have come with one send, says the date, ends the
 * connection where it is asked to, and with what it does not understand.  Each
 * connection is registered once, edge-triggered, and a read that is shorter
 * than its buffer has drained the socket: a request costs recv, send and its
 * share of epoll_wait.  At each SIGUSR1 it prints the system calls made and the
 * requests answered so far.
 */
#include "../echo/listen.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>

enum { EVENTS = 256, IN = 1 << 16, OUT = 1 << 18, DATE = 29 };

/* What stays between events; NULL, 0 for most connections at most times. */
struct conn {
	char *in, *out;
	size_t in_size, out_size, sent;
	bool ends;
};

static struct conn *conns; /* by descriptor */
static size_t conn_count;
static char in[IN], out[OUT];
static char *reply, *date;
static size_t reply_size, body_size = 13;
static time_t date_at;
static int poller;
static unsigned long calls, requests;
static volatile sig_atomic_t asked;

static void ask(int sig)
{
	(void)sig;
	asked = 1;
}

static void tell(void)
{
	asked = 0;
	printf("%lu %lu\n", calls, requests);
	fflush(stdout);
}

/* ---- the answer --------------------------------------------------------- */

static void write_date(void)
{
	time_t t = time(NULL); /* no system call: the vDSO's */
	char buf[DATE + 1];
	struct tm tm;

	if (t == date_at)
		return;
	date_at = t;
	gmtime_r(&t, &tm);
	strftime(buf, sizeof buf, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	memcpy(date, buf, DATE);
}

static void write_reply(void)
{
	char head[256];
	int size = snprintf(head, sizeof head,
			    "HTTP/1.1 200 OK\r\nDate: %*s\r\n"
			    "Content-Type: text/plain\r\n"
			    "Content-Length: %zu\r\n\r\n",
			    DATE, "", body_size);

	reply_size = (size_t)size + body_size;
	reply = malloc(reply_size);
	if (reply_size > OUT || !reply)
		fail("reply");
	memcpy(reply, head, (size_t)size);
	memset(reply + size, 'x', body_size);
	memcpy(reply + size, "Hello, world\n", body_size < 13 ? body_size : 13);
	date = reply + (strstr(head, "Date: ") + 6 - head);
	write_date();
}

/* ---- requests ----------------------------------------------------------- */

enum verdict { GOOD, LAST, BAD };

/* Whether a line of the head matters to us. */
static enum verdict read_field(const char *line, size_t size)
{
	if (size > 11 && !strncasecmp(line, "connection:", 11))
		return memmem(line, size, "close", 5) ? LAST : GOOD;
	if (size > 15 && !strncasecmp(line, "content-length:", 15))
		return BAD; /* bodies are beyond it */
	if (size > 18 && !strncasecmp(line, "transfer-encoding:", 18))
		return BAD;
	return GOOD;
}

/* Returns the size of the first request, 0 if its end has not come. */
static size_t read_request(const char *p, size_t size, enum verdict *verdict)
{
	const char *line = p, *end = p + size, *feed;

	*verdict = GOOD;
	for (; (feed = memchr(line, '\n', (size_t)(end - line)));
	     line = feed + 1) {
		enum verdict v = GOOD;
		size_t length = (size_t)(feed - line);

		if (!length || feed[-1] != '\r')
			v = BAD;
		else if (length == 1 && line > p)
			return (size_t)(feed + 1 - p);
		else if (line == p)
			v = length > 14 && !memcmp(line, "GET ", 4) &&
					    !memcmp(feed - 9, "HTTP/1.1", 8)
				    ? GOOD
				    : BAD;
		else if ((*line | 0x20) == 'c' || (*line | 0x20) == 't')
			v = read_field(line, length);
		if (v > *verdict)
			*verdict = v;
		if (v == BAD)
			return size;
	}
	return 0;
}

/* ---- connections -------------------------------------------------------- */

static void drop(int fd)
{
	free(conns[fd].in);
	free(conns[fd].out);
	conns[fd] = (struct conn){0};
	calls++;
	close(fd);
}

static void accept_all(int ls)
{
	const int one = 1;
	int fd;

	while (calls++, (fd = accept4(ls, NULL, NULL,
				      SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event e = {
			.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
				  (uint32_t)EPOLLET,
			.data.fd = fd,
		};

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if ((size_t)fd >= conn_count) {
			size_t n = 2 * (size_t)fd + 64;

			conns = realloc(conns, n * sizeof *conns);
			if (!conns)
				fail("realloc");
			memset(conns + conn_count, 0,
			       (n - conn_count) * sizeof *conns);
			conn_count = n;
		}
		calls += 2;
		if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) < 0)
			drop(fd);
	}
}

static char *copy(const char *p, size_t size)
{
	char *c = malloc(size);

	return c ? memcpy(c, p, size) : NULL;
}

/* Returns whether the connection lives; what does not go out now is kept. */
static bool send_out(int fd, size_t size)
{
	struct conn *c = &conns[fd];
	ssize_t n;

	if (!size)
		return true;
	calls++;
	n = send(fd, out, size, MSG_NOSIGNAL);
	if (n == (ssize_t)size)
		return true;
	if (n < 0 && errno != EAGAIN)
		return false;
	c->sent = 0;
	c->out_size = size - (n < 0 ? 0 : (size_t)n);
	c->out = copy(out + (size - c->out_size), c->out_size);
	return c->out;
}

/* Answer what is complete of `size` bytes in `in`, and keep the rest. */
static bool answer(int fd, size_t size)
{
	struct conn *c = &conns[fd];
	size_t at = 0, n, made = 0;
	enum verdict v;

	while (!c->ends && !c->out &&
	       (n = read_request(in + at, size - at, &v))) {
		at += n;
		c->ends = v != GOOD;
		if (v == BAD)
			break;
		memcpy(out + made, reply, reply_size);
		made += reply_size;
		requests++;
		if (made + reply_size <= OUT)
			continue;
		if (!send_out(fd, made))
			return false;
		made = 0;
	}
	c->in_size = c->ends ? 0 : size - at;
	if (c->in_size == IN)
		return false;
	if (c->in_size && !(c->in = copy(in + at, c->in_size)))
		return false;
	return send_out(fd, made);
}

static size_t take_held(struct conn *c)
{
	size_t size = c->in_size;

	if (size) {
		memcpy(in, c->in, size);
		free(c->in);
		c->in = NULL;
		c->in_size = 0;
	}
	return size;
}

/* Read and answer until the socket is drained or does not take any more. */
static bool serve(int fd, bool to_the_end)
{
	struct conn *c = &conns[fd];

	while (!c->out) {
		size_t held = take_held(c), size;
		ssize_t n = recv(fd, in + held, IN - held, 0);

		calls++;
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		size = held + (n < 0 ? 0 : (size_t)n);
		if (size && !answer(fd, size))
			return false;
		if (c->ends && !c->out)
			return false;
		if (n < 0 || (size < IN && !to_the_end))
			break;
	}
	return true;
}

static bool send_rest(int fd)
{
	struct conn *c = &conns[fd];

	while (c->sent < c->out_size) {
		ssize_t n = send(fd, c->out + c->sent, c->out_size - c->sent,
				 MSG_NOSIGNAL);

		calls++;
		if (n < 0)
			return errno == EAGAIN;
		c->sent += (size_t)n;
	}
	free(c->out);
	c->out = NULL;
	/* What came meanwhile raised its edge already. */
	return !c->ends && serve(fd, true);
}

static void on_event(int fd, uint32_t events)
{
	bool end = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	bool alive = true;

	if (conns[fd].out && events & EPOLLOUT)
		alive = send_rest(fd);
	if (alive && !conns[fd].out && events & ~(uint32_t)EPOLLOUT)
		alive = serve(fd, end);
	if (!alive)
		drop(fd);
}

int main(int argc, char **argv)
{
	int ls = listen_here(SOCK_STREAM | SOCK_NONBLOCK);
	struct epoll_event e = {.events = EPOLLIN, .data.fd = ls};
	static struct epoll_event events[EVENTS];

	if (argc > 1)
		body_size = strtoul(argv[1], NULL, 10);
	write_reply();
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, ls, &e) < 0)
		fail("epoll");
	signal(SIGUSR1, ask);
	for (;;) {
		int n = epoll_wait(poller, events, EVENTS, -1);

		calls++;
		write_date();
		if (asked)
			tell();
		for (int i = 0; i < n; i++)
			if (events[i].data.fd == ls)
				accept_all(ls);
			else
				on_event(events[i].data.fd, events[i].events);
	}
}
