/* client.c - clients: their options, and how long they live.
 *
 * Who asks and each answer use a client, so that it may be freed while they go
 * on; then it lasts until they end.
 */
#include "http/client/client.h"
#include "http/client/loop.h"

#include <string.h>

enum { HEAD_MAX = 65536, IDLE_MAX = 8, REDIRECTS_MAX = 10 };

static const int64_t idle_time = 30 * RAMET_SEC;

static void destroy(struct ramet_http_client *c)
{
	ramet__proxies_free(&c->proxies);
	kernel_free(c->user_agent);
	kernel_free(c);
}

void ramet__http_unuse(struct ramet_http_client *c)
{
	if (--c->users == 0)
		destroy(c);
}

static int set(struct ramet_http_client *c,
	       const struct ramet_http_client_opts *o)
{
	const char *agent =
		o->user_agent ? o->user_agent : "ramet/" RAMET_VERSION;
	size_t size = strlen(agent);

	c->tls = o->tls;
	c->redirects_max = o->redirects_max ? o->redirects_max : REDIRECTS_MAX;
	c->idle_max = o->idle_max ? o->idle_max : IDLE_MAX;
	c->idle_time = o->idle_time ? o->idle_time : idle_time;
	c->head_max = HEAD_MAX;
	if (o->head_max)
		c->head_max = o->head_max < INT32_MAX ? (uint32_t)o->head_max
						      : INT32_MAX;
	c->keep_coding = o->keep_coding;
	if (!ramet__is_value(agent, size))
		return -EINVAL;
	if (size)
		c->user_agent = ramet__text_copy(agent, size);
	if (size && !c->user_agent)
		return -ENOMEM;
	return ramet__proxies_init(&c->proxies, o->proxy);
}

static struct ramet_http_client *make(struct loop *l,
				      const struct ramet_http_client_opts *opts,
				      int *err)
{
	struct ramet_http_client *c = kernel_alloc(sizeof *c);

	*err = -ENOMEM;
	if (!c)
		return NULL;
	*err = set(c, opts ? opts : &(struct ramet_http_client_opts){0});
	if (*err < 0) {
		destroy(c);
		return NULL;
	}
	c->users = 1;
	c->loop = l;
	c->next = l->http_clients;
	l->http_clients = c;
	return c;
}

struct ramet_http_client *ramet_http_client_new(
	const struct ramet_http_client_opts *opts)
{
	struct loop *l = ramet__loop();
	struct ramet_http_client *c = NULL;
	int err = -ENOMEM;

	if (l)
		c = make(l, opts, &err);
	if (!c)
		ramet__fail(err);
	return c;
}

static void release(struct loop *l, struct ramet_http_client *c)
{
	struct ramet_http_client **at = &l->http_clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	ramet__pool_close_all(c);
	c->freed = true;
	ramet__http_unuse(c);
}

void ramet_http_client_free(struct ramet_http_client *c)
{
	struct loop *l = ramet__loop();
	int err = errno;

	if (c && l == c->loop)
		release(l, c);
	else if (c)
		ramet__misuse(-EPERM);
	errno = err;
}

/* ---- the loop's --------------------------------------------------------- */

struct ramet_http_client *ramet__http_default(struct loop *l)
{
	struct ramet_http_client *c = l->http_clients;
	int err;

	while (c && !c->is_default)
		c = c->next;
	if (!c) {
		c = make(l, NULL, &err);
		if (c)
			c->is_default = true;
	}
	return c;
}

/* Those of the program are its own to free; what they keep is of no use. */
void ramet__http_close(struct loop *l)
{
	struct ramet_http_client *c = l->http_clients, *next;

	for (; c; c = next) {
		next = c->next;
		ramet__pool_close_all(c);
		if (c->is_default)
			release(l, c);
	}
}

/* What is kept is the parent's: two must not ask on one connection, and the
 * child must not say goodbye in the parent's name. */
void ramet__http_after_fork(struct loop *l)
{
	for (struct ramet_http_client *c = l->http_clients; c; c = c->next)
		ramet__pool_forget(c);
}
