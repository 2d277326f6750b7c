/* fd.c - the two tables, waiting, and closing.
 *
 * A descriptor that the library made is registered once with each loop that
 * waits for it.  Closing one that others made cannot be seen, so their
 * registration is renewed for each wait: a number reused behind our back would
 * get no event at all.
 *
 * Events wake the first who waits in each direction.  It tries its call; unless
 * that finds nothing, it wakes the next one, so that N can wait for one
 * descriptor and one edge is enough for all of them.
 */
#include "io/fd.h"

#include "kernel/calls.h"

#include <netinet/in.h>
#include <sys/stat.h>

enum {
	PAGE_BITS = 9,
	PAGE_FDS = 1 << PAGE_BITS,
	PAGES = 1 << 13, /* 4 million descriptors */
};

#define CLOSE_LATER UINT32_C(0x80000000)

/* ---- the process's table ------------------------------------------------ */

/* All fields atomic. */
struct info {
	uint32_t generation;
	uint32_t loops; /* bits of those that have looked at this generation */
	uint32_t held;  /* how often, and CLOSE_LATER */
	uint8_t kind;
	bool ours;
};

static struct info *info_pages[PAGES]; /* never freed */

static struct info *info_of(int number)
{
	unsigned page = (unsigned)number >> PAGE_BITS;
	struct info *infos, *expected = NULL;

	if (page >= PAGES)
		return NULL;
	infos = __atomic_load_n(&info_pages[page], __ATOMIC_ACQUIRE);
	if (unlikely(!infos)) {
		infos = kernel_alloc(PAGE_FDS * sizeof *infos);
		if (!infos)
			return NULL;
		if (!__atomic_compare_exchange_n(&info_pages[page], &expected,
						 infos, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE)) {
			kernel_free(infos);
			infos = expected;
		}
	}
	return &infos[number % PAGE_FDS];
}

static uint32_t generation_of(const struct info *info)
{
	return __atomic_load_n(&info->generation, __ATOMIC_SEQ_CST);
}

bool ramet__fd_is(int number, uint32_t generation)
{
	struct info *info = info_of(number);

	return info && generation_of(info) == generation;
}

/* ---- waking ------------------------------------------------------------- */

/* Wake whoever is next, and those before that only want to know. */
static void wake_one(struct ramet_waitq *q)
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
	struct fd *pages[PAGES];
};

static struct fds *all_fds; /* under all_lock, held for moments */
static int all_lock;
static bool bits_shared; /* atomic: there were more loops than bits, once */

static void lock_all(void)
{
	while (__atomic_exchange_n(&all_lock, 1, __ATOMIC_ACQUIRE))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void unlock_all(void)
{
	__atomic_store_n(&all_lock, 0, __ATOMIC_RELEASE);
}

/* The number has another generation than this loop knows: begin afresh. Whoever
 * closes it meanwhile makes a generation first and looks for our bit after, so
 * one of the two sees the other. */
static void renew(struct fds *fds, struct fd *f, struct info *info)
{
	uint32_t generation, now = generation_of(info);

	do {
		generation = now;
		f->kind = __atomic_load_n(&info->kind, __ATOMIC_RELAXED);
		f->ours = __atomic_load_n(&info->ours, __ATOMIC_RELAXED);
		__atomic_fetch_or(&info->loops, fds->bit, __ATOMIC_SEQ_CST);
		now = generation_of(info);
	} while (now != generation);
	f->generation = generation;
	f->watched = f->drained = f->no_hint = f->moving = false;
	wake_all(&f->readers, -EBADF); /* they meant the one before */
	wake_all(&f->writers, -EBADF);
}

/* The entry if there is one; a negative number is beyond all pages. */
static inline struct fd *known_fd(struct loop *l, int number)
{
	struct fds *fds = l->io;
	unsigned page = (unsigned)number >> PAGE_BITS;

	if (unlikely(page >= PAGES || !fds->pages[page]))
		return NULL;
	return fds->pages[page] + (unsigned)number % PAGE_FDS;
}

/* The entry in this loop's table, made if need be. */
static struct fd *entry(struct fds *fds, int number)
{
	struct fd **page = &fds->pages[(unsigned)number >> PAGE_BITS];

	if (!*page)
		*page = kernel_alloc(PAGE_FDS * sizeof **page);
	return *page ? *page + number % PAGE_FDS : NULL;
}

static struct fd *look_afresh(struct fds *fds, int number)
{
	struct info *info = number >= 0 ? info_of(number) : NULL;
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

	if (likely(f && f->info && f->generation == generation_of(f->info)))
		return f;
	return look_afresh(l->io, number);
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
			wake_one(&f->readers);
	}
	if (events & (EPOLLHUP | EPOLLERR))
		wake_all(&f->writers, 0);
	else if (events & EPOLLOUT)
		wake_one(&f->writers);
}

/* With thousands of descriptors each event finds its entry, and the waiter on
 * some ramet's stack, out of the cache: have them fetched ahead. */
