/* cache.c - a table in which each answer has one place of four, by its name: no
 * list has to be kept, and what holds for the shortest time gives way. */
#include "net/names/cache.h"

#include "ramet/net.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { WAYS = 4 };

struct entry {
	int64_t until;
	int type;
	char name[NAME_ROOM];
	struct answer *answer; /* NULL: free */
};

struct cache {
	size_t limit, sets;
	struct entry entries[];
};

static size_t limit; /* atomic; the process's */

/* ---- the table ---------------------------------------------------------- */

void ramet__cache_free(struct cache *c)
{
	for (size_t i = 0; c && i < c->sets * WAYS; i++)
		kernel_free(c->entries[i].answer);
	kernel_free(c);
}

/* The loop's, as large as is wished now. */
static struct cache *current(struct cache **cache)
{
	size_t wish = __atomic_load_n(&limit, __ATOMIC_RELAXED), sets;
	struct cache *c = *cache;

	if (likely((c ? c->limit : 0) == wish))
		return c;
	ramet__cache_free(c);
	*cache = NULL;
	sets = wish / WAYS + (wish % WAYS > 0);
	if (wish)
		*cache = kernel_alloc(sizeof *c +
				      sets * WAYS * sizeof(struct entry));
	if (*cache) {
		(*cache)->limit = wish;
		(*cache)->sets = sets;
	}
	return *cache;
}

static struct entry *set_of(struct cache *c, const char *name, int type)
{
	uint64_t h = 14695981039346656037u + (uint64_t)type; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (uint64_t)tolower((unsigned char)*name)) *
		    1099511628211u;
	return &c->entries[h % c->sets * WAYS];
}

static bool is_of(const struct entry *e, const char *name, int type)
{
	return e->answer && e->type == type && strcasecmp(e->name, name) == 0;
}

static struct answer *copy(const struct answer *a)
{
	struct answer *c = ramet__answer_new(a->verdict, a->name, a->count,
					     a->aliases_size);

	if (c)
		memcpy(c->addrs, a->addrs,
		       a->count * sizeof a->addrs[0] + a->aliases_size);
	return c;
}

/* ---- use ---------------------------------------------------------------- */

struct answer *ramet__cache_get(struct cache **cache, int64_t now,
				const char *name, int type)
{
	struct cache *c = current(cache);
	struct entry *e = c ? set_of(c, name, type) : NULL;

	for (size_t i = 0; e && i < WAYS; i++)
		if (is_of(&e[i], name, type) && e[i].until > now)
			return copy(e[i].answer);
	return NULL;
}

/* Where it goes: its own place, a free one, or that of the first to expire. */
static struct entry *place(struct entry *e, const char *name, int type)
{
	struct entry *best = e;

	for (size_t i = 0; i < WAYS; i++) {
		if (is_of(&e[i], name, type))
			return &e[i];
		if (best->answer && (!e[i].answer || e[i].until < best->until))
			best = &e[i];
	}
	return best;
}

void ramet__cache_put(struct cache **cache, int64_t now, const char *name,
		      int type, const struct answer *a)
{
	struct cache *c = a->ttl ? current(cache) : NULL;
	size_t size = strlen(name) + 1;
	struct answer *kept = c && size <= NAME_ROOM ? copy(a) : NULL;
	struct entry *e;

	if (!kept)
		return;
	e = place(set_of(c, name, type), name, type);
	kernel_free(e->answer);
	e->answer = kept;
	e->type = type;
	e->until = time_add(now, a->ttl * RAMET_SEC);
	memcpy(e->name, name, size);
}

/* Each loop follows at its next look-up. */
int ramet_names_cache(size_t count)
{
	if (count > SIZE_MAX / 2 / sizeof(struct entry))
		return (int)ramet__fail(-ENOMEM);
	__atomic_store_n(&limit, count, __ATOMIC_RELAXED);
	return 0;
}
