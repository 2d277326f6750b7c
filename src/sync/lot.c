/* lot.c - waiting at an address, waking who waits there, and moving them to
 * another.
 *
 * A bucket's lock decides every race: who takes a waiter out of its ring has
 * ended the wait, be it a waker or the waiter itself, whose time has come.
 */
#include "sync/later.h"
#include "sync/lot_table.h"

#include <linux/futex.h>

/* A handler may have interrupted what changes the loop, or the lot. */
static bool in_handler(const struct loop *l)
{
	return l && unlikely(!l->hooks);
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

	ring_remove(b, w);
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

	bucket_lock(b);
	for (; woken < n && (w = ring_choose(b, word, mask)); woken++)
		wake(b, w);
	bucket_unlock(b);
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

	bucket_lock(b);
	w = ring_choose(b, word, UINT32_MAX);
	pass(arg, w ? w->id : 0, w && w->next != w);
	if (w)
		wake(b, w);
	bucket_unlock(b);
}

bool ramet__lot_offer(const uint32_t *word, bool (*take)(void *arg), void *arg)
{
	struct bucket *b = bucket_of(word);
	struct waiter *w;

	bucket_lock(b);
	w = ring_choose(b, word, UINT32_MAX);
	if (w && !take(arg))
		w = NULL;
	if (w)
		wake(b, w);
	bucket_unlock(b);
	return w != NULL;
}

/* ---- moving ------------------------------------------------------------- */

/* Always in the same order. */
static void lock_two(struct bucket *a, struct bucket *b)
{
	bucket_lock(a < b ? a : b);
	if (a != b)
		bucket_lock(a < b ? b : a);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	if (a != b)
		bucket_unlock(a < b ? b : a);
	bucket_unlock(a < b ? a : b);
}

static void move(struct bucket *from, struct bucket *b, struct waiter *w,
		 const uint32_t *to)
{
	ring_remove(from, w);
	__atomic_store_n(&w->word, to, __ATOMIC_RELAXED);
	w->moved = true;
	ring_append(b, w);
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
	for (; wakes > 0 && (w = ring_choose(from, word, UINT32_MAX));
	     wakes--) {
		wake(from, w);
		done++;
	}
	if (to == word)
		moves = 0; /* they wait there already */
	for (; moves > 0 && (w = ring_choose(from, word, UINT32_MAX));
	     moves--) {
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

	bucket_lock(b);
	holds = __atomic_load_n(w->word, __ATOMIC_RELAXED) == expected;
	if (holds)
		ring_append(b, w);
	bucket_unlock(b);
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
		bucket_lock(b);
		if (word == __atomic_load_n(&w->word, __ATOMIC_RELAXED))
			break;
		bucket_unlock(b); /* it was moved */
	}
	waiting = __atomic_load_n(&w->taken, __ATOMIC_RELAXED) == WAITING;
	if (waiting)
		ring_remove(b, w);
	bucket_unlock(b);
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
	bucket_lock(b);
	bucket_unlock(b);
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