static void on_events(struct loop *l, const struct kernel_event *e, int n)
{
	enum { AHEAD = 4 };

	for (int i = 0; i < n; i++) {
		struct fd *f;

		if (i + 2 * AHEAD < n)
			__builtin_prefetch(known_fd(
				l, (int)(uint32_t)e[i + 2 * AHEAD].tag));
		if (i + AHEAD < n) {
			f = known_fd(l, (int)(uint32_t)e[i + AHEAD].tag);
			if (f)
				__builtin_prefetch(f->readers.first);
		}
		on_event(l, e[i].tag, e[i].events);
	}
}

/* ---- waiting ------------------------------------------------------------ */

int ramet__fd_watch(struct loop *l, struct fd *f, int number)
{
	int err;

	if (f->watched && f->ours)
		return 0;
	err = ramet__poller(l);
	if (err < 0)
		return err;
	err = ramet__kernel->watch(l->poller, number,
				   (uint64_t)f->generation << 32 |
					   (uint32_t)number);
	f->watched = err == 0;
	return err;
}

void ramet__fd_unwatch(struct loop *l, struct fd *f, int number)
{
	if (likely(f->ours) || !f->watched || f->readers.first ||
	    f->writers.first)
		return;
	ramet__kernel->unwatch(l->poller, number,
			       (uint64_t)f->generation << 32 |
				       (uint32_t)number);
	f->watched = false;
}

/* Whether the number still is the file with which the call began. */
static bool still(const struct io *io)
{
	return likely(generation_of(io->fd->info) == io->generation);
}

int ramet__io_wait(struct io *io)
{
	struct fd *f = io->fd;
	struct ramet_waiter w = {.ramet = io->loop->current};
	int err = ramet__interrupted(io->loop);

	if (unlikely(err < 0)) /* since the wait before */
		return err;
	err = ramet__fd_watch(io->loop, f, io->number);
	if (unlikely(err < 0)) {
		if (!still(io))
			return -EBADF;
		return err == -EPERM ? -EAGAIN : err;
	}
	waitq_append(io->wait == WAIT_READ ? &f->readers : &f->writers, &w);
	err = ramet__park(io->loop, io->wait,
			  (const void *)(intptr_t)io->number);
	waitq_remove(&w);
	ramet__fd_unwatch(io->loop, f, io->number);
	return err == 0 && !still(io) ? -EBADF : err;
}

int ramet__io_back_off(struct io *io, int64_t ns)
{
	struct loop *l = io->loop;
	int err = ramet__interrupted(l);

	if (err == 0)
		err = ramet__park_until(l, WAIT_SLEEP, NULL,
					time_add(kernel_now(), ns));
	if (err == -ETIMEDOUT)
		err = ramet__interrupted(l);
	return err == 0 && !still(io) ? -EBADF : err;
}

/* Wait for an event if nothing else can bring data. */
static int ready(struct io *io)
{
	int err = io->wait == WAIT_NONE ? 0 : ramet__interrupted(io->loop);

	if (err == 0 && io->fd->drained && io->wait == WAIT_READ)
		err = ramet__io_wait(io);
	return err;
}

int ramet__io_go_on(struct io *io)
{
	ramet__point(io->loop);
	ramet__spend(io->loop);
	return still(io) ? ready(io) : -EBADF;
}

int ramet__io_begin(struct io *io, int number, enum wait wait)
{
	struct loop *l = ramet__loop();

	if (unlikely(!l))
		return -ENOMEM;
	io->loop = l;
	io->number = number;
	io->wait = wait;
	io->fd = ramet__fd(l, number);
	if (unlikely(!io->fd))
		return number < 0 || number >= PAGES * PAGE_FDS ? -EBADF
								: -ENOMEM;
	io->generation = io->fd->generation;
	return ramet__io_go_on(io); /* of others, one may close it */
}

bool ramet__io_again(struct io *io, long *ret)
{
	struct ramet_waitq *q;

	if (unlikely(*ret == -EINTR)) {
		*ret = ramet__interrupted(io->loop);
		return *ret == 0;
	}
	if (*ret == -EAGAIN) {
		if (io->wait == WAIT_NONE)
			return false;
		*ret = ramet__io_wait(io);
		return *ret == 0;
	}
	q = io->wait == WAIT_WRITE ? &io->fd->writers : &io->fd->readers;
	if (unlikely(q->first != NULL))
		wake_one(q);
	return false;
}

void ramet__io_read_done(struct io *io, long n, size_t size)
{
	struct fd *f = io->fd;

	if (n > 0 && (size_t)n < size && f->ours && f->watched && !f->no_hint &&
	    ramet__fd_kind(io) == FD_TCP)
		f->drained = true;
}

/* ---- kinds -------------------------------------------------------------- */

static int option(int number, int name)
{
	int value;
	socklen_t size = sizeof value;
	int err = kernel_getsockopt(number, SOL_SOCKET, name, &value, &size);

	return err < 0 ? err : value;
}

/* Only of TCP is it known that a short read leaves nothing behind. */
static enum fd_kind socket_kind(int number)
{
	if (option(number, SO_TYPE) != SOCK_STREAM)
		return FD_DATAGRAM;
	return option(number, SO_PROTOCOL) == IPPROTO_TCP ? FD_TCP : FD_STREAM;
}

