/* lot_life.c - the lot as loops, OS threads and processes come and go. */
#include "core/stack.h"
#include "sync/later.h"
#include "sync/lot_table.h"

#include <sys/single_threaded.h>

struct bucket ramet__lot_buckets[BUCKETS];

/* ---- alone --------------------------------------------------------------- */

/* Of the preloaded library: under `ramet run` the OS threads are the runtime's
 * own. */
extern char ramet__names_taken[] __attribute__((weak));

static struct loop *only; /* atomic: the loop */
static bool shared;       /* atomic: there are others */

bool ramet__lot_alone(struct loop *l)
{
	struct loop *first = __atomic_load_n(&only, __ATOMIC_RELAXED);

	if (unlikely(!first) &&
	    __atomic_compare_exchange_n(&only, &first, l, false,
					__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		first = l;
	if (first == l && l)
		return (ramet__names_taken || __libc_single_threaded) &&
		       !__atomic_load_n(&shared, __ATOMIC_RELAXED);
	__atomic_store_n(&shared, true, __ATOMIC_RELAXED);
	return false;
}

/* ---- ends --------------------------------------------------------------- */

static void leave_bucket(struct bucket *b, const struct loop *l)
{
	struct waiter **link = &b->first, *w, *next;

	bucket_lock(b);
	while (*link) {
		struct waiter *first = *link, *last = first->prev;
		struct waiter *rest = first->chain;

		for (w = first;; w = next) {
			next = w->next;
			if (w->ramet && w->ramet->loop == l)
				ring_remove(b, w);
			if (w == last)
				break;
		}
		if (*link && *link != rest)
			link = &(*link)->chain;
	}
	bucket_unlock(b);
}

void ramet__lot_leave(struct loop *l)
{
	struct loop *self = l;

	ramet__later_leave(l);
	for (struct bucket *b = ramet__lot_buckets;
	     l->in_lot && b < ramet__lot_buckets + BUCKETS; b++)
		leave_bucket(b, l);
	__atomic_compare_exchange_n(&only, &self, NULL, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

uint32_t ramet__lot_forks;

/* Nobody will ever find it in its bucket, nor may it look itself. */
static void leave_for_good(struct ramet *t, void *unused)
{
	(void)unused;
	if (t->state == STATE_PARKED &&
	    (t->wait == WAIT_LOT || t->wait == WAIT_LOT_OPEN))
		t->flags |= FLAG_SHIELD;
}

/* A host's guests go on waiting (core/fork.c), if no other thread can have been
 * about anything here. */
static bool guests_stay(struct loop *l)
{
	if (!l || !l->host || !l->in_lot)
		return false;
	if (only == l && !shared)
		return true;
	ramet__each(l, leave_for_good, NULL);
	return false;
}

/* Writes only where something was: most pages stay the parent's. */
void ramet__lot_after_fork(void)
{
	if (guests_stay(ramet__this_loop))
		return;
	for (struct bucket *b = ramet__lot_buckets;
	     b < ramet__lot_buckets + BUCKETS; b++)
		if (b->first || b->lock)
			*b = (struct bucket){0};
	ramet__later_after_fork();
	ramet__lot_forks++;
	only = ramet__this_loop;
	shared = false;
	if (only)
		only->in_lot = 0;
}
