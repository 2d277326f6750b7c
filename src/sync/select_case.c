/* select_case.c - what each kind of case means: when it is ready, and where to
 * wait for it. */
#include "sync/select.h"

#include "sync/event.h"

/* ---- reading the cases -------------------------------------------------- */

/* One that others may complete in other OS threads, which takes a claim. */
static int read_shared(struct selection *s)
{
	s->shared = true;
	return 1;
}

static int read_queue(struct selection *s, const struct ramet_queue *q)
{
	if (!q)
		return -EINVAL;
	if (!q->loop)
		return read_shared(s);
	return q->loop == s->loop ? 1 : -EPERM;
}

static int read_join(struct selection *s, const struct ramet *t)
{
	int err = ramet__joinable(s->loop, t);

	return err < 0 ? err : 1;
}

static int read_deadline(struct selection *s, int64_t when)
{
	s->timed = true;
	if (when < s->when)
		s->when = when;
	return 1;
}

/* Returns whether the case may ever be chosen, or -errno. */
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
	case RAMET_SELECT_PUT:
	case RAMET_SELECT_GET:
		return read_queue(s, c->queue);
	case RAMET_SELECT_FUTURE:
		return c->future ? read_shared(s) : -EINVAL;
	case RAMET_SELECT_EVENT:
		if (!c->event)
			return -EINVAL;
		return ramet__event_use(s->loop, c->event) < 0 ? -EPERM : 1;
	case RAMET_SELECT_FD:
		s->fd_count++;
		return c->fd >= 0;
	case RAMET_SELECT_JOIN:
		return read_join(s, c->ramet);
	case RAMET_SELECT_AT:
		return read_deadline(s, c->deadline.ns);
	case RAMET_SELECT_DEFAULT:
		if (s->otherwise < 0)
			s->otherwise = i;
		return 1;
	}
	return -EINVAL;
}

int ramet__select_read(struct selection *s)
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

static int try_queue(struct ramet_case *c, enum queue_op op)
{
	return c->queue->loop ? ramet__queue_try(c->queue, op, c->item)
			      : ramet__queue_try_shared(c->queue, op, c->item);
}

int ramet__select_try(struct selection *s, int i)
{
	struct ramet_case *c = &s->cases[i];
	bool ready = false;

	switch (c->op) {
	case RAMET_SELECT_SEND:
		return ramet__chan_trysend(c->chan, c->item);
	case RAMET_SELECT_RECV:
		return ramet__chan_tryrecv(c->chan, c->item);
	case RAMET_SELECT_PUT:
		return try_queue(c, QUEUE_PUT);
	case RAMET_SELECT_GET:
		return try_queue(c, QUEUE_GET);
	case RAMET_SELECT_FD:
		return ramet__select_fd(s, i);
	case RAMET_SELECT_FUTURE:
		ready = ramet__future_settled(c->future);
		break;
	case RAMET_SELECT_EVENT:
		ready = ramet__event_use(s->loop, c->event) > 0 || s->set == i;
		break;
	case RAMET_SELECT_JOIN:
		ready = c->ramet->state == STATE_ENDED;
		break;
	case RAMET_SELECT_AT:
		ready = c->deadline.ns <= s->loop->now;
		break;
	default:
		break;
	}
	return ready ? 0 : -EAGAIN;
}

/* ---- queueing -------------------------------------------------------------
 */

static bool queue_at(struct ramet_queue *q, enum queue_op op, struct place *p)
{
	if (!q->loop)
		return ramet__queue_append(q, op, p);
	waitq_append(&q->waiting[op], &p->waiter);
	return true;
}

bool ramet__select_queue(struct selection *s, int i)
{
	const struct ramet_case *c = &s->cases[i];
	struct place *p = &s->places[i];

	switch (c->op) {
	case RAMET_SELECT_SEND:
		waitq_append(&c->chan->senders, &p->waiter);
		return true;
	case RAMET_SELECT_RECV:
		waitq_append(&c->chan->receivers, &p->waiter);
		return true;
	case RAMET_SELECT_PUT:
		return queue_at(c->queue, QUEUE_PUT, p);
	case RAMET_SELECT_GET:
		return queue_at(c->queue, QUEUE_GET, p);
	case RAMET_SELECT_FUTURE:
		return ramet__future_queue(c->future, p);
	case RAMET_SELECT_EVENT:
		waitq_append(&c->event->waiters, &p->waiter);
		p->waiter.result = SELECT_EVENT_QUEUED;
		return true;
	case RAMET_SELECT_JOIN:
		c->ramet->cold->joiner = &s->joiner;
		return true;
	default:
		return true;
	}
}
