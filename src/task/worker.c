/* worker.c - the ramets of a pool, each of which runs one job after the other.
 *
 * More of them are called only as those that have come turn out to be not
 * enough: whoever begins a job while others are in line, and nobody is coming,
 * calls more, each time twice as many.  So a million jobs that do not wait need
 * two workers, and a thousand that do have begun after eight rounds of the
 * ready queue.
 *
 * A job that is killed takes the stack with it, but not the ramet's place: the
 * worker begins again on the same stack, which cannot fail.
 */
#include "task/pool.h"

#include "ramet/task.h"
#include "sync/sync.h"

enum { BURST_LEAST = 4, BURST_MOST = 1024, IDLE_MOST = 1024 };

/* ---- the line ----------------------------------------------------------- */

/* Whoever waits for the pool to have no job. */
static void look_if_empty(struct ramet_pool *p)
{
	if (unlikely(p->empty.first && !p->running && !p->queued))
		sync_wake_all(&p->empty, 0);
}

void ramet__feed_withdraw(struct feed *f)
{
	if (!f->left)
		return;
	f->pool->queued -= f->left;
	f->left = 0;
	waitq_remove(&f->turn);
	look_if_empty(f->pool);
}

/* Whose turn it is, NULL if there is nothing to do.  Who has left but has not
 * run since is passed over. */
static inline struct feed *next_feed(struct ramet_pool *p)
{
	struct ramet_waiter *turn;

	while ((turn = p->line.first)) {
		struct feed *f;

		if (turn->next)
			turn = waitq_take(&p->line);
		f = container_of(turn, struct feed, turn);
		if (likely(!turn->ramet || turn->ramet->state == STATE_PARKED))
			return f;
		ramet__feed_withdraw(f);
	}
	return NULL;
}

/* Nobody is coming, and more could. */
static void call_more(struct ramet_pool *p)
{
	size_t n = p->size - p->running;

	if (n > p->queued)
		n = p->queued;
	if (n > p->burst)
		n = p->burst;
	while (n && ramet__pool_call(p) == 0)
		n--;
	if (p->burst < BURST_MOST)
		p->burst *= 2;
}

/* COMING -> BUSY, or false if there is no job. */
static bool begin_job(struct ramet_pool *p, struct worker *w)
{
	struct feed *f = next_feed(p);

	if (!f)
		return false;
	assert(p->running < p->size);
	p->queued--;
	p->coming--;
	p->running++;
	f->running++;
	if (--f->left == 0)
		waitq_remove(&f->turn);
	else if (!f->turn.queue)
		waitq_append(&p->line, &f->turn);
	w->state = WORKER_BUSY;
	w->feed = f;
	w->cancelled = f->cancelled;
	f->kind->begin(f, w);
	if (unlikely(p->line.first && !p->coming))
		call_more(p);
	return true;
}

/* BUSY -> COMING */
static void end_job(struct ramet_pool *p, struct worker *w, void *value,
		    bool killed)
{
	struct feed *f = w->feed;

	if (unlikely(w->ramet->flags & FLAG_RENAMED))
		ramet_set_name(w->ramet, p->name);
	w->state = WORKER_COMING;
	p->coming++;
	p->running--;
	w->feed = NULL;
	if (f) {
		f->running--;
		f->kind->ended(f, w->number, value, killed);
	}
	look_if_empty(p);
}

/* ---- the worker --------------------------------------------------------- */

/* In the child of a fork it may be any, and is in the list of idle ones. */
static void unlist_idle(struct ramet_pool *p, const struct worker *w)
{
	struct worker **link = &p->idle;

	while (*link != w)
		link = &(*link)->next_idle;
	*link = w->next_idle;
	p->idle_count--;
}

static void end_worker(struct worker *w)
{
	struct ramet_pool *p = w->pool;

	if (w->state == WORKER_IDLE)
		unlist_idle(p, w);
	else
		p->coming--;
	if (w->prev)
		w->prev->next = w->next;
	else
		p->all = w->next;
	if (w->next)
		w->next->prev = w->prev;
	kernel_free(w);
	if (--p->workers == 0 && p->closer && p->closer->state == STATE_PARKED)
		ramet__wake(p->closer, 0);
	ramet__pool_release(p);
}

/* In the child of a fork: they are gone, and so are their frames. */
static void forget_waiters(struct ramet_pool *p)
{
	p->line = p->empty = (struct ramet_waitq){0};
	p->queued = p->placed = 0;
	p->closer = NULL;
}

/* Its job has, and this is the child: it is nobody's. */
static bool has_forked(const struct worker *w)
{
	return !w->ramet->cold->on_end;
}

/* The last act of a worker's ramet, whether it has nothing more to do or its
 * job was killed.  In the child of a fork the ramet is another's. */
static void on_end(struct ramet *t)
{
	struct worker *w = t->cold->arg;

	if (t != t->loop->current) {
		ramet__pool_clear_line(w->pool, true);
		forget_waiters(w->pool);
	}
	if (w->state == WORKER_BUSY)
		end_job(w->pool, w, RAMET_FAILED, true);
	if (t->flags & FLAG_KILL && t == t->loop->current)
		ramet__begin_again(t);
	t->flags |= FLAG_DETACHED;
	end_worker(w);
}

static void *run(struct loop *l, struct ramet_pool *p, struct worker *w)
{
	uint16_t flags = w->cancelled ? FLAG_CANCEL : 0;
	void *value;

	if (unlikely(p->opts.own_fenv))
		arch_fenv_load(&p->fenv);
	value = ramet__run_one(l, w->fn, w->arg, flags);
	if (unlikely(has_forked(w))) {
		w->feed = NULL;
		forget_waiters(p);
	}
	return value;
}

