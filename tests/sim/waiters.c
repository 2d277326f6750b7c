/* waiters.c - many who wait for one descriptor, descriptors closed under those
 * who wait, and numbers used again at once. */
#include "world.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* ---- one edge for several readers --------------------------------------- */

struct readers {
	int fds[2];
	int got;
};

static void *read_one(void *arg)
{
	struct readers *r = arg;
	char c;

	RAMET_WITHIN(PATIENCE) {
		ssize_t n = ramet_read(r->fds[0], &c, 1);

		if (good(n, "one of several readers"))
			r->got += (int)n;
	}
	return NULL;
}

static void *read_to_the_end(void *arg)
{
	struct readers *r = arg;
	char buf[7];
	ssize_t n = 1;

	RAMET_WITHIN(PATIENCE)
		while (n > 0) {
			n = ramet_read(r->fds[0], buf, sizeof buf);
			if (good(n, "reading to the end"))
				r->got += (int)n;
		}
	return NULL;
}

/* Each reads one byte; all of them are sent at once, and nothing more. */
static void one_byte_each(struct readers *r)
{
	int n = 2 + (int)roll(5);
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	for (int i = 0; i < n; i++)
		if (!go(&g, read_one, r))
			n = i;
	nap(RAMET_MS);
	if (good(ramet_write_all(r->fds[1], "abcdefgh", (size_t)n), "writing"))
		wait_for_all(&g);
	close_both(r->fds);
	REQUIRE(r->got == n || sim_counts()->errors, "a byte was lost");
}

static void *write_much(void *arg)
{
	struct readers *r = arg;
	char buf[500] = {0};

	RAMET_WITHIN(PATIENCE)
		good(ramet_write_all(r->fds[1], buf, sizeof buf), "writing");
	good(ramet_close(r->fds[1]), "closing");
	return NULL;
}

static void all_to_the_end(struct readers *r)
{
	ramet_auto_group readers, writers;

	ramet_group_open(&readers, RAMET_ALL);
	ramet_group_open(&writers, RAMET_ALL);
	for (int n = 1 + (int)roll(4); n; n--)
		go(&readers, read_to_the_end, r);
	if (!go(&writers, write_much, r))
		ramet_close(r->fds[1]);
	wait_for_both(&readers, &writers);
	ramet_close(r->fds[0]);
	REQUIRE(r->got == 500 || sim_counts()->errors, "bytes were lost");
}

void *scene_pipes(void *unused)
{
	struct readers r = {.got = 0};

	(void)unused;
	if (!make_pair(r.fds))
		return NULL;
	if (roll(2))
		one_byte_each(&r);
	else
		all_to_the_end(&r);
	return NULL;
}

/* ---- several who accept ------------------------------------------------- */

struct accepting {
	int listener;
	char address[64];
};

static void *accept_one(void *arg)
{
	struct accepting *a = arg;

	RAMET_WITHIN(PATIENCE) {
		int fd = ramet_accept(a->listener, NULL, NULL);

		if (good(fd, "one of several to accept"))
			ramet_close(fd);
	}
	return NULL;
}

static void *dial_once(void *arg)
{
	struct accepting *a = arg;
	char c;

	RAMET_WITHIN(PATIENCE) {
		int fd = ramet_dial(a->address);

		if (good(fd, "connecting")) {
			good(ramet_read(fd, &c, 1), "waiting for the end");
			ramet_close(fd);
		}
	}
	return NULL;
}

/* As many connect as accept; faults may leave some without. */
void *scene_accept(void *unused)
{
	ramet_auto_group acceptors, clients;
	struct accepting a;
	int n = 1 + (int)roll(5);

	(void)unused;
	ramet_group_open(&acceptors, RAMET_ALL);
	ramet_group_open(&clients, RAMET_ALL);
	a.listener = ramet_listen("tcp://127.0.0.1:0");
	if (!good(a.listener, "listening"))
		return NULL;
	snprintf(a.address, sizeof a.address, "tcp://127.0.0.1:%d",
		 ramet_port(a.listener));
	for (int i = 0; i < n; i++)
		if (!go(&acceptors, accept_one, &a))
			n = i;
	for (int i = 0; i < n; i++)
		go(&clients, dial_once, &a);
	wait_for_both(&acceptors, &clients);
	good(ramet_close(a.listener), "closing the listener");
	return NULL;
}

/* ---- closed and used again ---------------------------------------------- */

struct victim {
	int fd;
	bool began, ended;
	size_t got;
};

