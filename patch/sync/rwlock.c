/* rwlock.c - read-write locks.
 *
 * One word has all that decides: who holds it, and whether readers or writers
 * wait.  These wait at two other words, their turns, which move on before they
 * are woken, so that who is about to wait does not.  Whoever makes the lock
 * free owns it alone first, as a writer does: the last reader becomes one if
 * anybody waits.  From there it is handed to the first writer that waits, or
 * opened to all readers.  Once the word says free nothing else is touched: the
 * lock may be gone.
 */
#include "patch/sync/sync.h"

enum {
	READERS_WAIT = 1 << 30,
	WRITERS_WAIT = 1 << 29,
	READERS = WRITERS_WAIT - 1, /* how many hold it */
};
#define WRITER (1u << 31)

struct rwlock {
	uint32_t state;                      /* atomic */
	uint32_t readers_turn, writers_turn; /* atomic; words of the lot */
	uint32_t unused[3];
	uint32_t writer;            /* atomic: who; 0: nobody */
	uint32_t between_processes; /* libc's, as the rest */
	uint64_t unused_too[2];
	uint32_t prefers;
};

_Static_assert(sizeof(struct rwlock) <= sizeof(pthread_rwlock_t) &&
		       offsetof(struct rwlock, between_processes) == 28 &&
		       offsetof(struct rwlock, prefers) == 48,
	       "in place");

static inline struct rwlock *rwlock_of(pthread_rwlock_t *rw)
{
	return (struct rwlock *)(void *)rw;
}

