/* local.c - values per ramet: an array in the cold record, indexed by key. */
#include "core/core.h"

#include <string.h>

struct ramet_local {
	size_t index;
	void (*destroy)(void *);
	struct ramet_local *older;
};

static struct ramet_local *newest; /* atomic; never freed */
static size_t key_count;           /* atomic */

struct ramet_local *ramet__local_new(void (*destroy)(void *value))
{
	struct loop *l = ramet__loop();
	struct ramet_local *key = l ? kernel_alloc(sizeof *key) : NULL;

	if (!key)
		return NULL;
	key->index = __atomic_fetch_add(&key_count, 1, __ATOMIC_RELAXED);
	key->destroy = destroy;
	key->older = __atomic_load_n(&newest, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&newest, &key->older, key, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	return key;
}

struct ramet_local *ramet_local_new(void (*destroy)(void *value))
{
	struct ramet_local *key = ramet__local_new(destroy);

	if (!key)
		ramet__fail(-ENOMEM);
	return key;
}

void *ramet_local_get(const struct ramet_local *key)
{
	struct loop *l = ramet__loop();
	struct cold *c = l ? l->current->cold : NULL;

	return c && key->index < c->local_count ? c->locals[key->index] : NULL;
}

/* Room for every key there is now, so that a ramet grows it seldom. */
static int reserve(struct cold *c, size_t index)
{
	size_t count = __atomic_load_n(&key_count, __ATOMIC_RELAXED);
	void **locals;

	if (index < c->local_count)
		return 0;
	locals = kernel_alloc(count * sizeof *locals);
	if (!locals)
		return -ENOMEM;
	if (c->local_count)
		memcpy(locals, c->locals, c->local_count * sizeof *locals);
	kernel_free(c->locals);
	c->locals = locals;
	c->local_count = count;
	return 0;
}

int ramet__local_set(struct ramet_local *key, void *value)
{
	struct loop *l = ramet__loop();
	struct cold *c = l ? l->current->cold : NULL;
	int err = c ? reserve(c, key->index) : -ENOMEM;

	if (err == 0)
		c->locals[key->index] = value;
	return err;
}

int ramet_local_set(struct ramet_local *key, void *value)
{
	return (int)ramet__ret(ramet__local_set(key, value));
}

/* Destructors may set values again: as with pthreads, try a few times. */
void ramet__locals_destroy(struct ramet *t)
{
	struct cold *c = t->cold;
	bool again = true;

	for (int round = 0; again && round < 4; round++) {
		again = false;
		for (struct ramet_local *key =
			     __atomic_load_n(&newest, __ATOMIC_ACQUIRE);
		     key; key = key->older) {
			void *value = key->index < c->local_count
					      ? c->locals[key->index]
					      : NULL;

			if (!value || !key->destroy)
				continue;
			c->locals[key->index] = NULL;
			key->destroy(value);
			again = true;
		}
	}
	kernel_free(c->locals);
	c->locals = NULL;
	c->local_count = 0;
}
