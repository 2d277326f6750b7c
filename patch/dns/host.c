/* host.c - the older look-ups, which answer in a struct hostent.
 *
 * What is found is laid out in the caller's buffer when it is back.
 */
#include "net/names/host.h"
#include "patch/dns/lookup.h"

#include <string.h>

struct query {
	struct lookup lookup;
	const char *name; /* NULL: by address */
	uint8_t addr[16];
	int family;
	struct found found;
	int error, err;
	char text[];
};

static void run(struct loop *l, struct lookup *u)
{
	struct query *q = container_of(u, struct query, lookup);

	q->error = q->name ? ramet__names_host(l, q->name, q->family, &q->found,
					       &q->err)
			   : ramet__names_host_of(l, q->addr, q->family,
						  &q->found, &q->err);
}

static void discard(struct lookup *u)
{
	struct query *q = container_of(u, struct query, lookup);

	ramet__found_free(&q->found);
	kernel_free(q);
}

/* What the caller asks, and for what room. */
struct wish {
	const char *name;
	const void *addr;
	socklen_t addr_size;
	int family; /* 0: of no particular one */
	struct hostent *host;
	char *buf;
	size_t size;
	struct hostent **result;
	int *error;
};

static struct query *query_new(const struct wish *w)
{
	struct query *q = kernel_alloc(sizeof *q + lookup_room(w->name));
	char *place;

	if (!q)
		return NULL;
	place = q->text;
	q->lookup.run = run;
	q->lookup.free = discard;
	q->name = ramet__lookup_copy(&place, w->name);
	if (!w->name)
		memcpy(q->addr, w->addr, w->addr_size);
	q->family = w->family ? w->family : AF_INET;
	return q;
}

/* What nobody has to be asked for, and mistakes. */
static bool is_libcs(const struct wish *w)
{
	if (w->name && ramet__name_is_address(w->name))
		return true;
	if (w->family != AF_INET && w->family != AF_INET6)
		return !w->name || w->family != 0;
	return !w->name && w->addr_size != (w->family == AF_INET ? 4 : 16);
}

static int directly(const struct wish *w)
{
	if (!w->name)
		return libc.gethostbyaddr_r(w->addr, w->addr_size, w->family,
					    w->host, w->buf, w->size, w->result,
					    w->error);
	if (w->family)
		return libc.gethostbyname2_r(w->name, w->family, w->host,
					     w->buf, w->size, w->result,
					     w->error);
	return libc.gethostbyname_r(w->name, w->host, w->buf, w->size,
				    w->result, w->error);
}

/* It is back in *q; or an error number. */
static int ask(struct loop *l, const struct wish *w, struct query **q)
{
	int err;

	hook_begin(l);
	*q = query_new(w);
	err = *q ? ramet__lookup(l, &(*q)->lookup) : -ENOMEM;
	hook_end(l, 0);
	if (err < 0)
		errno = -err;
	return err < 0 ? ramet__hostent_code(EAI_SYSTEM, err, w->error) : 0;
}

static int answer(const struct query *q, const struct wish *w)
{
	int err = ramet__hostent_code(q->error, q->err, w->error);

	if (q->error == EAI_AGAIN)
		err = EAGAIN; /* as libc has it */
	if (q->error == 0)
		err = ramet__hostent(&q->found, q->family, w->host, w->buf,
				     w->size);
	if (err == ERANGE)
		*w->error = NETDB_INTERNAL;
	else if (q->error == 0)
		*w->result = w->host;
	if (err)
		errno = err;
	return err;
}

/* As the _r functions: an error number. */
static int look_up(const struct wish *w)
{
	struct loop *l = hook_loop(RAMET_DNS);
	struct query *q;
	bool alone;
	int err;

	if (!l || is_libcs(w))
		return directly(w);
	*w->result = NULL;
	err = ask(l, w, &q);
	if (err)
		return err;
	err = answer(q, w);
	alone = lookup_is_libcs(q->error, q->err);
	discard(&q->lookup);
	return alone ? directly(w) : err;
}

int HOOK(gethostbyname_r)(const char *name, struct hostent *host, char *buf,
			  size_t size, struct hostent **result, int *error)
{
	return look_up(&(struct wish){.name = name,
				      .host = host,
				      .buf = buf,
				      .size = size,
				      .result = result,
				      .error = error});
}

int HOOK(gethostbyname2_r)(const char *name, int family, struct hostent *host,
			   char *buf, size_t size, struct hostent **result,
			   int *error)
{
	return look_up(&(struct wish){.name = name,
				      .family = family,
				      .host = host,
				      .buf = buf,
				      .size = size,
				      .result = result,
				      .error = error});
}

int HOOK(gethostbyaddr_r)(const void *addr, socklen_t addr_size, int family,
			  struct hostent *host, char *buf, size_t size,
			  struct hostent **result, int *error)
{
	return look_up(&(struct wish){.addr = addr,
				      .addr_size = addr_size,
				      .family = family,
				      .host = host,
				      .buf = buf,
				      .size = size,
				      .result = result,
				      .error = error});
}

/* ---- without a buffer --------------------------------------------------- */

/* As large as it has to be. */
static int answer_new(const struct query *q, struct wish *w)
{
	int err = ERANGE;

	for (w->size = 1024; err == ERANGE && w->size <= 1 << 24;
	     w->size *= 4) {
		kernel_free(w->buf);
		w->buf = kernel_alloc(w->size);
		*w->error = NETDB_INTERNAL;
		err = w->buf ? answer(q, w) : ENOMEM;
	}
	return err;
}

/* As in libc the answer holds until the next call by anybody: what comes back
 * is put where the last answer was only when it is back. */
static struct hostent *look_up_static(struct loop *l, struct wish *w,
				      bool *alone)
{
	static struct hostent host;
	static char *kept;
	struct hostent own, *result = NULL;
	struct query *q;
	int error;

	w->host = &own;
	w->result = &result;
	w->error = &error;
	if (ask(l, w, &q) == 0) {
		answer_new(q, w);
		*alone = lookup_is_libcs(q->error, q->err);
		discard(&q->lookup);
	}
	if (!result) {
		kernel_free(w->buf);
		h_errno = error;
		return NULL;
	}
	kernel_free(kept);
	kept = w->buf;
	host = own;
	return &host;
}

struct hostent *HOOK(gethostbyname)(const char *name)
{
	struct loop *l = hook_loop(RAMET_DNS);
	struct wish w = {.name = name};
	bool alone = !l || is_libcs(&w);
	struct hostent *host = alone ? NULL : look_up_static(l, &w, &alone);

	return alone ? libc.gethostbyname(name) : host;
}

struct hostent *HOOK(gethostbyname2)(const char *name, int family)
{
	struct loop *l = hook_loop(RAMET_DNS);
	struct wish w = {.name = name, .family = family};
	bool alone = !l || is_libcs(&w);
	struct hostent *host = alone ? NULL : look_up_static(l, &w, &alone);

	return alone ? libc.gethostbyname2(name, family) : host;
}

struct hostent *HOOK(gethostbyaddr)(const void *addr, socklen_t size,
				    int family)
{
	struct loop *l = hook_loop(RAMET_DNS);
	struct wish w = {.addr = addr, .addr_size = size, .family = family};
	bool alone = !l || is_libcs(&w);
	struct hostent *host = alone ? NULL : look_up_static(l, &w, &alone);

	return alone ? libc.gethostbyaddr(addr, size, family) : host;
}
