/* scope.c - time limits, sleep, cancel, and the border where kills take effect.
 *
 * A scope is two stores and a look at the clock: t->deadline is always the
 * tightest in force, and a timer is armed only when the ramet parks.
 */
#include "core/core.h"
#include "core/valid.h"

/* ---- scopes ------------------------------------------------------------- */

static void open_scope(struct ramet_scope *s, int64_t ns, bool shield)
{
	struct loop *l = ramet__loop();
	struct ramet *me = l ? l->current : NULL;

	*s = (struct ramet_scope){.deadline = RAMET_NEVER,
				  .state = l ? SCOPE_OPEN : SCOPE_CLOSED};
	if (!l)
		return;
	s->owner = me;
	s->outer = me->scope;
	s->outer_deadline = me->deadline;
	if (ns != RAMET_NEVER) {
		l->now = kernel_now();
		s->deadline = time_add(l->now, ns);
	}
	s->shield = shield;
	if (shield && me->flags & FLAG_SHIELD)
		s->shield = 2; /* there was one already */
	if (shield)
		me->flags |= FLAG_SHIELD;
	if (shield || s->deadline < me->deadline)
		me->deadline = s->deadline;
	me->scope = s;
	check(ramet__loop_changed(l));
}

void ramet_scope_open(struct ramet_scope *scope, int64_t ns)
{
	open_scope(scope, ns, false);
}

void ramet_shield_open(struct ramet_scope *scope, int64_t ns)
{
	open_scope(scope, ns, true);
}

void ramet_scope_close(struct ramet_scope *scope)
{
	struct ramet *me = scope->owner;
	struct ramet_scope *s;

	if (scope->state != SCOPE_OPEN)
		return;
	/* Frames that were unwound may have gone without closing theirs. */
	if (unlikely(me->flags & FLAG_UNWINDING))
		me->scope = scope;
	do {
		s = me->scope;
		s->state = SCOPE_CLOSED;
		if (s->shield == 1)
			me->flags &= (uint16_t)~FLAG_SHIELD;
		me->deadline = s->outer_deadline;
		me->scope = s->outer;
	} while (s != scope);
	check(ramet__loop_changed(me->loop));
}

struct ramet_deadline ramet_scope_deadline(void)
{
	struct loop *l = ramet__loop();

	return (struct ramet_deadline){l ? l->current->deadline : RAMET_NEVER};
}

/* ---- time --------------------------------------------------------------- */

int64_t ramet_now(void)
{
	struct loop *l = ramet__loop();

	return l ? (l->now = kernel_now()) : 0;
}

struct ramet_deadline ramet_after(int64_t ns)
{
	return (struct ramet_deadline){
		ns == RAMET_NEVER ? ns : time_add(ramet_now(), ns)};
}

/* Sleep till `when`, woken not before `late`, which is where it was rounded. */
static int sleep_till(struct loop *l, int64_t when, int64_t late)
{
	bool own = when <= l->current->deadline;
	int err = ramet__interrupted(l);

	if (err < 0)
		return err;
	if (when <= l->now) {
		ramet__give_way(l);
		return ramet__interrupted(l);
	}
	/* The scope's end is rounded as well, and may come out first. */
	if (own && l->current->deadline < late)
		late = when;
	err = ramet__park_until(l, WAIT_SLEEP, NULL, late);
	return err == -ETIMEDOUT && own ? 0 : err;
}

int ramet_sleep(int64_t ns)
{
	struct loop *l = ramet__loop();
	int64_t when = INT64_MIN;

	if (!l)
		return (int)ramet__fail(-ENOMEM);
	if (ns > 0) {
		l->now = kernel_now();
		when = time_add(l->now, ns);
	}
	return (int)ramet__ret(sleep_till(
		l, when, ns > 0 ? timer_coalesce(when, ns) : when));
}

int ramet_sleep_until(struct ramet_deadline deadline)
{
	struct loop *l = ramet__loop();

	if (!l)
		return (int)ramet__fail(-ENOMEM);
	l->now = kernel_now();
	return (int)ramet__ret(sleep_till(l, deadline.ns, deadline.ns));
}

/* ---- cancel ------------------------------------------------------------- */

static void cancel(struct ramet *t, uint16_t flags)
{
	t->flags |= flags;
	if (t->state == STATE_PARKED && !(t->flags & FLAG_SHIELD) &&
	    t->flags & FLAG_STARTED)
		ramet__wake(t, -ECANCELED);
	else if (t->state == STATE_PARKED && !(t->flags & FLAG_STARTED))
		ramet__wake(t, 0); /* delayed: it runs now, to clean up */
}

void ramet__cancel(struct ramet *t)
{
	if (t->state != STATE_ENDED)
		cancel(t, FLAG_CANCEL);
}

int ramet_cancel(struct ramet *t)
{
	struct loop *l = ramet__loop();
	int err = l ? ramet__mine(l, t) : -ENOMEM;

	if (err < 0 && err != -ESRCH)
		return (int)ramet__fail(ramet__misuse(err));
	if (err == 0)
		ramet__cancel(t);
	return 0;
}

int ramet_cancelled(void)
{
	struct loop *l = ramet__loop();

	return l && l->current->flags & FLAG_CANCEL;
}

int ramet__kill(struct loop *l, struct ramet *t)
{
	int err = ramet__mine(l, t);

	if (err == -ESRCH)
		return 0;
	if (err < 0 || !t->cold->class)
		return (int)ramet__misuse(err < 0 ? err : -EINVAL);
	if (t->state == STATE_ENDED || t->flags & FLAG_KILL)
		return 0;
	if (t->flags & FLAG_STARTED && !ramet__can_unwind(t)) {
		cancel(t, FLAG_CANCEL);
		return -EOPNOTSUPP;
	}
	cancel(t, FLAG_CANCEL | FLAG_KILL);
	return t == l->current ? -ECANCELED : 0; /* the border ends it */
}

int ramet_kill(struct ramet *t)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(l ? ramet__kill(l, t) : -ENOMEM);
}

void (*ramet__on_misuse)(long err);

int (*ramet__on_owned_wait)(struct loop *l, enum wait wait, const void *object);

/* ---- the border --------------------------------------------------------- */

long ramet__fail(long err)
{
	struct loop *l = ramet__this_loop;

	if (err == -ECANCELED && l) {
		struct ramet *me = l->current;

		if ((me->flags & (FLAG_KILL | FLAG_UNWINDING | FLAG_SHIELD)) ==
		    FLAG_KILL)
			ramet__unwind(me);
	}
	errno = (int)-err;
	return -1;
}
