/* row.c - the rows of table.h, and a hash table of their names. */
#include "patch/engine/row.h"

#include "patch/hook.h"
#include "patch/lock/lock.h"

#include <string.h>

#define ROW(group_, type, name_, params)                                       \
	{#name_, group_, (void *)HOOK(name_),                                  \
	 offsetof(struct libc_functions, name_)},

#define SECOND_ROW(group_, type, name_, params)                                \
	{#name_, group_, (void *)LOCK_HOOK(name_),                             \
	 offsetof(struct libc_functions, name_)},

#define PATCH_ONE(group, type, name, params) +1

static const struct patch_row rows[] = {PATCH_GROUPS(ROW) PATCH_ENGINE(ROW)
						PATCH_LOCKS(SECOND_ROW)};

/* Indices + 1 of rows, 0: none; what finds its place taken goes on the next. */
enum { PLACES = 2048 };
static uint16_t places[PLACES];

_Static_assert(countof(rows) <= PLACES / 2, "few names share a place");

/* FNV-1a: Fowler, Noll and Vo's hash, which has been put in the public domain.
 */
static uint32_t place_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return (h ^ h >> 16) % PLACES;
}

void patch_rows_sort(void)
{
	if (places[place_of(rows[0].name)])
		return;
	for (size_t i = 0; i < countof(rows); i++) {
		uint32_t p = place_of(rows[i].name);

		while (places[p])
			p = (p + 1) % PLACES;
		places[p] = (uint16_t)(i + 1);
	}
}

/* From a place on. */
static const struct patch_row *find(uint32_t p, const char *name)
{
	for (; places[p]; p = (p + 1) % PLACES)
		if (strcmp(rows[places[p] - 1].name, name) == 0)
			return &rows[places[p] - 1];
	return NULL;
}

const struct patch_row *patch_row(const char *name)
{
	return find(place_of(name), name);
}

const struct patch_row *patch_row_second(const struct patch_row *row)
{
	uint32_t p = place_of(row->name);

	while (places[p] != row - rows + 1)
		p = (p + 1) % PLACES;
	return find((p + 1) % PLACES, row->name);
}

const struct patch_row *patch_row_look_for(const char *name)
{
	for (size_t i = 0; i < countof(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

void *patch_row_libc(const struct patch_row *row)
{
	void *f;

	memcpy(&f, (const char *)&libc + row->libc_at, sizeof f);
	return f;
}

const char *ramet__patch_name(size_t i, unsigned *group)
{
	const size_t of_groups = 0 PATCH_GROUPS(PATCH_ONE);

	if (i >= of_groups)
		return NULL;
	*group = rows[i].group;
	return rows[i].name;
}
