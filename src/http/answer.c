/* answer.c - answers: their head, and bodies that are there as a whole. */
#include "http/answer.h"

#include <string.h>

/* What is smaller is copied, to go out with what else there is. */
enum { COPY_MAX = 4096 };

/* ---- text ---------------------------------------------------------------- */

static char *put(char *to, const char *text, size_t size)
{
	memcpy(to, text, size);
	return to + size;
}

#define PUT(to, literal) put(to, literal, sizeof(literal) - 1)

static char *put_number(char *to, uint64_t n)
{
	char digits[20];
	size_t i = sizeof digits;

	do
		digits[--i] = (char)('0' + n % 10);
	while (n /= 10);
	return put(to, digits + i, sizeof digits - i);
}

/* ---- headers that the handler sets --------------------------------------- */

static bool same(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

bool ramet__answer_is_ours(const char *name)
{
	return same(name, "Content-Length") ||
	       same(name, "Transfer-Encoding") || same(name, "Connection");
}

static int kind_of(const char *name)
{
	return same(name, "Date")           ? HTTP_SET_DATE
	       : same(name, "Server")       ? HTTP_SET_SERVER
	       : same(name, "Content-Type") ? HTTP_SET_TYPE
					    : 0;
}

bool ramet__answer_is_field(const char *name, const char *value)
{
	return name && value && ramet__is_token(name, strlen(name)) &&
	       ramet__is_value(value, strlen(value)) &&
	       !ramet__answer_is_ours(name);
}

int ramet__http_set(struct ramet_http *h, const char *name, const char *value)
{
	struct http_line *line;
	size_t n, v;
	char *end;

	if (!ramet__answer_is_field(name, value))
		return -EINVAL;
	if (h->stage != HTTP_ASKED)
		return -EALREADY;
	n = strlen(name);
	v = strlen(value);
	if (n + v > UINT32_MAX / 8)
		return -ENOMEM;
	line = ramet__http_alloc(h, sizeof *line + n + v + 4);
	if (!line)
		return -ENOMEM;
	end = PUT(put(PUT(put(line->text, name, n), ": "), value, v), "\r\n");
	line->size = (uint32_t)(end - line->text);
	line->next = NULL;
	*h->lines_end = line;
	h->lines_end = &line->next;
	h->set |= (uint8_t)kind_of(name);
	return 0;
}

int ramet_http_set(struct ramet_http *h, const char *name, const char *value)
{
	return (int)ramet__ret(ramet__http_set(h, name, value));
}

/* ---- the head ------------------------------------------------------------ */

/* RFC 9110, 9.3.6: what follows 2xx to CONNECT is the tunnel's, until the end
 * of the connection. */
static bool is_tunnel(const struct ramet_http *h, int status)
{
	return unlikely(h->is_connect) && status < 300;
}

/* Whether the connection may go on after this answer. */
static bool goes_on(const struct ramet_http *h)
{
	const struct ramet_http_server *s = h->server;

	return !h->close && !s->stopping && !h->awaits_continue &&
	       (!s->opts.requests_max ||
		h->link->served < s->opts.requests_max) &&
	       ramet__head_persists(&h->head) &&
	       (h->body_ended || ramet__body_is_short(h));
}

static size_t head_room(const struct ramet_http *h, const char *type,
			const char *protocol)
{
	size_t size = 256 + h->server->constant_size +
		      (type ? strlen(type) : 0) +
		      (protocol ? strlen(protocol) : 0);

	for (const struct http_line *l = h->lines; l; l = l->next)
		size += l->size;
	return size;
}

static char *put_status(char *to, int status)
{
	const char *reason = ramet__http_reason(status);

	if (likely(status == 200))
		return PUT(to, "HTTP/1.1 200 OK\r\n");
	to = put_number(PUT(to, "HTTP/1.1 "), (uint64_t)status);
	*to++ = ' ';
	return PUT(put(to, reason, strlen(reason)), "\r\n");
}

/* The headers Date and Server, unless the handler has set one of them. */
static char *put_constant(char *to, const struct ramet_http *h)
{
	const struct ramet_http_server *s = h->server;
	size_t date = sizeof "Date: \r\n" - 1 + HTTP_DATE - 1;

	if (!(h->set & HTTP_SET_DATE))
		to = put(to, s->constant, date);
	if (!(h->set & HTTP_SET_SERVER))
		to = put(to, s->constant + date, s->constant_size - date);
	return to;
}

static char *put_connection(char *to, const struct ramet_http *h)
{
	if (h->close)
		return PUT(to, "Connection: close\r\n");
	return h->head.version < 11 ? PUT(to, "Connection: keep-alive\r\n")
				    : to;
}

static char *put_framing(char *to, const struct ramet_http *h, int64_t size)
{
	if (h->status == 204 || h->status == 304 || is_tunnel(h, h->status))
		return to;
	if (size >= 0)
		return PUT(put_number(PUT(to, "Content-Length: "),
				      (uint64_t)size),
			   "\r\n");
	return h->chunked ? PUT(to, "Transfer-Encoding: chunked\r\n") : to;
}

static char *put_lines(char *to, const struct ramet_http *h)
{
	for (const struct http_line *l = h->lines; l; l = l->next)
		to = put(to, l->text, l->size);
	return PUT(to, "\r\n");
}

/* What can be said of an answer from its status, and of what there is. */
static void decide(struct ramet_http *h, int status, int64_t size)
{
	h->status = status;
	if (status == 205)
		size = 0;
	h->no_body =
		h->is_head || status == 204 || status == 205 || status == 304;
	h->sized = size >= 0;
	h->answer_left = size >= 0 ? (uint64_t)size : 0;
	h->chunked = size < 0 && h->head.version >= 11 && !is_tunnel(h, status);
	if (size < 0 && !h->chunked && !h->no_body)
		h->close = true;
	h->close |= is_tunnel(h, status);
	h->close = !goes_on(h);
}

static int write_head(struct ramet_http *h, int status, const char *type,
		      int64_t size)
{
	char *at;

	if (status < 200 || status > 599 ||
	    (type && !ramet__is_value(type, strlen(type))))
		return -EINVAL;
	if (h->stage != HTTP_ASKED)
		return -EALREADY;
	if (h->write_error)
		return h->write_error;
	ramet__server_clock(h->server);
	at = ramet__output_room(h, head_room(h, type, NULL));
	if (!at)
		return -ENOMEM;
	decide(h, status, size);
	at = put_constant(put_status(at, status), h);
	if (type && !(h->set & HTTP_SET_TYPE) && status != 204 && status != 304)
		at = PUT(put(PUT(at, "Content-Type: "), type, strlen(type)),
			 "\r\n");
	at = put_framing(at, h, status == 205 ? 0 : size);
	at = put_lines(put_connection(at, h), h);
	h->out.end = (uint32_t)(at - h->out.data);
	h->stage = HTTP_BEGUN;
	return 0;
}

int ramet__http_begin(struct ramet_http *h, int status, const char *type,
		      int64_t size)
{
	return size < -1 ? -EINVAL : write_head(h, status, type, size);
}

int ramet_http_begin(struct ramet_http *h, int status, const char *type,
		     int64_t size)
{
	return (int)ramet__ret(ramet__http_begin(h, status, type, size));
}

/* ---- all at once --------------------------------------------------------- */

static int send_body(struct ramet_http *h, struct iovec *body)
{
	char *at = body->iov_len <= COPY_MAX
			   ? ramet__output_room(h, body->iov_len)
			   : NULL;

	if (!at)
		return ramet__output_send(h, body, 1);
	put(at, body->iov_base, body->iov_len);
	h->out.end += (uint32_t)body->iov_len;
	return ramet__output_send_soon(h);
}

int ramet__http_reply(struct ramet_http *h, int status, const char *type,
		      const void *body, size_t size)
{
	struct iovec all = {(void *)(uintptr_t)body, size};
	int err;

	if (h->stage == HTTP_ASKED && h->server->opts.compress && size)
		ramet__http_compress(h, status, type, &all);
	err = write_head(h, status, type, (int64_t)all.iov_len);
	if (err < 0)
		return err;
	h->stage = HTTP_ANSWERED;
	h->answer_left = 0;
	if (h->no_body || !all.iov_len)
		return ramet__output_send_soon(h);
	h->answered = all.iov_len;
	return send_body(h, &all);
}

int ramet_http_reply(struct ramet_http *h, int status, const char *type,
		     const void *body, size_t size)
{
	return (int)ramet__ret(ramet__http_reply(h, status, type, body, size));
}

int ramet__http_fail(struct ramet_http *h, int status)
{
	const char *reason = ramet__http_reason(status);
	char text[64];
	char *end;

	if (status < 200 || status > 599)
		return -EINVAL;
	end = put_number(text, (uint64_t)status);
	*end++ = ' ';
	end = PUT(put(end, reason, strlen(reason)), "\n");
	return ramet__http_reply(h, status, "text/plain", text,
				 (size_t)(end - text));
}

int ramet_http_fail(struct ramet_http *h, int status)
{
	return (int)ramet__ret(ramet__http_fail(h, status));
}

static int redirect(struct ramet_http *h, int status, const char *location)
{
	int err;

	if (status != 301 && status != 302 && status != 303 && status != 307 &&
	    status != 308)
		return -EINVAL;
	err = ramet__http_set(h, "Location", location);
	return err < 0 ? err : ramet__http_fail(h, status);
}

int ramet_http_redirect(struct ramet_http *h, int status, const char *location)
{
	return (int)ramet__ret(redirect(h, status, location));
}

/* ---- another protocol ---------------------------------------------------- */

static bool is_asked_for(const struct ramet_http *h, const char *protocol)
{
	return h->head.version >= 11 && h->body_ended &&
	       (h->is_connect ||
		(h->head.flags & HTTP_UPGRADE && protocol &&
		 ramet__is_value(protocol, strlen(protocol)) &&
		 ramet__http_header_has(h, "Upgrade", protocol)));
}

static char *put_upgrade(char *to, const char *protocol)
{
	to = PUT(to, "Connection: upgrade\r\nUpgrade: ");
	return PUT(put(to, protocol, strlen(protocol)), "\r\n");
}

int ramet__http_upgrade(struct ramet_http *h, const char *protocol)
{
	char *at;

	if (h->stage != HTTP_ASKED)
		return -EALREADY;
	if (!is_asked_for(h, protocol))
		return -EINVAL;
	ramet__server_clock(h->server);
	at = ramet__output_room(h, head_room(h, NULL, protocol));
	if (!at)
		return -ENOMEM;
	h->status = h->is_connect ? 200 : 101;
	at = put_constant(put_status(at, h->status), h);
	if (h->status == 101)
		at = put_upgrade(at, protocol);
	at = put_lines(at, h);
	h->out.end = (uint32_t)(at - h->out.data);
	h->stage = HTTP_UPGRADED;
	h->close = true;
	return ramet__output_send(h, NULL, 0);
}

struct ramet_conn *ramet_http_upgrade(struct ramet_http *h,
				      const char *protocol)
{
	int err = ramet__http_upgrade(h, protocol);

	if (err == 0)
		return h->conn;
	ramet__fail(err);
	return NULL;
}
