/* map.c - the same function of many arguments; apply is a map of one. */
#include "task/pool.h"

#include "ramet/task.h"

/* In the frame of who waits for it. */
struct map {
	struct feed feed;
	void *(*fn)(void *);
	void *const *args;
	void **values; /* may be args, or NULL */
	size_t next;
	bool killed; /* one was */
	int error;   /* why the rest will not run */
};

static void begin(struct feed *f, struct worker *w)
{
	struct map *m = container_of(f, struct map, feed);

	w->fn = m->fn;
	w->arg = m->args[m->next];
	w->number = m->next++;
}

static void wake_if_done(struct feed *f)
{
	struct ramet *caller = f->turn.ramet;

	if (!f->left && !f->running && caller->state == STATE_PARKED)
		ramet__wake(caller, 0);
}

static void ended(struct feed *f, size_t number, void *value, bool killed)
{
	struct map *m = container_of(f, struct map, feed);

	if (m->values)
		m->values[number] = value;
	m->killed |= killed;
	wake_if_done(f);
}

static void refused(struct feed *f, int err)
{
	container_of(f, struct map, feed)->error = err;
	wake_if_done(f);
}

static const struct feed_kind kind = {begin, ended, refused};

/* What has no value is as if it had been killed. */
static void fill_up(struct map *m, size_t n)
{
	for (size_t i = m->next; m->values && i < n; i++)
		m->values[i] = RAMET_FAILED;
}

static int run(struct loop *l, struct map *m, size_t n)
{
	int err = ramet__feed_put(&m->feed);

	if (err < 0)
		return err;
	err = ramet__park(l, WAIT_JOBS, m->feed.pool);
	if (err < 0) {
		ramet__feed_end(l, &m->feed);
		return err;
	}
	fill_up(m, n);
	if (m->error < 0)
		return m->error;
	return m->killed ? -ECHILD : 0;
}

static int map(struct ramet_pool *p, void *(*fn)(void *), void *const *args,
	       void **values, size_t n)
{
	struct loop *l = ramet__loop();
	struct map m = {.fn = fn, .args = args, .values = values};
	int err;

	if (!l)
		return -ENOMEM;
	if (p->loop != l)
		return (int)ramet__misuse(-EPERM);
	if (p->closing)
		return -EPIPE;
	ramet__point(l);
	err = ramet__interrupted(l);
	if (err < 0 || !n)
		return err;
	if (p->closing)
		return -EPIPE;
	if (l->current->state != STATE_RUNNING)
		return -EDEADLK; /* in a function of ramet_link */
	m.feed = (struct feed){.turn = {.ramet = l->current},
			       .kind = &kind,
			       .pool = p,
			       .left = n};
	err = run(l, &m, n);
	ramet__point(l);
	return err;
}

int ramet_pool_map(struct ramet_pool *p, void *(*fn)(void *), void *const *args,
		   void **values, size_t n)
{
	return (int)ramet__ret(map(p, fn, args, values, n));
}

int ramet_pool_apply(struct ramet_pool *p, void *(*fn)(void *), void *arg,
		     void **value)
{
	void *got;
	int err = map(p, fn, &arg, &got, 1);

	if (err == 0 && value)
		*value = got;
	return (int)ramet__ret(err);
}
