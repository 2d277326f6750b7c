/* lot.c - queues of waiters by the address that they wait at.
 *
 * A waiter lives on the stack of who waits.  Those of one address form a ring,
 * first come first; the first of each ring is chained to its bucket, so that a
 * long queue is in nobody's way.  A bucket's lock decides every race: who takes
 * a waiter out of its ring has ended the wait, be it a waker or the waiter
 * itself, whose time has come.
 */
#include "sync/lot.h"

#include "core/stack.h"
#include "sync/later.h"

#include "kernel/calls.h"

#include <linux/futex.h>
#include <sys/single_threaded.h>

enum {
	BUCKET_BITS = 13,
	BUCKETS = 1 << BUCKET_BITS,
	SPINS = 100, /* then the lock's holder may need our processor */
};

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
	uint32_t lock; /* atomic */
};

static struct bucket buckets[BUCKETS];

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

/* A handler may have interrupted what changes the loop, or the lot. */
static bool in_handler(const struct loop *l)
{
	return l && unlikely(!l->hooks);
}

/* ---- buckets ------------------------------------------------------------ */

/* Multiplicative hashing: Knuth, The Art of Computer Programming, 6.4. */
static struct bucket *bucket_of(const uint32_t *word)
{
	uint64_t hash = (uintptr_t)word / sizeof *word * 0x9e3779b97f4a7c15u;

	return &buckets[hash >> (64 - BUCKET_BITS)];
}

