/* locks.c - read-write locks, barriers, once, and signals from outside: some
 * who wait have little time, some are cancelled, and nobody else waits in vain.
 */
#include "world.h"

#include "core/core.h"

/* Two groups at the same thing: those of the second are cancelled meanwhile. */
static void run_with_leavers(void *(*fn)(void *), void *arg)
{
	ramet_auto_group stay, leave;

	ramet_group_open(&stay, RAMET_ALL);
	ramet_group_open(&leave, RAMET_ALL);
	for (int n = 2 + (int)roll(8); n; n--)
		go(roll(3) ? &stay : &leave, fn, arg);
	nap(RAMET_MS / 2);
	ramet_group_cancel(&leave);
	wait_for_all(&leave);
	wait_for_all(&stay);
}

/* Whether a wait with a limit did what it should; giving up is allowed. */
static bool got(int r, int64_t limit, const char *what)
{
	return r >= 0 ||
	       ((limit == PATIENCE || errno != ETIMEDOUT) && good(r, what));
}

static int64_t some_patience(void)
{
	return roll(3) ? PATIENCE : roll(RAMET_MS);
}

static void pause_inside(void)
{
	if (roll(2))
		good(ramet_yield(), "yielding");
	else if (roll(2))
		nap(RAMET_MS / 10);
}

/* ---- read-write lock ---------------------------------------------------- */

struct shared {
	struct ramet_rwlock lock;
	int reading, writing;
};

/* Whoever is first could have it, unless somebody is about to leave. */
static bool waits_in_vain(const struct ramet_rwlock *rw)
{
	const struct ramet_waiter *first = rw->waiters.first;

	for (const struct ramet_waiter *w = first; w; w = w->next)
		if (w->ramet->state != STATE_PARKED)
			return false;
	return first && !rw->writer &&
	       (first->ramet->wait == WAIT_RDLOCK || !rw->readers);
}

static void use_lock(struct shared *s, bool write)
{
	int64_t limit = some_patience();
	int r = -1;

	RAMET_WITHIN(limit)
		r = write ? ramet_rwlock_wrlock(&s->lock)
			  : ramet_rwlock_rdlock(&s->lock);
	REQUIRE(!waits_in_vain(&s->lock), "a lock is not handed on");
	if (!got(r, limit, "locking a read-write lock"))
		return;
	*(write ? &s->writing : &s->reading) += 1;
	REQUIRE(s->writing == 0 || (s->writing == 1 && s->reading == 0),
		"a writer is not alone");
	pause_inside();
	*(write ? &s->writing : &s->reading) -= 1;
	good(ramet_rwlock_unlock(&s->lock), "unlocking a read-write lock");
}

static void *lock_user(void *arg)
{
	for (int n = 1 + (int)roll(4); n; n--)
		use_lock(arg, roll(3) == 0);
	return NULL;
}

void *scene_rwlock(void *unused)
{
	struct shared s = {.reading = 0};

	run_with_leavers(lock_user, &s);
	REQUIRE(!s.lock.readers && !s.lock.writer && !s.lock.waiters.first,
		"a read-write lock is still held");
	return unused;
}

/* ---- barrier ------------------------------------------------------------ */

struct rounds {
	struct ramet_barrier barrier;
	int through, last;
};

/* Those that are left over when there are too few go away in the end. */
static void *arrive(void *arg)
{
	struct rounds *rounds = arg;
	int64_t limit = 1 + roll(2 * RAMET_MS);
	int r = -1;

	RAMET_WITHIN(limit)
		r = ramet_barrier_wait(&rounds->barrier);
	if (got(r, limit, "waiting at a barrier")) {
		rounds->through++;
		rounds->last += r;
	}
	return NULL;
}

void *scene_barrier(void *unused)
{
	int count = 1 + (int)roll(4);
	struct rounds rounds = {.through = 0};

	ramet_barrier_init(&rounds.barrier, (size_t)count);
	for (int n = 1 + (int)roll(3); n; n--)
		run_with_leavers(arrive, &rounds);
	REQUIRE(rounds.through == count * rounds.last,
		"a round was not complete");
	REQUIRE(!rounds.barrier.arrived && !rounds.barrier.waiters.first,
		"somebody is still at the barrier");
	return unused;
}

