/* log.c - the access log, and the clock that it shares with the header Date.
 *
 * Lines are gathered in memory.  A ramet that runs once the others have had
 * their turn writes them, so nobody waits for the log; if it cannot be written,
 * or not fast enough, lines are lost, and counted.
 */
#include "http/server.h"

#include "io/call.h"
#include "io/sock.h"
#include "kernel/calls.h"
#include "task/process.h"

#include <stdio.h>
#include <string.h>

/* ---- the clock ----------------------------------------------------------- */

static void tell_time(struct ramet_http_server *s)
{
	struct timespec t = {0};
	char *at = s->constant;

	kernel_call(SYS_clock_gettime, CLOCK_REALTIME, KERNEL_ARG(&t), 0, 0, 0,
		    0);
	memcpy(at, "Date: ", 6);
	ramet__http_date(t.tv_sec, at + 6);
	at += 6 + HTTP_DATE - 1;
	memcpy(at, "\r\n", 2);
	at += 2;
	if (s->opts.name)
		at += snprintf(at, CONSTANT_MAX - 40, "Server: %s\r\n",
			       s->opts.name);
	s->constant_size = (size_t)(at - s->constant);
	ramet__http_log_date(t.tv_sec, s->log_date);
	s->constant_until =
		time_add(s->loop->now, RAMET_SEC - (int64_t)t.tv_nsec);
}

void ramet__server_clock(struct ramet_http_server *s)
{
	if (unlikely(s->loop->now >= s->constant_until))
		tell_time(s);
}

/* ---- writing ------------------------------------------------------------- */

static void lose(struct ramet_http_server *s, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		s->stats.log_lost += text[i] == '\n';
}

/* As much as a pipe that can be written to takes without blocking. */
static long write_pipe(int fd, const char *text, size_t size)
{
	struct pollfd p = {fd, POLLOUT, 0};
	long n = ramet__sock_poll(&p, 1);

	if (n < 0)
		return n;
	n = ramet__write_quietly(fd, text, size < PIPE_BUF ? size : PIPE_BUF);
	return n == -EAGAIN || n == -EINTR ? 0 : n;
}

static long write_some(int fd, const char *text, size_t size)
{
	struct io io;
	long n = ramet__io_begin(&io, fd, WAIT_WRITE);

	if (n == 0)
		n = ramet__fd_kind(&io);
	if (n < 0)
		return n;
	return n == FD_PIPE ? write_pipe(fd, text, size)
			    : ramet__io_write(&io, text, size);
}

static void write_all(struct ramet_http_server *s, const char *text,
		      size_t size)
{
	while (size) {
		long n = write_some(s->opts.log_fd, text, size);

		if (n < 0) {
			lose(s, text, size);
			return;
		}
		text += n;
		size -= (size_t)n;
	}
}

/* What is added while it writes goes to another buffer. */
static void *write_log(void *arg)
{
	struct ramet_http_server *s = arg;
	struct http_log *log = &s->log;

	while (log->end) {
		struct http_log full = *log;

		*log = (struct http_log){.writer = full.writer};
		write_all(s, full.data, full.end);
		if (log->data || full.size > LOG_SIZE) {
			kernel_free(full.data);
		} else {
			log->data = full.data;
			log->size = full.size;
		}
	}
	log->writer = NULL;
	return NULL;
}

static void on_writer_end(struct ramet *t)
{
	ramet__server_ended(t->cold->arg, t);
}

void ramet__log_free(struct ramet_http_server *s)
{
	lose(s, s->log.data, s->log.end);
	kernel_free(s->log.data);
	s->log = (struct http_log){0};
}

/* ---- a line -------------------------------------------------------------- */

static char *room_for(struct http_log *log, size_t size)
{
	size_t want = log->size ? log->size : LOG_SIZE;
	char *data;

	while (want < log->end + size)
		want *= 2;
	if (want == log->size)
		return log->data + log->end;
	data = want <= LOG_MAX ? kernel_alloc(want) : NULL;
	if (!data)
		return NULL;
	if (log->end)
		memcpy(data, log->data, log->end);
	kernel_free(log->data);
	log->data = data;
	log->size = want;
	return data + log->end;
}

/* What would end the quoted text, or the line, in hexadecimal. */
static char *put_escaped(char *to, const char *text, size_t size)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
			*to++ = (char)c;
			continue;
		}
		memcpy(to, "\\x", 2);
		to[2] = hex[c >> 4];
		to[3] = hex[c & 15];
		to += 4;
	}
	return to;
}

static char *put_request(char *to, const struct ramet_http *h)
{
	const struct http_head *head = &h->head;

	if (!h->text)
		return to + sprintf(to, "-");
	to = put_escaped(to, h->text + head->method.at, head->method.size);
	*to++ = ' ';
	to = put_escaped(to, h->text + head->target.at, head->target.size);
	return to + sprintf(to, " HTTP/1.%d", head->version % 10);
}

/* Without its port: that is the last colon's. */
static int host_size(const char *peer)
{
	const char *colon = strrchr(peer, ':');

	return colon ? (int)(colon - peer) : (int)strlen(peer);
}

static size_t put_line(char *to, struct ramet_http *h)
{
	const char *peer = ramet_http_peer(h);
	int64_t took = kernel_now() - h->began;
	char *start = to;

	to += sprintf(to, "%.*s - - %s \"", host_size(peer), peer,
		      h->server->log_date);
	to = put_request(to, h);
	to += sprintf(to, "\" %d %llu %lld.%06lld\n", h->status,
		      (unsigned long long)h->answered,
		      (long long)(took / RAMET_SEC),
		      (long long)(took % RAMET_SEC / 1000));
	return (size_t)(to - start);
}

void ramet__log_answer(struct ramet_http *h)
{
	struct ramet_http_server *s = h->server;
	struct http_log *log = &s->log;
	size_t most = 256;
	char *at;
	int err;

	if (!s->opts.log_fd)
		return;
	if (h->text)
		most += 4 * ((size_t)h->head.method.size + h->head.target.size);
	at = room_for(log, most);
	if (!at) {
		s->stats.log_lost++;
		return;
	}
	log->end += put_line(at, h);
	if (!log->writer)
		log->writer = ramet__server_spawn(s, write_log, s,
						  on_writer_end, &err);
}
