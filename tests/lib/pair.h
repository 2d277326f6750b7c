/* pair.h - connected descriptors and ramets for the tests of I/O. */
#ifndef PAIR_H
#define PAIR_H

#include "test.h"

#include "ramet.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

static inline struct ramet *spawn(void *(*fn)(void *), void *arg)
{
	struct ramet *t = ramet_spawn(fn, arg);

	CHECK(t);
	return t;
}

static inline void *join(struct ramet *t)
{
	void *value = NULL;

	CHECK_EQ(ramet_join(t, &value), 0);
	return value;
}

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

/* "tcp://127.0.0.1:PORT" of a listener, as a string that stays. */
static inline const char *address_of(const char *host, int listener)
{
	static char text[64];

	snprintf(text, sizeof text, "tcp://%s:%d", host, ramet_port(listener));
	return text;
}

static inline void tcp_pair_on(const char *host, int fds[2])
{
	char any[64];
	int listener;

	snprintf(any, sizeof any, "tcp://%s:0", host);
	listener = ramet_listen(any);
	CHECK(listener >= 0);
	fds[0] = ramet_dial(address_of(host, listener));
	CHECK(fds[0] >= 0);
	fds[1] = ramet_accept(listener, NULL, NULL);
	CHECK(fds[1] >= 0);
	CHECK_EQ(ramet_close(listener), 0);
}

static inline void tcp_pair(int fds[2])
{
	tcp_pair_on("127.0.0.1", fds);
}

static inline void unix_pair(int fds[2])
{
	CHECK_EQ(ramet_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static inline void close_pair(const int fds[2])
{
	CHECK_EQ(ramet_close(fds[0]), 0);
	CHECK_EQ(ramet_close(fds[1]), 0);
}

/* Send until nothing more goes. */
static inline void fill(int fd)
{
	static char zeros[65536];

	while (ramet_send(fd, zeros, sizeof zeros, MSG_DONTWAIT) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
}

static inline int64_t system_calls(void)
{
	struct ramet_stats stats;

	CHECK_EQ(ramet_get_stats(&stats), 0);
	return (int64_t)stats.system_calls;
}

#endif
