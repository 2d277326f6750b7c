/* http.h - a server in a ramet of its own, and clients that write what they
 * like: for the tests of HTTP. */
#ifndef TEST_HTTP_H
#define TEST_HTTP_H

#include "ramets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct served {
	struct ramet_http_server *server;
	struct ramet *ramet;
	int port, result, error;
};

static inline void *run_server(void *arg)
{
	struct served *s = arg;

	errno = 0;
	s->result = ramet_http_serve(s->server);
	s->error = errno;
	return NULL;
}

static inline struct served serve(const struct ramet_http_opts *opts)
{
	struct served s = {.server = made(ramet_http_server_new(opts))};

	s.port = ramet_http_listen(s.server, "http://127.0.0.1:0");
	CHECK(s.port > 0);
	return s;
}

/* It must not move from then on. */
static inline void start(struct served *s)
{
	s->ramet = spawn(run_server, s);
}

static inline void stop(struct served *s)
{
	ramet_http_stop(s->server);
	join(s->ramet);
	CHECK_EQ(s->result, 0);
	ramet_http_server_free(s->server);
}

static inline int connect_to(const struct served *s)
{
	char address[64];
	int fd;

	snprintf(address, sizeof address, "tcp://127.0.0.1:%d", s->port);
	fd = ramet_dial(address);
	CHECK(fd >= 0);
	return fd;
}

static inline void say(int fd, const char *text)
{
	CHECK_EQ(ramet_write_all(fd, text, strlen(text)), strlen(text));
}

/* Without its header Date, which is another each time. */
static inline void drop_date(char *text)
{
	for (char *at; (at = strstr(text, "Date: "));) {
		char *end = strstr(at, "\r\n");

		if (!end)
			break;
		memmove(at, end + 2, strlen(end + 2) + 1);
	}
}

/* In place of a test that hangs: what is waited for has failed. */
#define SOON RAMET_WITHIN((test_is_swept() ? 2 : 15) * RAMET_SEC)

/* Until it holds. */
#define AWAIT(cond)                                                            \
	for (int i_ = 0; !(cond); i_++) {                                      \
		CHECK(i_ < 3000);                                              \
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);                            \
	}

/* All that comes until the end of the connection. */
static inline const char *hear_all(int fd)
{
	static char text[1 << 16];
	ssize_t n = -1;

	SOON n = ramet_read_all(fd, text, sizeof text - 1);
	CHECK(n >= 0);
	text[n] = '\0';
	drop_date(text);
	return text;
}

/* What comes, until it ends with `want`, dates aside; or the test fails. */
static inline void hear_at(const char *file, int line, int fd, const char *want)
{
	static char text[1 << 16];
	size_t got = 0;

	text[0] = '\0';
	while (strcmp(text, want) != 0) {
		ssize_t n = -1;

		SOON n = ramet_read(fd, text + got, sizeof text - 1 - got);
		if (n > 0)
			text[got + (size_t)n] = '\0';
		drop_date(text);
		got = strlen(text);
		if (n <= 0 || got > strlen(want))
			test_fail(file, line, "\"%s\" is not \"%s\" (%d)", text,
				  want, n < 0 ? errno : 0);
	}
}
#define HEAR(fd, want) hear_at(__FILE__, __LINE__, fd, want)

static inline void hear_end_at(const char *file, int line, int fd)
{
	char c;
	ssize_t n = -1;

	SOON n = ramet_read(fd, &c, 1);
	if (n != 0)
		test_fail(file, line, "no end: %d %d", (int)n, errno);
	CHECK_EQ(ramet_close(fd), 0);
}
#define HEAR_END(fd) hear_end_at(__FILE__, __LINE__, fd)

static inline void same_at(const char *file, int line, const char *got,
			   const char *want)
{
	if (!got || strcmp(got, want) != 0)
		test_fail(file, line, "\"%s\" is not \"%s\"",
			  got ? got : "(null)", want);
}
#define SAME(got, want) same_at(__FILE__, __LINE__, got, want)

#endif
