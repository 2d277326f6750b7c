/* spawn.c - the life of a ramet: spawned, ended, released. */
#include "core/stack.h"
#include "core/switch.h"
#include "core/valid.h"

#include <string.h>

/* ---- end ---------------------------------------------------------------- */

void ramet__release(struct ramet *t)
{
	sanitizer_end(&t->cold->sanitizer);
	t->state = STATE_FREE;
	t->loop->stats.live--;
	ramet__stack_put(t);
}

/* The last deferred first; each may defer more. */
static void run_defers(struct ramet *me)
{
	struct cold *c = me->cold;

	while (c->defers) {
		struct callback d = *c->defers;

		kernel_free(c->defers);
		c->defers = d.next;
		d.deferred(d.arg);
	}
}

static void run_links(struct ramet *me)
{
	struct cold *c = me->cold;

	while (c->links) {
		struct callback link = *c->links;

		kernel_free(c->links);
		c->links = link.next;
		if (!c->links)
			c->links_end = &c->links;
		link.linked(me, link.arg);
	}
}

/* Before the ramet counts as ended, while it may still block.  What is deferred
 * may set locals, and their destructors may defer. */
static void clean_up(struct ramet *me)
{
	struct cold *c = me->cold;

	while (unlikely(c->defers || c->locals)) {
		run_defers(me);
		ramet__locals_destroy(me);
	}
}

void ramet__end_main(struct loop *l)
{
	struct cold *c = &l->main_cold;

	do {
		clean_up(&l->main);
		run_links(&l->main);
	} while (c->defers || c->locals || c->links);
}

/* The end of a ramet, in whatever way: hand over what others wait for and jump
 * to the next. */
static inline __attribute__((always_inline)) _Noreturn void finish(
	struct loop *l, struct ramet *me)
{
	struct cold *c = me->cold;
	struct ramet *to;

	clean_up(me);
	if (unlikely(timer_armed(&me->timer)))
		ramet__timer_disarm(&l->timers, &me->timer);
	me->state = STATE_ENDED;
	c->ended = ++l->ended;
	if (unlikely(c->links != NULL)) {
		run_links(me);
		clean_up(me); /* after them, it cannot block any more */
	}
	if (c->on_end)
		c->on_end(me);
	if (c->joiner && --c->joiner->missing == 0 &&
	    c->joiner->ramet->state == STATE_PARKED)
		ramet__wake(c->joiner->ramet, 0);
	if (me->flags & FLAG_DETACHED)
		l->zombie = me;
	record_end(l, me);
	check(ramet__loop_changed(l));
	to = ramet__next(l);
	depart(l, me, to, NULL);
	arch_switch(&me->context, &to->context);
	__builtin_unreachable();
}

/* After a kill, on an empty stack. */
_Noreturn void ramet__finish(void *ramet)
{
	struct ramet *me = ramet;

	finish(me->loop, me);
}

/* The first function on each stack. */
static void enter(void *ramet)
{
	struct ramet *me = ramet;
	struct loop *l = me->loop;

	arrive(l, NULL);
	me->flags |= FLAG_STARTED;
	*l->errno_at = 0;
	*l->cxx = (struct cxx_state){0};
	if (unlikely(me->flags & FLAG_CANARY))
		ramet__canary_set(me);
	if (likely(!(me->flags & FLAG_KILL)))
		me->cold->value = me->cold->fn(me->cold->arg);
	finish(l, me);
}

/* ---- one after the other ------------------------------------------------ */

/* What is linked sees a ramet that has ended, and cannot wait. */
static void end_one(struct ramet *me)
{
	clean_up(me);
	if (!me->cold->links)
		return;
	me->state = STATE_ENDED;
	run_links(me);
	me->state = STATE_RUNNING;
	clean_up(me);
}

