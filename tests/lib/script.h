/* script.h - a server that reads and says what a script has, byte for byte.
 *
 *	struct step steps[] = {
 *		{"GET / HTTP/1.1\r\nHost: @\r\n\r\n", "HTTP/1.1 204
 *OK\r\n\r\n"},
 *		{.close = 1},
 *	};
 *	struct script s = {.steps = steps, .count = 2};
 *
 *	script_start(&s);
 *	... s.url, "http://127.0.0.1:4711" ...
 *	script_end(&s);
 *
 * Connections are taken one after the other, the next one after a close.  In
 *what is read and said "@" is the server's host and port, "#" that of s.other.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "net.h"
#include "ramets.h"

#include <stdlib.h>
#include <string.h>

struct step {
	const char *want;  /* read exactly that; NULL: nothing */
	const char *reply; /* then say this */
	size_t size;       /* of the reply; 0: strlen */
	int close;         /* then close: 1; 2: with a reset */
	int gone;          /* before: the client must have closed */
	int64_t pause;     /* before the reply */
};

struct script {
	const struct step *steps;
	size_t count;
	bool bytewise; /* each byte by itself */
	const struct script *other;
	char url[64];
	const char *host; /* in url */
	size_t accepted;
	/* The rest is the server's. */
	int listener, fd;
	struct ramet *ramet;
};

/* With the places filled in: the caller's. */
static inline char *script_fill(const struct script *s, const char *text,
				size_t *size)
{
	size_t n = *size ? *size : strlen(text), at = 0;
	bool raw = *size != 0;
	char *out = malloc(n + 64 * 16);

	CHECK(out);
	for (size_t i = 0; i < n; i++) {
		const char *host = NULL;

		if (!raw && text[i] == '@')
			host = s->host;
		else if (!raw && text[i] == '#' && s->other)
			host = s->other->host;
		if (!host) {
			out[at++] = text[i];
			continue;
		}
		memcpy(out + at, host, strlen(host));
		at += strlen(host);
	}
	out[at] = 0;
	*size = at;
	return out;
}

static inline void script_read(struct script *s, const char *text)
{
	size_t size = 0, done = 0;
	char *want = script_fill(s, text, &size);
	char *got = calloc(1, size + 1);

	CHECK(got);
	while (done < size) {
		ssize_t n = ramet_recv(s->fd, got + done, size - done, 0);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done != size || memcmp(got, want, size) != 0)
		test_fail(__FILE__, __LINE__, "\"%s\" is not \"%s\"", got,
			  want);
	free(got);
	free(want);
}

/* The client may leave before it has read all. */
static inline void script_say(struct script *s, const struct step *step)
{
	size_t size = step->size, part;
	char *text = script_fill(s, step->reply, &size);

	for (size_t at = 0; at < size; at += part) {
		part = s->bytewise ? 1 : size - at;
		if (ramet_send(s->fd, text + at, part, MSG_NOSIGNAL) < 0)
			break;
		if (s->bytewise)
			ramet_yield();
	}
	free(text);
}

static inline void script_close(struct script *s, bool reset)
{
	struct linger linger = {1, 0};

	if (reset)
		CHECK_EQ(setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &linger,
				    sizeof linger),
			 0);
	CHECK_EQ(ramet_close(s->fd), 0);
	s->fd = -1;
}

/* The client has nothing more to say. */
static inline void script_gone(struct script *s)
{
	char byte;
	ssize_t n = ramet_recv(s->fd, &byte, 1, 0);

	CHECK(n == 0 || (n < 0 && errno == ECONNRESET));
	script_close(s, false);
}

static inline void script_step(struct script *s, const struct step *step)
{
	if (step->gone) {
		script_gone(s);
		return;
	}
	if (s->fd < 0) {
		s->fd = ramet_accept(s->listener, NULL, NULL);
		CHECK(s->fd >= 0);
		s->accepted++;
	}
	if (step->want)
		script_read(s, step->want);
	if (step->pause)
		CHECK_EQ(ramet_sleep(step->pause), 0);
	if (step->reply)
		script_say(s, step);
	if (step->close)
		script_close(s, step->close == 2);
}

static inline void *script_run(void *arg)
{
	struct script *s = arg;

	for (size_t i = 0; i < s->count; i++)
		script_step(s, &s->steps[i]);
	if (s->fd >= 0)
		script_close(s, false);
	return NULL;
}

static inline void script_start(struct script *s)
{
	s->listener = ramet_listen("tcp://127.0.0.1:0");
	CHECK(s->listener >= 0);
	snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d",
		 ramet_port(s->listener));
	s->host = s->url + strlen("http://");
	s->fd = -1;
	s->accepted = 0;
	s->ramet = spawn(script_run, s);
}

static inline void script_end(struct script *s)
{
	join(s->ramet);
	CHECK_EQ(ramet_close(s->listener), 0);
}

#endif
