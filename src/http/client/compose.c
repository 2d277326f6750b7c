/* compose.c - the head of a question (RFC 9112, 3; RFC 9110, 7.2, 10.1). */
#include "http/client/exchange.h"

#include <string.h>
#include <strings.h>

/* ---- the program's headers ---------------------------------------------- */

static bool is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strcasecmp(name, *list) == 0)
			return true;
	return false;
}

/* What says where a message ends, or is about the connection, is ours. */
static bool is_ours(const char *name)
{
	static const char *const ours[] =
		{"Connection", "Content-Length",    "Expect",
		 "Keep-Alive", "Proxy-Connection",  "TE",
		 "Trailer",    "Transfer-Encoding", "Upgrade",
		 NULL};

	return is_one_of(name, ours);
}

/* What is meant for the origin that was asked, and nobody else. */
static bool is_secret(const char *name)
{
	static const char *const secrets[] = {"Authorization", "Cookie", "Host",
					      "Proxy-Authorization", NULL};

	return is_one_of(name, secrets);
}

static bool is_host(const char *value)
{
	size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789-._~%!$&'()*+,;=:[]");

	return n && !value[n];
}

static bool has(const struct exchange *x, const char *name)
{
	return ramet__headers_find(x->request->headers,
				   x->request->header_count, name);
}

int ramet__exchange_check(struct exchange *x)
{
	const struct ramet_http_request *q = x->request;
	int hosts = 0;

	for (size_t i = 0; i < q->header_count; i++) {
		const struct ramet_http_header *h = &q->headers[i];

		if (!h->name || !h->value || is_ours(h->name) ||
		    !ramet__is_token(h->name, strlen(h->name)) ||
		    !ramet__is_value(h->value, strlen(h->value)))
			return -EINVAL;
		if (strcasecmp(h->name, "Host") == 0 &&
		    (hosts++ || !is_host(h->value)))
			return -EINVAL;
	}
	/* Who names codings, or wants a part of a body, takes it as it is. */
	x->decode = !x->client->keep_coding && ramet__inflate_there() &&
		    !has(x, "Accept-Encoding") && !has(x, "Range");
	return 0;
}

/* ---- the head ----------------------------------------------------------- */

static void put_header(struct text *t, const char *name, const char *value)
{
	ramet__text_put(t, name);
	ramet__text_put(t, ": ");
	ramet__text_put(t, value);
	ramet__text_put(t, "\r\n");
}

/* Whether a header of the program's is sent in this question. */
static bool is_sent(const struct exchange *x, const char *name)
{
	bool had_body = x->request->body || x->request->read;

	if (x->strange && is_secret(name))
		return false;
	return x->has_body || !had_body || strncasecmp(name, "Content-", 8);
}

static bool sends(const struct exchange *x, const char *name)
{
	return has(x, name) && is_sent(x, name);
}

/* A proxy that is asked for http gets the whole URL (RFC 9112, 3.2.2). */
static void put_target(struct text *t, const struct exchange *x,
		       const struct proxy *proxy)
{
	if (proxy && !x->at.tls) {
		ramet__text_put(t, "http://");
		ramet__text_host(t, &x->at, false);
	}
	if (!x->at.target_size || x->at.target[0] != '/')
		ramet__text_put(t, "/");
	ramet__text_add(t, x->at.target, x->at.target_size);
}

/* Of a body that is empty it is said where there could be one: RFC 9110, 8.6.
 */
static void put_framing(struct text *t, const struct exchange *x)
{
	static const char *const with_body[] = {"POST", "PUT", "PATCH", NULL};
	uint64_t size = x->has_body ? x->request->body_size : 0;

	if (x->has_body && x->request->read && !size) {
		put_header(t, "Transfer-Encoding", "chunked");
	} else if (x->has_body || is_one_of(x->method, with_body)) {
		ramet__text_put(t, "Content-Length: ");
		ramet__text_number(t, size);
		ramet__text_put(t, "\r\n");
	}
	if (x->has_body && x->expect)
		put_header(t, "Expect", "100-continue");
}

/* What is said unless the program says it itself. */
static void put_defaults(struct text *t, const struct exchange *x,
			 const struct proxy *proxy)
{
	if (proxy && !x->at.tls && proxy->credentials &&
	    !sends(x, "Proxy-Authorization"))
		put_header(t, "Proxy-Authorization", proxy->credentials);
	if (x->credentials && !sends(x, "Authorization"))
		put_header(t, "Authorization", x->credentials);
	if (x->client->user_agent && !has(x, "User-Agent"))
		put_header(t, "User-Agent", x->client->user_agent);
	if (x->decode)
		put_header(t, "Accept-Encoding", "gzip, deflate");
}

int ramet__exchange_compose(struct exchange *x)
{
	const struct ramet_http_request *q = x->request;
	const struct proxy *proxy =
		ramet__proxies_find(&x->client->proxies, &x->at);
	struct text *t = &x->head;

	ramet__text_free(t);
	ramet__text_put(t, x->method);
	ramet__text_put(t, " ");
	put_target(t, x, proxy);
	ramet__text_put(t, " HTTP/1.1\r\n");
	if (!sends(x, "Host")) {
		ramet__text_put(t, "Host: ");
		ramet__text_host(t, &x->at, false);
		ramet__text_put(t, "\r\n");
	}
	put_defaults(t, x, proxy);
	for (size_t i = 0; i < q->header_count; i++)
		if (is_sent(x, q->headers[i].name))
			put_header(t, q->headers[i].name, q->headers[i].value);
	put_framing(t, x);
	ramet__text_put(t, "\r\n");
	return t->err;
}
