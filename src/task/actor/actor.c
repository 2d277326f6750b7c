/* actor.c - the life of an actor: ramet after ramet with one mailbox, until the
 * last has ended for good.
 *
 * The home is one of its users until then, and as long as messages here name it
 * as their sender: those are counted without atomic instructions.
 */
#include "task/actor/actor.h"

#include "sync/lot.h"
#include "sync/sync.h"
#include "task/actor/request.h"
#include "task/actor/supervisor.h"
#include "task/loops.h"

#include <string.h>

enum { MAILBOX_DEFAULT = 1024 };

/* ---- users -------------------------------------------------------------- */

struct ramet_actor *ramet_actor_keep(struct ramet_actor *a)
{
	__atomic_add_fetch(&a->users, 1, __ATOMIC_RELAXED);
	return a;
}

void ramet_actor_release(struct ramet_actor *a)
{
	if (!a || __atomic_sub_fetch(&a->users, 1, __ATOMIC_ACQ_REL))
		return;
	ramet__outlet_release(a->home);
	kernel_free(a);
}

static void leave_home(struct ramet_actor *a)
{
	if (!a->homed || !a->gone || a->borrowed)
		return;
	a->homed = false;
	ramet_actor_release(a);
}

void ramet__unborrow(struct ramet_actor *a)
{
	a->borrowed--;
	leave_home(a);
}

/* ---- its ramets --------------------------------------------------------- */

static void *live(void *actor)
{
	struct ramet_actor *a = actor;

	return (void *)(intptr_t)a->fn(a, a->arg);
}

struct ramet_actor *ramet__actor_of(const struct loop *l)
{
	struct ramet_actor *a;

	if (!l || l->current->cold->fn != live)
		return NULL;
	a = l->current->cold->arg;
	return likely(a->ramet == l->current) ? a : NULL;
}

struct ramet_actor *ramet_actor_self(void)
{
	return ramet__actor_of(ramet__this_loop);
}

/* What remains of a loop that has ended: mail may still be delivered. */
static struct actors none_any_more = {.ending = true};

/* NULL: no memory, or the loop has ended. */
static struct actors *actors_of(struct loop *l)
{
	if (!l->actors)
		l->actors = kernel_alloc(sizeof *l->actors);
	return l->actors && !l->actors->ending ? l->actors : NULL;
}

static void unlist(struct ramet_actor *a)
{
	if (!a->link)
		return;
	*a->link = a->next;
	if (a->next)
		a->next->link = a->link;
}

static void list(struct actors *own, struct ramet_actor *a)
{
	if (a->link)
		return;
	a->next = own->living;
	if (a->next)
		a->next->link = &a->next;
	a->link = &own->living;
	own->living = a;
}

/* Who waits elsewhere hears of it. */
static void be_gone(struct ramet_actor *a)
{
	__atomic_store_n(&a->gone, 1, __ATOMIC_RELEASE);
	ramet__lot_wake(&a->gone, INT_MAX, UINT32_MAX);
}

static void end_for_good(struct loop *l, struct ramet_actor *a)
{
	__atomic_store_n(&a->gone, 1, __ATOMIC_RELEASE);
	unlist(a);
	ramet__name_remove(a);
	ramet__ties_end(l, a, false);
	ramet__mailbox_close(l, a);
	ramet__requests_refuse(a, -ESRCH);
	sync_wake_all(&a->waiters, 0);
	be_gone(a);
	leave_home(a);
}

/* What its ramet leaves behind, in whatever way it has ended. */
static void abandon(struct loop *l, struct ramet_actor *a)
{
	a->ramet = NULL;
	a->wants = false;
	ramet__last_forget(l, a);
	ramet__refuse_taken(a);
	ramet__supervisor_abandon(l, a);
}

/* Its supervisor decides what becomes of it, if it has one. */
static void ended(struct loop *l, struct ramet_actor *a, int status)
{
	a->status = status;
	if (!a->care || !ramet__child_ended(l, a))
		end_for_good(l, a);
}

