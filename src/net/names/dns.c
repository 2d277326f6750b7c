/* dns.c - which server is asked when, and with what name.
 *
 * Servers are asked in their order, those that are silent or cannot tell are
 * passed over, and all that several times, as resolv.conf says.
 */
#include "net/names/dns.h"

#include "net/names/ares.h"
#include "net/names/cache.h"

#include <string.h>

/* ---- one name ----------------------------------------------------------- */

struct asking {
	struct loop *loop;
	struct names *names;
	const struct resolv *resolv;
	const char *name;
	struct asked *asked;
	struct question questions[QUESTIONS_MAX];
	bool settled[QUESTIONS_MAX];
	bool plain; /* without EDNS0 */
	bool again; /* the same server */
};

static void forget(struct question *q)
{
	ramet__ares_free(q->query);
	kernel_free(q->reply);
	q->query = q->reply = NULL;
	q->by_tcp = false;
}

/* A new query with a new id. */
static int prepare(struct asking *a, struct question *q)
{
	enum { HEADER_AD = 0x20 };
	int id = ramet__names_id(a->names), err;

	if (id < 0)
		return id;
	forget(q);
	q->name = a->name;
	err = ramet__ares_query(a->name, q->type, (uint16_t)id,
				a->plain ? 0 : UDP_SIZE, &q->query,
				&q->query_size);
	if (err == 0 && a->resolv->trust_ad)
		q->query[3] |= HEADER_AD;
	return err;
}

/* Those that have no verdict yet. */
static int prepare_all(struct asking *a, struct question **open, size_t *count)
{
	int err = 0;

	*count = 0;
	for (size_t i = 0; err == 0 && i < a->asked->count; i++) {
		if (a->settled[i])
			continue;
		open[(*count)++] = &a->questions[i];
		err = prepare(a, &a->questions[i]);
	}
	return err;
}

/* Read the replies.  Those that are to be asked by TCP come in `tcp`. */
static int take_in(struct asking *a, struct question **tcp, size_t *count)
{
	struct asked *d = a->asked;

	*count = 0;
	for (size_t i = 0; i < d->count; i++) {
		struct question *q = &a->questions[i];
		int v = ANSWER_TRUNCATED;

		if (a->settled[i] || (!q->reply && !q->by_tcp))
			continue;
		if (!q->by_tcp)
			v = ramet__answer_read(q->reply, q->reply_size, a->name,
					       q->type, &d->answers[i]);
		if (v < 0)
			return v;
		if (v == ANSWER_TRUNCATED) {
			tcp[(*count)++] = q;
			q->by_tcp = false;
			continue;
		}
		a->settled[i] = v <= ANSWER_NXDOMAIN;
		d->verdicts[i] = v;
		a->again = a->again || (v == ANSWER_NO_EDNS && !a->plain);
	}
	return 0;
}

static unsigned unanswered(struct question **q, size_t count)
{
	unsigned n = 0;

	for (size_t i = 0; i < count; i++)
		n += !q[i]->reply && !q[i]->by_tcp;
	return n;
}

/* By UDP and, where that is not enough, by TCP.  An error that is not of our
 * memory is the server's. */
static int exchange(struct asking *a, struct server *s, struct question **open,
		    size_t count, unsigned *lost)
{
	struct question *tcp[QUESTIONS_MAX];
	size_t tcp_count = count;
	int err = 0;

	*lost = 0;
	if (a->resolv->use_vc) {
		memcpy(tcp, open, sizeof tcp);
	} else {
		err = ramet__udp_ask(a->loop, s, open, count);
		*lost = unanswered(open, count);
		if (err == -ENOMEM)
			return err;
		err = take_in(a, tcp, &tcp_count);
	}
	if (err < 0 || !tcp_count)
		return err;
	err = ramet__tcp_ask(s, tcp, tcp_count);
	return err == -ENOMEM ? err : take_in(a, tcp, &tcp_count);
}

static int ask_server(struct asking *a, struct server *s)
{
	struct question *open[QUESTIONS_MAX];
	struct ramet_scope scope;
	unsigned lost;
	size_t count;
	int err = prepare_all(a, open, &count);

	if (err == 0)
		err = ramet__server_begin(a->loop, s, (unsigned)count);
	if (err < 0)
		return err;
	ramet_scope_open(&scope, a->resolv->timeout * RAMET_SEC);
	err = exchange(a, s, open, count, &lost);
	ramet_scope_close(&scope);
	ramet__server_end(s, (unsigned)count, lost);
	return err < 0 ? err : ramet__interrupted(a->loop);
}

static bool is_done(const struct asking *a)
{
	for (size_t i = 0; i < a->asked->count; i++)
		if (!a->settled[i])
			return false;
	return true;
}

static int ask_at(struct asking *a, const struct sockaddr_storage *addr)
{
	struct server *s = ramet__server_get(&a->names->servers, addr);
	int err;

	if (!s)
		return -ENOMEM;
	a->again = a->plain = false;
	err = ask_server(a, s);
	if (err == 0 && a->again) {
		a->plain = true;
		err = ask_server(a, s);
	}
	ramet__server_put(&a->names->servers, s);
	return err;
}

