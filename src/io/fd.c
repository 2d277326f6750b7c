/* fd.c - the loop's table: who waits for which descriptor, and closing.
 *
 * A descriptor whose closing we see, because the library made it or all of the
 * program's calls come by here, is registered once with each loop that waits
 * for it.  That of others is renewed for each wait: a number reused behind our
 * back would get no event at all.
 *
 * Events wake the first who waits in each direction.  It tries its call; unless
 * that finds nothing, it wakes the next one, so that N can wait for one
 * descriptor and one edge is enough for all of them.
 */
#include "io/mode.h"

#include "core/record.h"
#include "kernel/calls.h"

/* ---- waking ------------------------------------------------------------- */

/* Wake whoever is next, and those before that only want to know. */
void ramet__fd_wake_next(struct ramet_waitq *q)
{
	struct ramet_waiter *w;

	while ((w = waitq_take(q))) {
		if (w->ramet->state != STATE_PARKED)
			continue;
		ramet__wake(w->ramet, 0);
		if (w->tag != FD_WAITER_LOOKS)
			break;
	}
}

static void wake_all(struct ramet_waitq *q, int result)
{
	struct ramet_waiter *w;

	while ((w = waitq_take(q)))
		if (w->ramet->state == STATE_PARKED)
			ramet__wake(w->ramet, result);
}

/* ---- the loop's table --------------------------------------------------- */

struct fds {
	struct fds *next; /* all loops' */
	struct loop *loop;
	struct mail closed; /* some number was closed elsewhere */
	int posted;         /* atomic: that mail is on its way */
	uint32_t bit;       /* in struct info's masks */
	struct fd *pages[FD_PAGES];
};

static struct fds *all_fds; /* under all_lock, held for moments */
static int all_lock;
static uint32_t untold;  /* atomic: bits of loops that are to hear of closes */
static bool bits_shared; /* atomic: there were more loops than bits, once */

static bool try_lock_all(void)
{
	return !__atomic_exchange_n(&all_lock, 1, __ATOMIC_SEQ_CST);
}

/* Who finds the lock taken leaves it to its holder, which looks again once it
 * is free: a signal handler may have interrupted just that one. */
static void tell(void)
{
	while (__atomic_load_n(&untold, __ATOMIC_SEQ_CST) && try_lock_all()) {
		uint32_t loops =
			__atomic_exchange_n(&untold, 0, __ATOMIC_SEQ_CST);

		for (struct fds *fds = all_fds; fds; fds = fds->next)
			if (fds->bit & loops &&
			    !__atomic_exchange_n(&fds->posted, 1,
						 __ATOMIC_SEQ_CST))
				ramet__post(fds->loop, &fds->closed);
		(void)__atomic_exchange_n(&all_lock, 0, __ATOMIC_SEQ_CST);
	}
}