/* Stay BUSY with the next job of a feed that is alone in line and has others
 * coming: what begin_job and end_job do, as far as it does not cancel out. */
static inline bool go_on(struct loop *l, struct ramet_pool *p, struct worker *w,
			 void *value)
{
	struct feed *f = w->feed;

	if (!f || !f->left || p->line.first != &f->turn || f->turn.next ||
	    w->ramet->flags & (FLAG_KILL | FLAG_RENAMED) ||
	    (!p->coming && p->running < p->size) || l->allowance == 1 ||
	    (f->turn.ramet && f->turn.ramet->state != STATE_PARKED) ||
	    kernel_picks())
		return false;
	l->allowance--;
	f->kind->ended(f, w->number, value, false);
	p->queued--;
	if (--f->left == 0)
		waitq_remove(&f->turn);
	w->cancelled = f->cancelled;
	f->kind->begin(f, w);
	return true;
}

/* BUSY -> COMING */
static void run_jobs(struct loop *l, struct ramet_pool *p, struct worker *w)
{
	void *value;

	do
		value = run(l, p, w);
	while (go_on(l, p, w, value));
	if (unlikely(w->ramet->flags & FLAG_KILL)) /* it has not noticed */
		end_job(p, w, RAMET_FAILED, true);
	else
		end_job(p, w, value, false);
}

/* COMING -> IDLE -> COMING, or false: it is to end.  A cancel that was meant
 * for a job that has ended may wake it. */
static bool stay(struct loop *l, struct ramet_pool *p, struct worker *w)
{
	if (p->closing || p->idle_count >= IDLE_MOST)
		return false;
	w->state = WORKER_IDLE;
	w->next_idle = p->idle;
	p->idle = w;
	p->idle_count++;
	p->coming--;
	p->burst = BURST_LEAST;
	while (w->state == WORKER_IDLE)
		ramet__park(l, WAIT_IDLE, p);
	return true;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct ramet_pool *p = w->pool;
	struct loop *l = p->loop;

	do {
		while (begin_job(p, w)) {
			run_jobs(l, p, w);
			ramet__point(l);
			ramet__spend(l);
			if (unlikely(has_forked(w))) {
				end_worker(w);
				return NULL;
			}
		}
	} while (stay(l, p, w));
	return NULL;
}

/* ---- calling ------------------------------------------------------------ */

static void call_idle(struct ramet_pool *p)
{
	struct worker *w = p->idle;

	p->idle = w->next_idle;
	p->idle_count--;
	p->coming++;
	w->state = WORKER_COMING;
	if (likely(w->ramet->state == STATE_PARKED))
		ramet__wake(w->ramet, 0);
}

int ramet__pool_call(struct ramet_pool *p)
{
	struct worker *w;
	int err = -ENOMEM;

	if (likely(p->idle)) {
		call_idle(p);
		return 0;
	}
	w = kernel_alloc(sizeof *w);
	if (!w)
		return -ENOMEM;
	w->ramet = ramet__spawn(p->loop, work, w, &p->opts, p->site, &err);
	if (!w->ramet) {
		kernel_free(w);
		return err;
	}
	w->ramet->cold->on_end = on_end;
	w->pool = p;
	w->state = WORKER_COMING;
	w->next = p->all;
	if (p->all)
		p->all->prev = w;
	p->all = w;
	p->workers++;
	p->users++;
	p->coming++;
	return 0;
}

int ramet__feed_put(struct feed *f)
{
	struct ramet_pool *p = f->pool;
	int err = 0;

	if (!p->coming && p->running < p->size)
		err = ramet__pool_call(p);
	if (err < 0 && !p->workers)
		return err;
	p->queued += f->left;
	waitq_append(&p->line, &f->turn);
	return 0;
}

void ramet__pool_dismiss(struct ramet_pool *p)
{
	while (p->idle)
		call_idle(p);
}

/* ---- ending jobs -------------------------------------------------------- */

struct worker *ramet__pool_worker(const struct ramet_pool *p,
				  const struct ramet *t)
{
	struct worker *w = t->cold->arg;

	return t->cold->on_end == on_end && w->pool == p ? w : NULL;
}

static bool runs(const struct worker *w, const struct feed *f)
{
	return w->state == WORKER_BUSY && (!f || w->feed == f);
}

void ramet__pool_end_jobs(struct ramet_pool *p, const struct feed *f,
			  int (*end)(struct ramet *))
{
	struct ramet *me = p->loop->current;
	bool mine = false;

	for (struct worker *w = p->all; w; w = w->next)
		if (runs(w, f) && w->ramet == me)
			mine = true;
		else if (runs(w, f))
			end(w->ramet);
	if (mine)
		end(me);
}

void ramet__pool_break_deadlock(struct ramet_pool *p, const struct feed *f)
{
	for (struct worker *w = p->all; w; w = w->next)
		if (runs(w, f) && w->ramet->state == STATE_PARKED)
			ramet__wake(w->ramet, -EDEADLK);
}

void ramet__feed_end(struct loop *l, struct feed *f)
{
	struct ramet_pool *p = f->pool;

	ramet__feed_withdraw(f);
	if (!f->running)
		return;
	ramet__pool_end_jobs(p, f, ramet_cancel);
	while (f->running)
		if (ramet__park_firm(l, WAIT_JOBS, p, RAMET_NEVER) == -EDEADLK)
			ramet__pool_break_deadlock(p, f);
}
