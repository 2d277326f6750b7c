/* host.c - the older look-ups, which answer in a struct hostent.
 *
 * The helper answers in a buffer of its own, as large as the caller's and
 * aligned like it; the pointers in it are moved over with it. */
#include "patch/dns/lookup.h"

#include <string.h>

enum { ALIGNED = 16, ADDR_MAX = 16 };

struct query {
	struct lane_call call;
	const char *name; /* NULL: by address */
	char addr[ADDR_MAX];
	socklen_t addr_size;
	int family; /* 0: of no particular one */
	struct hostent host, *result;
	char *buf;
	size_t size;
	int ret, error, error_number;
	char text[];
};

static void run(struct lane_call *c)
{
	struct query *q = container_of(c, struct query, call);

	if (!q->name)
		q->ret = libc.gethostbyaddr_r(q->addr, q->addr_size, q->family,
					      &q->host, q->buf, q->size,
					      &q->result, &q->error);
	else if (q->family)
		q->ret = libc.gethostbyname2_r(q->name, q->family, &q->host,
					       q->buf, q->size, &q->result,
					       &q->error);
	else
		q->ret = libc.gethostbyname_r(q->name, &q->host, q->buf,
					      q->size, &q->result, &q->error);
	q->error_number = errno;
}

static void discard(struct lane_call *c)
{
	kernel_free(container_of(c, struct query, call));
}

/* What the caller asks, and for what room. */
struct wish {
	const char *name;
	const void *addr;
	socklen_t addr_size;
	int family;
	struct hostent *host;
	char *buf;
	size_t size;
	struct hostent **result;
	int *error;
};

static struct query *query_new(const struct wish *w)
{
	size_t text = lookup_room(w->name);
	struct query *q =
		kernel_alloc(sizeof *q + text + w->size + 2 * ALIGNED);
	char *place;

	if (!q)
		return NULL;
	place = q->text;
	q->call.run = run;
	q->call.free = discard;
	q->name = ramet__lookup_copy(&place, w->name);
	if (!w->name)
		memcpy(q->addr, w->addr, w->addr_size);
	q->addr_size = w->addr_size;
	q->family = w->family;
	q->size = w->size;
	q->buf = place +
		 (((uintptr_t)w->buf - (uintptr_t)place) & (ALIGNED - 1));
	return q;
}

/* ---- moving an answer --------------------------------------------------- */

static void *moved(const struct query *q, const struct wish *w, void *p)
{
	size_t at = (size_t)((char *)p - q->buf);

	return at <= q->size ? w->buf + at : p;
}

static char **moved_list(const struct query *q, const struct wish *w,
			 char **list)
{
	char **there = moved(q, w, list);

	for (size_t i = 0; there && there[i]; i++)
		there[i] = moved(q, w, there[i]);
	return there;
}

static void answer(const struct query *q, const struct wish *w)
{
	*w->error = q->error;
	*w->result = NULL;
	if (!q->result)
		return;
	memcpy(w->buf, q->buf, q->size);
	*w->host = q->host;
	w->host->h_name = moved(q, w, q->host.h_name);
	w->host->h_aliases = moved_list(q, w, q->host.h_aliases);
	w->host->h_addr_list = moved_list(q, w, q->host.h_addr_list);
	*w->result = w->host;
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

/* As the _r functions: an error number. */
static int look_up(const struct wish *w)
{
	struct loop *l = hook_loop(RAMET_DNS);
	struct query *q;
	int err;

	if (!l || (w->name ? ramet__name_is_address(w->name)
			   : w->addr_size > ADDR_MAX))
		return directly(w);
	*w->result = NULL;
	*w->error = NETDB_INTERNAL;
	q = query_new(w);
	if (!q)
		return ENOMEM;
	err = ramet__lookup(l, &q->call);
	if (err == -EAGAIN)
		return directly(w);
	if (err < 0) {
		*w->error = err == -ENOMEM ? NETDB_INTERNAL : TRY_AGAIN;
		errno = -err;
		return -err;
	}
	answer(q, w);
	err = q->ret;
	if (err || !*w->result)
		errno = q->error_number;
	discard(&q->call);
	return err;
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

/* As in libc the answer holds until the next call by anybody: what comes back
 * is put where the last answer was only when it is back. */
static struct hostent *look_up_static(struct wish *w)
{
	static struct hostent host;
	static char *kept;
	struct hostent own, *result = NULL;
	char *buf = NULL;
	int err = ERANGE, error = NETDB_INTERNAL;

	w->host = &own;
	w->result = &result;
	w->error = &error;
	for (w->size = 1024; err == ERANGE && w->size <= 1 << 20;
	     w->size *= 2) {
		kernel_free(buf);
		w->buf = buf = kernel_alloc(w->size);
		err = buf ? look_up(w) : ENOMEM;
	}
	if (!result) {
		kernel_free(buf);
		h_errno = error;
		return NULL;
	}
	kernel_free(kept);
	kept = buf;
	host = own;
	return &host;
}

struct hostent *HOOK(gethostbyname)(const char *name)
{
	if (!hook_loop(RAMET_DNS))
		return libc.gethostbyname(name);
	return look_up_static(&(struct wish){.name = name});
}

struct hostent *HOOK(gethostbyname2)(const char *name, int family)
{
	if (!hook_loop(RAMET_DNS))
		return libc.gethostbyname2(name, family);
	return look_up_static(&(struct wish){.name = name, .family = family});
}

struct hostent *HOOK(gethostbyaddr)(const void *addr, socklen_t size,
				    int family)
{
	if (!hook_loop(RAMET_DNS))
		return libc.gethostbyaddr(addr, size, family);
	return look_up_static(&(struct wish){.addr = addr,
					     .addr_size = size,
					     .family = family});
}