static void lock_all(void)
{
	while (!try_lock_all())
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void unlock_all(void)
{
	(void)__atomic_exchange_n(&all_lock, 0, __ATOMIC_SEQ_CST);
	tell();
}

/* The number has another generation than this loop knows: begin afresh. Whoever
 * closes it meanwhile makes a generation first and looks for our bit after, so
 * one of the two sees the other. */
static void renew(struct fds *fds, struct fd *f, struct info *info)
{
	uint32_t generation, now = info_generation(info);

	do {
		generation = now;
		f->kind = __atomic_load_n(&info->kind, __ATOMIC_RELAXED);
		f->nonblock = __atomic_load_n(&info->ours, __ATOMIC_RELAXED);
		__atomic_fetch_or(&info->loops, fds->bit, __ATOMIC_SEQ_CST);
		now = info_generation(info);
	} while (now != generation);
	f->generation = generation;
	f->seen = f->nonblock || ramet__closes_seen;
	f->watched = f->drained = f->no_hint = f->moving = false;
	wake_all(&f->readers, -EBADF); /* they meant the one before */
	wake_all(&f->writers, -EBADF);
}

/* The entry if there is one; a negative number is beyond all pages. */
static inline struct fd *known_fd(struct loop *l, int number)
{
	struct fds *fds = l->io;
	unsigned page = (unsigned)number >> FD_PAGE_BITS;

	if (unlikely(page >= FD_PAGES || !fds->pages[page]))
		return NULL;
	return fds->pages[page] + (unsigned)number % FD_PAGE;
}

/* The entry in this loop's table, made if need be. */
static struct fd *entry(struct fds *fds, int number)
{
	struct fd **page = &fds->pages[(unsigned)number >> FD_PAGE_BITS];

	if (!*page)
		*page = kernel_alloc(FD_PAGE * sizeof **page);
	return *page ? *page + number % FD_PAGE : NULL;
}

static struct fd *look_afresh(struct fds *fds, int number)
{
	struct info *info = ramet__info(number);
	struct fd *f = info ? entry(fds, number) : NULL;
	uint32_t none = 0;

	if (!f)
		return NULL;
	f->info = info;
	__atomic_compare_exchange_n(&info->generation, &none, 1, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	renew(fds, f, info);
	return f;
}

struct fd *ramet__fd(struct loop *l, int number)
{
	struct fd *f = known_fd(l, number);

	if (likely(f && f->info && f->generation == info_generation(f->info)))
		return f;
	return look_afresh(l->io, number);
}

/* ---- the poller ---------------------------------------------------------- */

int ramet__fd_watch(struct loop *l, struct fd *f, int number)
{
	int err;

	if (f->watched && f->seen)
		return 0;
	err = ramet__poller(l);
	if (err < 0)
		return err;
	err = ramet__kernel->watch(l->poller, number,
				   (uint64_t)f->generation << 32 |
					   (uint32_t)number);
	f->watched = err == 0;
	record(l, RECORD_WATCH, 0, l->current->id, (uint64_t)number);
	return err;
}

void ramet__fd_unwatch(struct loop *l, struct fd *f, int number)
{
	if (likely(f->seen) || !f->watched || f->readers.first ||
	    f->writers.first)
		return;
	ramet__kernel->unwatch(l->poller, number,
			       (uint64_t)f->generation << 32 |
				       (uint32_t)number);
	f->watched = false;
}

/* ---- events ------------------------------------------------------------- */

static void on_event(struct loop *l, uint64_t tag, uint32_t events)
{
	struct fd *f = known_fd(l, (int)(uint32_t)tag);

	if (!f || f->generation != (uint32_t)(tag >> 32))
		return; /* of a file that is gone */
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) {
		f->drained = false;
		f->no_hint |= (events & ~(uint32_t)(EPOLLIN | EPOLLOUT)) != 0;
		if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
			wake_all(&f->readers, 0);
		else
			ramet__fd_wake_next(&f->readers);
	}
	if (events & (EPOLLHUP | EPOLLERR))
		wake_all(&f->writers, 0);
	else if (events & EPOLLOUT)
		ramet__fd_wake_next(&f->writers);
}

/* With thousands of descriptors each event finds its entry out of the cache,
 * then the waiter on some ramet's stack, and when that ramet runs all that its
 * frames hold: have them fetched ahead.  What is fetched lasts until then as
 * long as a batch of events is short: see KERNEL_EVENTS. */
static void fetch_entry(struct loop *l, const struct kernel_event *e)
{
	__builtin_prefetch(known_fd(l, (int)(uint32_t)e->tag));
}

static void fetch_waiter(struct loop *l, const struct kernel_event *e)
{
	const struct fd *f = known_fd(l, (int)(uint32_t)e->tag);

	if (!f)
		return;
	__builtin_prefetch(f->info);
	__builtin_prefetch(f->readers.first);
}

/* The frames around the waiter: those above it are its callers', and those
 * below will be of the calls it makes next. */
static void fetch_frames(struct loop *l, const struct kernel_event *e)
{
	enum { LINE = 64, BELOW = 5, ABOVE = 9 };
	const struct fd *f = known_fd(l, (int)(uint32_t)e->tag);
	const char *waiter = f ? (const char *)f->readers.first : NULL;

	for (int i = -BELOW; waiter && i < ABOVE; i++)
		__builtin_prefetch(waiter + (ptrdiff_t)i * LINE);
}

static void on_events(struct loop *l, const struct kernel_event *e, int n)
{
	enum { AHEAD = 4 };

	for (int i = 0; i < n; i++) {
		if (i + 2 * AHEAD < n)
			fetch_entry(l, &e[i + 2 * AHEAD]);
		if (i + AHEAD < n)
			fetch_waiter(l, &e[i + AHEAD]);
		fetch_frames(l, &e[i]);
		record(l, RECORD_EVENT, e[i].events, 0, (uint32_t)e[i].tag);
		on_event(l, e[i].tag, e[i].events);
	}
}

int ramet__fd_wait_readable(struct loop *l, int number, int tag, enum wait wait,
			    const void *object, int64_t when)
{
	struct ramet_waiter w = {.ramet = l->current, .tag = tag};
	struct fd *fd = ramet__fd(l, number);
	int err = fd ? ramet__fd_watch(l, fd, number) : -ENOMEM;

	if (err < 0)
		return err;
	waitq_append(&fd->readers, &w);
	err = ramet__park_until(l, wait, object, when);
	waitq_remove(&w);
	return err;
}

/* ---- closing ------------------------------------------------------------ */

/* This loop's waiters and its registration. */
static void forget_here(struct loop *l, int number)
{
	struct fd *f = known_fd(l, number);

	if (!f)
		return;
	if (f->watched)
		ramet__kernel->unwatch(l->poller, number,
				       (uint64_t)f->generation << 32 |
					       (uint32_t)number);
	f->watched = false;
	f->kind = FD_UNKNOWN;
	wake_all(&f->readers, -EBADF);
	wake_all(&f->writers, -EBADF);
}

/* Mail: a number this loop knows was closed by another.  Whichever it was has
 * another generation now. */
static void closed_elsewhere(struct loop *l, struct mail *mail)
{
	struct fds *fds = container_of(mail, struct fds, closed);

	__atomic_store_n(&fds->posted, 0, __ATOMIC_SEQ_CST);
	for (int page = 0; page < FD_PAGES; page++)
		for (int i = 0; fds->pages[page] && i < FD_PAGE; i++) {
			int number = page * FD_PAGE + i;

			if (!ramet__number_is(number,
					      fds->pages[page][i].generation))
				forget_here(l, number);
		}
}

/* At once in this loop, by mail in others; and in this one if what a signal
 * handler has interrupted may be at the queues, or if another has its bit. */
void ramet__fd_forget(int number)
{
	struct loop *l = ramet__this_loop;
	struct fds *mine = l && l->hooks ? l->io : NULL;
	struct info *info = ramet__info_known(number);
	uint32_t loops;

	if (!info)
		return;
	__atomic_store_n(&info->kind, FD_UNKNOWN, __ATOMIC_RELAXED);
	__atomic_store_n(&info->ours, false, __ATOMIC_RELAXED);
	__atomic_store_n(&info->made, 0, __ATOMIC_RELAXED);
	__atomic_add_fetch(&info->generation, 1, __ATOMIC_SEQ_CST);
	loops = __atomic_exchange_n(&info->loops, 0, __ATOMIC_SEQ_CST);
	if (mine && loops & mine->bit)
		forget_here(l, number);
	if (mine && likely(!__atomic_load_n(&bits_shared, __ATOMIC_RELAXED)))
		loops &= ~mine->bit;
	if (unlikely(loops)) {
		__atomic_or_fetch(&untold, loops, __ATOMIC_SEQ_CST);
		tell();
	}
}

int ramet__fd_new(int number, enum fd_kind kind, bool ours)
{
	struct info *info = ramet__info(number);

	if (!info)
		return -ENOMEM;
	if (__atomic_load_n(&info->loops, __ATOMIC_SEQ_CST))
		ramet__fd_forget(number); /* closed behind our back */
	__atomic_store_n(&info->kind, (uint8_t)kind, __ATOMIC_RELAXED);
	__atomic_store_n(&info->ours, ours, __ATOMIC_RELAXED);
	__atomic_store_n(&info->alias, false, __ATOMIC_RELAXED);
	__atomic_store_n(&info->lingers, false, __ATOMIC_RELAXED);
	__atomic_store_n(&info->made, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&info->mode, 0, __ATOMIC_RELAXED);
	__atomic_add_fetch(&info->generation, 1, __ATOMIC_SEQ_CST);
	return 0;
}

int ramet__close(int number)
{
	if (number < 0)
		return -EBADF;
	ramet__fd_forget(number);
	return ramet__number_close(number);
}

/* ---- the loop's part ---------------------------------------------------- */

/* A bit that no other loop has, as long as there are any.  Under all_lock. */
static uint32_t choose_bit(void)
{
	uint32_t taken = 0;

	for (struct fds *fds = all_fds; fds; fds = fds->next)
		taken |= fds->bit;
	if (taken == UINT32_MAX)
		__atomic_store_n(&bits_shared, true, __ATOMIC_RELAXED);
	return taken == UINT32_MAX ? 1 : ~taken & (taken + 1);
}

int ramet__io_open(struct loop *l)
{
	struct fds *fds = kernel_alloc(sizeof *fds);

	if (!fds)
		return -ENOMEM;
	fds->loop = l;
	fds->closed.deliver = closed_elsewhere;
	lock_all();
	fds->bit = choose_bit();
	fds->next = all_fds;
	all_fds = fds;
	unlock_all();
	l->io = fds;
	l->on_events = on_events;
	return 0;
}

/* Of what other threads were about nothing is known, so their locks are taken
 * away, and their loops, which are gone. */
void ramet__io_after_fork(struct loop *l)
{
	struct fds *fds = l->io;

	all_lock = 0;
	untold = 0;
	all_fds = fds;
	fds->next = NULL;
	fds->posted = 0;
	for (int page = 0; page < FD_PAGES; page++)
		for (int i = 0; fds->pages[page] && i < FD_PAGE; i++) {
			struct fd *f = &fds->pages[page][i];

			f->generation =
				0; /* looked at afresh at its next use */
			f->watched = f->drained = f->moving = false;
			if (l->host) { /* whose guests go on: core/fork.c */
				wake_all(&f->readers, 0);
				wake_all(&f->writers, 0);
			}
			f->readers = f->writers = (struct ramet_waitq){0};
		}
	ramet__numbers_after_fork();
	ramet__mode_fork();
	if (l->poller)
		ramet__kernel->abandon(l->poller);
	l->poller = NULL;
}

void ramet__io_close(struct loop *l)
{
	struct fds *fds = l->io, **link = &all_fds;

	lock_all();
	while (*link != fds)
		link = &(*link)->next;
	*link = fds->next;
	unlock_all();
	for (int page = 0; page < FD_PAGES; page++)
		kernel_free(fds->pages[page]);
	kernel_free(fds);
}