static int ask_all(struct asking *a)
{
	const struct resolv *r = a->resolv;
	size_t first = r->rotate ? a->names->rotation++ : 0;

	for (size_t i = 0; i < r->attempts * r->server_count; i++) {
		int err = ask_at(a, &r->servers[(first + i) % r->server_count]);

		if (err < 0 || is_done(a))
			return err;
	}
	return 0;
}

/* ---- with what is known ------------------------------------------------- */

static void begin(struct asking *a)
{
	struct asked *d = a->asked;

	for (size_t i = 0; i < d->count; i++) {
		a->questions[i].type = d->types[i];
		kernel_free(d->answers[i]);
		d->answers[i] = ramet__cache_get(&a->names->cache, a->loop->now,
						 a->name, d->types[i]);
		a->settled[i] = d->answers[i] != NULL;
		d->verdicts[i] =
			d->answers[i] ? d->answers[i]->verdict : ANSWER_SILENT;
	}
}

static void end(struct asking *a)
{
	struct asked *d = a->asked;

	for (size_t i = 0; i < d->count; i++) {
		if (d->answers[i])
			ramet__cache_put(&a->names->cache, a->loop->now,
					 a->name, d->types[i], d->answers[i]);
		forget(&a->questions[i]);
	}
}

static int ask(struct loop *l, struct names *n, const struct resolv *r,
	       const char *name, struct asked *d)
{
	struct asking a = {.loop = l,
			   .names = n,
			   .resolv = r,
			   .name = name,
			   .asked = d};
	int err = 0;

	begin(&a);
	if (!is_done(&a)) {
		err = ask_all(&a);
		end(&a);
	}
	return err;
}

/* One after the other, for servers that lose one of two. */
static int ask_singly(struct loop *l, struct names *n, const struct resolv *r,
		      const char *name, struct asked *d)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < d->count; i++) {
		struct asked one = {.count = 1, .types = {d->types[i]}};

		err = ask(l, n, r, name, &one);
		kernel_free(d->answers[i]);
		d->answers[i] = one.answers[0];
		d->verdicts[i] = one.verdicts[0];
	}
	return err;
}

int ramet__dns_ask(struct loop *l, struct names *n, const struct resolv *r,
		   const char *name, struct asked *d)
{
	return r->single_request ? ask_singly(l, n, r, name, d)
				 : ask(l, n, r, name, d);
}

/* ---- the search list ---------------------------------------------------- */

void ramet__asked_free(struct asked *a)
{
	for (size_t i = 0; i < QUESTIONS_MAX; i++) {
		kernel_free(a->answers[i]);
		a->answers[i] = NULL;
	}
}

bool ramet__asked_any(const struct asked *a, enum verdict v)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->verdicts[i] == v)
			return true;
	return false;
}

/* How good a result is to report if nothing is found: that a name exists is
 * more than that it does not. */
static int rank(const struct asked *a)
{
	return ramet__asked_any(a, ANSWER_FOUND)      ? 4
	       : ramet__asked_any(a, ANSWER_SILENT)   ? 3
	       : ramet__asked_any(a, ANSWER_NODATA)   ? 2
	       : ramet__asked_any(a, ANSWER_NXDOMAIN) ? 0
						      : 1;
}

/* Keep the better of two. */
static void keep(struct asked *best, struct asked *a, bool *any)
{
	if (!*any || rank(a) > rank(best)) {
		struct asked worse = *best;

		*best = *a;
		*a = worse;
	}
	*any = true;
	ramet__asked_free(a);
}

struct candidates {
	char names[SEARCH_MAX + 2][NAME_ROOM];
	size_t count;
};

/* What is too long for a name is none. */
static void add(struct candidates *c, const char *name, size_t size,
		const char *suffix)
{
	size_t more = suffix ? strlen(suffix) + 1 : 0;
	char *to = c->names[c->count];

	if (!size || size + more >= NAME_ROOM - 2)
		return;
	memcpy(to, name, size);
	if (suffix) {
		to[size] = '.';
		memcpy(to + size + 1, suffix, more);
	} else {
		to[size] = '\0';
	}
	c->count++;
}

/* The order of res_search(3). */
static void list(struct candidates *c, const struct resolv *r, const char *name)
{
	size_t size = strlen(name), dots = 0;
	bool whole, first;

	for (const char *p = name; *p; p++)
		dots += *p == '.';
	whole = size && name[size - 1] == '.';
	size -= whole;
	first = whole || dots >= r->ndots;
	c->count = 0;
	if (first)
		add(c, name, size, NULL);
	for (size_t i = 0; !whole && i < r->search_count; i++)
		add(c, name, size, r->search[i]);
	if (!first && (dots || !r->search_count || !r->no_tld_query))
		add(c, name, size, NULL);
}

int ramet__dns_search(struct loop *l, struct names *n, const struct resolv *r,
		      const char *name, struct asked *d)
{
	struct asked next = *d;
	struct candidates *c = kernel_alloc(sizeof *c);
	bool any = false;
	int err = c ? 0 : -ENOMEM;

	if (c)
		list(c, r, name);
	for (size_t i = 0; err == 0 && i < c->count; i++) {
		err = ramet__dns_ask(l, n, r, c->names[i], &next);
		keep(d, &next, &any);
		if (rank(d) >= 3)
			break;
		next = (struct asked){.count = d->count};
		memcpy(next.types, d->types, sizeof next.types);
	}
	kernel_free(c);
	return err < 0 ? err : any ? 0 : -EINVAL;
}
