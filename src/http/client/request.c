/* request.c - a request: its checks, and where redirects lead it (RFC 9110,
 * 15.4).
 */
#include "http/client/exchange.h"

#include <string.h>

enum { DRAIN_MAX = 65536 };

static void release(struct exchange *x)
{
	if (x->response)
		ramet__response_free(x->response);
	ramet__link_close(x->link);
	ramet__text_free(&x->head);
	kernel_free(x->piece);
	kernel_free(x->credentials);
	kernel_free(x->url);
	if (x->client)
		ramet__http_unuse(x->client);
}

/* ---- where to ----------------------------------------------------------- */

/* Take over url.  Returns 0 or -EINVAL. */
static int go_to(struct exchange *x, char *url)
{
	int err;

	kernel_free(x->url);
	x->url = url;
	err = ramet__url_parse(&x->at, url);
	if (err == 0 && x->at.websocket)
		err = -EINVAL;
	if (err < 0 || !x->at.user)
		return err;
	kernel_free(x->credentials);
	x->credentials = ramet__basic(&x->at, &err);
	return err;
}

static bool is_redirect(int status)
{
	return (status >= 301 && status <= 303) || status == 307 ||
	       status == 308;
}

/* RFC 9110, 15.4.2 to 15.4.4, and what everybody does. */
static bool becomes_get(const struct exchange *x, int status)
{
	if (status == 303)
		return strcmp(x->method, "HEAD") != 0;
	return status <= 302 && strcmp(x->method, "POST") == 0;
}

/* Whether the answer sends us somewhere where we can go. */
static bool can_follow(const struct exchange *x)
{
	int status = x->response->status;

	if (!is_redirect(status) || x->client->redirects_max < 0 ||
	    !ramet_http_response_header(x->response, "Location"))
		return false;
	/* What was read of the program cannot be read again. */
	return !x->has_body || !x->begun || becomes_get(x, status);
}

static void leave_origin(struct exchange *x)
{
	x->strange = true;
	kernel_free(x->credentials);
	x->credentials = NULL;
}

static bool same_origin(const struct url *a, const struct url *b)
{
	return a->tls == b->tls && a->port == b->port &&
	       strcmp(a->host, b->host) == 0;
}

static int follow(struct exchange *x)
{
	struct ramet_http_response *r = x->response;
	int err = 0;
	char *url =
		ramet__url_resolve(x->url,
				   ramet_http_response_header(r, "Location"),
				   &err);
	struct url to;

	if (becomes_get(x, r->status)) {
		x->method = "GET";
		x->has_body = false;
	}
	if (r->persists) /* else its body may have no end */
		ramet__response_drain(r, DRAIN_MAX);
	ramet__response_free(r);
	x->response = NULL;
	if (url && ramet__url_parse(&to, url) == 0) {
		if (!same_origin(&x->at, &to))
			leave_origin(x);
		err = go_to(x, url);
	} else {
		err = url ? -EINVAL : err;
		kernel_free(url);
	}
	return err == -EINVAL ? -EPROTO : err; /* not the caller's mistake */
}

/* ---- the request -------------------------------------------------------- */

/* What can be said wrongly in it. */
static int check_request(const struct ramet_http_request *q)
{
	const char *method = q->method;

	if (!q->url || (q->body && q->read) ||
	    (q->body_size && !q->body && !q->read))
		return -EINVAL;
	if (method && (!ramet__is_token(method, strlen(method)) ||
		       strcmp(method, "CONNECT") == 0))
		return -EINVAL;
	return 0;
}

static int begin(struct exchange *x)
{
	const struct ramet_http_request *q = x->request;
	int err = check_request(q);
	char *url;

	if (err < 0)
		return err;
	x->has_body = q->body || q->read;
	x->expect = q->expect && x->has_body;
	x->method = q->method ? q->method : x->has_body ? "POST" : "GET";
	err = ramet__exchange_check(x);
	if (err < 0)
		return err;
	url = ramet__text_copy(q->url, strlen(q->url));
	return url ? go_to(x, url) : -ENOMEM;
}

static int run(struct exchange *x)
{
	int err = begin(x);

	for (int i = 0; err == 0; i++) {
		err = ramet__exchange_run(x);
		if (err < 0 || !can_follow(x))
			break;
		if (i == x->client->redirects_max)
			return -ELOOP;
		err = follow(x);
	}
	return err;
}

/* x is released when the program's function is unwound, too. */
static int request(struct loop *l, struct ramet_http_client *c,
		   const struct ramet_http_request *q,
		   struct ramet_http_response **response)
{
	__attribute__((cleanup(release))) struct exchange x = {.request = q};
	int err;

	if (!c)
		c = ramet__http_default(l);
	if (!c)
		return -ENOMEM;
	if (c->loop != l)
		return (int)ramet__misuse(-EPERM);
	x.client = c;
	c->users++;
	err = run(&x);
	if (err < 0)
		return err;
	*response = x.response;
	x.response = NULL;
	return 0;
}

struct ramet_http_response *ramet_http_request(
	struct ramet_http_client *c, const struct ramet_http_request *q)
{
	struct loop *l = ramet__loop();
	struct ramet_http_response *r = NULL;
	int err = l ? request(l, c, q, &r) : -ENOMEM;

	if (err < 0)
		ramet__fail(err);
	return r;
}

struct ramet_http_response *ramet_http_get(struct ramet_http_client *c,
					   const char *url)
{
	return ramet_http_request(c, &(struct ramet_http_request){.url = url});
}
