/* owners.c - ramets by the number as which they own locks.
 *
 * Most reports ask for none or for a few, and for each all ramets are looked
 * at.  Who asks for more has them put into a table, or a report on thousands
 * that wait for each other would hold the loop for seconds.
 */
#include "debug/owners.h"

#include "core/stack.h"
#include "kernel/calls.h"

#include <sys/mman.h>

enum { WALKS = 8 }; /* before there is a table */

/* Of the calling OS thread's report. */
static __thread struct {
	struct ramet *last; /* many wait for the same */
	int walks;
	struct ramet **table; /* open addressing; NULL: there is none */
	size_t size;          /* a power of two */
	struct loop *loop;    /* the table's */
} owners;

/* ---- all are looked at --------------------------------------------------- */

struct wanted {
	uint32_t number;
	struct ramet *found;
};

static void look_at(struct ramet *t, void *wanted)
{
	struct wanted *w = wanted;

	if (t->cold->lot_id == w->number)
		w->found = t;
}

static struct ramet *walk(struct loop *l, uint32_t number)
{
	struct wanted w = {number, NULL};

	owners.walks++;
	ramet__each(l, look_at, &w);
	return w.found;
}

/* ---- the table ----------------------------------------------------------- */

/* Multiplicative hashing: Knuth, The Art of Computer Programming, 6.4. */
static size_t place_of(uint32_t number)
{
	return (number * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
	       (owners.size - 1);
}

static void count_one(struct ramet *t, void *count)
{
	*(size_t *)count += t->cold->lot_id != 0;
}

static void put(struct ramet *t, void *unused)
{
	size_t at = place_of(t->cold->lot_id);

	(void)unused;
	if (!t->cold->lot_id)
		return;
	while (owners.table[at])
		at = (at + 1) & (owners.size - 1);
	owners.table[at] = t;
}

/* Without memory there is none. */
static void make_table(struct loop *l)
{
	size_t count = 0;
	int err;

	ramet__each(l, count_one, &count);
	for (owners.size = 64; owners.size < 2 * count;)
		owners.size *= 2;
	owners.table = kernel_mmap(owners.size * sizeof *owners.table,
				   PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, &err);
	if (!owners.table)
		return;
	owners.loop = l;
	ramet__each(l, put, NULL);
}

static struct ramet *look_up(uint32_t number)
{
	size_t at = place_of(number);
	struct ramet *t;

	while ((t = owners.table[at]) && t->cold->lot_id != number)
		at = (at + 1) & (owners.size - 1);
	return t;
}

/* ---- both ---------------------------------------------------------------- */

struct ramet *ramet__owner(struct loop *l, uint32_t number)
{
	struct ramet *t = owners.last;

	if (t && t->loop == l && t->cold->lot_id == number)
		return t;
	if (owners.walks >= WALKS && !owners.table)
		make_table(l);
	t = owners.table && owners.loop == l ? look_up(number)
					     : walk(l, number);
	if (t)
		owners.last = t;
	return t;
}

void ramet__owners_forget(void)
{
	if (owners.table)
		kernel_munmap(owners.table, owners.size * sizeof *owners.table);
	owners.table = NULL;
	owners.last = NULL;
	owners.walks = 0;
}
