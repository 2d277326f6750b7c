/* request.c - what a handler is told of a request. */
#include "http/answer.h"
#include "http/url.h"

#include "kernel/calls.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* ---- text of the head ---------------------------------------------------- */

/* Each text of a head is followed by a byte that means nothing any more: a
 * blank, a colon, the line's end. */
static char *text_of(char *head, struct http_text t)
{
	head[t.at + t.size] = '\0';
	return head + t.at;
}

static bool is(const char *text, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(text, word, size) == 0;
}

/* ---- prepare ------------------------------------------------------------- */

static int set_path(struct ramet_http *h, const char *target, size_t size)
{
	const char *query = memchr(target, '?', size);
	char *out = ramet__http_alloc(h, size + 2);

	if (!out)
		return 503;
	h->path = out;
	if (query)
		h->query = query + 1;
	return ramet__path_decode(target, size, out) < 0 ? 400 : 0;
}

static int set_target(struct ramet_http *h)
{
	const struct http_head *head = &h->head;
	const char *target = text_of(h->text, head->target);

	h->query = "";
	h->path = "";
	h->is_connect =
		is(h->text + head->method.at, head->method.size, "CONNECT");
	if (h->is_connect)
		return 0;
	if (is(target, head->target.size, "*")) {
		h->path = "*";
		return 0;
	}
	return set_path(h, target, head->target.size);
}

static int set_host(struct ramet_http *h)
{
	struct http_text t = h->head.host;
	char *copy = ramet__http_alloc(h, (size_t)t.size + 1);

	if (!copy)
		return 503;
	memcpy(copy, h->text + t.at, t.size);
	copy[t.size] = '\0';
	h->host = copy;
	return 0;
}

static int set_body(struct ramet_http *h)
{
	const struct http_head *head = &h->head;

	h->body_left = head->framing == HTTP_LENGTH ? head->length : 0;
	h->body_ended = head->framing == HTTP_NO_BODY ||
			(head->framing == HTTP_LENGTH && !head->length);
	if (h->body_ended)
		return 0;
	h->awaits_continue = head->flags & HTTP_EXPECT_100;
	return h->body_left > h->server->opts.body_max ? 413 : 0;
}

int ramet__request_prepare(struct ramet_http *h)
{
	const struct http_head *head = &h->head;
	int status = set_host(h);

	h->is_head = is(h->text + head->method.at, head->method.size, "HEAD");
	text_of(h->text, head->method);
	if (!status)
		status = set_target(h);
	return status ? status : set_body(h);
}

/* ---- the request line ---------------------------------------------------- */

const char *ramet_http_method(const struct ramet_http *h)
{
	return h->text + h->head.method.at;
}

const char *ramet_http_target(const struct ramet_http *h)
{
	return h->text + h->head.target.at;
}

const char *ramet_http_path(const struct ramet_http *h)
{
	return h->path;
}

const char *ramet_http_query(const struct ramet_http *h)
{
	return h->query;
}

const char *ramet_http_host(const struct ramet_http *h)
{
	return h->host;
}

int ramet_http_version(const struct ramet_http *h)
{
	return h->head.version;
}

/* ---- headers ------------------------------------------------------------- */

static const char *find(const struct http_head *head, char *text,
			const char *name)
{
	int i = ramet__head_find(head, text, name, 0);

	return i < 0 ? NULL : text_of(text, head->fields[i].value);
}

const char *ramet__http_header(const struct ramet_http *h, const char *name)
{
	return find(&h->head, h->text, name);
}

const char *ramet_http_header(const struct ramet_http *h, const char *name)
{
	return find(&h->head, h->text, name);
}

const char *ramet_http_trailer(const struct ramet_http *h, const char *name)
{
	return h->trailer ? find(h->trailer, h->trailer_text, name) : NULL;
}

const struct ramet_http_header *ramet_http_header_at(const struct ramet_http *h,
						     size_t i)
{
	/* Room of ours in it, written when somebody asks. */
	struct ramet_http_header *to =
		(struct ramet_http_header *)(uintptr_t)&h->headers[i];
	const struct http_field *f = &h->head.fields[i];

	if (i >= h->head.field_count)
		return NULL;
	to->name = text_of(h->text, f->name);
	to->value = text_of(h->text, f->value);
	return to;
}

