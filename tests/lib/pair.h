/* pair.h - connected descriptors for the tests of I/O, filled and emptied. */
#ifndef PAIR_H
#define PAIR_H

#include "net.h"
#include "ramets.h"

#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static inline void *read_a_byte(void *fd)
{
	char c;

	CHECK_EQ(ramet_read(*(int *)fd, &c, 1), 1);
	return NULL;
}

/* The loop keeps some descriptors from its first wait on. */
void test_begin(void)
{
	struct ramet *t;
	int fds[2];

	CHECK_EQ(ramet_pipe(fds, 0), 0);
	t = spawn(read_a_byte, &fds[0]);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(ramet_write(fds[1], "", 1), 1);
	join(t);
	CHECK_EQ(ramet_close(fds[0]), 0);
	CHECK_EQ(ramet_close(fds[1]), 0);
}

/* Let all others run until they wait. */
static inline void settle(void)
{
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
}

/* A wait that ends, unless a call before it has failed: in place of a test that
 * hangs then. */
#define LIVELY RAMET_WITHIN(3 * RAMET_SEC)

/* ---- pairs: what is written to fds[1] can be read from fds[0] ----------- */

static inline void tcp_pair(int fds[2])
{
	int listener = ramet_listen("tcp://127.0.0.1:0");

	CHECK(listener >= 0);
	fds[0] = dial(address_of("127.0.0.1", listener));
	fds[1] = ramet_accept(listener, NULL, NULL);
	CHECK(fds[1] >= 0);
	CHECK_EQ(ramet_close(listener), 0);
}

static inline void unix_pair(int fds[2])
{
	CHECK_EQ(ramet_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static inline void pipe_pair(int fds[2])
{
	CHECK_EQ(ramet_pipe(fds, 0), 0);
}

/* As others make them: they block. */
static inline void foreign_pair(int fds[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static inline void foreign_pipe(int fds[2])
{
	CHECK_EQ(pipe(fds), 0);
}

static inline void close_pair(const int fds[2])
{
	CHECK_EQ(ramet_close(fds[0]), 0);
	CHECK_EQ(ramet_close(fds[1]), 0);
}

/* ---- what is in between ------------------------------------------------- */

/* Have a full socket stay full until the peer has read: TCP would find room for
 * some bytes whenever it hears that others have arrived.  A full pipe or tty
 * stays full. */
static inline void keep_full(int fd)
{
	int least = 1;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
}

/* Send until nothing more goes. */
static inline void fill(int fd)
{
	static char zeros[65536];

	while (ramet_send(fd, zeros, sizeof zeros, MSG_DONTWAIT) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	keep_full(fd);
}

/* Wait, all ramets with the caller, until n bytes can be read: even the
 * loopback may take its time. */
static inline void await_bytes(int fd, int n)
{
	int count = 0;

	while (ioctl(fd, FIONREAD, &count) == 0 && count < n)
		usleep(100);
	CHECK(count >= n);
}

static inline int64_t system_calls(void)
{
	struct ramet_stats stats;

	CHECK_EQ(ramet_get_stats(&stats), 0);
	return (int64_t)stats.system_calls;
}

/* There have been n since `before`; an interrupted one is made again. */
static inline void check_calls(int64_t before, int64_t n)
{
	int64_t more = system_calls() - before - n;

	if (!test_is_swept() || more != 1)
		CHECK_EQ(more, 0);
}

#endif