/* ---- once --------------------------------------------------------------- */

struct first {
	struct ramet_once once;
	int inside, succeeded;
};

static int try_it(void *arg)
{
	struct first *f = arg;
	bool ok = roll(3) == 0;

	REQUIRE(f->inside++ == 0, "two are at it");
	REQUIRE(!f->succeeded, "it is done again");
	RAMET_SHIELD(PATIENCE)
		pause_inside();
	f->inside--;
	f->succeeded += ok;
	errno = EAGAIN;
	return ok ? 0 : -1;
}

static void *call_it(void *arg)
{
	struct first *f = arg;
	int64_t limit = some_patience();
	int r = -1;

	RAMET_WITHIN(limit)
		r = ramet_once(&f->once, try_it, f);
	if (r < 0 && errno != EAGAIN)
		got(r, limit, "waiting for once");
	REQUIRE(r < 0 || f->succeeded == 1, "it is not done");
	return NULL;
}

void *scene_once(void *unused)
{
	struct first f = {.inside = 0};

	run_with_leavers(call_it, &f);
	REQUIRE(!f.once.runner && !f.once.waiters.first, "somebody is at it");
	REQUIRE(f.once.done == f.succeeded, "its success is forgotten");
	return unused;
}

/* ---- from outside ------------------------------------------------------- */

struct outside {
	struct ramet_sem sem;
	struct ramet_wg wg;
	struct ramet_event event;
	struct ramet_mutex mutex;
	struct ramet_cond cond;
	int told;
};

/* As an OS thread without a loop, or not. */
static struct loop *leave_loop(void)
{
	struct loop *l = ramet__this_loop;

	if (roll(3))
		ramet__this_loop = NULL;
	return l;
}

static void post_somehow(struct outside *o)
{
	struct loop *l = leave_loop();
	int r = ramet_sem_post(&o->sem);

	ramet__this_loop = l;
	good(r, "posting from outside");
}

static void tell_somehow(struct outside *o)
{
	struct loop *l = leave_loop();

	o->told = 1;
	ramet_cond_signal(&o->cond);
	ramet_cond_broadcast(&o->cond);
	ramet_event_set(&o->event);
	ramet__this_loop = l;
}

static void done_somehow(struct outside *o)
{
	struct loop *l = leave_loop();
	int r = ramet_wg_done(&o->wg);

	ramet__this_loop = l;
	good(r, "done from outside");
}

static bool hear(struct outside *o)
{
	bool ok = good(ramet_mutex_lock(&o->mutex), "locking");

	if (!ok)
		return false;
	while (ok && !o->told)
		ok = good(ramet_cond_wait(&o->cond, &o->mutex),
			  "waiting for a signal from outside");
	good(ramet_mutex_unlock(&o->mutex), "unlocking");
	return ok;
}

/* Who has taken one gives it back: so one is enough for all. */
static void *take_and_give(void *arg)
{
	struct outside *o = arg;
	int64_t limit = some_patience();
	int r = -1;

	RAMET_WITHIN(limit)
		r = ramet_sem_wait(&o->sem);
	if (got(r, limit, "waiting for a post from outside"))
		post_somehow(o);
	RAMET_WITHIN(PATIENCE)
		if (hear(o))
			good(ramet_event_wait(&o->event),
			     "waiting for an event from outside");
	return NULL;
}

static void *begin(void *arg)
{
	struct outside *o = arg;

	nap(RAMET_MS / 4);
	post_somehow(o);
	nap(RAMET_MS / 4);
	tell_somehow(o);
	done_somehow(o);
	return NULL;
}

void *scene_outside(void *unused)
{
	struct outside o = {.told = 0};
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	ramet_wg_add(&o.wg, 1);
	if (!go(&g, begin, &o))
		return unused;
	run_with_leavers(take_and_give, &o);
	RAMET_WITHIN(PATIENCE)
		good(ramet_wg_wait(&o.wg), "waiting for done from outside");
	wait_for_all(&g);
	ramet_sync_settle();
	REQUIRE(o.sem.value == 1, "a post is lost");
	REQUIRE(!o.sem.waiters.first && !o.event.waiters.first, "one is left");
	return unused;
}
