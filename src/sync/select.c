/* select.c - whichever of several comes first.
 *
 * The first case that can be done now is done.  If none can, the caller queues
 * at every channel, becomes the joiner of every ramet and parks.  A sender or
 * receiver that finds it parked completes that one case and wakes it: from then
 * on it is not parked, so that nobody completes another.  What wakes it in any
 * other way, a ramet's end or a deadline, only makes it look again.
 */
#include "sync/chan.h"

enum { CASES_MAX = 256, ON_STACK = 8 };

/* One call. */
struct selection {
	struct loop *loop;
	struct ramet_case *cases;
	int count, otherwise; /* the default's index, -1 if there is none */
	bool timed;           /* there are deadlines: */
	int64_t when;         /* the first of them */
	struct ramet_waiter *waiters;
	struct joiner joiner;
};

/* ---- reading the cases -------------------------------------------------- */

static int read_case(struct selection *s, int i)
{
	struct ramet_case *c = &s->cases[i];

	switch (c->op) {
	case RAMET_SELECT_NOTHING:
		return 0;
	case RAMET_SELECT_SEND:
	case RAMET_SELECT_RECV:
		if (!c->chan)
			return -EINVAL;
		return c->chan->loop == s->loop ? 1 : -EPERM;
	case RAMET_SELECT_JOIN: {
		int err = ramet__joinable(s->loop, c->ramet);

		return err < 0 ? err : 1;
	}
	case RAMET_SELECT_AT:
		s->timed = true;
		if (c->deadline.ns < s->when)
			s->when = c->deadline.ns;
		return 1;
	case RAMET_SELECT_DEFAULT:
		if (s->otherwise < 0)
			s->otherwise = i;
		return 1;
	case RAMET_SELECT_FD:
	case RAMET_SELECT_EVENT:
	case RAMET_SELECT_FUTURE:
	case RAMET_SELECT_PUT:
	case RAMET_SELECT_GET:
		break;
	}
	return -EINVAL;
}

/* 0 if all is well, and there is something to choose. */
static int read_cases(struct selection *s)
{
	bool any = false;

	for (int i = 0; i < s->count; i++) {
		int r = read_case(s, i);

		if (r < 0)
			return r;
		any |= r;
	}
	return any ? 0 : -EINVAL;
}

/* ---- choosing ----------------------------------------------------------- */

static bool done_now(struct loop *l, struct ramet_case *c)
{
	int r = -EAGAIN;

	if (c->op == RAMET_SELECT_SEND)
		r = ramet__chan_trysend(c->chan, c->item);
	else if (c->op == RAMET_SELECT_RECV)
		r = ramet__chan_tryrecv(c->chan, c->item);
	else if (c->op == RAMET_SELECT_JOIN && c->ramet->state == STATE_ENDED)
		r = 0;
	else if (c->op == RAMET_SELECT_AT && c->deadline.ns <= l->now)
		r = 0;
	if (r == -EAGAIN)
		return false;
	c->result = r;
	return true;
}

/* Do the first case that can be done.  Returns its index or -EAGAIN. */
static int do_one(struct selection *s)
{
	if (s->timed)
		s->loop->now = kernel_now();
	for (int i = 0; i < s->count; i++)
		if (done_now(s->loop, &s->cases[i]))
			return i;
	if (s->otherwise < 0)
		return -EAGAIN;
	s->cases[s->otherwise].result = 0;
	return s->otherwise;
}

/* ---- waiting ------------------------------------------------------------ */

static void queue_up(struct selection *s)
{
	s->joiner = (struct joiner){s->loop->current, 1};
	for (int i = 0; i < s->count; i++) {
		struct ramet_case *c = &s->cases[i];
		struct ramet_waiter *w = &s->waiters[i];

		w->queue = NULL;
		w->ramet = s->loop->current;
		w->item = c->item;
		w->tag = CHAN_WAITS;
		if (c->op == RAMET_SELECT_SEND)
			waitq_append(&c->chan->senders, w);
		else if (c->op == RAMET_SELECT_RECV)
			waitq_append(&c->chan->receivers, w);
		else if (c->op == RAMET_SELECT_JOIN)
			c->ramet->cold->joiner = &s->joiner;
	}
}

/* Undo that.  Returns the index of the case that was completed, or -1.  A
 * channel that is not queued at any more may be gone. */
static int leave_queues(struct selection *s)
{
	int done = -1;

	for (int i = 0; i < s->count; i++) {
		waitq_remove(&s->waiters[i]);
		if (s->cases[i].op == RAMET_SELECT_JOIN)
			s->cases[i].ramet->cold->joiner = NULL;
		else if (s->waiters[i].tag == CHAN_DONE)
			done = i;
	}
	return done;
}

/* Returns the index of the case that somebody completed, -EAGAIN when it is
 * time to look again, or another error. */
static int wait_once(struct selection *s)
{
	int done, r;

	queue_up(s);
	r = ramet__park_until(s->loop, WAIT_SELECT, s->cases, s->when);
	done = leave_queues(s);
	if (done >= 0) {
		s->cases[done].result = r;
		return done;
	}
	return r == 0 || r == -ETIMEDOUT ? -EAGAIN : r;
}

static int wait_and_choose(struct selection *s)
{
	struct ramet_waiter few[ON_STACK], *many = NULL;
	int i, err;

	if (s->count > ON_STACK) {
		many = kernel_alloc((size_t)s->count * sizeof *many);
		if (!many)
			return -ENOMEM;
	}
	s->waiters = many ? many : few;
	do {
		i = wait_once(s);
		if (i == -EAGAIN)
			i = do_one(s);
		err = i == -EAGAIN ? ramet__interrupted(s->loop) : 0;
	} while (i == -EAGAIN && err == 0);
	kernel_free(many);
	return err < 0 ? err : i;
}

static int choose(struct loop *l, struct ramet_case *cases, size_t count)
{
	struct selection s = {.loop = l,
			      .cases = cases,
			      .count = (int)count,
			      .otherwise = -1,
			      .when = RAMET_NEVER};
	int i;

	if (count > CASES_MAX)
		return -EINVAL;
	ramet__point(l);
	i = read_cases(&s);
	if (i == 0 && s.otherwise < 0) /* with a default it cannot block */
		i = ramet__interrupted(l);
	if (unlikely(i < 0))
		return i;
	i = do_one(&s);
	if (i == -EAGAIN)
		i = wait_and_choose(&s);
	else if (s.otherwise < 0)
		ramet__spend(l);
	ramet__point(l);
	return i;
}

int ramet_select(struct ramet_case *cases, size_t count)
{
	struct loop *l = ramet__loop();
	int i = likely(l) ? choose(l, cases, count) : -ENOMEM;

	if (likely(i >= 0))
		cases[i].result = (int)ramet__ret(cases[i].result);
	return (int)ramet__ret(i);
}