/* A ramet's last act.  Of an actor that is gone already its loop has ended. */
static void on_end(struct ramet *t)
{
	struct ramet_actor *a = t->cold->arg;
	int status = (int)(intptr_t)t->cold->value;

	if (t->flags & FLAG_KILL)
		status = a->killed_as;
	if (t->flags & FLAG_OVERFLOWED)
		status = RAMET_STACK_FAULT;
	t->flags |= FLAG_DETACHED;
	if (a->gone)
		return;
	abandon(t->loop, a);
	ended(t->loop, a, status);
}

/* Start a ramet for it.  Returns 0 or -errno. */
static int begin(struct loop *l, struct ramet_actor *a)
{
	struct ramet_opts opts = {.name = a->name, .stack_size = a->stack_size};
	int err = actors_of(l) ? ramet__ties_refill(a) : -ENOMEM;
	struct ramet *t;

	if (err < 0)
		return err;
	t = ramet__spawn(l, live, a, &opts, a->site, &err);
	if (!t)
		return err;
	list(l->actors, a);
	t->cold->on_end = on_end;
	if (a->survives)
		t->flags |= FLAG_EXPENDABLE;
	a->ramet = t;
	a->stopped = false;
	a->killed_as = RAMET_WAS_KILLED;
	if (a->began)
		__atomic_store_n(&a->restarts, a->restarts + 1,
				 __ATOMIC_RELAXED);
	a->began = true;
	return 0;
}

/* ---- orders ------------------------------------------------------------- */

void ramet__actor_kill(struct loop *l, struct ramet_actor *a, int status)
{
	struct ramet *t = a->ramet;

	if (!t || t->flags & FLAG_KILL)
		return;
	a->killed_as = status;
	ramet__kill(l, t);
}

static void obey(struct loop *l, struct ramet_actor *a, uint32_t what)
{
	int err;

	if (what & ORDER_TOLD)
		ramet__ties_end(l, a, true);
	if (what & ORDER_START) {
		err = begin(l, a);
		if (err < 0)
			ended(l, a, -err);
	}
	if (what & ORDER_STOP && a->ramet) {
		a->stopped = true;
		ramet__cancel(a->ramet);
	}
	if (what & ORDER_KILL)
		ramet__actor_kill(l, a, RAMET_WAS_KILLED);
	if (what & ORDER_FORGET) {
		a->care = NULL;
		end_for_good(l, a);
	}
}

/* Its home has ended, and knows nothing of orders that come later. */
static void refuse_order(struct ramet_actor *a, uint32_t what)
{
	if (what & ORDER_START && a->care)
		ramet__child_lost(NULL, a);
}

static void on_order(struct loop *l, struct mail *mail)
{
	struct ramet_actor *a = container_of(mail, struct ramet_actor, orders);
	uint32_t what = __atomic_exchange_n(&a->ordered, 0, __ATOMIC_ACQ_REL);

	if (a->gone)
		refuse_order(a, what);
	else
		obey(l, a, what);
	ramet_actor_release(a);
}

/* Returns false if it has no home; then its orders are to be refused. */
static bool post_order(struct ramet_actor *a, uint32_t what)
{
	if (a->forks != ramet__lot_forks)
		return false;
	if (__atomic_fetch_or(&a->ordered, what, __ATOMIC_ACQ_REL))
		return true; /* its mail is under way */
	ramet_actor_keep(a);
	a->orders.deliver = on_order;
	if (ramet__outlet_post(a->home, &a->orders))
		return true;
	ramet_actor_release(a);
	return false;
}

bool ramet__order(struct loop *l, struct ramet_actor *a, uint32_t what)
{
	if (at_home(l, a)) {
		if (!a->gone)
			obey(l, a, what);
		return true;
	}
	if (post_order(a, what))
		return true;
	refuse_order(a, __atomic_exchange_n(&a->ordered, 0, __ATOMIC_ACQ_REL));
	return false;
}

void ramet_actor_stop(struct ramet_actor *a)
{
	ramet__order(ramet__this_loop, a, ORDER_STOP);
}

void ramet_actor_kill(struct ramet_actor *a)
{
	struct loop *l = ramet__this_loop;
	int saved = errno;

	ramet__order(l, a, ORDER_KILL);
	if (at_home(l, a) && is_me(l, a))
		ramet__fail(-ECANCELED); /* does not return */
	errno = saved;
}

