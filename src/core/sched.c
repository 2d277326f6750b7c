/* sched.c - who runs.
 *
 * There is no scheduler context: whoever parks takes the next ready ramet off
 * the queue and jumps to it.  If there is none it waits itself, on its own
 * stack, till something has happened (turn.c), and may well find that it is the
 * one to go on.
 */
#include "core/stack.h"
#include "core/switch.h"
#include "core/turn.h"
#include "core/valid.h"

#include "kernel/calls.h"
#include "ramet/host.h"

#include <stdio.h>
#include <string.h>

enum { ALLOWANCE = 64 }; /* calls that do not block, in a row */

__thread struct loop *ramet__this_loop;

/* ---- the ready queue ---------------------------------------------------- */

void ramet__ready(struct loop *l, struct ramet *t)
{
	t->state = STATE_READY;
	t->next = NULL;
	*l->ready_end = t;
	l->ready_end = &t->next;
}

static void ready_first(struct loop *l, struct ramet *t)
{
	t->state = STATE_READY;
	t->next = l->ready;
	l->ready = t;
	if (!t->next)
		l->ready_end = &t->next;
}

/* What a link of the queue points at is moved to the front. */
static void to_front(struct loop *l, struct ramet **link)
{
	struct ramet *t = *link;

	*link = t->next;
	if (!t->next)
		l->ready_end = link;
	ready_first(l, t);
}

void ramet__bring_forward(struct ramet *t)
{
	struct ramet **link = &t->loop->ready;

	while (*link != t)
		link = &(*link)->next;
	to_front(t->loop, link);
}

/* A simulation chooses who is next. */
static void choose(struct loop *l)
{
	struct ramet **link = &l->ready;
	uint32_t n = 0, skip;

	for (struct ramet *t = l->ready; t; t = t->next)
		n++;
	for (skip = kernel_pick(n); skip; skip--)
		link = &(*link)->next;
	to_front(l, link);
}

static inline struct ramet *pop(struct loop *l)
{
	struct ramet *t, *next;

	if (kernel_picks() && l->ready)
		choose(l);
	t = l->ready;
	if (!t)
		return NULL;
	next = l->ready = t->next;
	if (next) {
		/* In the cache since the last pop. */
		struct ramet *after = next->next;

		if (after) {
			__builtin_prefetch((void *)after->context.sp);
			__builtin_prefetch(after->next);
		}
	} else {
		l->ready_end = &l->ready;
	}
	return t;
}

/* This and what leads from it to the jump is joined because we say so: gcc
 * takes a probe, which is a nop, for as much code as its text has lines. */
static inline __attribute__((always_inline)) struct ramet *next(struct loop *l)
{
	struct ramet *t;

	if (unlikely(--l->until_look == 0))
		ramet__turn_maybe(l);
	while (unlikely(!(t = pop(l))))
		ramet__turn(l);
	l->allowance = ALLOWANCE;
	return t;
}

struct ramet *ramet__next(struct loop *l)
{
	return next(l);
}

/* ---- parking ----------------------------------------------------------- */

static void swap_guests(struct ramet *from, struct ramet *to)
{
	bool leaves = from->flags & FLAG_GUEST && from->state != STATE_ENDED;

	to->loop->host->on_switch(leaves ? from->cold->guest : NULL,
				  to->flags & FLAG_GUEST ? to->cold->guest
							 : NULL);
}

void ramet__leave_slowly(struct ramet *from, struct ramet *to)
{
	if (from->flags & FLAG_CANARY && from->state != STATE_ENDED &&
	    !ramet__canary_lives(from))
		ramet__die_of_overflow(from);
	if ((from->flags | to->flags) & FLAG_FENV) {
		arch_fenv_save(&from->cold->fenv);
		arch_fenv_load(&to->cold->fenv);
	}
	if ((from->flags | to->flags) & FLAG_TLS) {
		uint64_t calls = ramet__calls; /* goes with the thread */

		arch_set_tls(to->flags & FLAG_TLS ? to->cold->tls
						  : to->loop->tls);
		ramet__calls = calls;
	}
	if ((from->flags | to->flags) & FLAG_GUEST)
		swap_guests(from, to);
}

