/* lot_self.c - who waits, who owns: a number for each ramet and OS thread. */
#include "sync/lot.h"

#include "kernel/calls.h"

enum { OS_THREAD = 1 << 29 }; /* bit of the ids of OS threads without a loop */

static uint32_t last_id; /* atomic */

static uint32_t next_number(void)
{
	uint32_t id;

	do
		id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED) &
		     (OS_THREAD - 1);
	while (!id);
	return id;
}

uint32_t ramet__lot_number(struct ramet *t)
{
	uint32_t *id = &t->cold->lot_id;

	if (!*id)
		*id = next_number();
	return *id;
}

/* An OS thread keeps its number when it gets a loop: it may hold locks. */
uint32_t ramet__lot_self_slowly(void)
{
	static __thread uint32_t os_id
		__attribute__((tls_model("initial-exec")));
	struct loop *l = ramet__this_loop;
	uint32_t *id = l ? &l->current->cold->lot_id : &os_id;

	if (l && l->current == &l->main && !*id)
		*id = os_id;
	if (l)
		return ramet__lot_number(l->current);
	if (!*id)
		*id = OS_THREAD |
		      (uint32_t)kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
	return *id;
}