void *ramet__run_one(struct loop *l, void *(*fn)(void *), void *arg,
		     uint16_t flags)
{
	enum { KEPT = FLAG_CANARY | FLAG_FENV | FLAG_STARTED };
	struct ramet *me = l->current;
	struct cold *c = me->cold;
	void *value;

	me->flags = (uint16_t)((me->flags & KEPT) | flags);
	*l->errno_at = 0;
	*l->cxx = (struct cxx_state){0};
	value = fn(arg);
	me->scope = NULL; /* one may have been left open */
	me->deadline = RAMET_NEVER;
	if (unlikely(c->defers || c->locals || c->links))
		end_one(me);
	return value;
}

static void enter_again(void *ramet)
{
	struct ramet *me = ramet;
	struct loop *l = me->loop;

	*l->errno_at = 0;
	*l->cxx = (struct cxx_state){0};
	me->cold->value = me->cold->fn(me->cold->arg);
	finish(l, me);
}

_Noreturn void ramet__begin_again(struct ramet *me)
{
	struct loop *l = me->loop;
	struct context left;

	record_end(l, me);
	me->id = ++l->last_id;
	me->flags &= FLAG_CANARY | FLAG_FENV;
	me->flags |= FLAG_STARTED;
	me->state = STATE_RUNNING;
	me->scope = NULL;
	me->deadline = RAMET_NEVER;
	l->stats.spawned++;
	record_spawn(l, me);
	record_switch(l, me, me);
	check(ramet__loop_changed(l));
	arch_prepare(&me->context, me->cold, enter_again, me);
	sanitizer_again(&me->cold->sanitizer);
	arch_switch(&left, &me->context);
	__builtin_unreachable();
}

/* ---- spawn -------------------------------------------------------------- */

static void set_name(struct ramet *t, const char *name)
{
	size_t n = strlen(name);

	if (n > sizeof t->cold->name - 1)
		n = sizeof t->cold->name - 1;
	memcpy(t->cold->name, name, n);
	t->cold->name[n] = '\0';
}

static void init_cold(struct cold *c, struct ramet *t, void *(*fn)(void *),
		      void *arg, const void *site)
{
	c->ramet = t;
	c->fn = fn;
	c->arg = arg;
	c->value = NULL;
	c->spawn_site = site;
	c->parent = t->loop->current->id;
	c->joiner = NULL;
	c->on_end = NULL;
	c->defers = c->links = NULL;
	c->links_end = &c->links;
	c->locals = NULL;
	c->local_count = 0;
	c->lot_id = 0;
	c->switches_high = 0;
	c->name[0] = '\0';
}

static void set_options(struct loop *l, struct ramet *t,
			const struct ramet_opts *opts)
{
	if (opts->name)
		set_name(t, opts->name);
	if (opts->own_fenv) {
		t->flags |= FLAG_FENV;
		arch_fenv_save(&t->cold->fenv);
	}
	if (opts->delay > 0) {
		int64_t when = time_add(kernel_now(), opts->delay);

		/* Parked until then: its first switch is the wake-up. */
		t->state = STATE_PARKED;
		t->wait = WAIT_SLEEP;
		record(l, RECORD_PARK, WAIT_SLEEP, t->id, 0);
		t->until = timer_coalesce(when, opts->delay);
		if (t->until != RAMET_NEVER)
			ramet__timer_arm(&l->timers, &t->timer, t->until);
	}
}

/* Ready or parked, but in no queue yet. */
static inline __attribute__((always_inline)) struct ramet *make(
	struct loop *l, void *(*fn)(void *), void *arg,
	const struct ramet_opts *opts, const void *site, int *err)
{
	struct ramet *t = ramet__stack_get(l, opts ? opts->stack_size : 0, err);
	char *low;
	size_t size;

	if (unlikely(!t))
		return NULL;
	t->loop = l;
	t->id = ++l->last_id;
	t->flags &= FLAG_CANARY;
	t->state = STATE_READY;
	t->wait = WAIT_NONE;
	t->switches = 0;
	t->scope = NULL;
	t->deadline = RAMET_NEVER;
	t->since = l->now;
	init_cold(t->cold, t, fn, arg, site);
	ramet__stack_bounds(t, &low, &size);
	sanitizer_start(&t->cold->sanitizer, low, size);
	arch_prepare(&t->context, t->cold, enter, t);
	record_spawn(l, t);
	if (opts)
		set_options(l, t, opts);
	l->stats.spawned++;
	if (++l->stats.live > l->stats.live_max)
		l->stats.live_max = l->stats.live;
	return t;
}

