/* pool.c - so many jobs at a time: making a pool, giving it jobs, ending it. */
#include "task/pool.h"

#include "core/stack.h"
#include "sync/sync.h"

/* ---- a spawn that need not wait ----------------------------------------- */

/* Its record is the pool's. */
struct placed {
	struct feed feed;
	struct placed *next; /* among the unused */
	void *(*fn)(void *);
	void *arg;
};

static void put_back(struct ramet_pool *p, struct placed *s)
{
	s->next = p->unused;
	p->unused = s;
	p->placed--;
}

static void placed_begins(struct feed *f, struct worker *w)
{
	struct placed *s = container_of(f, struct placed, feed);

	w->feed = NULL;
	w->fn = s->fn;
	w->arg = s->arg;
	put_back(f->pool, s);
}

/* Killed before it began: it never does. */
static void placed_is_refused(struct feed *f, int err)
{
	(void)err;
	put_back(f->pool, container_of(f, struct placed, feed));
}

static const struct feed_kind placed = {.begin = placed_begins,
					.refused = placed_is_refused};

/* As many workers are coming as there are such jobs, so that each begins
 * whatever the others wait for. */
static int place(struct ramet_pool *p, void *(*fn)(void *), void *arg)
{
	struct placed *s = p->unused;
	int err = 0;

	if (!s)
		s = kernel_alloc(sizeof *s);
	else
		p->unused = s->next;
	if (!s)
		return -ENOMEM;
	*s = (struct placed){.feed = {.kind = &placed, .pool = p, .left = 1},
			     .fn = fn,
			     .arg = arg};
	p->placed++;
	if (p->coming < p->placed)
		err = ramet__pool_call(p);
	if (err == 0)
		err = ramet__feed_put(&s->feed);
	if (err < 0)
		put_back(p, s);
	return err;
}

/* ---- a spawn that waits ------------------------------------------------- */

struct waiting {
	struct feed feed;
	void *(*fn)(void *);
	void *arg;
};

static void waiting_begins(struct feed *f, struct worker *w)
{
	const struct waiting *s = container_of(f, struct waiting, feed);

	w->feed = NULL;
	w->fn = s->fn;
	w->arg = s->arg;
	ramet__wake(f->turn.ramet, 0);
}

static void waiting_is_refused(struct feed *f, int err)
{
	if (f->turn.ramet->state == STATE_PARKED)
		ramet__wake(f->turn.ramet, err);
}

static const struct feed_kind waiting = {.begin = waiting_begins,
					 .refused = waiting_is_refused};

static int wait_for_place(struct loop *l, struct ramet_pool *p,
			  void *(*fn)(void *), void *arg)
{
	struct waiting s = {.feed = {.turn = {.ramet = l->current},
				     .kind = &waiting,
				     .pool = p,
				     .left = 1},
			    .fn = fn,
			    .arg = arg};
	int err = ramet__feed_put(&s.feed);

	if (err < 0)
		return err;
	err = ramet__park(l, WAIT_PLACE, p);
	ramet__feed_withdraw(&s.feed);
	return err;
}

/* ---- spawn -------------------------------------------------------------- */

static bool has_room(const struct ramet_pool *p)
{
	return p->running + p->queued < p->size;
}

static int may_give(struct loop *l, const struct ramet_pool *p)
{
	if (!l)
		return -ENOMEM;
	if (p->loop != l)
		return (int)ramet__misuse(-EPERM);
	return p->closing ? -EPIPE : 0;
}

static int spawn(struct loop *l, struct ramet_pool *p, void *(*fn)(void *),
		 void *arg)
{
	int err = may_give(l, p);

	if (err < 0)
		return err;
	ramet__point(l);
	err = ramet__interrupted(l);
	if (err < 0)
		return err;
	if (p->closing)
		return -EPIPE;
	if (!has_room(p))
		return wait_for_place(l, p, fn, arg);
	err = place(p, fn, arg);
	if (err == 0)
		ramet__spend(l);
	ramet__point(l);
	return err;
}

int ramet_pool_spawn(struct ramet_pool *p, void *(*fn)(void *), void *arg)
{
	return (int)ramet__ret(spawn(ramet__loop(), p, fn, arg));
}

int ramet_pool_tryspawn(struct ramet_pool *p, void *(*fn)(void *), void *arg)
{
	int err = may_give(ramet__loop(), p);

	if (err == 0)
		err = has_room(p) ? place(p, fn, arg) : -EAGAIN;
	return (int)ramet__ret(err);
}

