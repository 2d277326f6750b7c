/* imap.c - a map under way: values are taken one after the other, and arguments
 * are fetched as room for their values appears.
 *
 * Numbers count up: arguments fetched, jobs begun and ended, values taken. Each
 * has its slot, the number modulo `ahead`.  In order, a value's number is its
 * argument's; else how many had ended before.
 */
#include "task/pool.h"

#include "ramet/task.h"

enum slot_state { SLOT_FREE, SLOT_ENDED, SLOT_REFUSED };

struct slot {
	void *arg;   /* of the job with this number, until it begins */
	void *value; /* with this number, once it is there */
	enum slot_state state;
};

struct ramet_imap {
	struct feed feed;
	void *(*fn)(void *);
	int (*next)(void *from, void **arg);
	void *from;
	struct ramet *user; /* waits for the next value */
	size_t fetched, begun, ended, taken;
	size_t ahead;
	bool ordered, no_more, ending;
	bool left; /* freed by who could not wait: goes with its last job */
	struct slot slots[];
};

/* ---- jobs --------------------------------------------------------------- */

static void begin(struct feed *f, struct worker *w)
{
	struct ramet_imap *m = container_of(f, struct ramet_imap, feed);

	w->fn = m->fn;
	w->arg = m->slots[m->begun % m->ahead].arg;
	w->number = m->begun++;
}

static struct slot *next_slot(struct ramet_imap *m)
{
	return &m->slots[m->taken % m->ahead];
}

static void put_value(struct ramet_imap *m, size_t number, void *value,
		      enum slot_state state)
{
	struct slot *s = &m->slots[(m->ordered ? number : m->ended) % m->ahead];

	s->value = value;
	s->state = state;
	m->ended++;
	if (m->user && m->user->state == STATE_PARKED &&
	    next_slot(m)->state != SLOT_FREE)
		ramet__wake(m->user, 0);
}

static void let_go(struct ramet_imap *m)
{
	ramet__pool_release(m->feed.pool);
	kernel_free(m);
}

static void ended(struct feed *f, size_t number, void *value, bool killed)
{
	struct ramet_imap *m = container_of(f, struct ramet_imap, feed);

	(void)killed;
	put_value(m, number, value, SLOT_ENDED);
	if (f->running)
		return;
	if (m->left)
		let_go(m);
	else if (m->ending && m->user->state == STATE_PARKED)
		ramet__wake(m->user, 0);
}

static void refused(struct feed *f, int err)
{
	struct ramet_imap *m = container_of(f, struct ramet_imap, feed);

	(void)err;
	while (m->begun < m->fetched)
		put_value(m, m->begun++, NULL, SLOT_REFUSED);
}

static const struct feed_kind kind = {begin, ended, refused};

/* ---- values ------------------------------------------------------------- */

/* Jobs that have not begun are in line, unless memory was short. */
static int line_up(struct ramet_imap *m)
{
	int err;

	if (m->feed.left || m->begun == m->fetched)
		return 0;
	m->feed.left = m->fetched - m->begun;
	err = ramet__feed_put(&m->feed);
	if (err < 0)
		m->feed.left = 0;
	return err;
}

static int add(struct ramet_imap *m, void *arg)
{
	m->slots[m->fetched++ % m->ahead].arg = arg;
	if (!m->feed.left)
		return line_up(m);
	m->feed.left++;
	m->feed.pool->queued++;
	return 0;
}

/* Fetch arguments until a value is there or there is no room, but at least one
 * if there is: values are not held up, and jobs do not run out. */
static int fetch(struct loop *l, struct ramet_imap *m)
{
	bool ready = false;
	int err = line_up(m);

	while (err == 0 && !ready && !m->no_more && !m->feed.pool->closing &&
	       m->fetched - m->taken < m->ahead) {
		void *arg = NULL;

		ready = next_slot(m)->state != SLOT_FREE;
		if (m->next(m->from, &arg) > 0) {
			err = add(m, arg);
			continue;
		}
		err = ramet__interrupted(l); /* then it is not the last */
		m->no_more = err == 0;
	}
	return err;
}

