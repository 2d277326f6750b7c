/* names.c - the living actors of the process that have a name. */
#include "task/actor/actor.h"

#include "kernel/calls.h"

#include <string.h>

enum { BUCKETS_MIN = 64, SPINS = 100 };

/* Chained in buckets, a power of two of them; under the lock.  An actor is
 * among them until it has ended for good, and is one of its own users so long.
 */
static struct {
	uint32_t lock; /* atomic */
	struct ramet_actor **buckets;
	size_t size, used;
} names;

static void lock(void)
{
	for (int n = 0; __atomic_exchange_n(&names.lock, 1, __ATOMIC_ACQUIRE);
	     n++)
		if (n >= SPINS)
			kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void unlock(void)
{
	__atomic_store_n(&names.lock, 0, __ATOMIC_RELEASE);
}

/* FNV-1a: G. Fowler, L. C. Noll, K.-P. Vo (1991). */
static size_t hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3u;
	return h ^ h >> 32;
}

static struct ramet_actor **bucket(const char *name)
{
	return &names.buckets[hash(name) & (names.size - 1)];
}

static struct ramet_actor *find(const char *name)
{
	struct ramet_actor *a = names.size ? *bucket(name) : NULL;

	while (a && strcmp(a->name, name) != 0)
		a = a->next_named;
	return a;
}

static void put(struct ramet_actor *a)
{
	struct ramet_actor **link = bucket(a->name);

	a->next_named = *link;
	*link = a;
}

/* Twice the buckets, or as many as now if there is no memory for more. */
static int make_room(void)
{
	size_t size = names.size, bigger = size ? 2 * size : BUCKETS_MIN;
	struct ramet_actor **old = names.buckets, **new;

	if (names.used < size)
		return 0;
	new = kernel_alloc(bigger * sizeof(struct ramet_actor *));
	if (!new)
		return size ? 0 : -ENOMEM;
	names.buckets = new;
	names.size = bigger;
	for (size_t i = 0; i < size; i++)
		for (struct ramet_actor *a = old[i], *next; a; a = next) {
			next = a->next_named;
			put(a);
		}
	kernel_free(old);
	return 0;
}

int ramet__name_add(struct ramet_actor *a)
{
	int err = 0;

	if (!a->name[0])
		return 0;
	lock();
	if (find(a->name))
		err = -EEXIST;
	else
		err = make_room();
	if (err == 0) {
		put(a);
		names.used++;
	}
	unlock();
	return err;
}

/* The table goes with the last name. */
void ramet__name_remove(struct ramet_actor *a)
{
	struct ramet_actor **link;

	if (!a->name[0])
		return;
	lock();
	for (link = bucket(a->name); *link != a; link = &(*link)->next_named)
		;
	*link = a->next_named;
	if (--names.used == 0) {
		kernel_free(names.buckets);
		names.buckets = NULL;
		names.size = 0;
	}
	unlock();
}

struct ramet_actor *ramet_actor_find(const char *name)
{
	struct ramet_actor *a;

	lock();
	a = find(name);
	if (a)
		ramet_actor_keep(a);
	unlock();
	if (!a)
		ramet__fail(-ESRCH);
	return a;
}

/* Another OS thread may have held the lock. */
void ramet__names_after_fork(void)
{
	names.lock = 0;
	names.used = names.size = 0;
	names.buckets = NULL;
}