static inline uint32_t get(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline bool change(struct rwlock *rw, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&rw->state, &from, to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline void set_writer(struct rwlock *rw, uint32_t id)
{
	__atomic_store_n(&rw->writer, id, __ATOMIC_RELAXED);
}

static inline void move_on(uint32_t *turn)
{
	__atomic_add_fetch(turn, 1, __ATOMIC_SEQ_CST);
}

/* As in glibc, of the kinds that prefer writers only the one whose readers do
 * not lock again does. */
static inline bool prefers_writers(const struct rwlock *rw)
{
	return rw->prefers == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP;
}

/* ---- without waiting: 0, EBUSY or another error ------------------------- */

static int try_read(struct rwlock *rw)
{
	uint32_t state;

	do {
		state = get(&rw->state);
		if (state & WRITER ||
		    (state & READERS && state & WRITERS_WAIT &&
		     prefers_writers(rw)))
			return EBUSY;
		if ((state & READERS) == READERS)
			return EAGAIN;
	} while (!change(rw, state, state + 1));
	return 0;
}

static int try_write(struct rwlock *rw, uint32_t self)
{
	uint32_t state;

	do {
		state = get(&rw->state);
		if (state & (WRITER | READERS))
			return EBUSY;
	} while (!change(rw, state, state | WRITER));
	set_writer(rw, self);
	return 0;
}

/* ---- handing over ------------------------------------------------------- */

struct handing {
	struct rwlock *rw;
	uint32_t flags; /* of the state when it became free; 0: it did not */
};

static void set_free(struct handing *h)
{
	set_writer(h->rw, 0);
	move_on(&h->rw->readers_turn);
	h->flags = __atomic_exchange_n(&h->rw->state, 0, __ATOMIC_SEQ_CST);
}

/* To the first writer.  One that is about to wait sees its turn move on, and
 * says again that it waits. */
static void pass(void *handing, uint32_t owner, bool more)
{
	struct handing *h = handing;
	struct rwlock *rw = h->rw;

	if (!more)
		move_on(&rw->writers_turn);
	if (!owner) {
		set_free(h);
		return;
	}
	set_writer(rw, owner);
	if (!more)
		__atomic_and_fetch(&rw->state, ~WRITERS_WAIT, __ATOMIC_SEQ_CST);
}

static void to_writer(struct rwlock *rw)
{
	struct handing h = {rw, 0};

	ramet__lot_pass(&rw->writers_turn, pass, &h);
	if (h.flags & READERS_WAIT)
		ramet__lot_wake(&rw->readers_turn, INT_MAX, UINT32_MAX);
}

/* Those writers that wait stay, unless no reader came after all. */
static bool to_readers(struct rwlock *rw, uint32_t state)
{
	uint32_t writer = get(&rw->writer);

	move_on(&rw->readers_turn);
	move_on(&rw->writers_turn);
	set_writer(rw, 0);
	if (!change(rw, state, state & WRITERS_WAIT)) {
		set_writer(rw, writer);
		return false;
	}
	if (!ramet__lot_wake(&rw->readers_turn, INT_MAX, UINT32_MAX) &&
	    state & WRITERS_WAIT)
		ramet__lot_wake(&rw->writers_turn, 1, UINT32_MAX);
	return true;
}

/* The caller owns it alone. */
static void hand_over(struct rwlock *rw, bool readers_first)
{
	for (;;) {
		uint32_t state = get(&rw->state);
		bool writers = state & WRITERS_WAIT;

		if (writers && !(readers_first && state & READERS_WAIT)) {
			to_writer(rw);
			return;
		}
		if (state & READERS_WAIT) {
			if (to_readers(rw, state))
				return;
			continue;
		}
		set_writer(rw, 0);
		if (change(rw, WRITER, 0))
			return;
	}
}

static void unlock_read(struct rwlock *rw)
{
	uint32_t state;
	bool last;

	do {
		state = get(&rw->state);
		if (!(state & READERS))
			return; /* not locked at all */
		last = (state & READERS) == 1 && state != 1;
	} while (!change(rw, state, last ? (state - 1) | WRITER : state - 1));
	if (last)
		hand_over(rw, false);
}

static void unlock_write(struct rwlock *rw)
{
	hand_over(rw, !prefers_writers(rw));
}

/* ---- waiting ------------------------------------------------------------ */

/* Say that somebody waits for the lock as it is held.  Returns whether it still
 * is. */
static bool announce(struct rwlock *rw, uint32_t flag)
{
	uint32_t state = get(&rw->state);

	return state & (WRITER | READERS) &&
	       (state & flag || change(rw, state, state | flag));
}

static int read_slowly(struct rwlock *rw, const struct limit *limit)
{
	struct lot_reason reason = {"to read-lock", rw, 0, &rw->writer};
	uint32_t turn;
	int err;

	for (;;) {
		turn = get(&rw->readers_turn);
		err = try_read(rw);
		if (err != EBUSY)
			return err;
		if (!announce(rw, READERS_WAIT))
			continue;
		reason.owner = get(&rw->writer);
		err = ramet__sync_wait(&rw->readers_turn, turn, LOT_FIRM, limit,
				       &reason);
		if (err < 0 && err != -EAGAIN)
			return -err;
	}
}

/* A writer waits no more.  Perhaps no other does: readers are let in then. */
static void withdraw(struct rwlock *rw)
{
	move_on(&rw->writers_turn);
	move_on(&rw->readers_turn);
	__atomic_and_fetch(&rw->state, ~(WRITERS_WAIT | READERS_WAIT),
			   __ATOMIC_SEQ_CST);
	ramet__lot_wake(&rw->writers_turn, INT_MAX, UINT32_MAX);
	ramet__lot_wake(&rw->readers_turn, INT_MAX, UINT32_MAX);
}

static int write_slowly(struct rwlock *rw, uint32_t self,
			const struct limit *limit)
{
	struct lot_reason reason = {"to write-lock", rw, 0, &rw->writer};
	uint32_t turn;
	int err;

	for (;;) {
		turn = get(&rw->writers_turn);
		err = try_write(rw, self);
		if (err != EBUSY)
			return err;
		if (!announce(rw, WRITERS_WAIT))
			continue;
		reason.owner = get(&rw->writer);
		err = ramet__sync_wait(&rw->writers_turn, turn, LOT_FIRM, limit,
				       &reason);
		if (err == 0 && get(&rw->writer) == self)
			return 0; /* it was handed over */
		if (err < 0 && err != -EAGAIN) {
			withdraw(rw);
			return -err;
		}
	}
}

/* ---- between processes: libc's, tried again and again ------------------- */

static int lock_between(pthread_rwlock_t *rwlock,
			int (*attempt)(pthread_rwlock_t *),
			const struct limit *limit)
{
	struct backoff b = {0};
	int err, waited;

	while ((err = attempt(rwlock)) == EBUSY) {
		waited = ramet__sync_back_off(&b, LOT_FIRM, limit);
		if (waited < 0)
			return -waited;
	}
	return err;
}

/* ---- the replacements --------------------------------------------------- */

static int lock_read(pthread_rwlock_t *rwlock, const struct limit *limit)
{
	struct rwlock *rw = rwlock_of(rwlock);
	int err = ramet__sync_check(limit);

	if (err)
		return err;
	sync_point();
	if (unlikely(rw->between_processes))
		return lock_between(rwlock, libc.pthread_rwlock_tryrdlock,
				    limit);
	err = try_read(rw);
	if (err == EBUSY)
		err = get(&rw->writer) == ramet__lot_self()
			      ? EDEADLK
			      : read_slowly(rw, limit);
	sync_point();
	return err;
}

static int lock_write(pthread_rwlock_t *rwlock, const struct limit *limit)
{
	struct rwlock *rw = rwlock_of(rwlock);
	uint32_t self = ramet__lot_self();
	int err = ramet__sync_check(limit);

	if (err)
		return err;
	sync_point();
	if (unlikely(rw->between_processes))
		return lock_between(rwlock, libc.pthread_rwlock_trywrlock,
				    limit);
	err = try_write(rw, self);
	if (err == EBUSY)
		err = get(&rw->writer) == self ? EDEADLK
					       : write_slowly(rw, self, limit);
	sync_point();
	return err;
}

int HOOK(pthread_rwlock_rdlock)(pthread_rwlock_t *rwlock)
{
	return unlikely(ramet__sync_off) ? libc.pthread_rwlock_rdlock(rwlock)
					 : lock_read(rwlock, NULL);
}

int HOOK(pthread_rwlock_wrlock)(pthread_rwlock_t *rwlock)
{
	return unlikely(ramet__sync_off) ? libc.pthread_rwlock_wrlock(rwlock)
					 : lock_write(rwlock, NULL);
}

int HOOK(pthread_rwlock_timedrdlock)(pthread_rwlock_t *rwlock,
				     const struct timespec *at)
{
	struct limit limit = {CLOCK_REALTIME, at};

	return unlikely(ramet__sync_off)
		       ? libc.pthread_rwlock_timedrdlock(rwlock, at)
		       : lock_read(rwlock, &limit);
}

int HOOK(pthread_rwlock_timedwrlock)(pthread_rwlock_t *rwlock,
				     const struct timespec *at)
{
	struct limit limit = {CLOCK_REALTIME, at};

	return unlikely(ramet__sync_off)
		       ? libc.pthread_rwlock_timedwrlock(rwlock, at)
		       : lock_write(rwlock, &limit);
}

int HOOK(pthread_rwlock_clockrdlock)(pthread_rwlock_t *rwlock, clockid_t clock,
				     const struct timespec *at)
{
	struct limit limit = {clock, at};

	return unlikely(ramet__sync_off)
		       ? libc.pthread_rwlock_clockrdlock(rwlock, clock, at)
		       : lock_read(rwlock, &limit);
}

int HOOK(pthread_rwlock_clockwrlock)(pthread_rwlock_t *rwlock, clockid_t clock,
				     const struct timespec *at)
{
	struct limit limit = {clock, at};

	return unlikely(ramet__sync_off)
		       ? libc.pthread_rwlock_clockwrlock(rwlock, clock, at)
		       : lock_write(rwlock, &limit);
}

int HOOK(pthread_rwlock_tryrdlock)(pthread_rwlock_t *rwlock)
{
	struct rwlock *rw = rwlock_of(rwlock);
	int err;

	if (unlikely(ramet__sync_off || rw->between_processes))
		return libc.pthread_rwlock_tryrdlock(rwlock);
	sync_point();
	err = try_read(rw);
	if (err)
		sync_spend();
	return err;
}

int HOOK(pthread_rwlock_trywrlock)(pthread_rwlock_t *rwlock)
{
	struct rwlock *rw = rwlock_of(rwlock);
	int err;

	if (unlikely(ramet__sync_off || rw->between_processes))
		return libc.pthread_rwlock_trywrlock(rwlock);
	sync_point();
	err = try_write(rw, ramet__lot_self());
	if (err)
		sync_spend();
	return err;
}

int HOOK(pthread_rwlock_unlock)(pthread_rwlock_t *rwlock)
{
	struct rwlock *rw = rwlock_of(rwlock);

	if (unlikely(ramet__sync_off || rw->between_processes))
		return libc.pthread_rwlock_unlock(rwlock);
	sync_point();
	if (get(&rw->state) & WRITER)
		unlock_write(rw);
	else
		unlock_read(rw);
	sync_breathe();
	sync_point();
	return 0;
}

int HOOK(__pthread_rwlock_rdlock)(pthread_rwlock_t *rwlock)
{
	return HOOK(pthread_rwlock_rdlock)(rwlock);
}

int HOOK(__pthread_rwlock_wrlock)(pthread_rwlock_t *rwlock)
{
	return HOOK(pthread_rwlock_wrlock)(rwlock);
}

int HOOK(__pthread_rwlock_tryrdlock)(pthread_rwlock_t *rwlock)
{
	return HOOK(pthread_rwlock_tryrdlock)(rwlock);
}

int HOOK(__pthread_rwlock_trywrlock)(pthread_rwlock_t *rwlock)
{
	return HOOK(pthread_rwlock_trywrlock)(rwlock);
}

int HOOK(__pthread_rwlock_unlock)(pthread_rwlock_t *rwlock)
{
	return HOOK(pthread_rwlock_unlock)(rwlock);
}
