/* epoll.c - the echo server as a bare epoll loop: what the others are measured
 * against.
 *
 * Each connection is registered once, edge-triggered.  A read that is shorter
 * than its buffer has drained the socket, so it is not tried again before the
 * next edge: a message costs recv, send and its share of epoll_wait.  At each
 * SIGUSR1 it prints the system calls made and the messages answered so far.
 */
#include "listen.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>

enum { EVENTS = 256 };

/* What could not be sent yet; NULL for most connections at most times. */
struct rest {
	size_t size, sent;
	char data[];
};

static struct rest **rests; /* by descriptor */
static size_t rest_count;
static char *buf;
static size_t buf_size;
static int poller;
static unsigned long calls, messages;
static volatile sig_atomic_t asked;

static void ask(int sig)
{
	(void)sig;
	asked = 1;
}

static void answer(void)
{
	asked = 0;
	printf("%lu %lu\n", calls, messages);
	fflush(stdout);
}

static void drop(int fd)
{
	free(rests[fd]);
	rests[fd] = NULL;
	calls++;
	close(fd);
}

static void accept_all(int ls)
{
	int fd;

	while (calls++, (fd = accept4(ls, NULL, NULL,
				      SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event e = {
			.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
				  (uint32_t)EPOLLET,
			.data.fd = fd,
		};

		if ((size_t)fd >= rest_count) {
			size_t n = 2 * (size_t)fd + 64;

			rests = realloc(rests, n * sizeof(struct rest *));
			if (!rests)
				fail("realloc");
			memset(rests + rest_count, 0,
			       (n - rest_count) * sizeof(struct rest *));
			rest_count = n;
		}
		calls++;
		if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) < 0)
			drop(fd);
	}
}

/* Returns whether the connection lives. */
static bool keep(int fd, const char *data, size_t size)
{
	struct rest *r = malloc(sizeof *r + size);

	if (!r)
		return false;
	r->size = size;
	r->sent = 0;
	memcpy(r->data, data, size);
	rests[fd] = r;
	return true;
}

/* Read and answer until the socket is drained or does not take any more. */
static bool serve(int fd, bool to_the_end)
{
	while (!rests[fd]) {
		ssize_t sent, n = recv(fd, buf, buf_size, 0);

		calls++;
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		messages++;
		calls++;
		sent = send(fd, buf, (size_t)n, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN)
			return false;
		if (sent < n) {
			size_t done = sent < 0 ? 0 : (size_t)sent;

			if (!keep(fd, buf + done, (size_t)n - done))
				return false;
		}
		if ((size_t)n < buf_size && !to_the_end)
			break;
	}
	return true;
}

static bool send_rest(int fd)
{
	struct rest *r = rests[fd];

	while (r->sent < r->size) {
		ssize_t n = send(fd, r->data + r->sent, r->size - r->sent,
				 MSG_NOSIGNAL);

		calls++;
		if (n < 0)
			return errno == EAGAIN;
		r->sent += (size_t)n;
	}
	free(r);
	rests[fd] = NULL;
	return serve(fd,
		     true); /* what came meanwhile raised its edge already */
}

static void on_event(int fd, uint32_t events)
{
	bool end = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	bool alive = true;

	if (rests[fd] && events & EPOLLOUT)
		alive = send_rest(fd);
	if (alive && !rests[fd] && events & ~(uint32_t)EPOLLOUT)
		alive = serve(fd, end);
	if (!alive)
		drop(fd);
}

int main(int argc, char **argv)
{
	int ls = listen_here(SOCK_STREAM | SOCK_NONBLOCK);
	struct epoll_event e = {.events = EPOLLIN, .data.fd = ls};
	static struct epoll_event events[EVENTS];

	buf_size = buffer_size_of(argc, argv);
	buf = malloc(buf_size);
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (!buf || poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, ls, &e) < 0)
		fail("epoll");
	signal(SIGUSR1, ask);
	for (;;) {
		int n = epoll_wait(poller, events, EVENTS, -1);

		calls++;
		if (asked)
			answer();
		for (int i = 0; i < n; i++)
			if (events[i].data.fd == ls)
				accept_all(ls);
			else
				on_event(events[i].data.fd, events[i].events);
	}
}
