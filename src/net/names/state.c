/* state.c - begin and end. */
#include "net/names/state.h"

#include "kernel/calls.h"
#include "net/names/cache.h"

struct names *ramet__names(struct loop *l)
{
	if (unlikely(!l->names))
		l->names = kernel_alloc(sizeof *l->names);
	return l->names;
}

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

void ramet__lookups_close(struct loop *l)
{
	struct names *n = l->names;

	if (!n)
		return;
	ramet__config_put(n->files.now);
	ramet__cache_free(n->cache);
	kernel_free(n);
	l->names = NULL;
}

/* Ids must not be those of the parent. */
void ramet__lookups_after_fork(struct loop *l)
{
	struct names *n = l->names;

	if (!n)
		return;
	ramet__servers_after_fork(&n->servers);
	n->files.looking = false;
	n->files.waiters = (struct ramet_waitq){0};
	n->id_count = 0;
}