/* ---- start -------------------------------------------------------------- */

static void set_options(struct ramet_actor *a,
			const struct ramet_actor_opts *opts)
{
	size_t limit = opts->mailbox ? opts->mailbox : MAILBOX_DEFAULT;

	a->limit = limit > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)limit;
	a->when_full = opts->when_full;
	a->stack_size = opts->stack_size;
	a->traps_exits = opts->traps_exits;
	a->survives = opts->survive_overflow;
}

static struct ramet_actor *make(struct loop *l, ramet_actor_fn *fn, void *arg,
				const struct ramet_actor_opts *opts, int *err)
{
	size_t name = opts->name ? strlen(opts->name) : 0;
	struct ramet_actor *a = kernel_alloc(sizeof *a + name + 1);

	*err = -ENOMEM;
	if (!a)
		return NULL;
	if (opts->loop)
		*err = -ESRCH;
	a->home =
		opts->loop ? ramet__loop_outlet(opts->loop) : ramet__outlet(l);
	if (!a->home) {
		kernel_free(a);
		return NULL;
	}
	if (name)
		memcpy(a->name, opts->name, name);
	set_options(a, opts);
	a->users = 2;
	a->homed = true;
	a->forks = ramet__lot_forks;
	a->end = &a->first;
	a->requests_end = &a->requests;
	a->fn = fn;
	a->arg = arg;
	return a;
}

static int start(struct loop *l, struct ramet_actor *a)
{
	int err = ramet__name_add(a);

	if (err < 0)
		return err;
	if (at_home(l, a))
		err = begin(l, a);
	else
		err = post_order(a, ORDER_START) ? 0 : -ESRCH;
	if (err < 0)
		ramet__name_remove(a);
	return err;
}

struct ramet_actor *ramet__actor_new(struct loop *l, ramet_actor_fn *fn,
				     void *arg,
				     const struct ramet_actor_opts *opts,
				     struct care *care, const void *site,
				     int *err)
{
	static const struct ramet_actor_opts none;
	struct ramet_actor *a;

	if (!opts)
		opts = &none;
	*err = -EOPNOTSUPP;
	if (opts->survive_overflow && !ramet__is_foreign((const void *)fn))
		return NULL;
	a = make(l, fn, arg, opts, err);
	if (!a)
		return NULL;
	a->site = site;
	a->care = care;
	*err = start(l, a);
	if (*err == 0)
		return a;
	be_gone(a); /* somebody may have found its name */
	ramet_actor_release(a);
	ramet_actor_release(a);
	return NULL;
}

struct ramet_actor *ramet_actor_start(ramet_actor_fn *fn, void *arg,
				      const struct ramet_actor_opts *opts)
{
	struct loop *l = ramet__loop();
	struct ramet_actor *a = NULL;
	int err = -ENOMEM;

	if (likely(l))
		a = ramet__actor_new(l, fn, arg, opts, NULL,
				     __builtin_return_address(0), &err);
	if (unlikely(!a))
		ramet__fail(err);
	else
		ramet__point(l);
	return a;
}

/* ---- the loop's end, and forks ------------------------------------------ */

static void free_spares(struct actors *own)
{
	for (struct message *m = own->spare, *next; m; m = next) {
		next = m->next;
		kernel_free(m);
	}
}

void ramet__actors_close(struct loop *l)
{
	struct actors *own = l->actors;
	struct ramet_actor *a;

	if (!own) {
		l->actors = &none_any_more;
		return;
	}
	own->ending = true;
	while ((a = own->living)) {
		bool ran = a->ramet;

		ramet_actor_keep(a);
		abandon(l, a);
		end_for_good(l, a);
		if (ran && a->care) /* or its supervisor has it */
			ramet__child_lost(l, a);
		ramet_actor_release(a);
	}
	free_spares(own);
	kernel_free(own);
	l->actors = &none_any_more;
}

/* What they have stays with the parent. */
void ramet__actors_after_fork(struct loop *l)
{
	struct actors *own = l->actors;

	ramet__names_after_fork();
	if (!own)
		return;
	for (struct ramet_actor *a = own->living; a; a = a->next) {
		a->gone = 1;
		a->ramet = NULL;
	}
	own->living = NULL;
}
