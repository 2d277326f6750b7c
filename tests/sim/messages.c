/* messages.c - datagrams and packets: in order and whole where that is
 * promised. */
#include "world.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { COUNT = 20 };

struct sender {
	int fd;
};

static size_t size_of(int i)
{
	return 4 + (size_t)(i * 37 % 90);
}

static void *send_all(void *arg)
{
	struct sender *s = arg;
	char buf[100] = {0};

	RAMET_WITHIN(PATIENCE)
		for (int i = 0; i < COUNT; i++) {
			memcpy(buf, &i, sizeof i);
			if (!good(ramet_send(s->fd, buf, size_of(i), 0),
				  "sending"))
				break;
		}
	return NULL;
}

static void receive_all(int fd)
{
	char buf[100];
	int got;

	RAMET_WITHIN(PATIENCE)
		for (int i = 0; i < COUNT; i++) {
			ssize_t n = ramet_recv(fd, buf, sizeof buf, 0);

			if (!good(n, "receiving"))
				break;
			memcpy(&got, buf, sizeof got);
			REQUIRE(got == i && (size_t)n == size_of(i),
				"messages came cut or out of order");
		}
}

static void *receive(void *arg)
{
	receive_all(((struct sender *)arg)->fd);
	return NULL;
}

static void over_pair(int type)
{
	ramet_auto_group senders, receivers;
	struct sender s, r;
	int fds[2];

	ramet_group_open(&senders, RAMET_ALL);
	ramet_group_open(&receivers, RAMET_ALL);
	if (!good(ramet_socketpair(AF_UNIX, type, 0, fds), "socketpair"))
		return;
	s.fd = fds[0];
	r.fd = fds[1];
	go(&receivers, receive, &r);
	go(&senders, send_all, &s);
	wait_for_both(&senders, &receivers);
	close_both(fds);
}

/* ---- UDP may lose them -------------------------------------------------- */

static void *answer(void *arg)
{
	int fd = *(int *)arg;
	struct sockaddr_storage from;
	char buf[16];

	for (;;) {
		socklen_t size = sizeof from;
		ssize_t n = ramet_recvfrom(fd, buf, sizeof buf, 0,
					   (struct sockaddr *)&from, &size);

		if (!good(n, "receiving"))
			return NULL;
		if (!good(ramet_sendto(fd, buf, (size_t)n, 0,
				       (struct sockaddr *)&from, size),
			  "answering"))
			return NULL;
	}
}

static void ask(int fd, int i)
{
	int got = -1;

	for (int tries = 0; tries < 5 && got < i; tries++) {
		good(ramet_send(fd, &i, sizeof i, 0), "asking");
		RAMET_WITHIN(RAMET_SEC)
			while (got != i && ramet_recv(fd, &got, sizeof got,
						      0) == sizeof got)
				;
	}
	REQUIRE(got == i || sim_counts()->errors, "no answer came");
}

static void over_udp(void)
{
	ramet_auto_group g;
	char address[32];
	int server = ramet_listen("udp://127.0.0.1:0"), client;

	ramet_group_open(&g, RAMET_ALL);
	if (!good(server, "binding"))
		return;
	snprintf(address, sizeof address, "udp://127.0.0.1:%d",
		 ramet_port(server));
	client = ramet_dial(address);
	if (good(client, "connecting")) {
		if (go(&g, answer, &server))
			for (int i = 0; i < 3; i++)
				ask(client, i);
		ramet_close(client);
	}
	ramet_group_close(&g);
	ramet_close(server);
}

void *scene_messages(void *unused)
{
	(void)unused;
	switch (roll(3)) {
	case 0:
		over_pair(SOCK_DGRAM);
		break;
	case 1:
		over_pair(SOCK_SEQPACKET);
		break;
	default:
		over_udp();
	}
	return NULL;
}
