/* away.c - a call goes to a helper thread and comes back.
 *
 * Interrupting it is a race: the signal may come before the system call has
 * begun.  So it is sent again until the helper is back, and only while it is
 * known to be in this call: the helper ends POKED by waiting, not the loop.
 */
#include "patch/away/away.h"

#include "io/fd.h"
#include "kernel/calls.h"

enum { NEW, RUNNING, POKED, DONE, LEFT };

enum { AGAIN_NS = 1000 * 1000 };

static bool go(struct away *a, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&a->state, &from, to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void hold(const struct away *a)
{
	for (int i = 0; i < 2; i++)
		if (a->number[i] >= 0)
			ramet__number_hold(a->number[i]);
}

static void release(const struct away *a)
{
	for (int i = 0; i < 2; i++)
		if (a->number[i] >= 0)
			ramet__number_release(a->number[i]);
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
	release(a);
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
	a->number[0] = a->number[1] = -1;
	a->until = RAMET_NEVER;
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

	hold(a);
	err = ramet__errand_send(l, &a->errand);
	if (err < 0)
		release(a);
	return err;
}

/* Wait once; whoever closes one of the numbers ends it. */
static int wait_once(struct loop *l, struct away *a)
{
	struct ramet_waiter w[2];
	int err;

	for (int i = 0; i < 2; i++) {
		int number = a->number[i];
		struct fd *f = number >= 0 ? ramet__fd(l, number) : NULL;

		w[i] = (struct ramet_waiter){.ramet = l->current,
					     .tag = FD_WAITER_LOOKS};
		if (f)
			waitq_append(&f->readers, &w[i]);
	}
	err = ramet__park_until(l, WAIT_OFFLOAD, (const void *)a->nr, a->until);
	waitq_remove(&w[0]);
	waitq_remove(&w[1]);
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

static int send_and_wait(struct loop *l, struct away *a)
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

long ramet__away_make(struct loop *l, struct away *a)
{
	long n = send_and_wait(l, a);

	if (n < 0)
		return n;
	n = a->result;
	ramet__away_free(a);
	return n;
}

long ramet__away_call(struct loop *l, int number, long nr, long a, long b,
		      long c, long d)
{
	struct away *away = ramet__away(0);

	if (!away)
		return -ENOMEM;
	away->number[0] = number;
	away->nr = nr;
	away->arg[0] = a;
	away->arg[1] = b;
	away->arg[2] = c;
	away->arg[3] = d;
	return ramet__away_make(l, away);
}