static int find_kind(int number)
{
	struct stat st;
	int err = kernel_fstat(number, &st);

	if (err < 0)
		return err;
	switch (st.st_mode & S_IFMT) {
	case S_IFSOCK:
		return socket_kind(number);
	case S_IFREG:
	case S_IFDIR:
	case S_IFBLK:
		return FD_FILE;
	case S_IFCHR:
		return FD_DEVICE;
	}
	return FD_PIPE;
}

/* What others close and open again is not seen.  That a socket is none any more
 * is, by ENOTSOCK, so only sockets of others are remembered. */
int ramet__fd_kind(struct io *io)
{
	struct fd *f = io->fd;
	int kind = f->kind;

	if (unlikely(kind == FD_UNKNOWN)) {
		kind = find_kind(io->number);
		if (kind < 0)
			return kind;
		if (f->ours || kind <= FD_DATAGRAM)
			f->kind = (uint8_t)kind;
	}
	io->kind = (enum fd_kind)kind;
	return kind;
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
	for (int page = 0; page < PAGES; page++)
		for (int i = 0; fds->pages[page] && i < PAGE_FDS; i++) {
			int number = page * PAGE_FDS + i;

			if (!ramet__fd_is(number,
					  fds->pages[page][i].generation))
				forget_here(l, number);
		}
}

static void tell_others(struct fds *mine, uint32_t loops)
{
	lock_all();
	for (struct fds *fds = all_fds; fds; fds = fds->next)
		if (fds != mine && fds->bit & loops &&
		    !__atomic_exchange_n(&fds->posted, 1, __ATOMIC_SEQ_CST))
			ramet__post(fds->loop, &fds->closed);
	unlock_all();
}

void ramet__fd_forget(int number)
{
	struct loop *l = ramet__loop();
	struct fds *mine = l ? l->io : NULL;
	struct info *info = number >= 0 ? info_of(number) : NULL;
	uint32_t loops;

	if (!mine || !info)
		return;
	__atomic_store_n(&info->kind, FD_UNKNOWN, __ATOMIC_RELAXED);
	__atomic_store_n(&info->ours, false, __ATOMIC_RELAXED);
	__atomic_add_fetch(&info->generation, 1, __ATOMIC_SEQ_CST);
	loops = __atomic_exchange_n(&info->loops, 0, __ATOMIC_SEQ_CST);
	if (loops & mine->bit)
		forget_here(l, number);
	if (unlikely(loops & ~mine->bit ||
		     __atomic_load_n(&bits_shared, __ATOMIC_RELAXED)))
		tell_others(mine, loops);
}

int ramet__fd_new(int number, enum fd_kind kind, bool ours)
{
	struct info *info = info_of(number);

	if (!info)
		return -ENOMEM;
	if (__atomic_load_n(&info->loops, __ATOMIC_SEQ_CST))
		ramet__fd_forget(number); /* closed behind our back */
	__atomic_store_n(&info->kind, (uint8_t)kind, __ATOMIC_RELAXED);
	__atomic_store_n(&info->ours, ours, __ATOMIC_RELAXED);
	__atomic_add_fetch(&info->generation, 1, __ATOMIC_SEQ_CST);
	return 0;
}

/* ---- calls by other OS threads ------------------------------------------ */

void ramet__fd_hold(int number)
{
	struct info *info = info_of(number);

	if (info)
		__atomic_add_fetch(&info->held, 1, __ATOMIC_ACQUIRE);
}

void ramet__fd_release(int number)
{
	struct info *info = info_of(number);

	if (info && __atomic_sub_fetch(&info->held, 1, __ATOMIC_ACQ_REL) ==
			    CLOSE_LATER) {
		__atomic_store_n(&info->held, 0, __ATOMIC_RELEASE);
		kernel_close(number);
	}
}

bool ramet__fd_is_held(int number)
{
	struct info *info = number >= 0 ? info_of(number) : NULL;

	return info && __atomic_load_n(&info->held, __ATOMIC_ACQUIRE);
}

/* Linux has freed the number even if close says EINTR. */
int ramet__close(int number)
{
	struct info *info = number >= 0 ? info_of(number) : NULL;
	uint32_t held = 0;
	int err;

	if (number < 0)
		return -EBADF;
	ramet__fd_forget(number);
	if (info)
		held = __atomic_load_n(&info->held, __ATOMIC_ACQUIRE);
	while (unlikely(held)) {
		if (held & CLOSE_LATER)
			return -EBADF;
		if (__atomic_compare_exchange_n(&info->held, &held,
						held | CLOSE_LATER, false,
						__ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			return 0;
	}
	err = kernel_close(number);
	return err == -EINTR ? 0 : err;
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

void ramet__io_close(struct loop *l)
{
	struct fds *fds = l->io, **link = &all_fds;

	lock_all();
	while (*link != fds)
		link = &(*link)->next;
	*link = fds->next;
	unlock_all();
	for (int page = 0; page < PAGES; page++)
		kernel_free(fds->pages[page]);
	kernel_free(fds);
}
