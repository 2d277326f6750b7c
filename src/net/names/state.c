/* state.c - begin and end. */
#include "net/names/state.h"

#include "kernel/calls.h"
#include "net/names/cache.h"

int ramet__names_id(struct names *n)
{
	if (!n->id_count) {
		long got = kernel_call(SYS_getrandom, KERNEL_ARG(n->ids),
				       sizeof n->ids, 0, 0, 0, 0);

		if (got < 0)
			return (int)got;
		n->id_count = (size_t)got / sizeof n->ids[0];
		if (!n->id_count)
			return -EAGAIN;
	}
	return n->ids[--n->id_count];
}

static void close_names(struct loop *l)
{
	struct names *n = l->names;

	ramet__config_put(n->files.now);
	ramet__cache_free(n->cache);
	kernel_free(n->own.list);
	kernel_free(n);
	l->names = NULL;
}

/* Ids must not be those of the parent. */
static void after_fork(struct loop *l)
{
	struct names *n = l->names;

	ramet__servers_after_fork(&n->servers);
	n->files.looking = false;
	n->files.waiters = (struct ramet_waitq){0};
	n->id_count = 0;
}

struct names *ramet__names(struct loop *l)
{
	if (likely(l->names != NULL))
		return l->names;
	l->names = kernel_alloc(sizeof *l->names);
	if (l->names) {
		l->names->close = close_names;
		l->names->after_fork = after_fork;
	}
	return l->names;
}
