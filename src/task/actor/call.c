/* call.c - waiting in one loop, or in none, for what another does. */
#include "sync/lot.h"
#include "task/actor/actor.h"

struct call *ramet__call_new(size_t room)
{
	struct call *c = kernel_alloc(sizeof *c);

	if (c) {
		c->users = 2;
		c->room = room;
	}
	return c;
}

void ramet__call_release(struct call *c)
{
	if (!c || __atomic_sub_fetch(&c->users, 1, __ATOMIC_ACQ_REL))
		return;
	kernel_free(c->reply);
	kernel_free(c);
}

void ramet__call_done(struct call *c)
{
	__atomic_store_n(&c->done, 1, __ATOMIC_RELEASE);
	ramet__lot_wake(&c->done, INT_MAX, UINT32_MAX);
}

void ramet__call_end(struct call *c, long result)
{
	c->result = result;
	ramet__call_done(c);
}

int ramet__call_wait(struct call *c, const char *what,
		     const struct ramet_actor *a)
{
	const struct lot_reason reason = {.what = what, .object = a};
	int err = 0;

	while (!__atomic_load_n(&c->done, __ATOMIC_ACQUIRE)) {
		err = ramet__lot_wait(&c->done, 0, UINT32_MAX, RAMET_NEVER,
				      LOT_SCOPE, &reason);
		if (err < 0 && err != -EAGAIN)
			return err;
	}
	return 0;
}
