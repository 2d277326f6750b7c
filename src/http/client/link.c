/* link.c - a connection and what has been read ahead from it. */
#include "http/client/client.h"

#include "kernel/calls.h"

#include <string.h>

enum {
	ROOM = 8192,         /* of the buffer, as long as heads fit in */
	INTERIM_MAX = 32,    /* answers 1xx before the one that counts */
	TRAILER_FIELDS = 64, /* at most */
};

struct link *ramet__link_new(struct ramet_conn *conn, const char *key)
{
	struct link *link = kernel_alloc(sizeof *link);

	if (!link)
		return NULL;
	link->conn = conn;
	strcpy(link->key, key); /* both have KEY_SIZE */
	return link;
}

void ramet__link_close(struct link *link)
{
	if (!link)
		return;
	ramet__conn_close(link->conn);
	kernel_free(link->buf);
	kernel_free(link);
}

/* ---- bytes -------------------------------------------------------------- */

/* What is in the socket, without a wait, a switch or a look at the scope. */
static ssize_t peek(const struct ramet_conn *c, void *buf, size_t size,
		    int flags)
{
	ssize_t n;

	do
		n = kernel_recvfrom(c->fd, buf, size, flags | MSG_DONTWAIT,
				    NULL, NULL);
	while (n == -EINTR);
	return n;
}

/* What has come already. */
static ssize_t take(struct link *link, void *buf, size_t size)
{
	struct ramet_conn *c = link->conn;

	if (!c->tls)
		return peek(c, buf, size, 0);
	return ramet__conn_pending(c) ? ramet__conn_read(c, buf, size)
				      : -EAGAIN;
}

static ssize_t receive(struct link *link, void *buf, size_t size)
{
	ssize_t n = link->at_once ? take(link, buf, size)
				  : ramet__conn_read(link->conn, buf, size);

	if (n > 0)
		link->got += (uint64_t)n;
	return n;
}

ssize_t ramet__link_read(struct link *link, void *buf, size_t size)
{
	size_t ahead = link->end - link->start;

	if (!ahead)
		return receive(link, buf, size);
	if (size > ahead)
		size = ahead;
	memcpy(buf, link->buf + link->start, size);
	link->start += size;
	return (ssize_t)size;
}

/* Room after link->end.  Returns 0 or -ENOMEM. */
static int make_room(struct link *link)
{
	size_t ahead = link->end - link->start;
	size_t room = link->room ? 2 * link->room : ROOM;
	char *buf = link->buf;

	if (ahead == link->room) {
		buf = kernel_alloc(room);
		if (!buf)
			return -ENOMEM;
		link->room = room;
	}
	if (ahead)
		memmove(buf, link->buf + link->start, ahead);
	if (buf != link->buf)
		kernel_free(link->buf);
	link->buf = buf;
	link->start = 0;
	link->end = ahead;
	return 0;
}

ssize_t ramet__link_fill(struct link *link)
{
	ssize_t n;

	if (link->start == link->end)
		link->start = link->end = 0;
	if (link->end == link->room && make_room(link) < 0)
		return -ENOMEM;
	n = receive(link, link->buf + link->end, link->room - link->end);
	if (n > 0)
		link->end += (size_t)n;
	return n;
}

/* ---- heads -------------------------------------------------------------- */

/* What the parser said, or what reading more of it came to: 0 to go on. */
static ssize_t read_on(struct link *link, int verdict)
{
	ssize_t n;

	if (verdict > 0)
		return verdict;
	if (verdict < 0)
		return verdict == -431 ? -EMSGSIZE : -EPROTO;
	n = ramet__link_fill(link);
	if (n == 0)
		return -ECONNABORTED;
	return n < 0 ? n : 0;
}

ssize_t ramet__link_head(struct link *link, uint32_t limit, bool no_body)
{
	struct http_limits limits = {limit, HTTP_FIELDS};
	ssize_t n = 0;

	while (n == 0) {
		size_t ahead = link->end - link->start;
		int verdict = 0;

		if (ahead)
			verdict = ramet__head_response(&link->head, &limits,
						       link->buf + link->start,
						       ahead, no_body);
		n = read_on(link, verdict);
	}
	return n;
}

int ramet__link_interim(struct link *link, size_t size)
{
	if (link->head.status == 101) /* nobody asked for that */
		return -EPROTO;
	link->start += size;
	ramet__head_init(&link->head);
	return 0;
}

ssize_t ramet__link_final_head(struct link *link, uint32_t limit, bool no_body)
{
	for (int i = 0; i < INTERIM_MAX; i++) {
		ssize_t n = ramet__link_head(link, limit, no_body);

		if (n < 0 || link->head.status >= 200)
			return n;
		n = ramet__link_interim(link, (size_t)n);
		if (n < 0)
			return n;
	}
	return -EPROTO;
}

ssize_t ramet__link_trailer(struct link *link, uint32_t limit)
{
	struct http_limits limits = {limit, TRAILER_FIELDS};
	ssize_t n = 0;

	while (n == 0) {
		size_t ahead = link->end - link->start;
		int verdict = 0;

		if (ahead)
			verdict = ramet__head_trailer(&link->head, &limits,
						      link->buf + link->start,
						      ahead);
		n = read_on(link, verdict);
	}
	return n;
}

/* ---- between requests --------------------------------------------------- */

bool ramet__link_is_quiet(const struct link *link)
{
	char byte;

	return !ramet__conn_pending(link->conn) &&
	       peek(link->conn, &byte, 1, MSG_PEEK) == -EAGAIN;
}
