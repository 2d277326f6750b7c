/* lock.h - the lock of a FILE: libc's, but its waiters park.
 *
 * libc locks a FILE by futex(2), in its own functions.  Two ramets of one OS
 * thread at one FILE would stop that thread for good: the second one sleeps in
 * the kernel, and the first one, which waits for a pipe, never goes on.  So
 * each replacement takes this lock before it calls libc's function, which then
 * finds its own free.  libc's stays in use, for its internal calls and for
 * objects that are not patched.
 *
 * A lock is found by its FILE's address.  It is made when a FILE is first used
 * and is never given back to the system, only to another FILE, so that one who
 * uses a FILE while another closes it, which is wrong, hurts nobody but itself.
 */
#ifndef PATCH_STDIO_LOCK_H
#define PATCH_STDIO_LOCK_H

#include <stdio.h>

#include "patch/hook.h"
#include "sync/lot.h"

struct file_lock {
	FILE *file;
	uint32_t word;          /* the holder's id, or 0; FILE_WAITED */
	uint32_t depth;         /* how often more than once it has it */
	uint32_t flushed;       /* in which round of fflush(NULL) */
	struct file_lock *next; /* of its bucket, or of the free ones */
};

#define FILE_WAITED 0x80000000u /* in word: others wait */

/* Of struct _IO_FILE's _flags, which programs have compiled in. */
enum {
	FILE_LINE_BUFFERED = 0x200,
	FILE_USER_LOCK = 0x8000, /* none is to be taken inside: __fsetlocking */
};

enum { FILE_BUCKETS = 2048 };

extern struct file_lock *ramet__file_locks[FILE_BUCKETS];

extern struct file_state {
	bool on;  /* FILEs are the patch's: between ramet__stdio_on and _off */
	bool all; /* every object's calls are replaced, not only some's */
	/* Ramets of one loop do not interrupt each other, so as long as only
	 * they use FILEs nothing has to be atomic (fputs into a buffer: 21 ns;
	 * atomic 29, libc alone 16).  Whoever else comes, first says so and
	 * waits until the loop is not at it: ramet__file_share. */
	struct loop *alone;
	bool busy;    /* the loop is at it */
	bool shared;  /* it is to be atomic */
	bool settled; /* and the loop is known to have seen that */
} ramet__files;

/* FILEs are 16-byte aligned and of more than 200 bytes. */
static inline size_t file_bucket(const FILE *f)
{
	uintptr_t a = (uintptr_t)f;

	return (a >> 4 ^ a >> 13) % FILE_BUCKETS;
}

/* The lock, if one has been made. */
static inline struct file_lock *file_lock_of(const FILE *f)
{
	struct file_lock *k =
		__atomic_load_n(&ramet__file_locks[file_bucket(f)],
				__ATOMIC_ACQUIRE);

	while (k && __atomic_load_n(&k->file, __ATOMIC_RELAXED) != f)
		k = __atomic_load_n(&k->next, __ATOMIC_ACQUIRE);
	return k;
}

static inline uint32_t file_holder(const struct file_lock *k)
{
	return __atomic_load_n(&k->word, __ATOMIC_RELAXED) & ~FILE_WAITED;
}

/* Whether the caller has it: then it came through a replacement, and may park
 * below. */
static inline bool file_is_held(const FILE *f)
{
	const struct file_lock *k = file_lock_of(f);

	return k && file_holder(k) == ramet__lot_self();
}

/* Only ramets of loop l use FILEs, until further notice. */
void ramet__file_alone(struct loop *l);

/* That notice: from whoever is not of that loop. */
void ramet__file_share(void);

static inline bool file_set_atomic(struct file_lock *k, uint32_t from,
				   uint32_t to)
{
	return __atomic_compare_exchange_n(&k->word, &from, to, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* word := to, if it is `from`. */
static inline bool file_set(struct file_lock *k, uint32_t from, uint32_t to)
{
	struct file_state *s = &ramet__files;
	struct loop *l = ramet__this_loop;
	bool done, was;

	if (unlikely(!l || l != s->alone)) {
		if (unlikely(!__atomic_load_n(&s->settled, __ATOMIC_ACQUIRE)))
			ramet__file_share();
		return file_set_atomic(k, from, to);
	}
	was = s->busy; /* a signal handler may come in between */
	__atomic_store_n(&s->busy, true, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* share has the other half */
	if (likely(!__atomic_load_n(&s->shared, __ATOMIC_RELAXED))) {
		done = __atomic_load_n(&k->word, __ATOMIC_RELAXED) == from;
		if (done)
			__atomic_store_n(&k->word, to, __ATOMIC_RELAXED);
	} else {
		done = file_set_atomic(k, from, to);
	}
	__atomic_store_n(&s->busy, was, __ATOMIC_RELEASE);
	return done;
}

/* The lock, made if need be; NULL without memory: then there is only libc's. */
struct file_lock *ramet__file_lock(FILE *f);

/* What is left when the lock is not free or not made.  NULL: go on without. */
struct file_lock *ramet__file_hold(FILE *f, bool wait);
void ramet__file_hand_over(struct file_lock *k);

static inline void file_let_go(struct file_lock *k)
{
	if (!k)
		return;
	if (unlikely(k->depth)) {
		k->depth--;
		return;
	}
	if (unlikely(!file_set(k, file_holder(k), 0)))
		ramet__file_hand_over(k);
}

/* Take the lock if that is simple. */
static inline struct file_lock *file_hold_simply(FILE *f)
{
	struct file_lock *k = file_lock_of(f);

	if (unlikely(!k || !file_set(k, 0, ramet__lot_self())))
		return NULL;
	if (likely(__atomic_load_n(&k->file, __ATOMIC_RELAXED) == f))
		return k;
	file_let_go(k); /* f was closed meanwhile: it is another FILE's */
	return NULL;
}

/* Take the lock, waiting for it unless the FILE has been set to be locked by
 * the program.  NULL: there is none to give back. */
static inline struct file_lock *file_hold(FILE *f)
{
	struct file_lock *k;

	if (unlikely(!ramet__files.on))
		return NULL;
	k = file_hold_simply(f);
	if (likely(k))
		return k;
	return ramet__file_hold(f, !(f->_flags & FILE_USER_LOCK));
}

/* The same for functions that do not lock.  Having the lock is what lets them
 * park; if another one has it, the program knows what it does. */
static inline struct file_lock *file_hold_if_free(FILE *f)
{
	struct file_lock *k;

	if (unlikely(!ramet__files.on))
		return NULL;
	k = file_hold_simply(f);
	return likely(k) ? k : ramet__file_hold(f, false);
}

static inline void file_let_go_held(struct file_lock **held)
{
	file_let_go(*held);
}

/* To the end of the block, also when the thread ends inside. */
#define FILE_HELD(name)                                                        \
	struct file_lock *name                                                 \
		__attribute__((unused, cleanup(file_let_go_held)))

/* As flockfile does, whatever __fsetlocking said. */
void ramet__file_take(FILE *f);

/* The FILE is gone: its lock, which the caller holds, may become another's. */
void ramet__file_forget(struct file_lock *k);

#endif