static void lock(struct bucket *b)
{
	for (int n = 0; __atomic_exchange_n(&b->lock, 1, __ATOMIC_ACQUIRE); n++)
		if (n >= SPINS)
			kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void unlock(struct bucket *b)
{
	__atomic_store_n(&b->lock, 0, __ATOMIC_RELEASE);
}

/* What points to the first that waits at the word, or to NULL. */
static struct waiter **ring_of(struct bucket *b, const uint32_t *word)
{
	struct waiter **link = &b->first;

	while (*link && (*link)->word != word)
		link = &(*link)->chain;
	return link;
}

static void append(struct bucket *b, struct waiter *w)
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

static void take_out(struct bucket *b, struct waiter *w)
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
static struct waiter *choose(struct bucket *b, const uint32_t *word,
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

/* ---- waking ------------------------------------------------------------- */

static void on_mail(struct loop *l, struct mail *mail)
{
	struct waiter *w = container_of(mail, struct waiter, mail);

	(void)l;
	__atomic_store_n(&w->taken, DELIVERED, __ATOMIC_RELAXED);
	if (w->ramet->state == STATE_PARKED)
		ramet__wake(w->ramet, 0);
}

static void wake_os_thread(struct waiter *w)
{
	const uint32_t *word = &w->taken; /* it may be gone by then */

	__atomic_store_n(&w->taken, WOKEN, __ATOMIC_RELEASE);
	kernel_call(SYS_futex, KERNEL_ARG(word), FUTEX_WAKE_PRIVATE, 1, 0, 0,
		    0);
}

/* The bucket stays locked meanwhile, so that another's loop cannot end before
 * it is woken: await_mail, and leave_bucket. */
static void wake(struct bucket *b, struct waiter *w)
{
	struct loop *l = ramet__this_loop;

	take_out(b, w);
	if (!w->ramet) {
		wake_os_thread(w);
	} else if (w->ramet->loop != l || in_handler(l)) {
		w->mail.deliver = on_mail;
		__atomic_store_n(&w->taken, MAILED, __ATOMIC_RELEASE);
		ramet__post(w->ramet->loop, &w->mail);
	} else {
		__atomic_store_n(&w->taken, WOKEN, __ATOMIC_RELAXED);
		/* Otherwise its time has come, and it is about to look. */
		if (w->ramet->state == STATE_PARKED)
			ramet__wake(w->ramet, 0);
	}
}

static int wake_some(const uint32_t *word, int n, uint32_t mask)
{
	struct bucket *b = bucket_of(word);
	struct waiter *w;
	int woken = 0;

	lock(b);
	for (; woken < n && (w = choose(b, word, mask)); woken++)
		wake(b, w);
	unlock(b);
	return woken;
}

static void wake_now(uint32_t *word, int n)
{
	wake_some(word, n, UINT32_MAX);
}

int ramet__lot_wake(const uint32_t *word, int n, uint32_t mask)
{
	if (!in_handler(ramet__this_loop))
		return wake_some(word, n, mask);
	ramet__lot_wake_later(ramet__this_loop, word, n);
	return 0;
}

void ramet__lot_wake_later(struct loop *l, const uint32_t *word, int n)
{
	ramet__later(l, wake_now, (uint32_t *)(uintptr_t)word, n);
}

void ramet__lot_pass(const uint32_t *word,
		     void (*pass)(void *arg, uint32_t owner, bool more),
		     void *arg)
{
	struct bucket *b = bucket_of(word);
	struct waiter *w;

	lock(b);
	w = choose(b, word, UINT32_MAX);
	pass(arg, w ? w->id : 0, w && w->next != w);
	if (w)
		wake(b, w);
	unlock(b);
}

bool ramet__lot_offer(const uint32_t *word, bool (*take)(void *arg), void *arg)
{
	struct bucket *b = bucket_of(word);
	struct waiter *w;

	lock(b);
	w = choose(b, word, UINT32_MAX);
	if (w && !take(arg))
		w = NULL;
	if (w)
		wake(b, w);
	unlock(b);
	return w != NULL;
}

/* ---- moving ------------------------------------------------------------- */

/* Always in the same order. */
static void lock_two(struct bucket *a, struct bucket *b)
{
	lock(a < b ? a : b);
	if (a != b)
		lock(a < b ? b : a);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	unlock(a);
	if (a != b)
		unlock(b);
}

static void move(struct bucket *from, struct bucket *b, struct waiter *w,
		 const uint32_t *to)
{
	take_out(from, w);
	__atomic_store_n(&w->word, to, __ATOMIC_RELAXED);
	w->moved = true;
	append(b, w);
}

int ramet__lot_requeue(const uint32_t *word, int wakes, int moves,
		       const uint32_t *to, bool any, uint32_t expected)
{
	struct bucket *from = bucket_of(word), *b = bucket_of(to);
	struct waiter *w;
	int done = 0;

	lock_two(from, b);
	if (!any && __atomic_load_n(word, __ATOMIC_RELAXED) != expected) {
		unlock_two(from, b);
		return -EAGAIN;
	}
	for (; wakes > 0 && (w = choose(from, word, UINT32_MAX)); wakes--) {
		wake(from, w);
		done++;
	}
	if (to == word)
		moves = 0; /* they wait there already */
	for (; moves > 0 && (w = choose(from, word, UINT32_MAX)); moves--) {
		move(from, b, w, to);
		done++;
	}
	unlock_two(from, b);
	return done;
}

/* ---- waiting ------------------------------------------------------------ */

static bool queue(struct waiter *w, uint32_t expected)
{
	struct bucket *b = bucket_of(w->word);
	bool holds;

	lock(b);
	holds = __atomic_load_n(w->word, __ATOMIC_RELAXED) == expected;
	if (holds)
		append(b, w);
	unlock(b);
	return holds;
}

/* End the wait, unless somebody has.  Returns whether. */
static bool leave(struct waiter *w)
{
	const uint32_t *word;
	struct bucket *b;
	bool waiting;

	for (;;) {
		word = __atomic_load_n(&w->word, __ATOMIC_RELAXED);
		b = bucket_of(word);
		lock(b);
		if (word == __atomic_load_n(&w->word, __ATOMIC_RELAXED))
			break;
		unlock(b); /* it was moved */
	}
	waiting = __atomic_load_n(&w->taken, __ATOMIC_RELAXED) == WAITING;
	if (waiting)
		take_out(b, w);
	unlock(b);
	return waiting;
}

static bool is_taken(const struct waiter *w)
{
	return __atomic_load_n(&w->taken, __ATOMIC_ACQUIRE) != WAITING;
}

static int park(struct loop *l, enum wait wait, const struct lot_reason *reason,
		int64_t when, int mode)
{
	if (when <= l->now) {
		ramet__give_way(l);
		return -ETIMEDOUT;
	}
	if (mode & LOT_SCOPE)
		return ramet__park_until(l, wait, reason, when);
	return ramet__park_firm(l, wait, reason, when);
}

/* Whoever posted it may still be about to wake the loop, which may end next: he
 * holds the bucket's lock till then. */
static void await_mail(struct loop *l, struct waiter *w,
		       const struct lot_reason *reason)
{
	struct bucket *b;

	while (__atomic_load_n(&w->taken, __ATOMIC_RELAXED) == MAILED)
		ramet__park_firm(l, WAIT_LOT_OPEN, reason, RAMET_NEVER);
	b = bucket_of(__atomic_load_n(&w->word, __ATOMIC_RELAXED));
	lock(b);
	unlock(b);
}

/* Returns 0 once w is taken, or why it was not. */
static int park_till_taken(struct loop *l, struct waiter *w, int64_t when,
			   int mode, const struct lot_reason *reason)
{
	enum wait wait = mode & LOT_OPEN || !ramet__lot_alone(l) ? WAIT_LOT_OPEN
								 : WAIT_LOT;
	int err = when == RAMET_NEVER ? ramet__owned_wait(l, wait, reason) : 0;

	if (unlikely(err < 0) && leave(w))
		return err;
	do {
		err = park(l, wait, reason, when, mode);
		if (err == -EDEADLK) { /* it has been reported */
			wait = WAIT_LOT_OPEN;
			err = 0;
		}
		if (err < 0 && leave(w))
			return err;
	} while (!is_taken(w));
	if (__atomic_load_n(&w->taken, __ATOMIC_RELAXED) != WOKEN)
		await_mail(l, w, reason);
	return 0;
}

static int wait_as_ramet(struct loop *l, struct waiter *w, int64_t when,
			 int mode, const struct lot_reason *reason)
{
	struct ramet *me = l->current;
	uint16_t eintr = me->flags & FLAG_EINTR;
	int err;

	if (!(mode & LOT_EINTR))
		me->flags &= (uint16_t)~FLAG_EINTR;
	l->in_lot++;
	err = park_till_taken(l, w, when, mode, reason);
	l->in_lot--;
	me->flags |= eintr;
	return err;
}

static int wait_as_os_thread(struct waiter *w, int64_t when, int mode)
{
	struct timespec ts = {when / RAMET_SEC, when % RAMET_SEC};
	const struct timespec *limit = when == RAMET_NEVER ? NULL : &ts;
	long err;

	ramet__lot_alone(NULL);
	if (when < 0)
		ts = (struct timespec){0};
	while (!is_taken(w)) {
		err = kernel_call(SYS_futex, KERNEL_ARG(&w->taken),
				  FUTEX_WAIT_BITSET_PRIVATE, WAITING,
				  KERNEL_ARG(limit), 0,
				  (long)FUTEX_BITSET_MATCH_ANY);
		if (err < 0 && err != -EAGAIN &&
		    (err != -EINTR || mode & LOT_EINTR) && leave(w))
			return (int)err;
	}
	return 0;
}

int ramet__lot_wait(const uint32_t *word, uint32_t expected, uint32_t mask,
		    int64_t when, int mode, const struct lot_reason *reason)
{
	struct loop *l = ramet__this_loop;
	struct waiter w = {.word = word, .mask = mask};
	int err = l && mode & LOT_SCOPE ? ramet__interrupted(l) : 0;

	if (err < 0)
		return err;
	if (l && (in_handler(l) || l->current->state != STATE_RUNNING))
		return __atomic_load_n(word, __ATOMIC_RELAXED) == expected
			       ? -EDEADLK
			       : -EAGAIN;
	w.ramet = l ? l->current : NULL;
	w.id = ramet__lot_self();
	if (!queue(&w, expected))
		return -EAGAIN;
	err = l ? wait_as_ramet(l, &w, when, mode, reason)
		: wait_as_os_thread(&w, when, mode);
	if (w.moved && (err == 0 || err == -ETIMEDOUT))
		return LOT_MOVED;
	return err;
}

/* ---- ends --------------------------------------------------------------- */

static void leave_bucket(struct bucket *b, const struct loop *l)
{
	struct waiter **link = &b->first, *w, *next;

	lock(b);
	while (*link) {
		struct waiter *first = *link, *last = first->prev;
		struct waiter *rest = first->chain;

		for (w = first;; w = next) {
			next = w->next;
			if (w->ramet && w->ramet->loop == l)
				take_out(b, w);
			if (w == last)
				break;
		}
		if (*link && *link != rest)
			link = &(*link)->chain;
	}
	unlock(b);
}

void ramet__lot_leave(struct loop *l)
{
	struct loop *self = l;

	ramet__later_leave(l);
	for (struct bucket *b = buckets; l->in_lot && b < buckets + BUCKETS;
	     b++)
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
	for (struct bucket *b = buckets; b < buckets + BUCKETS; b++)
		if (b->first || b->lock)
			*b = (struct bucket){0};
	ramet__later_after_fork();
	ramet__lot_forks++;
	only = ramet__this_loop;
	shared = false;
	if (only)
		only->in_lot = 0;
}