/* ---- cancel, kill ------------------------------------------------------- */

void ramet__pool_clear_line(struct ramet_pool *p, bool kill)
{
	struct ramet_waiter *turn = p->line.first, *next;

	for (; turn; turn = next) {
		struct feed *f = container_of(turn, struct feed, turn);

		next = turn->next;
		if (f->kind == &placed && !kill) {
			f->cancelled = true;
			continue;
		}
		ramet__feed_withdraw(f);
		f->kind->refused(f, -EPIPE);
	}
}

static bool is_mine(const struct ramet_pool *p)
{
	bool mine = p->loop == ramet__loop();

	if (!mine)
		ramet__misuse(-EPERM);
	return mine;
}

void ramet_pool_cancel(struct ramet_pool *p)
{
	if (!is_mine(p))
		return;
	ramet__pool_clear_line(p, false);
	ramet__pool_end_jobs(p, NULL, ramet_cancel);
}

void ramet_pool_kill(struct ramet_pool *p)
{
	if (!is_mine(p))
		return;
	ramet__pool_clear_line(p, true);
	ramet__pool_end_jobs(p, NULL, ramet_kill);
}

/* ---- all of them -------------------------------------------------------- */

size_t ramet_pool_running(const struct ramet_pool *p)
{
	return pool_placed(p);
}

size_t ramet_pool_room(const struct ramet_pool *p)
{
	return p->size == SIZE_MAX ? SIZE_MAX : p->size - pool_placed(p);
}

static int wait_until_empty(struct loop *l, struct ramet_pool *p)
{
	int err;

	if (!l)
		return -ENOMEM;
	if (p->loop != l)
		return (int)ramet__misuse(-EPERM);
	if (ramet__pool_worker(p, l->current))
		return -EDEADLK;
	ramet__point(l);
	err = ramet__interrupted(l);
	if (err == 0 && (p->running || p->queued))
		err = sync_wait(l, &p->empty, WAIT_JOBS, p, NULL);
	ramet__point(l);
	return err;
}

int ramet_pool_wait(struct ramet_pool *p)
{
	return (int)ramet__ret(wait_until_empty(ramet__loop(), p));
}

/* ---- new, free ---------------------------------------------------------- */

static int make(struct loop *l, struct ramet_pool **made, size_t size,
		const struct ramet_opts *opts, const void *site)
{
	struct ramet_pool *p;

	if (!l)
		return -ENOMEM;
	if (opts && !ramet__stack_size_fits(l, opts->stack_size))
		return -EINVAL;
	p = kernel_alloc(sizeof *p);
	if (!p)
		return -ENOMEM;
	p->loop = l;
	p->size = size ? size : SIZE_MAX;
	p->burst = 1;
	p->users = 1;
	p->site = site;
	if (opts) {
		p->opts = *opts;
		p->opts.delay = 0;
	}
	if (p->opts.name) {
		for (size_t i = 0; i < sizeof p->name - 1 && opts->name[i]; i++)
			p->name[i] = opts->name[i];
		p->opts.name = p->name;
	}
	arch_fenv_save(&p->fenv);
	*made = p;
	return 0;
}

struct ramet_pool *ramet_pool_new(size_t size, const struct ramet_opts *opts)
{
	struct ramet_pool *p = NULL;
	int err = make(ramet__loop(), &p, size, opts,
		       __builtin_return_address(0));

	if (err < 0)
		ramet__fail(err);
	return p;
}

/* Not one of its own jobs, nor a function of ramet_link: then the pool goes
 * with its last worker. */
static bool can_wait(const struct ramet_pool *p)
{
	const struct ramet *me = p->loop->current;

	return me->state == STATE_RUNNING && !ramet__pool_worker(p, me);
}

void ramet__pool_release(struct ramet_pool *p)
{
	if (--p->users)
		return;
	for (struct placed *s = p->unused, *next; s; s = next) {
		next = s->next;
		kernel_free(s);
	}
	kernel_free(p);
}

void ramet_pool_free(struct ramet_pool *p)
{
	int saved = errno;

	if (!p || !is_mine(p))
		return;
	p->closing = true;
	ramet_pool_cancel(p);
	ramet__pool_dismiss(p);
	if (can_wait(p)) {
		p->closer = p->loop->current;
		while (p->workers)
			if (ramet__park_firm(p->loop, WAIT_JOBS, p,
					     RAMET_NEVER) == -EDEADLK)
				ramet__pool_break_deadlock(p, NULL);
		p->closer = NULL;
	}
	ramet__pool_release(p);
	errno = saved;
}
