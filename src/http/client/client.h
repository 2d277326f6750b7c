/* client.h - the client's insides: connections, those that are kept, proxies.
 *
 * A request goes through request.c (redirects), exchange.c (one question and
 * its answer's head), connect.c (to whom), pool.c (connections that are kept),
 * link.c (what is read ahead of them); response.c has the answer, body.c and
 * inflate.c read its body.
 */
#ifndef HTTP_CLIENT_CLIENT_H
#define HTTP_CLIENT_CLIENT_H

#include "http/client/text.h"
#include "http/head.h"
#include "http/url.h"
#include "net/conn.h"
#include "ramet/http.h"

/* ---- connections (link.c) ----------------------------------------------- */

/* What connections are kept by: "https host:port"; a proxy that is asked for
 * http is one, whatever the host behind it. */
enum { KEY_SIZE = URL_HOST + 16 };

/* A connection, and what has been read ahead from it. */
struct link {
	struct ramet_conn *conn;
	struct link *newer, *older; /* of all that are kept */
	struct link *next;          /* in its bucket, newest first */
	int64_t kept_since;
	uint64_t got; /* bytes, since the present request */
	bool reused;  /* it has been kept */
	bool at_once; /* nothing may wait: -EAGAIN */
	char key[KEY_SIZE];
	char *buf; /* from start to end: not used yet */
	size_t start, end, room;
	struct http_head head;
};

/* Takes conn over, unless it returns NULL: ENOMEM. */
struct link *ramet__link_new(struct ramet_conn *conn, const char *key);

/* Never waits.  NULL is allowed. */
void ramet__link_close(struct link *link);

/* Read into buf, what was read ahead first.  Returns how much, 0 at the end, or
 * -errno. */
ssize_t ramet__link_read(struct link *link, void *buf, size_t size);

/* Read ahead, at least one byte; what was may move.  Returns as above. */
ssize_t ramet__link_fill(struct link *link);

/* Read on in the head of an answer into link->head, which ramet__head_init
 * began, from link->start on.  Returns its size, or -errno: -EPROTO, -EMSGSIZE,
 * -ECONNABORTED (the end comes first), those of reading; after -ETIMEDOUT it
 * can be called again. */
ssize_t ramet__link_head(struct link *link, uint32_t limit, bool no_body);

/* Such a head, of so many bytes and a status 1xx, is not the answer: go on
 * behind it.  Returns 0, or -EPROTO: it is 101. */
int ramet__link_interim(struct link *link, size_t size);

/* The head of the answer for which all others are to wait: skips those of
 * status 1xx. */
ssize_t ramet__link_final_head(struct link *link, uint32_t limit, bool no_body);

/* The trailer of chunks; else the same. */
ssize_t ramet__link_trailer(struct link *link, uint32_t limit);

/* Whether it is as it was left: nothing has come, nobody has closed it. */
bool ramet__link_is_quiet(const struct link *link);

/* ---- proxies (proxy.c) -------------------------------------------------- */

struct proxy {
	char *url; /* NULL: none */
	struct url at;
	char *credentials; /* "Basic ..."; NULL: none */
	int err;           /* of its URL, for who would use it */
};

struct proxies {
	struct proxy http, https;
	char *except; /* no_proxy; NULL: none */
};

/* As struct ramet_http_client_opts says.  Returns 0, -EINVAL, -ENOMEM; then,
 * too, they are to be freed. */
int ramet__proxies_init(struct proxies *p, const char *option);
void ramet__proxies_free(struct proxies *p);

/* Which one to ask about a URL; NULL: none. */
const struct proxy *ramet__proxies_find(const struct proxies *p,
					const struct url *url);

/* Whether `list`, as in no_proxy, has the host. */
bool ramet__no_proxy(const char *list, const char *host);

/* The credentials of a URL, which has some, as a header says them.  NULL and
 * *err: -EINVAL, -ENOMEM. */
char *ramet__basic(const struct url *url, int *err);

/* ---- the client (client.c) ---------------------------------------------- */

enum { BUCKETS = 64 };

struct ramet_http_client {
	struct loop *loop;
	struct ramet_http_client *next; /* of the loop */
	size_t users; /* requests and answers, and one until it is freed */
	bool freed, is_default;
	struct ramet_tls *tls;
	char *user_agent; /* NULL: none */
	struct proxies proxies;
	int redirects_max;
	size_t idle_max;
	int64_t idle_time;
	uint32_t head_max;
	bool keep_coding;
	struct link *newest, *oldest; /* that are kept */
	struct link *buckets[BUCKETS];
};

/* The loop's own.  NULL: ENOMEM. */
struct ramet_http_client *ramet__http_default(struct loop *l);

void ramet__http_unuse(struct ramet_http_client *c);

/* ---- kept connections (pool.c) ------------------------------------------ */

/* One that can be used; NULL: none.  Closes those whose time is up. */
struct link *ramet__pool_take(struct ramet_http_client *c, const char *key);

/* Keep it, or close it if that is too many. */
void ramet__pool_keep(struct ramet_http_client *c, struct link *link);

void ramet__pool_close_all(struct ramet_http_client *c);

/* In the child of a fork: close them, and say nothing on them. */
void ramet__pool_forget(struct ramet_http_client *c);

/* ---- new connections (connect.c) ---------------------------------------- */

/* A connection on which to ask about a URL; fresh: not one that was kept. */
int ramet__http_connect(struct ramet_http_client *c, const struct url *url,
			bool fresh, struct link **link);

/* "host" or "host:port", as the header Host has it. */
void ramet__text_host(struct text *t, const struct url *url, bool port_always);

#endif