/* Whatever becomes of the number, only the old file's bytes may come. */
static void *read_old(void *arg)
{
	struct victim *v = arg;
	char buf[40];
	ssize_t n = 0;

	memset(buf, 'o', sizeof buf);
	RAMET_WITHIN(PATIENCE) {
		v->began = true; /* nobody else runs until the call does */
		n = ramet_read_all(v->fd, buf, sizeof buf);
		if (n < 0 && errno != EBADF)
			good(n, "reading what is closed");
	}
	for (ssize_t i = 0; i < n; i++)
		REQUIRE(buf[i] == 'o',
			"bytes of a file that was opened later came");
	v->got = n > 0 ? (size_t)n : 0;
	v->ended = true;
	return NULL;
}

static void new_file_is_whole(void)
{
	char buf[20] = {0}, want[20];
	int fds[2];
	ssize_t n = 0;

	memset(want, 'n', sizeof want);
	if (!make_pair(fds))
		return;
	if (good(ramet_write_all(fds[1], want, 8), "writing"))
		nap(2 * RAMET_MS);
	good(ramet_close(fds[1]), "closing");
	RAMET_WITHIN(PATIENCE)
		n = ramet_read_all(fds[0], buf, sizeof buf);
	if (good(n, "reading what is new"))
		REQUIRE(memcmp(buf, want, (size_t)n) == 0 &&
				(n == 8 || sim_counts()->errors),
			"what was written to a new file was lost");
	ramet_close(fds[0]);
}

/* The number means something else, several times. */
static void use_again(struct victim *v, int other, int copy)
{
	good(ramet_close(v->fd), "closing under a reader");
	for (int i = 0; i < 3; i++) {
		if (copy >= 0)
			ramet_write(other, "o", 1);
		new_file_is_whole();
	}
	nap(RAMET_MS);
	REQUIRE(v->ended, "a close did not wake who waits");
}

/* The victim has surely begun to read, for it waits. */
static void close_while_waiting(struct victim *v, int other)
{
	int copy = -1;

	nap(RAMET_MS);
	if (roll(2))
		good(ramet_write_all(other, "oooo", 4), "writing");
	if (roll(2)) /* the file lives on, and its events */
		copy = ramet_dup(v->fd);
	use_again(v, other, copy);
	if (copy >= 0)
		ramet_close(copy);
}

static bool is_unread(const struct victim *v)
{
	char c;

	return !v->ended &&
	       ramet_recv(v->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* The victim has surely begun to read, for something is gone. */
static void close_while_reading(struct victim *v, int other)
{
	if (good(ramet_write_all(other, "oooo", 4), "writing"))
		while (is_unread(v))
			;
	else
		nap(RAMET_SEC);
	use_again(v, other, -1);
}

/* The victim has called, and that is all. */
static void close_while_beginning(struct victim *v, int other)
{
	while (!v->began)
		ramet_yield();
	use_again(v, other, -1);
}

static void close_under(struct ramet_group *g, const int fds[2], bool sockets)
{
	struct victim v = {.fd = fds[0]};

	if (!go(g, read_old, &v)) {
		close_both(fds);
		return;
	}
	if (!roll(3))
		close_while_beginning(&v, fds[1]);
	else if (sockets && roll(2))
		close_while_reading(&v, fds[1]);
	else
		close_while_waiting(&v, fds[1]);
	ramet_close(fds[1]);
}

void *scene_reuse(void *unused)
{
	bool sockets = roll(2);
	ramet_auto_group g;
	int fds[2];

	(void)unused;
	ramet_group_open(&g, RAMET_ALL);
	if (sockets ? good(ramet_socketpair(AF_UNIX, SOCK_STREAM, 0, fds),
			   "socketpair")
		    : good(ramet_pipe(fds, 0), "pipe"))
		close_under(&g, fds, sockets);
	wait_for_all(&g);
	return NULL;
}

/* ---- ramet_poll --------------------------------------------------------- */

static void *write_later(void *arg)
{
	do
		nap(10 * RAMET_MS);
	while (!good(ramet_write(*(int *)arg, "x", 1), "writing"));
	return NULL;
}

static void poll_two(int a[2], int b[2])
{
	int *one = roll(2) ? a : b;
	struct pollfd p[2] = {{a[0], POLLIN, 0}, {b[0], POLLIN, 0}};
	ramet_auto_group g;
	int n = -1;

	ramet_group_open(&g, RAMET_ALL);
	if (!go(&g, write_later, &one[1]))
		return;
	RAMET_WITHIN(PATIENCE)
		n = ramet_poll(p, 2);
	if (good(n, "poll"))
		REQUIRE(n == 1 && p[one == b].revents & POLLIN &&
				!p[one == a].revents,
			"poll told of the wrong descriptor");
	wait_for_all(&g);
}

void *scene_poll(void *unused)
{
	int a[2], b[2];

	(void)unused;
	if (!make_pair(a))
		return NULL;
	if (make_pair(b)) {
		poll_two(a, b);
		close_both(b);
	}
	close_both(a);
	return NULL;
}
