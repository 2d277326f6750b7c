/* server.c - a name server that takes its time.
 *
 *     names-server MILLISECONDS
 *
 * It answers each question over UDP for an address (A) with 192.0.2.1, any
 * other with "there is none of that type", so many milliseconds after it came,
 * in order.  Names are not looked at.  It prints its port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 12, ASK_MAX = 512, HELD_MAX = 1 << 14, TYPE_A = 1 };

/* A question, until its answer is due. */
struct held {
	int64_t due;
	struct sockaddr_in from;
	size_t size;
	unsigned char ask[ASK_MAX];
};

static struct held held[HELD_MAX]; /* a ring: all wait equally long */
static unsigned first, count;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int open_socket(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t size = sizeof addr;
	const int room = 1 << 22;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &size) < 0)
		fail("names-server");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	printf("%d\n", ntohs(addr.sin_port));
	fflush(stdout);
	return fd;
}

/* Where the one question ends (RFC 1035, 4.1.2); 0: it is not well formed. */
static size_t question_end(const struct held *h)
{
	size_t at = HEADER;

	while (at < h->size && h->ask[at]) {
		if (h->ask[at] > 63)
			return 0;
		at += h->ask[at] + 1u;
	}
	at += 5;
	return at <= h->size ? at : 0;
}

/* The answer is the question, turned around (RFC 1035, 4.1.1), and the address.
 */
static void answer(int fd, struct held *h)
{
	static const unsigned char address[] = {
		0xc0, HEADER, 0,   TYPE_A, 0, 1, /* the name asked for, IN */
		0,    0,      0,   60,           /* good for a minute */
		0,    4,      192, 0,      2, 1,
	};
	unsigned char out[ASK_MAX + sizeof address];
	size_t size = question_end(h);
	bool has_address;

	if (!size)
		return;
	has_address = h->ask[size - 3] == TYPE_A && !h->ask[size - 4];
	memcpy(out, h->ask, size);
	out[2] = (unsigned char)(0x80 | (h->ask[2] & 0x79)); /* QR, RD */
	out[3] = 0x80;                                       /* RA */
	memset(out + 4, 0, 8);
	out[5] = 1;
	if (has_address) {
		out[7] = 1;
		memcpy(out + size, address, sizeof address);
		size += sizeof address;
	}
	sendto(fd, out, size, 0, (struct sockaddr *)&h->from, sizeof h->from);
}

static void take_questions(int fd, int64_t delay)
{
	while (count < HELD_MAX) {
		struct held *h = &held[(first + count) % HELD_MAX];
		socklen_t from = sizeof h->from;
		ssize_t n = recvfrom(fd, h->ask, sizeof h->ask, 0,
				     (struct sockaddr *)&h->from, &from);

		if (n < 0)
			return;
		h->size = (size_t)n;
		h->due = now() + delay;
		count += n >= HEADER;
	}
}

static void give_answers(int fd)
{
	for (; count && held[first].due <= now(); count--) {
		answer(fd, &held[first]);
		first = (first + 1) % HELD_MAX;
	}
}

int main(int argc, char **argv)
{
	int64_t delay = (argc > 1 ? atoi(argv[1]) : 50) * INT64_C(1000000);
	int fd = open_socket();

	alarm(600); /* whatever becomes of who started this */
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t wait = count ? held[first].due - now() : INT64_MAX;
		struct timespec ts = {wait / 1000000000, wait % 1000000000};

		if (wait > 0 && ppoll(&p, 1, count ? &ts : NULL, NULL) < 0 &&
		    errno != EINTR)
			fail("names-server");
		take_questions(fd, delay);
		give_answers(fd);
	}
}
