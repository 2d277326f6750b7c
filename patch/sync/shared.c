/* shared.c - mutexes that others look at: robust ones, those with a protocol,
 * and those between processes.
 *
 * Their bytes are libc's and the kernel's to read, so libc locks and unlocks
 * them, with what it has for waiting without waiting: trying again.  The owner
 * that the word names must be a thread the kernel knows, or it could not give
 * the lock on when this process dies, nor lend its priority.  So libc is called
 * with the thread pointer of the OS thread, whose number and robust list they
 * are.  For libc all ramets of a loop are then one thread; which of them holds
 * what is kept here, and so are the kinds of locking again.
 */
#include "patch/sync/sync.h"

#include "kernel/calls.h"
#include "ramet/core.h"

#include <linux/futex.h>

enum { ROBUST = 16, PROTOCOL = 0x60 }; /* of the kind */

struct holding {
	struct holding *next;
	pthread_mutex_t *mutex;
	uint32_t owner, count;
};

static struct holding *holdings;
static uint32_t table_lock, forks; /* table_lock is atomic */

/* A child of a fork holds none of its parent's. */
static void forget_all(void)
{
	holdings = NULL; /* few bytes, of which others may hold pointers */
	forks = ramet__lot_forks;
}

static void enter(void)
{
	if (unlikely(forks != ramet__lot_forks)) {
		forget_all();
		table_lock = 0;
	}
	while (__atomic_exchange_n(&table_lock, 1, __ATOMIC_ACQUIRE))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void leave(void)
{
	__atomic_store_n(&table_lock, 0, __ATOMIC_RELEASE);
}

static struct holding **find(const pthread_mutex_t *mutex)
{
	struct holding **link = &holdings;

	while (*link && (*link)->mutex != mutex)
		link = &(*link)->next;
	return link;
}

static void remove_holding(struct holding **link)
{
	struct holding *h = *link;

	*link = h->next;
	kernel_free(h);
}

/* Who holds it; NULL if nobody here does.  The mutex may have gone while it was
 * held, and a new one be in its place. */
static struct holding *holding_of(const pthread_mutex_t *mutex)
{
	struct holding **link = find(mutex);

	if (*link && !__atomic_load_n((const uint32_t *)(const void *)mutex,
				      __ATOMIC_RELAXED))
		remove_holding(link);
	return *link && (*link)->mutex == mutex ? *link : NULL;
}

/* ---- libc's functions, as the OS thread --------------------------------- */

static int as_os_thread(int (*fn)(pthread_mutex_t *), pthread_mutex_t *mutex)
{
	struct loop *l = ramet__this_loop;
	int err;

	if (!l || !(l->current->flags & FLAG_TLS))
		return fn(mutex);
	arch_set_tls(l->tls);
	err = fn(mutex);
	arch_set_tls(l->current->cold->tls);
	return err;
}

/* ---- an owner ends ------------------------------------------------------ */

/* The list of robust mutexes that libc keeps for the kernel: pointers point to
 * the next field, and their lowest bit marks those with priority inheritance.
 */
struct link {
	uintptr_t prev, next;
};

struct robust {
	uint32_t lock;
	uint32_t unused[5];
	struct link link;
};

static struct link *link_at(uintptr_t p)
{
	p &= ~(uintptr_t)1;
	return container_of((uintptr_t *)p, struct link, next);
}

static void set_word(struct robust *m, uint32_t word)
{
	word = __atomic_exchange_n(&m->lock, word, __ATOMIC_RELEASE);
	if (word & FUTEX_WAITERS)
		kernel_call(SYS_futex, KERNEL_ARG(&m->lock), FUTEX_WAKE,
			    INT_MAX, 0, 0, 0);
}

/* What the kernel does when a thread ends; the next to lock it is told. */
static void lose_owner(pthread_mutex_t *mutex)
{
	struct robust *m = (struct robust *)(void *)mutex;

	link_at(m->link.next)->prev = m->link.prev;
	link_at(m->link.prev)->next = m->link.next;
	m->link = (struct link){0, 0};
	set_word(m, FUTEX_OWNER_DIED);
}

static void owner_ends(void *unused)
{
	uint32_t self = ramet__lot_self();
	struct holding **link = &holdings;

	(void)unused;
	enter();
	while (*link) {
		pthread_mutex_t *m = (*link)->mutex;

		if ((*link)->owner != self || !(m->__data.__kind & ROBUST)) {
			link = &(*link)->next;
			continue;
		}
		remove_holding(link);
		lose_owner(m);
	}
	leave();
}

/* Once for each ramet that holds one, or one again. */
static int watch_owner(const pthread_mutex_t *mutex)
{
	struct loop *l = ramet__this_loop;
	uint32_t self = ramet__lot_self();

	if (!l || l->current == &l->main || !(mutex->__data.__kind & ROBUST))
		return 0;
	for (struct holding *h = holdings; h; h = h->next)
		if (h->owner == self && h->mutex->__data.__kind & ROBUST)
			return 0;
	return ramet_defer(owner_ends, NULL) < 0 ? ENOMEM : 0;
}

/* ---- locking ------------------------------------------------------------ */

/* By one who holds it. */
static int lock_again(struct holding *h, bool trying)
{
	int kind = h->mutex->__data.__kind, type = kind & MUTEX_TYPE;

	if (type == PTHREAD_MUTEX_RECURSIVE_NP) {
		if (h->count == UINT32_MAX)
			return EAGAIN;
		h->count++;
		return 0;
	}
	if (type != PTHREAD_MUTEX_ERRORCHECK_NP)
		return EBUSY;
	return trying && !(kind & (ROBUST | PROTOCOL)) ? EBUSY : EDEADLK;
}

static int lock_first(pthread_mutex_t *mutex)
{
	struct holding *h = kernel_alloc(sizeof *h);
	int err = h ? watch_owner(mutex) : ENOMEM;

	if (!err)
		err = as_os_thread(libc.pthread_mutex_trylock, mutex);
	if (err == ENOTRECOVERABLE) /* libc's trylock leaves it locked */
		set_word((struct robust *)(void *)mutex, 0);
	if (err && err != EOWNERDEAD) {
		kernel_free(h);
		return err;
	}
	*h = (struct holding){holdings, mutex, ramet__lot_self(), 1};
	holdings = h;
	return err;
}

static int attempt(pthread_mutex_t *mutex, bool trying)
{
	struct holding *h;
	int err;

	if (mutex->__data.__kind < 0)
		return EINVAL; /* destroyed */
	patch_libc_find();
	enter();
	h = holding_of(mutex);
	if (!h)
		err = lock_first(mutex);
	else if (h->owner == ramet__lot_self())
		err = lock_again(h, trying);
	else
		err = EBUSY;
	leave();
	return err;
}

int ramet__shared_trylock(pthread_mutex_t *mutex)
{
	int err = attempt(mutex, true);

	if (err == EBUSY)
		sync_spend();
	return err;
}

int ramet__shared_lock(pthread_mutex_t *mutex, const struct limit *limit)
{
	struct backoff b = {0};
	int err, waited;

	while ((err = attempt(mutex, false)) == EBUSY) {
		err = ramet__sync_check(limit);
		if (err)
			return err;
		waited = ramet__sync_back_off(&b, LOT_FIRM, limit);
		if (waited < 0)
			return -waited;
	}
	return err;
}

/* A mutex that nobody here has locked may have been by another process, or by
 * the parent of this one: libc knows what that means. */
static int unlock(pthread_mutex_t *mutex)
{
	int kind = mutex->__data.__kind;
	bool checked = kind & (ROBUST | PROTOCOL) ||
		       (kind & MUTEX_TYPE) == PTHREAD_MUTEX_RECURSIVE_NP ||
		       (kind & MUTEX_TYPE) == PTHREAD_MUTEX_ERRORCHECK_NP;
	struct holding *h = holding_of(mutex);

	if (h && h->owner != ramet__lot_self() && checked)
		return EPERM;
	if (h && --h->count)
		return 0;
	if (h)
		remove_holding(find(mutex));
	return as_os_thread(libc.pthread_mutex_unlock, mutex);
}

int ramet__shared_unlock(pthread_mutex_t *mutex)
{
	int err;

	if (mutex->__data.__kind < 0)
		return EINVAL;
	patch_libc_find();
	enter();
	err = unlock(mutex);
	leave();
	sync_breathe();
	return err;
}

int HOOK(pthread_mutex_consistent)(pthread_mutex_t *mutex)
{
	if (unlikely(ramet__sync_off))
		return libc.pthread_mutex_consistent(mutex);
	patch_libc_find();
	return as_os_thread(libc.pthread_mutex_consistent, mutex);
}

/* Locks it, changes the ceiling, unlocks it. */
int HOOK(pthread_mutex_setprioceiling)(pthread_mutex_t *mutex, int ceiling,
				       int *before)
{
	struct backoff b = {0};

	patch_libc_find();
	if (!ramet__sync_off && mutex->__data.__kind > 0)
		while (mutex->__data.__kind & MUTEX_SHARED &&
		       holding_of(mutex) &&
		       holding_of(mutex)->owner != ramet__lot_self())
			if (ramet__sync_back_off(&b, LOT_FIRM, NULL) < 0)
				return EDEADLK;
	return libc.pthread_mutex_setprioceiling(mutex, ceiling, before);
}