/* One element of a list, without its parameters and the blanks around it. */
static bool element_is(const char *text, size_t size, const char *token)
{
	const char *end = memchr(text, ';', size);

	size = end ? (size_t)(end - text) : size;
	while (size && (*text == ' ' || *text == '\t')) {
		text++;
		size--;
	}
	while (size && (text[size - 1] == ' ' || text[size - 1] == '\t'))
		size--;
	return size == strlen(token) && strncasecmp(text, token, size) == 0;
}

/* Where the element ends: at a comma that is in no quoted string. */
static size_t element_size(const char *text)
{
	bool quoted = false;
	size_t i;

	for (i = 0; text[i] && (quoted || text[i] != ','); i++) {
		if (quoted && text[i] == '\\' && text[i + 1])
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
	}
	return i;
}

static bool list_has(const char *text, const char *token)
{
	for (;;) {
		size_t n = element_size(text);

		if (element_is(text, n, token))
			return true;
		if (!text[n])
			return false;
		text += n + 1;
	}
}

bool ramet__http_header_has(const struct ramet_http *h, const char *name,
			    const char *token)
{
	const struct http_head *head = &h->head;
	int i = ramet__head_find(head, h->text, name, 0);

	for (; i >= 0;
	     i = ramet__head_find(head, h->text, name, (uint32_t)i + 1))
		if (list_has(text_of(h->text, head->fields[i].value), token))
			return true;
	return false;
}

int ramet_http_header_has(const struct ramet_http *h, const char *name,
			  const char *token)
{
	return ramet__http_header_has(h, name, token);
}

int64_t ramet_http_body_size(const struct ramet_http *h)
{
	switch (h->head.framing) {
	case HTTP_LENGTH:
		return (int64_t)h->head.length;
	case HTTP_CHUNKED:
		return -1;
	default:
		return 0;
	}
}

/* ---- the query ----------------------------------------------------------- */

/* Decode what fits into buf; what does not is decoded all the same, to be cut.
 */
static ssize_t decode(const char *text, size_t size, char *buf, size_t room)
{
	char *all;
	ssize_t n;

	if (size < room) {
		n = ramet__form_decode(text, size, buf);
		if (n >= 0)
			buf[n] = '\0';
		return n;
	}
	all = kernel_alloc(size);
	if (!all)
		return -ENOMEM;
	n = ramet__form_decode(text, size, all);
	if (n >= 0 && room) {
		size_t fits = (size_t)n < room ? (size_t)n : room - 1;

		memcpy(buf, all, fits);
		buf[fits] = '\0';
	}
	kernel_free(all);
	return n;
}

static ssize_t query_get(const struct ramet_http *h, const char *name,
			 char *buf, size_t room)
{
	const char *at = h->query, *end;

	for (; *at; at = *end ? end + 1 : end) {
		size_t key = strcspn(at, "=&");
		char text[256];
		ssize_t n;

		end = at + strcspn(at, "&");
		if (key >= sizeof text)
			continue;
		n = ramet__form_decode(at, key, text);
		if (n < 0 || !is(text, (size_t)n, name))
			continue;
		at += key + (at[key] == '=');
		return decode(at, (size_t)(end - at), buf, room);
	}
	return -ENOENT;
}

ssize_t ramet_http_query_get(const struct ramet_http *h, const char *name,
			     char *buf, size_t room)
{
	return ramet__ret(query_get(h, name, buf, room));
}

/* ---- who asks ------------------------------------------------------------ */

struct ramet_conn *ramet_http_conn(const struct ramet_http *h)
{
	return h->conn;
}

const char *ramet_http_peer(struct ramet_http *h)
{
	struct http_conn *c = h->link;
	bool v6 = c->addr.any.sa_family == AF_INET6;
	char host[INET6_ADDRSTRLEN];

	if (*c->peer)
		return c->peer;
	if (c->addr.any.sa_family == AF_INET || v6) {
		const void *addr = v6 ? (void *)&c->addr.v6.sin6_addr
				      : (void *)&c->addr.v4.sin_addr;

		inet_ntop(c->addr.any.sa_family, addr, host, sizeof host);
		snprintf(c->peer, sizeof c->peer, v6 ? "[%s]:%d" : "%s:%d",
			 host,
			 ntohs(v6 ? c->addr.v6.sin6_port
				  : c->addr.v4.sin_port));
	} else {
		memcpy(c->peer, "unix", sizeof "unix");
	}
	return c->peer;
}
