/* pool.c - connections that are kept: a list of all by age, and a table by whom
 * they lead to.
 *
 * Their time is looked at when the client is used: a timer would keep a loop
 * that has nothing else to do.
 */
#include "http/client/client.h"

#include "io/fd.h"

#include <string.h>

enum { ROOM_KEPT = 16384 }; /* of a buffer */

static struct link **bucket_of(struct ramet_http_client *c, const char *key)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (*key)
		hash = (hash ^ (unsigned char)*key++) * 16777619u;
	return &c->buckets[(hash ^ hash >> 16) % BUCKETS];
}

/* Take out what *at points to, in its bucket. */
static struct link *unlink_at(struct ramet_http_client *c, struct link **at)
{
	struct link *link = *at;

	*at = link->next;
	*(link->newer ? &link->newer->older : &c->newest) = link->older;
	*(link->older ? &link->older->newer : &c->oldest) = link->newer;
	return link;
}

static struct link *unlink_it(struct ramet_http_client *c, struct link *link)
{
	struct link **at = bucket_of(c, link->key);

	while (*at != link)
		at = &(*at)->next;
	return unlink_at(c, at);
}

static void expire(struct ramet_http_client *c, int64_t now)
{
	while (c->oldest && now - c->oldest->kept_since >= c->idle_time)
		ramet__link_close(unlink_it(c, c->oldest));
}

struct link *ramet__pool_take(struct ramet_http_client *c, const char *key)
{
	struct link **at;

	expire(c, kernel_now());
	at = bucket_of(c, key);
	while (*at) {
		struct link *link;

		if (strcmp((*at)->key, key) != 0) {
			at = &(*at)->next;
			continue;
		}
		link = unlink_at(c, at);
		if (ramet__link_is_quiet(link)) {
			link->reused = true;
			link->got = 0;
			return link;
		}
		ramet__link_close(link);
	}
	return NULL;
}

/* The oldest makes room. */
static void limit(struct ramet_http_client *c, const char *key)
{
	struct link **last = NULL;
	size_t n = 0;

	for (struct link **at = bucket_of(c, key); *at; at = &(*at)->next)
		if (strcmp((*at)->key, key) == 0) {
			last = at;
			n++;
		}
	if (last && n >= c->idle_max)
		ramet__link_close(unlink_at(c, last));
}

void ramet__pool_keep(struct ramet_http_client *c, struct link *link)
{
	struct link **bucket = bucket_of(c, link->key);

	if (c->freed) {
		ramet__link_close(link);
		return;
	}
	link->kept_since = kernel_now();
	expire(c, link->kept_since);
	limit(c, link->key);
	if (link->room > ROOM_KEPT) {
		kernel_free(link->buf);
		link->buf = NULL;
		link->room = 0;
	}
	link->start = link->end = 0;
	link->at_once = false;
	link->next = *bucket;
	*bucket = link;
	link->newer = NULL;
	link->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = link;
	c->newest = link;
}

void ramet__pool_close_all(struct ramet_http_client *c)
{
	while (c->oldest)
		ramet__link_close(unlink_it(c, c->oldest));
}

void ramet__pool_forget(struct ramet_http_client *c)
{
	while (c->oldest) {
		struct link *link = unlink_it(c, c->oldest);

		if (link->conn->tls)
			ramet__close(link->conn->fd); /* the rest is lost */
		else
			ramet__link_close(link);
	}
}
