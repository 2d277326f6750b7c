/* streams.c - clients and servers that echo, over TCP and UNIX sockets. */
#include "world.h"

#include "kernel/calls.h"

#include <stdio.h>
#include <string.h>

enum { MESSAGE_MAX = 300, STREAM_MAX = 3000 };

struct client {
	struct echo *echo;
	int id;
};

struct echo {
	struct ramet_group handlers, clients;
	bool streams; /* bytes until the end, else messages with a length */
	bool closed;
	int listener;
	char address[64];
	struct client client[8];
};

/* What client `id` sends as its n-th byte. */
static char byte_of(int id, int n)
{
	return (char)(id * 31 + n * 7 + 1);
}

static void require_own(const char *buf, size_t size, int id, int from)
{
	for (size_t i = 0; i < size; i++)
		REQUIRE(buf[i] == byte_of(id, from + (int)i),
			"a client got bytes that are not its own");
}

/* ---- the server --------------------------------------------------------- */

static bool echo_message(int fd)
{
	unsigned char head[2];
	char buf[MESSAGE_MAX];
	size_t size;
	ssize_t n = ramet_read_all(fd, head, 2);

	if (!good(n, "server reading a length") || n < 2)
		return false;
	size = (size_t)(head[0] << 8 | head[1]);
	REQUIRE(size <= sizeof buf, "the server got a length nobody sent");
	n = ramet_read_all(fd, buf, size);
	return good(n, "server reading a message") && (size_t)n == size &&
	       good(ramet_write_all(fd, buf, size), "server writing");
}

static bool echo_some(int fd)
{
	char buf[128];
	ssize_t n = ramet_read(fd, buf, 1 + roll(sizeof buf));

	return good(n, "server reading") && n > 0 &&
	       good(ramet_write_all(fd, buf, (size_t)n), "server writing");
}

static void *serve_messages(void *arg)
{
	int fd = (int)(intptr_t)arg;

	RAMET_WITHIN(PATIENCE)
		while (echo_message(fd))
			;
	ramet_close(fd);
	return NULL;
}

static void *serve_stream(void *arg)
{
	int fd = (int)(intptr_t)arg;

	RAMET_WITHIN(PATIENCE)
		while (echo_some(fd))
			;
	ramet_close(fd);
	return NULL;
}

static bool accepted(const struct echo *e, int fd)
{
	if (fd >= 0)
		return true;
	if (errno != ENOMEM && errno != ENOSPC &&
	    !(errno == EBADF && e->closed))
		violation("accept failed: %s", strerrorname_np(errno));
	return false;
}

static void *accept_loop(void *arg)
{
	struct echo *e = arg;

	while (!e->closed) {
		int fd = ramet_accept(e->listener, NULL, NULL);

		if (!accepted(e, fd)) {
			nap(RAMET_MS);
		} else if (!go(&e->handlers,
			       e->streams ? serve_stream : serve_messages,
			       (void *)(intptr_t)fd)) {
			ramet_close(fd);
		}
	}
	return NULL;
}

/* ---- the clients -------------------------------------------------------- */

static bool ask(int fd, int id, int *sent)
{
	char out[2 + MESSAGE_MAX], in[MESSAGE_MAX];
	int size = 1 + (int)roll(MESSAGE_MAX);
	ssize_t n;

	out[0] = (char)(size >> 8);
	out[1] = (char)size;
	for (int i = 0; i < size; i++)
		out[2 + i] = byte_of(id, *sent + i);
	if (!good(ramet_write_all(fd, out, 2 + (size_t)size), "client writing"))
		return false;
	n = ramet_read_all(fd, in, (size_t)size);
	if (!good(n, "client reading"))
		return false;
	require_own(in, (size_t)n, id, *sent);
	if (n < size && !sim_counts()->errors)
		violation("a reply was cut, and no fault explains that");
	*sent += size;
	return n == size;
}

struct sending {
	int fd, id, size;
};

