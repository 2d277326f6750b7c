/* select.c - whichever of several comes first.
 *
 * The first case that can be done now is done.  If none can, the caller queues
 * wherever something may come from, and parks.  Who has something for it takes
 * its claim, which works once, completes that one case and wakes it.  What
 * wakes it in any other way, a ramet's end, a deadline, an event on a
 * descriptor, only makes it look again.
 *
 * A select of channels and queues of this loop needs no claim: who completes a
 * case finds it parked, and nobody does after that.
 */
#include "sync/select.h"

/* ---- choosing ----------------------------------------------------------- */

/* Do the first case that can be done.  Returns its index or -EAGAIN, or why it
 * cannot be said. */
static int do_one(struct selection *s)
{
	s->looked = false;
	if (s->timed)
		s->loop->now = kernel_now();
	for (int i = 0; i < s->count; i++) {
		int r = ramet__select_try(s, i);

		if (r == -EAGAIN)
			continue;
		s->cases[i].result = r;
		return i;
	}
	if (s->otherwise < 0 || s->fd_error < 0)
		return s->fd_error < 0 ? s->fd_error : -EAGAIN;
	s->cases[s->otherwise].result = 0;
	return s->otherwise;
}

/* ---- waiting ------------------------------------------------------------ */

/* What is shared may have become ready since it was looked at: then false. */
static bool queue_all(struct selection *s)
{
	for (int i = 0; i < s->count; i++)
		if (!ramet__select_queue(s, i))
			return false;
	return true;
}

static void prepare(struct selection *s)
{
	s->joiner = (struct joiner){.ramet = s->loop->current, .missing = 1};
	ramet__claim_init(s->loop, &s->claim, s->places, (size_t)s->count);
	for (int i = 0; i < s->count; i++) {
		s->places[i].waiter.item = s->cases[i].item;
		s->places[i].waiter.result = 0;
		if (!s->shared)
			s->places[i].waiter.claim = NULL;
	}
}

/* Queue and park until it is time to look again, or one is done. */
static int park(struct selection *s)
{
	enum wait wait = WAIT_SELECT;
	int64_t until = s->when;
	int r = 0;

	if (s->shared)
		wait = ramet__claim_begin(&s->claim, wait, WAIT_SELECT_OPEN);
	if (s->fd_count) {
		wait = WAIT_SELECT_OPEN;
		r = ramet__poll_begin(s->loop, &s->poll, s->fd_places, &until);
	}
	if (r == 0 && queue_all(s))
		r = ramet__park_until(s->loop, wait, s->cases, until);
	if (s->shared)
		ramet__claim_end(&s->claim, WAIT_SELECT_OPEN, s->cases);
	return r;
}

/* Leave the queues.  Returns the index of the case that was completed, or -1.
 * What is not queued at any more may be gone. */
static int leave_queues(struct selection *s)
{
	int done = -1;

	if (s->fd_count)
		ramet__select_leave_fds(s);
	for (int i = s->count - 1; i >= 0; i--) {
		struct place *p = &s->places[i];
		enum ramet_select_op op = s->cases[i].op;

		if (p->latch)
			ramet__place_leave(p);
		else if (p->waiter.result == SELECT_EVENT_QUEUED &&
			 !p->waiter.queue)
			s->set = i; /* for those who waited, at least */
		waitq_remove(&p->waiter);
		if (op == RAMET_SELECT_JOIN)
			s->cases[i].ramet->cold->joiner = NULL;
		else if (p->waiter.tag == WAITER_SETTLED)
			done = i;
	}
	return done;
}

/* Returns the index of the case that somebody completed, -EAGAIN when it is
 * time to look again, or another error. */
static int wait_once(struct selection *s)
{
	int done, r;

	prepare(s);
	r = park(s);
	done = leave_queues(s);
	if (done >= 0) {
		s->cases[done].result = s->places[done].waiter.result;
		return done;
	}
	/* EBADF: ramet__select_leave_fds knows of which. */
	return r == 0 || r == -ETIMEDOUT || r == -EBADF ? -EAGAIN : r;
}

static int wait_and_choose(struct selection *s)
{
	struct place few[SELECT_FEW], *many = NULL;
	int i, err;

	if (s->count > SELECT_FEW) {
		many = kernel_alloc((size_t)s->count * sizeof *many);
		if (!many)
			return -ENOMEM;
	}
	s->places = many ? many : few;
	do {
		i = wait_once(s);
		if (i == -EAGAIN)
			i = do_one(s);
		err = i == -EAGAIN ? ramet__interrupted(s->loop) : 0;
	} while (i == -EAGAIN && err == 0);
	kernel_free(many);
	return err < 0 ? err : i;
}

/* ---- one call ----------------------------------------------------------- */

static int choose(struct selection *s)
{
	struct loop *l = s->loop;
	int i = do_one(s);

	if (i == -EAGAIN)
		return wait_and_choose(s);
	if (s->otherwise < 0)
		ramet__spend(l);
	return i;
}

static int select_one(struct loop *l, struct ramet_case *cases, size_t count)
{
	struct selection s = {.loop = l,
			      .cases = cases,
			      .count = (int)count,
			      .otherwise = -1,
			      .set = -1,
			      .when = RAMET_NEVER};
	int i;

	if (count > SELECT_CASES)
		return -EINVAL;
	ramet__point(l);
	i = ramet__select_read(&s);
	if (i == 0 && s.otherwise < 0) /* with a default it cannot block */
		i = ramet__interrupted(l);
	if (unlikely(i < 0))
		return i;
	i = s.fd_count ? ramet__select_with_fds(&s, choose) : choose(&s);
	ramet__point(l);
	return i;
}

int ramet_select(struct ramet_case *cases, size_t count)
{
	struct loop *l = ramet__loop();
	int i = likely(l) ? select_one(l, cases, count) : -ENOMEM;

	if (likely(i >= 0))
		cases[i].result = (int)ramet__ret(cases[i].result);
	return (int)ramet__ret(i);
}
