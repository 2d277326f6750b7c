/* lot_table.h - who waits in the lot, by address.
 *
 * A waiter lives on the stack of who waits.  Those of one address form a ring,
 * first come first; the first of each ring is chained to its bucket, so that a
 * long queue is in nobody's way.
 */
#ifndef SYNC_LOT_TABLE_H
#define SYNC_LOT_TABLE_H

#include "kernel/calls.h"
#include "sync/lot.h"

#include <signal.h>

enum {
	BUCKET_BITS = 13,
	BUCKETS = 1 << BUCKET_BITS,
	SPINS = 100, /* then the lock's holder may need our processor */
};

/* Of a waiter. */
enum taken { WAITING, MAILED, DELIVERED, WOKEN };

struct waiter {
	struct waiter *next, *prev; /* of the ring */
	struct waiter *chain; /* of the first of a ring: the next ring's */
	const uint32_t *word; /* atomic: may be moved */
	uint32_t mask, id;
	struct ramet *ramet; /* NULL: an OS thread without loop */
	uint32_t taken;      /* atomic: MAILED until the mail has come */
	bool moved;
	struct mail mail;
};

struct bucket {
	struct waiter *first;
	uint32_t lock;    /* atomic */
	uint64_t signals; /* the mask of the OS thread that has locked it */
};

extern struct bucket ramet__lot_buckets[BUCKETS];

/* Multiplicative hashing: Knuth, The Art of Computer Programming, 6.4. */
static inline struct bucket *bucket_of(const uint32_t *word)
{
	uint64_t hash = (uintptr_t)word / sizeof *word * 0x9e3779b97f4a7c15u;

	return &ramet__lot_buckets[hash >> (64 - BUCKET_BITS)];
}

static inline uint64_t block_signals(void)
{
	uint64_t all = ~UINT64_C(0), before = 0;

	kernel_real_call(SYS_rt_sigprocmask, SIG_SETMASK, KERNEL_ARG(&all),
			 KERNEL_ARG(&before), sizeof all, 0, 0);
	return before;
}

static inline void unblock_signals(uint64_t before)
{
	kernel_real_call(SYS_rt_sigprocmask, SIG_SETMASK, KERNEL_ARG(&before),
			 0, sizeof before, 0, 0);
}

/* Without a loop that knows of its handlers (in_handler), an OS thread lets
 * none in: it may wake somebody, by sem_post, and wait here for the thread it
 * has interrupted. */
static inline void bucket_lock(struct bucket *b)
{
	uint64_t signals = 0;

	if (unlikely(!ramet__this_loop))
		signals = block_signals();
	for (int n = 0; __atomic_exchange_n(&b->lock, 1, __ATOMIC_ACQUIRE); n++)
		if (n >= SPINS)
			kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	b->signals = signals;
}

/* Of two, the one that was locked last first. */
static inline void bucket_unlock(struct bucket *b)
{
	uint64_t signals = b->signals;

	__atomic_store_n(&b->lock, 0, __ATOMIC_RELEASE);
	if (unlikely(!ramet__this_loop))
		unblock_signals(signals);
}

/* What points to the first that waits at the word, or to NULL. */
static inline struct waiter **ring_of(struct bucket *b, const uint32_t *word)
{
	struct waiter **link = &b->first;

	while (*link && (*link)->word != word)
		link = &(*link)->chain;
	return link;
}

static inline void ring_append(struct bucket *b, struct waiter *w)
{
	struct waiter **link = ring_of(b, w->word), *first = *link;

	w->chain = NULL;
	if (!first) {
		w->next = w->prev = w;
		*link = w;
		return;
	}
	w->next = first;
	w->prev = first->prev;
	w->next->prev = w->prev->next = w;
}

static inline void ring_remove(struct bucket *b, struct waiter *w)
{
	struct waiter **link = ring_of(b, w->word);

	if (w->next == w) {
		*link = w->chain;
		return;
	}
	if (*link == w) {
		w->next->chain = w->chain;
		*link = w->next;
	}
	w->next->prev = w->prev;
	w->prev->next = w->next;
}

/* The first at the word that has a bit of the mask, unless a simulation picks
 * another. */
static inline struct waiter *ring_choose(struct bucket *b, const uint32_t *word,
					 uint32_t mask)
{
	struct waiter *first = *ring_of(b, word), *w = first;
	uint32_t n = 0, skip;

	if (!w)
		return NULL;
	if (likely(!kernel_picks())) {
		do
			if (w->mask & mask)
				return w;
		while ((w = w->next) != first);
		return NULL;
	}
	do
		n += (w->mask & mask) != 0;
	while ((w = w->next) != first);
	if (!n)
		return NULL;
	for (skip = kernel_pick(n); !(w->mask & mask) || skip; w = w->next)
		skip -= (w->mask & mask) != 0;
	return w;
}

#endif