/* Jump to another ramet, and go on when something jumps back. */
SWITCHING switch_to(struct loop *l, struct ramet *me, struct ramet *to)
{
	int saved = *l->errno_at;
	struct cxx_state cxx = *l->cxx;
	void *fake = NULL;

	depart(l, me, to, &fake);
	arch_switch(&me->context, &to->context);
	arrive(l, fake);
	*l->errno_at = saved;
	*l->cxx = cxx;
}

/* Run others until `me` is run again. */
SWITCHING run_others(struct loop *l, struct ramet *me)
{
	struct ramet *to = next(l);

	if (to == me) {
		record_switch(l, me, me);
		me->state = STATE_RUNNING;
	} else {
		switch_to(l, me, to);
	}
}

static inline void end_wait(struct ramet *t, int result)
{
	assert(t->state == STATE_PARKED);
	assert(result == (int16_t)result);
	record_wake(t->loop, t);
	t->loop->outside -= t->wait >= WAIT_OUTSIDE;
	t->result = (int16_t)result;
}

void ramet__wake(struct ramet *t, int result)
{
	end_wait(t, result);
	ramet__ready(t->loop, t);
	check(ramet__loop_changed(t->loop));
}

void ramet__wake_first(struct ramet *t, int result)
{
	end_wait(t, result);
	ready_first(t->loop, t);
	check(ramet__loop_changed(t->loop));
}

/* Mark the scopes that have expired: those are why the call fails. */
static void mark_expired(struct loop *l, struct ramet *me)
{
	for (struct ramet_scope *s = me->scope; s; s = s->outer) {
		if (s->deadline <= l->now)
			s->expired = 1;
		if (s->shield)
			break;
	}
}

/* A loop that ignores the error, and so never waits, must not keep the others
 * from running. */
int ramet__interrupted_slowly(struct loop *l, struct ramet *me)
{
	int err = 0;

	if (me->flags & FLAG_CANCEL && !(me->flags & FLAG_SHIELD)) {
		err = -ECANCELED;
	} else if (me->deadline <= l->now) {
		mark_expired(l, me);
		err = -ETIMEDOUT;
	}
	if (err < 0)
		ramet__spend(l);
	return err;
}

/* Waking leaves the timer armed.  Most limits are those of a scope around call
 * after call, each later than the one before: then the timer that is armed is
 * early enough, and it is set right when it fires, once, instead of at each
 * call.  A park without limit disarms it, so that nobody waits for nothing. */
static void arm(struct loop *l, struct ramet *me, int64_t when)
{
	bool armed = timer_armed(&me->timer);

	if (me->deadline < when) {
		when = timer_coalesce(me->deadline, me->deadline - l->now);
		if (armed && timer_due(&me->timer) <= when) {
			me->until = when;
			return;
		}
	}
	if (armed)
		ramet__timer_disarm(&l->timers, &me->timer);
	if (when != RAMET_NEVER)
		ramet__timer_arm(&l->timers, &me->timer, when);
	me->until = when;
}

int ramet__park_until(struct loop *l, enum wait wait, const void *object,
		      int64_t when)
{
	struct ramet *me = l->current;
	bool own = when <= me->deadline; /* not the scope's */

	if (unlikely(me->state != STATE_RUNNING))
		return -EDEADLK; /* in a function of ramet_link */
	if (unlikely(me->flags & FLAG_INTERRUPTED) && me->flags & FLAG_EINTR) {
		me->flags &= (uint16_t)~FLAG_INTERRUPTED;
		return -EINTR;
	}
	if (when != RAMET_NEVER || me->deadline != RAMET_NEVER ||
	    timer_armed(&me->timer))
		arm(l, me, when);
	me->state = STATE_PARKED;
	me->wait = (uint8_t)wait;
	me->wait_object = object;
	me->since = l->now;
	l->outside += wait >= WAIT_OUTSIDE;
	record_park(l, me);
	check(ramet__loop_changed(l));
	run_others(l, me);
	me->wait = WAIT_NONE;
	if (unlikely(me->result == -ETIMEDOUT && !own))
		mark_expired(l, me);
	return me->result;
}

/* Without the ready queue, unless something else is due.  Few calls lie between
 * here and the jump: each return after it is one that the processor expects to
 * lead elsewhere. */
