/* query.c - the resolver's own functions.
 *
 * Those with a state use the caller's, and so cannot be left before they end;
 * the others use the helper's, which is the system's settings. */
#include "patch/dns/lookup.h"

#include <string.h>

enum what { QUERY, SEARCH, SEND };

struct query {
	struct lane_call call;
	enum what what;
	struct __res_state *state; /* NULL: the helper's */
	char *name;                /* or the message to send */
	int class, type, query_size, size, ret, error, error_number;
	unsigned char *answer;
	char text[];
};

static int ask(struct query *q)
{
	const unsigned char *message = (const unsigned char *)q->name;

	if (q->what == SEND)
		return q->state ? libc.res_nsend(q->state, message,
						 q->query_size, q->answer,
						 q->size)
				: libc.res_send(message, q->query_size,
						q->answer, q->size);
	if (q->what == QUERY)
		return q->state ? libc.res_nquery(q->state, q->name, q->class,
						  q->type, q->answer, q->size)
				: libc.res_query(q->name, q->class, q->type,
						 q->answer, q->size);
	return q->state ? libc.res_nsearch(q->state, q->name, q->class, q->type,
					   q->answer, q->size)
			: libc.res_search(q->name, q->class, q->type, q->answer,
					  q->size);
}

static void run(struct lane_call *c)
{
	struct query *q = container_of(c, struct query, call);

	q->ret = ask(q);
	q->error = h_errno;
	q->error_number = errno;
}

static void discard(struct lane_call *c)
{
	kernel_free(container_of(c, struct query, call));
}

static int failed(int error)
{
	errno = error;
	h_errno = error == ENOMEM ? NETDB_INTERNAL : TRY_AGAIN;
	return -1;
}

/* w has what was asked; its answer is the caller's place for it. */
static int look_up(struct loop *l, const struct query *w, size_t name_size)
{
	size_t room = w->size > 0 ? (size_t)w->size : 0;
	struct query *q;
	int ret, err;

	hook_begin(l);
	q = kernel_alloc(sizeof *q + name_size + room);
	if (!q) {
		hook_end(l, 0);
		return failed(ENOMEM);
	}
	*q = *w;
	q->call.run = run;
	q->call.free = discard;
	q->name = q->text;
	memcpy(q->text, w->name, name_size);
	q->answer = (unsigned char *)q->text + name_size;
	err = w->state ? ramet__lookup_firm(l, &q->call)
		       : ramet__lookup_libc(l, &q->call);
	hook_end(l, 0);
	if (err < 0)
		return failed(-err);
	ret = q->ret;
	/* More than there is room for was cut, and is told all the same. */
	if (ret > 0)
		memcpy(w->answer, q->answer,
		       (size_t)(ret < w->size ? ret : w->size));
	if (ret < 0) {
		h_errno = q->error;
		errno = q->error_number;
	}
	discard(&q->call);
	return ret;
}

static int by_name(struct loop *l, enum what what, struct __res_state *state,
		   const char *name, int class, int type, unsigned char *answer,
		   int size)
{
	struct query w = {.what = what,
			  .state = state,
			  .name = (char *)(uintptr_t)name,
			  .class = class,
			  .type = type,
			  .answer = answer,
			  .size = size};

	return look_up(l, &w, strlen(name) + 1);
}

static int by_message(struct loop *l, struct __res_state *state,
		      const unsigned char *query, int query_size,
		      unsigned char *answer, int size)
{
	struct query w = {.what = SEND,
			  .state = state,
			  .name = (char *)(uintptr_t)query,
			  .query_size = query_size,
			  .answer = answer,
			  .size = size};

	return look_up(l, &w, query_size > 0 ? (size_t)query_size : 0);
}

int HOOK(res_query)(const char *name, int class, int type,
		    unsigned char *answer, int size)
{
	struct loop *l = hook_loop(RAMET_DNS);

	if (!l)
		return libc.res_query(name, class, type, answer, size);
	return by_name(l, QUERY, NULL, name, class, type, answer, size);
}

int HOOK(res_search)(const char *name, int class, int type,
		     unsigned char *answer, int size)
{
	struct loop *l = hook_loop(RAMET_DNS);

	if (!l)
		return libc.res_search(name, class, type, answer, size);
	return by_name(l, SEARCH, NULL, name, class, type, answer, size);
}

int HOOK(res_nquery)(struct __res_state *state, const char *name, int class,
		     int type, unsigned char *answer, int size)
{
	struct loop *l = hook_loop(RAMET_DNS);

	if (!l)
		return libc.res_nquery(state, name, class, type, answer, size);
	return by_name(l, QUERY, state, name, class, type, answer, size);
}

int HOOK(res_nsearch)(struct __res_state *state, const char *name, int class,
		      int type, unsigned char *answer, int size)
{
	struct loop *l = hook_loop(RAMET_DNS);

	if (!l)
		return libc.res_nsearch(state, name, class, type, answer, size);
	return by_name(l, SEARCH, state, name, class, type, answer, size);
}

int HOOK(res_send)(const unsigned char *query, int query_size,
		   unsigned char *answer, int size)
{
	struct loop *l = hook_loop(RAMET_DNS);

	if (!l)
		return libc.res_send(query, query_size, answer, size);
	return by_message(l, NULL, query, query_size, answer, size);
}

int HOOK(res_nsend)(struct __res_state *state, const unsigned char *query,
		    int query_size, unsigned char *answer, int size)
{
	struct loop *l = hook_loop(RAMET_DNS);

	if (!l)
		return libc.res_nsend(state, query, query_size, answer, size);
	return by_message(l, state, query, query_size, answer, size);
}
