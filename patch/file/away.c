/* away.c - a call goes to a helper thread and comes back.
 *
 * Interrupting it is a race: the signal may come before the system call has
 * begun.  So it is sent again until the helper is back, and only while it is
 * known to be in this call: the helper ends POKED by waiting, not the loop.
 */
#include "patch/file/away.h"

#include "io/fd.h"
#include "kernel/calls.h"

enum { NEW, RUNNING, POKED, DONE, LEFT };

enum { AGAIN_NS = 1000 * 1000 };

static bool go(struct away *a, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&a->state, &from, to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static long make(struct away *a)
{
	const long *arg = a->arg;

	if (a->call)
		return a->call(a);
	return kernel_call(a->nr, arg[0], arg[1], arg[2], arg[3], arg[4],
			   arg[5]);
}

/* In the helper.  A signal of which nobody knows ends nothing. */
static void run(struct errand *e)
{
	struct away *a = container_of(e, struct away, errand);

	a->tid = (int)kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
	a->result = -EINTR;
	if (go(a, NEW, RUNNING)) {
		do
			a->result = make(a);
		while (a->result == -EINTR &&
		       !__atomic_load_n(&a->leave, __ATOMIC_SEQ_CST));
		while (!go(a, RUNNING, DONE))
			kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	}
	if (a->number >= 0)
		ramet__number_release(a->number);
}

static void drop(struct loop *l, struct errand *e)
{
	struct away *a = container_of(e, struct away, errand);

	(void)l;
	if (a->unwanted && a->result >= 0)
		a->unwanted(a);
	kernel_free(a);
}

struct away *ramet__away(size_t room)
{
	struct away *a = kernel_alloc(sizeof *a + room);

	if (!a)
		return NULL;
	a->errand.run = run;
	a->errand.drop = drop;
	a->number = -1;
	a->result = -EINTR;
	return a;
}

void ramet__away_free(struct away *a)
{
	kernel_free(a);
}

static int send_out(struct loop *l, struct away *a)
{
	int err;

	if (a->number >= 0)
		ramet__number_hold(a->number);
	err = ramet__errand_send(l, &a->errand);
	if (err < 0 && a->number >= 0)
		ramet__number_release(a->number);
	return err;
}

/* Wait once; whoever closes the number ends it. */
static int wait_once(struct loop *l, struct away *a)
{
	struct ramet_waiter w = {.ramet = l->current, .tag = FD_WAITER_LOOKS};
	struct fd *f = a->number >= 0 ? ramet__fd(l, a->number) : NULL;
	int err;

	if (f)
		waitq_append(&f->readers, &w);
	err = ramet__park(l, WAIT_OFFLOAD, (const void *)a->nr);
	waitq_remove(&w);
	return err;
}

/* Have the helper come back, or do without it if it has not begun. */
static int call_back(struct loop *l, struct away *a, int why)
{
	if (go(a, NEW, LEFT)) {
		a->errand.owner = NULL;
		return why;
	}
	__atomic_store_n(&a->leave, true, __ATOMIC_SEQ_CST);
	while (!a->errand.back) {
		if (go(a, RUNNING, POKED)) {
			ramet__poke(a->tid);
			go(a, POKED, RUNNING);
		}
		ramet__park_firm(l, WAIT_OFFLOAD, (const void *)a->nr,
				 time_add(kernel_now(), AGAIN_NS));
	}
	if (a->result == -EINTR)
		a->result = why;
	return 0;
}

/* The helper goes on alone. */
static int leave(struct loop *l, struct away *a, int why)
{
	a->errand.owner = NULL;
	if (a->errand.back)
		drop(l, &a->errand);
	return why;
}

static int wait_for(struct loop *l, struct away *a)
{
	int err = 0;

	while (!a->errand.back && err == 0) {
		struct thread *t = thread_self(l);

		if (a->interruptible && t && t->asked)
			err = -EINTR; /* sent while it was ready */
		else
			err = wait_once(l, a);
	}
	if (a->errand.back)
		return 0;
	return a->interruptible ? call_back(l, a, err) : leave(l, a, err);
}

int ramet__away_wait(struct loop *l, struct away *a)
{
	struct ramet *me = l->current;
	uint16_t eintr = me->flags & FLAG_EINTR;
	int err = a->interruptible ? ramet__interrupted(l) : 0;

	if (err == 0)
		err = send_out(l, a);
	if (err < 0) {
		kernel_free(a);
		return err;
	}
	if (!a->interruptible)
		me->flags &= (uint16_t)~FLAG_EINTR;
	err = wait_for(l, a);
	me->flags |= eintr;
	return err;
}

long ramet__away_call(struct loop *l, int number, long nr, long a, long b,
		      long c, long d)
{
	struct away *away = ramet__away(0);
	long n;

	if (!away)
		return -ENOMEM;
	away->number = number;
	away->nr = nr;
	away->arg[0] = a;
	away->arg[1] = b;
	away->arg[2] = c;
	away->arg[3] = d;
	n = ramet__away_wait(l, away);
	if (n < 0)
		return n;
	n = away->result;
	ramet__away_free(away);
	return n;
}