int ramet__park_for(struct loop *l, struct ramet *to, enum wait wait,
		    const void *object)
{
	struct ramet *me = l->current;

	if (unlikely(me->state != STATE_RUNNING || l->until_look == 1 ||
		     me->deadline != RAMET_NEVER || timer_armed(&me->timer) ||
		     me->flags & FLAG_INTERRUPTED || kernel_picks())) {
		ramet__wake_first(to, 0);
		return ramet__park_until(l, wait, object, RAMET_NEVER);
	}
	end_wait(to, 0);
	l->until_look--;
	l->allowance = ALLOWANCE;
	me->state = STATE_PARKED;
	me->wait = (uint8_t)wait;
	me->wait_object = object;
	me->until = RAMET_NEVER;
	me->since = l->now;
	l->outside += wait >= WAIT_OUTSIDE;
	record_park(l, me);
	check(ramet__loop_changed(l));
	switch_to(l, me, to);
	me->wait = WAIT_NONE;
	return me->result;
}

int ramet__park(struct loop *l, enum wait wait, const void *object)
{
	return ramet__park_until(l, wait, object, RAMET_NEVER);
}

int ramet__park_firm(struct loop *l, enum wait wait, const void *object,
		     int64_t when)
{
	struct ramet_scope shield;
	int err;

	ramet_shield_open(&shield, RAMET_NEVER);
	err = ramet__park_until(l, wait, object, when);
	ramet_scope_close(&shield);
	return err;
}

bool ramet__interrupt(struct ramet *t)
{
	if (!(t->flags & FLAG_EINTR))
		return false;
	if (t->state != STATE_PARKED) {
		t->flags |= FLAG_INTERRUPTED;
		return false;
	}
	ramet__wake(t, -EINTR);
	return true;
}

SWITCHING give_way(struct loop *l)
{
	struct ramet *me = l->current;

	if (unlikely(me->state != STATE_RUNNING))
		return;
	ramet__ready(l, me);
	check(ramet__loop_changed(l));
	run_others(l, me);
}

void ramet__give_way(struct loop *l)
{
	give_way(l);
}

void ramet__give_way_once(struct loop *l)
{
	struct ramet *me = l->current, *first = l->ready;

	if (unlikely(me->state != STATE_RUNNING || !first))
		return;
	me->state = STATE_READY;
	me->next = first->next;
	first->next = me;
	if (!me->next)
		l->ready_end = &me->next;
	check(ramet__loop_changed(l));
	run_others(l, me);
}

int ramet_yield(void)
{
	struct loop *l = ramet__loop();

	if (unlikely(!l))
		return (int)ramet__fail(-ENOMEM);
	give_way(l);
	return (int)ramet__ret(ramet__interrupted(l));
}

/* libstdc++'s, in a program that has it. */
extern struct cxx_state *__cxa_get_globals(void) __attribute__((weak));

/* ---- the loop ----------------------------------------------------------- */

struct loop *ramet__loop_new(void)
{
	struct loop *l = kernel_alloc(sizeof *l);

	sanitizer_init();
	if (!l)
		return NULL;
	if (ramet__stacks_init(l) < 0) {
		kernel_free(l);
		return NULL;
	}
	l->ready_end = &l->ready;
	l->look_every = l->until_look = 1;
	l->allowance = ALLOWANCE;
	l->errno_at = &errno;
	l->cxx = __cxa_get_globals ? __cxa_get_globals() : &l->cxx_none;
	l->now = l->looked = kernel_now();
	ramet__timers_init(&l->timers, l->now);
	l->tls = arch_tls();
	l->hooks = UINT32_MAX;
	l->current = l->left = &l->main;
	l->main.loop = l;
	l->main.cold = &l->main_cold;
	l->main.state = STATE_RUNNING;
	l->main.flags = FLAG_STARTED;
	l->main.deadline = RAMET_NEVER;
	l->main.since = l->now;
	l->main.id = l->last_id = 1;
	l->main_cold.ramet = &l->main;
	l->main_cold.links_end = &l->main_cold.links;
	memcpy(l->main_cold.name, "main", 5);
	sanitizer_adopt(&l->main_cold.sanitizer);
	l->stats.spawned = l->stats.live = l->stats.live_max = 1;
	return l;
}

void ramet__loop_free(struct loop *l)
{
	ramet__record_free(l);
	ramet__stacks_free(l);
	if (l->poller)
		ramet__kernel->close(l->poller);
	kernel_free(l);
}
