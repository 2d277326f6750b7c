/* lock.c - FILE locks: made, waited for, handed over. */
#include "patch/stdio/lock.h"
#include "patch/stdio/stdio.h"

#include "kernel/calls.h"

#include <linux/membarrier.h>

struct file_lock *ramet__file_locks[FILE_BUCKETS];
struct file_state ramet__files;

/* ---- the table ---------------------------------------------------------- */

enum { BATCH = 128 }; /* locks made at a time: a page */

/* As many FILEs as most programs ever have wait as ramets even if there is no
 * memory when they first do. */
static struct file_lock first[BATCH];
static int first_used;
static struct file_lock *spare;
static int table_lock; /* held for moments, for changes only */

static void lock_table(void)
{
	while (__atomic_exchange_n(&table_lock, 1, __ATOMIC_ACQUIRE))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void unlock_table(void)
{
	__atomic_store_n(&table_lock, 0, __ATOMIC_RELEASE);
}

static struct file_lock *take_unused(void)
{
	struct file_lock *k = spare;

	if (!k && first_used < BATCH)
		return &first[first_used++];
	if (!k) {
		k = kernel_alloc(BATCH * sizeof *k);
		if (!k)
			return NULL;
		for (int i = 1; i < BATCH; i++) {
			k[i].next = spare;
			spare = &k[i];
		}
		return k;
	}
	spare = k->next;
	return k;
}

struct file_lock *ramet__file_lock(FILE *f)
{
	struct file_lock **bucket = &ramet__file_locks[file_bucket(f)], *k;

	lock_table();
	k = file_lock_of(f);
	if (!k && (k = take_unused())) {
		k->flushed = 0;
		k->next = *bucket;
		__atomic_store_n(&k->file, f, __ATOMIC_RELAXED);
		__atomic_store_n(bucket, k, __ATOMIC_RELEASE);
	}
	unlock_table();
	return k;
}

/* Out of its bucket.  Who walks along meanwhile may miss what is behind it, and
 * looks again under the table's lock. */
static void unlink_lock(struct file_lock *k)
{
	struct file_lock **link = &ramet__file_locks[file_bucket(k->file)];

	while (*link != k)
		link = &(*link)->next;
	__atomic_store_n(link, k->next, __ATOMIC_RELEASE);
	__atomic_store_n(&k->file, NULL, __ATOMIC_RELAXED);
}

void ramet__file_forget(struct file_lock *k)
{
	if (!k)
		return;
	lock_table();
	if (k->file)
		unlink_lock(k);
	k->depth = 0;
	/* Else others wait for a FILE that is gone: let them go, one by one. */
	if (file_set(k, file_holder(k), 0)) {
		k->next = spare;
		spare = k;
		unlock_table();
		return;
	}
	unlock_table();
	file_let_go(k);
}

/* ---- alone or not ------------------------------------------------------- */

static int membarrier(int command)
{
	return (int)kernel_call(SYS_membarrier, command, 0, 0, 0, 0, 0);
}

void ramet__file_alone(struct loop *l)
{
	struct file_state *s = &ramet__files;

	if (s->alone || s->shared)
		return;
	if (!l || membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) < 0) {
		s->shared = s->settled = true;
		return;
	}
	s->alone = l;
}

/* After the barrier the loop's thread either sees `shared`, or we see that it
 * is busy. */
void ramet__file_share(void)
{
	struct file_state *s = &ramet__files;

	__atomic_store_n(&s->shared, true, __ATOMIC_SEQ_CST);
	while (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == -EPERM)
		membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	while (__atomic_load_n(&s->busy, __ATOMIC_ACQUIRE))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	__atomic_store_n(&s->settled, true, __ATOMIC_RELEASE);
}

/* ---- waiting ------------------------------------------------------------ */

/* Whether the caller can be switched away.  A signal handler must not park what
 * it has interrupted. */
static bool may_wait(void)
{
	struct loop *l = ramet__this_loop;

	return !l || (l->hooks && l->current->state == STATE_RUNNING);
}

/* Others may wait here: say so, in the word.  Returns what it holds then, 0 if
 * it came free. */
static uint32_t announce(struct file_lock *k)
{
	uint32_t word = __atomic_load_n(&k->word, __ATOMIC_RELAXED);

	while (word && !(word & FILE_WAITED) &&
	       !__atomic_compare_exchange_n(&k->word, &word, word | FILE_WAITED,
					    false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
	return word ? word | FILE_WAITED : 0;
}

/* Returns whether the caller has it now; if not, it is one that cannot wait. */
static bool wait_for(struct file_lock *k, uint32_t me)
{
	while (!file_set(k, 0, me)) {
		uint32_t word = announce(k);
		struct lot_reason why = {"for FILE", k->file,
					 word & ~FILE_WAITED, NULL};
		int err;

		if (!word)
			continue;
		err = ramet__lot_wait(&k->word, word, ~0u, RAMET_NEVER,
				      LOT_FIRM, &why);
		if (err == 0)
			return true; /* it was handed to us */
		if (err == -EDEADLK)
			return false;
	}
	return true;
}

struct file_lock *ramet__file_hold(FILE *f, bool wait)
{
	uint32_t me = ramet__lot_self();
	struct file_lock *k;

	while ((k = ramet__file_lock(f))) {
		if (file_holder(k) == me) {
			k->depth++;
			break;
		}
		if (!file_set(k, 0, me)) {
			if (!wait || !may_wait() || !wait_for(k, me))
				return NULL;
		}
		if (likely(__atomic_load_n(&k->file, __ATOMIC_RELAXED) == f))
			break;
		file_let_go(k); /* the FILE was closed, this is another's */
	}
	return k;
}

void ramet__file_take(FILE *f)
{
	if (ramet__files.on)
		ramet__file_hold(f, true);
}

/* Called while nobody can queue. */
static void pass(void *lock, uint32_t next, bool more)
{
	struct file_lock *k = lock;

	__atomic_store_n(&k->word, next | (more ? FILE_WAITED : 0),
			 __ATOMIC_RELEASE);
}

/* First come, first served: one who takes it in a loop, and waits for input
 * while having it, would keep the others out for good. */
void ramet__file_hand_over(struct file_lock *k)
{
	ramet__lot_pass(&k->word, pass, k);
}

/* ---- fork --------------------------------------------------------------- */

/* libc resets its locks only if it knows of threads; ramets it does not know.
 */
static void set_free(struct file_lock *k)
{
	struct libc_lock {
		int word, count;
		void *owner;
	} *inner = (struct libc_lock *)k->file->_lock;

	k->word = k->depth = 0;
	if (inner)
		*inner = (struct libc_lock){0};
}

void ramet__stdio_after_fork(void)
{
	uint32_t me = ramet__lot_self();

	table_lock = 0;
	ramet__files.busy = false;
	for (size_t i = 0; i < FILE_BUCKETS; i++)
		for (struct file_lock *k = ramet__file_locks[i]; k; k = k->next)
			if (file_holder(k) == me)
				k->word = me;
			else if (k->word)
				set_free(k);
}