struct ramet *ramet__spawn(struct loop *l, void *(*fn)(void *), void *arg,
			   const struct ramet_opts *opts, const void *site,
			   int *err)
{
	struct ramet *t = make(l, fn, arg, opts, site, err);

	if (unlikely(!t))
		return NULL;
	if (t->state == STATE_READY)
		ramet__ready(l, t);
	check(ramet__loop_changed(l));
	return t;
}

struct ramet *ramet__spawn_parked(struct loop *l, void *(*fn)(void *),
				  void *arg, const struct ramet_opts *opts,
				  const void *site, int *err)
{
	struct ramet *t = make(l, fn, arg, opts, site, err);

	if (!t)
		return NULL;
	t->state = STATE_PARKED;
	t->wait = WAIT_HOST;
	t->wait_object = "its start";
	record(l, RECORD_PARK, WAIT_HOST, t->id, (uintptr_t)t->wait_object);
	t->until = RAMET_NEVER;
	check(ramet__loop_changed(l));
	return t;
}

static struct ramet *spawn(void *(*fn)(void *), void *arg,
			   const struct ramet_opts *opts, const void *site)
{
	struct loop *l = ramet__loop();
	struct ramet *t = NULL;
	int err = -ENOMEM;

	if (likely(l)) {
		t = ramet__spawn(l, fn, arg, opts, site, &err);
		ramet__point(l);
	}
	if (unlikely(!t))
		errno = -err;
	return t;
}

struct ramet *ramet_spawn(void *(*fn)(void *), void *arg)
{
	return spawn(fn, arg, NULL, __builtin_return_address(0));
}

struct ramet *ramet_spawn_opts(void *(*fn)(void *), void *arg,
			       const struct ramet_opts *opts)
{
	return spawn(fn, arg, opts, __builtin_return_address(0));
}

/* ---- facts -------------------------------------------------------------- */

int ramet_ended(const struct ramet *t)
{
	return t->state == STATE_ENDED;
}

int ramet_link(struct ramet *t, void (*fn)(struct ramet *t, void *arg),
	       void *arg)
{
	struct loop *l = ramet__loop();
	struct callback *link;
	int err = l ? ramet__mine(l, t) : -ENOMEM;

	if (err < 0)
		return (int)ramet__fail(err);
	if (t->state == STATE_ENDED) {
		fn(t, arg);
		return 0;
	}
	link = kernel_alloc(sizeof *link);
	if (!link)
		return (int)ramet__fail(-ENOMEM);
	link->linked = fn;
	link->arg = arg;
	*t->cold->links_end = link;
	t->cold->links_end = &link->next;
	return 0;
}

int ramet_defer(void (*fn)(void *), void *arg)
{
	struct loop *l = ramet__loop();
	struct callback *d = l ? kernel_alloc(sizeof *d) : NULL;

	if (!d)
		return (int)ramet__fail(-ENOMEM);
	d->deferred = fn;
	d->arg = arg;
	d->next = l->current->cold->defers;
	l->current->cold->defers = d;
	return 0;
}

struct ramet *ramet_self(void)
{
	struct loop *l = ramet__loop();

	if (!l)
		errno = ENOMEM;
	return l ? l->current : NULL;
}

uint64_t ramet_id(const struct ramet *t)
{
	return t->id;
}

const char *ramet_name(const struct ramet *t)
{
	return t->cold->name;
}

void ramet_set_name(struct ramet *t, const char *name)
{
	set_name(t, name ? name : "");
	t->flags |= FLAG_RENAMED;
}