static void *send_stream(void *arg)
{
	struct sending *s = arg;
	int sent = 0;

	RAMET_WITHIN(PATIENCE)
		while (sent < s->size) {
			char buf[200];
			int n = 1 + (int)roll(sizeof buf);

			if (n > s->size - sent)
				n = s->size - sent;
			for (int i = 0; i < n; i++)
				buf[i] = byte_of(s->id, sent + i);
			if (!good(ramet_write_all(s->fd, buf, (size_t)n),
				  "client writing"))
				break;
			sent += n;
		}
	good(ramet_shutdown(s->fd, SHUT_WR), "half close");
	return NULL;
}

/* Until the end, which the half close brings about. */
static bool read_back(int fd, int id, int size)
{
	char buf[256];
	int got = 0;
	ssize_t n;

	while ((n = ramet_read(fd, buf, sizeof buf)) > 0) {
		require_own(buf, (size_t)n, id, got);
		got += (int)n;
	}
	if (!good(n, "client reading"))
		return false;
	if (got != size && !sim_counts()->errors)
		violation("%d bytes came back of %d", got, size);
	return true;
}

static void stream(int fd, int id)
{
	struct sending s = {fd, id, 1 + (int)roll(STREAM_MAX)};
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	/* Whoever does not read must not go on writing to an echo. */
	if (go(&g, send_stream, &s) && !read_back(fd, id, s.size))
		ramet_group_cancel(&g);
	wait_for_all(&g);
}

/* With a socket that blocks, as others make them. */
static int dial_blocking(const char *address)
{
	struct sockaddr_storage addr;
	socklen_t size;
	int type = ramet_address(address, &addr, &size);
	int fd = kernel_socket(addr.ss_family, type, 0);

	if (fd < 0) {
		errno = -fd;
		return -1;
	}
	if (ramet_connect(fd, (struct sockaddr *)&addr, size) == 0)
		return fd;
	ramet_close(fd);
	return -1;
}

/* Some give up soon. */
static int dial(struct echo *e)
{
	int64_t patience = roll(4) ? PATIENCE : roll(5 * RAMET_MS);
	int fd = -1;

	RAMET_WITHIN(patience) {
		fd = roll(4) ? ramet_dial(e->address)
			     : dial_blocking(e->address);
		if (fd < 0 && (errno != ETIMEDOUT || patience == PATIENCE))
			good(fd, "connecting");
	}
	return fd;
}

static void *client(void *arg)
{
	const struct client *c = arg;
	int sent = 0, rounds = 1 + (int)roll(4), fd;

	nap(20 * RAMET_MS);
	fd = dial(c->echo);
	if (fd < 0)
		return NULL;
	RAMET_WITHIN(PATIENCE) {
		if (c->echo->streams)
			stream(fd, c->id);
		while (!c->echo->streams && rounds-- && ask(fd, c->id, &sent))
			;
	}
	ramet_close(fd);
	return NULL;
}

/* ---- together ----------------------------------------------------------- */

static bool listen_somewhere(struct echo *e)
{
	static unsigned names;
	int kind = (int)roll(3);

	snprintf(e->address, sizeof e->address, "unix://@echo-%u", names++);
	e->listener = ramet_listen(kind == 0   ? "tcp://127.0.0.1:0"
				   : kind == 1 ? "tcp://[::1]:0"
					       : e->address);
	if (!good(e->listener, "listening"))
		return false;
	if (kind < 2)
		snprintf(e->address, sizeof e->address, "tcp://%s:%d",
			 kind ? "[::1]" : "127.0.0.1", ramet_port(e->listener));
	return true;
}

void *scene_echo(void *unused)
{
	struct echo e = {.streams = roll(2)};
	int n = 1 + (int)roll(countof(e.client));

	(void)unused;
	if (!listen_somewhere(&e))
		return NULL;
	ramet_group_open(&e.handlers, RAMET_ALL);
	ramet_group_open(&e.clients, RAMET_ALL);
	if (go(&e.handlers, accept_loop, &e))
		for (int i = 0; i < n; i++) {
			e.client[i] = (struct client){&e, i};
			go(&e.clients, client, &e.client[i]);
		}
	wait_for_all(&e.clients);
	e.closed = true;
	good(ramet_close(e.listener), "closing the listener");
	wait_for_all(&e.handlers);
	ramet_group_close(&e.clients);
	ramet_group_close(&e.handlers);
	return NULL;
}
