/* unwind_none.c - without libdwfl: names neither functions nor callers. */
#include "tools/ramet/guest.h"

#include <stdlib.h>

struct unwinder {
	struct symbol unknown;
	const struct guests *guests;
};

const char *unwinder_lacks(void)
{
	return "this ramet was built without libdw, so it shows no stacks; "
	       "install libdw-dev and build it again";
}

struct unwinder *unwinder_open(const struct target *t)
{
	(void)t;
	return need(calloc(1, sizeof(struct unwinder)));
}

void unwinder_use(struct unwinder *u, const struct guests *guests)
{
	u->guests = guests;
}

void unwinder_close(struct unwinder *u)
{
	free(u);
}

void unwinder_walk(struct unwinder *u, const struct suspended *s,
		   struct trace *trace)
{
	(void)u;
	(void)s;
	trace->count = trace->left_out = 0;
}

const struct symbol *unwinder_symbol(struct unwinder *u, uint64_t pc)
{
	return pc & GUEST_PLACE && u->guests ? guests_symbol(u->guests, pc)
					     : &u->unknown;
}
