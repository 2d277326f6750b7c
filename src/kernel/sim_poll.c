/* sim_poll.c - waiting for descriptors.
 *
 * Edge-triggered as epoll is: a watch that has been reported is silent until
 * something arrives, or room is made that was asked for; then it reports all
 * that holds at that time.  Events come in no order at all, and some later than
 * they could.
 */
#include "kernel/sim_state.h"

#include <stdlib.h>

enum { HELD_NS = 1000 * 1000 };

struct poller {
	struct sim_watch **watches; /* in the order of watching */
	size_t count, room;
	int woken;           /* atomic */
	bool keeps_step;     /* with the real clock: see sim_real.c */
	struct poller *real; /* NULL in a closed world */
};

/* ---- watching ----------------------------------------------------------- */

int sim_open(struct poller **poller)
{
	struct poller *p = sim_alloc(sizeof *p);
	int err;

	if (!p)
		return -ENOMEM;
	err = sim_fault(SIM_NO_FDS) ? -EMFILE : 0;
	if (err == 0 && !SIM->closed_world)
		err = sim_real_open(&p->real);
	if (err < 0) {
		sim_free(p);
		return err;
	}
	*poller = p;
	return 0;
}

static void forget(struct sim_watch *w)
{
	struct poller *p = w->poller;
	struct sim_watch **link = &w->file->watches;
	size_t i = 0;

	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	while (p->watches[i] != w)
		i++;
	p->count--;
	for (; i < p->count; i++)
		p->watches[i] = p->watches[i + 1];
	free(w);
}

void sim_unwatch_all(struct sim_file *f, int fd)
{
	struct sim_watch *w = f->watches, *next;

	for (; w; w = next) {
		next = w->next;
		if (fd < 0 || w->fd == fd)
			forget(w);
	}
}

void sim_close(struct poller *p)
{
	while (p->count)
		forget(p->watches[0]);
	free(p->watches);
	if (p->real)
		sim_real_close(p->real);
	sim_free(p);
}

static struct sim_watch *find(const struct poller *p, struct sim_file *f,
			      int fd)
{
	for (struct sim_watch *w = f->watches; w; w = w->next)
		if (w->poller == p && w->fd == fd)
			return w;
	return NULL;
}

static struct sim_watch *add(struct poller *p, struct sim_file *f, int fd)
{
	struct sim_watch *w = calloc(1, sizeof *w);

	if (p->count == p->room) {
		p->room = p->room ? 2 * p->room : 16;
		p->watches = realloc(p->watches, p->room * sizeof *p->watches);
	}
	if (!w || !p->watches)
		abort();
	w->file = f;
	w->poller = p;
	w->fd = fd;
	w->next = f->watches;
	f->watches = w;
	p->watches[p->count++] = w;
	return w;
}

static int watch_real(struct poller *p, int fd, uint64_t tag)
{
	if (!p->real)
		return -EPERM;
	p->keeps_step = true;
	return sim_real_watch(p->real, fd, tag);
}

int sim_watch(struct poller *p, int fd, uint64_t tag)
{
	struct sim_file *f = sim_file(fd);
	struct sim_watch *w;

	if (!f)
		return sim_has(fd) ? -EBADF : watch_real(p, fd, tag);
	w = find(p, f, fd);
	if (!w) {
		if (sim_fault(SIM_NO_WATCH))
			return -ENOSPC;
		w = add(p, f, fd);
	}
	w->tag = tag;
	w->changed = true;
	return 0;
}

/* As for epoll: if the file lives on in a duplicate, so does its watch. */
void sim_unwatch(struct poller *p, int fd, uint64_t tag)
{
	(void)p, (void)fd, (void)tag;
}

/* ---- waiting ------------------------------------------------------------ */

/* Swap some to the front: any choice and any order. */
static void shuffle(struct sim_watch **ws, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		size_t k = i + sim_below(SIM_BY_SCHEDULE, (uint32_t)(n - i));
		struct sim_watch *w = ws[i];

		ws[i] = ws[k];
		ws[k] = w;
	}
}

static bool held_back(struct sim_watch *w, int64_t *next)
{
	if (w->not_before <= SIM->time && sim_fault(SIM_HOLD))
		w->not_before =
			SIM->time + 1 + sim_below(SIM_BY_SCHEDULE, HELD_NS);
	if (w->not_before <= SIM->time)
		return false;
	sim_sooner(next, w->not_before);
	return true;
}

/* The watches that have something to report. */
static size_t collect(struct poller *p, struct sim_watch **ws, int64_t *next)
{
	size_t n = 0;

	if (p->count && sim_fault(SIM_SPURIOUS))
		p->watches[sim_below(SIM_BY_SCHEDULE, (uint32_t)p->count)]
			->changed = true;
	for (size_t i = 0; i < p->count; i++) {
		struct sim_watch *w = p->watches[i];

		if (!w->changed)
			continue;
		if (!sim_holds(w->file))
			w->changed = false;
		else if (!held_back(w, next))
			ws[n++] = w;
	}
	return n;
}

static int report(struct poller *p, struct kernel_event *out, int64_t *next)
{
	struct sim_watch **ws = p->count ? calloc(p->count, sizeof *ws) : NULL;
	size_t n = ws ? collect(p, ws, next) : 0;

	if (SIM->policy != SIM_FIRST)
		shuffle(ws, n);
	if (n > KERNEL_EVENTS)
		n = KERNEL_EVENTS;
	for (size_t i = 0; i < n; i++) {
		ws[i]->changed = false;
		out[i] = (struct kernel_event){ws[i]->tag,
					       sim_holds(ws[i]->file)};
		sim_trace(SIM_REPORTED,
			  (uint64_t)ws[i]->fd << 32 | out[i].events);
	}
	free(ws);
	return (int)n;
}

/* Nothing simulated is due before `next`: let time go by till then.  Returns
 * how many real events there are, or -errno. */
static int pass(struct poller *p, int64_t next, struct kernel_event *out)
{
	if (p->keeps_step || (p->real && next == INT64_MAX))
		return sim_real_wait(p->real, next, out);
	if (next == INT64_MAX) {
		sim_violation(SIM_EXIT_STUCK,
			      "all wait for events that cannot come");
		return -EINTR;
	}
	sim_advance(next);
	return 0;
}

static bool take_wake(struct poller *p)
{
	return __atomic_exchange_n(&p->woken, 0, __ATOMIC_SEQ_CST);
}

int sim_wait(struct poller *p, int64_t timeout, struct kernel_event *out)
{
	int64_t end = time_add(sim_clock(), timeout);
	int n = 0;

	sim_step();
	if (sim_fault(SIM_EINTR))
		return -EINTR;
	while (n == 0) {
		int64_t next = sim_happen();

		n = report(p, out, &next);
		if (n || take_wake(p) || sim_clock() >= end)
			break;
		n = pass(p, next < end ? next : end, out);
	}
	if (n == 0 && p->keeps_step)
		n = sim_real_wait(p->real, 0, out);
	sim_trace(SIM_WAITED, (uint64_t)SIM->time);
	return n;
}

void sim_wake(struct poller *p)
{
	__atomic_store_n(&p->woken, 1, __ATOMIC_SEQ_CST);
	if (p->real)
		ramet__epoll.wake(p->real);
}
