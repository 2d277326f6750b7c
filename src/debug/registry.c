/* registry.c - a list that is walked without a lock, in signal handlers too; so
 * whoever takes something off it waits until nobody walks, which on his own
 * thread none can. */
#include "debug/registry.h"

#include "kernel/calls.h"

static int lock, walkers; /* atomic */
static unsigned opened;   /* atomic */

static void give_way(void)
{
	kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void lock_all(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		give_way();
}

static void unlock_all(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static int own_tid(void)
{
	return (int)kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

int ramet__registry_open(struct loop *l)
{
	struct seen *s = kernel_alloc(sizeof *s);

	if (!s)
		return -ENOMEM;
	s->loop = l;
	s->tid = own_tid();
	s->number = __atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED);
	lock_all();
	s->next = ramet__seen;
	__atomic_store_n(&ramet__seen, s, __ATOMIC_SEQ_CST);
	unlock_all();
	return 0;
}

static struct seen *take_off(struct loop *l)
{
	struct seen **link = &ramet__seen, *s;

	lock_all();
	while ((*link)->loop != l)
		link = &(*link)->next;
	s = *link;
	__atomic_store_n(link, s->next, __ATOMIC_SEQ_CST);
	unlock_all();
	while (__atomic_load_n(&walkers, __ATOMIC_SEQ_CST))
		give_way();
	return s;
}

void ramet__registry_close(struct loop *l)
{
	struct seen *s = take_off(l);

	/* Mail from the loop's last moments is in its box still. */
	s->loop = NULL;
	ramet__deliver(l);
	kernel_free(s);
}

/* Whoever held the lock, or walked, is not here. */
void ramet__registry_after_fork(struct loop *l)
{
	struct seen *mine = NULL, *next;

	for (struct seen *s = ramet__seen; s; s = next) {
		next = s->next;
		if (s->loop == l)
			mine = s;
		else
			kernel_free(s);
	}
	mine->next = NULL;
	mine->tid = own_tid();
	__atomic_store_n(&mine->posted, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&ramet__seen, mine, __ATOMIC_SEQ_CST);
	__atomic_store_n(&lock, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&walkers, 0, __ATOMIC_SEQ_CST);
}

void ramet__registry_each(void (*visit)(struct seen *, void *), void *arg)
{
	struct seen *s;

	__atomic_add_fetch(&walkers, 1, __ATOMIC_SEQ_CST);
	s = __atomic_load_n(&ramet__seen, __ATOMIC_SEQ_CST);
	for (; s; s = __atomic_load_n(&s->next, __ATOMIC_SEQ_CST))
		visit(s, arg);
	__atomic_sub_fetch(&walkers, 1, __ATOMIC_SEQ_CST);
}