static int wait_for_value(struct loop *l, struct ramet_imap *m)
{
	int err = 0;

	m->user = l->current;
	while (err == 0 && next_slot(m)->state == SLOT_FREE)
		err = ramet__park(l, WAIT_JOBS, m->feed.pool);
	m->user = NULL;
	return err;
}

static int take(struct ramet_imap *m, void **value)
{
	struct slot *s = next_slot(m);
	bool refused = s->state == SLOT_REFUSED;

	if (!refused && value)
		*value = s->value;
	s->state = SLOT_FREE;
	m->taken++;
	return refused ? -EPIPE : 1;
}

static int next_value(struct ramet_imap *m, void **value)
{
	struct loop *l = ramet__loop();
	int err;

	if (!l)
		return -ENOMEM;
	if (m->feed.pool->loop != l || m->user)
		return (int)ramet__misuse(-EPERM);
	if (l->current->state != STATE_RUNNING)
		return -EDEADLK; /* in a function of ramet_link */
	ramet__point(l);
	err = ramet__interrupted(l);
	if (err == 0)
		err = fetch(l, m);
	if (err < 0)
		return err;
	if (m->fetched == m->taken)
		return m->no_more ? 0 : -EPIPE;
	if (next_slot(m)->state == SLOT_FREE)
		err = wait_for_value(l, m);
	else
		ramet__spend(l);
	return err < 0 ? err : take(m, value);
}

int ramet_imap_next(struct ramet_imap *m, void **value)
{
	return (int)ramet__ret(next_value(m, value));
}

/* ---- new, free ---------------------------------------------------------- */

static int check_new(const struct ramet_pool *p, int order, size_t ahead)
{
	struct loop *l = ramet__loop();

	if (!l)
		return -ENOMEM;
	if (p->loop != l)
		return -EPERM;
	if (order != RAMET_ORDERED && order != RAMET_UNORDERED)
		return -EINVAL;
	return !ahead && p->size == SIZE_MAX ? -EINVAL : 0;
}

struct ramet_imap *ramet_imap_new(struct ramet_pool *p, void *(*fn)(void *),
				  int (*next)(void *from, void **arg),
				  void *from, int order, size_t ahead)
{
	int err = check_new(p, order, ahead);
	struct ramet_imap *m = NULL;
	size_t size;

	if (err < 0)
		goto fail;
	if (!ahead)
		ahead = p->size;
	err = -ENOMEM;
	if (!__builtin_mul_overflow(ahead, sizeof m->slots[0], &size) &&
	    !__builtin_add_overflow(size, sizeof *m, &size))
		m = kernel_alloc(size);
	if (!m)
		goto fail;
	m->feed.kind = &kind;
	m->feed.pool = p;
	m->fn = fn;
	m->next = next;
	m->from = from;
	m->ahead = ahead;
	m->ordered = order == RAMET_ORDERED;
	p->users++;
	return m;

fail:
	ramet__fail(err == -ENOMEM ? err : ramet__misuse(err));
	return NULL;
}

/* Not one of its own jobs, nor a function of ramet_link. */
static bool can_wait(const struct ramet_imap *m, const struct ramet *me)
{
	const struct worker *w = ramet__pool_worker(m->feed.pool, me);

	return me->state == STATE_RUNNING && (!w || w->feed != &m->feed);
}

static void end(struct loop *l, struct ramet_imap *m)
{
	if (can_wait(m, l->current)) {
		m->ending = true;
		m->user = l->current;
		ramet__feed_end(l, &m->feed);
	} else {
		ramet__feed_withdraw(&m->feed);
		ramet__pool_end_jobs(m->feed.pool, &m->feed, ramet_cancel);
	}
	if (m->feed.running)
		m->left = true;
	else
		let_go(m);
}

void ramet_imap_free(struct ramet_imap *m)
{
	struct loop *l = ramet__loop();
	int saved = errno;

	if (!m)
		return;
	if (l && m->feed.pool->loop == l)
		end(l, m);
	else
		ramet__misuse(-EPERM);
	errno = saved;
}
