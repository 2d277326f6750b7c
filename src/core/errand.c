/* errand.c - helper threads and the kernel bring results back to a loop that
 * may be gone by then.
 *
 * All they know of the loop is its outlet, which lives as long as any errand.
 * A helper says that it is posting, then looks whether the outlet is closed;
 * the loop's end closes it, then waits for those that are posting.  One of the
 * two sees the other, and nobody waits for the errands themselves.
 */
#include "core/errand.h"

#include "kernel/calls.h"

/* All atomic. */
struct outlet {
	struct loop *loop;
	uint32_t users;   /* the loop, and each errand under way */
	uint32_t posting; /* helper threads */
	bool closed;
};

static void put(struct outlet *o)
{
	if (__atomic_sub_fetch(&o->users, 1, __ATOMIC_ACQ_REL) == 0)
		kernel_free(o);
}

static struct outlet *get(struct loop *l)
{
	struct outlet *o = l->outlet;

	if (!o) {
		o = kernel_alloc(sizeof *o);
		if (!o)
			return NULL;
		o->loop = l;
		o->users = 1;
		l->outlet = o;
	}
	__atomic_add_fetch(&o->users, 1, __ATOMIC_RELAXED);
	return o;
}

/* ---- coming back -------------------------------------------------------- */

/* In the loop's thread. */
static void come_back(struct errand *e)
{
	struct outlet *o = e->outlet;
	bool closed = __atomic_load_n(&o->closed, __ATOMIC_RELAXED);

	e->back = true;
	if (closed)
		e->drop(NULL, e);
	else if (!e->owner)
		e->drop(o->loop, e);
	else if (e->owner->state == STATE_PARKED)
		ramet__wake(e->owner, 0);
	put(o);
}

static void deliver(struct loop *l, struct mail *mail)
{
	(void)l;
	come_back(container_of(mail, struct errand, mail));
}

static void on_completion(struct kernel_op *op)
{
	come_back(container_of(op, struct errand, op));
}

static void run(struct kernel_job *job)
{
	struct errand *e = container_of(job, struct errand, job);

	e->run(e);
}

/* In a helper thread.  The mail brings the errand's use of the outlet along;
 * the helper has one of its own, since the loop may have the mail at once. */
static void on_done(struct kernel_job *job)
{
	struct errand *e = container_of(job, struct errand, job);
	struct outlet *o = e->outlet;

	__atomic_add_fetch(&o->users, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&o->posting, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&o->closed, __ATOMIC_SEQ_CST)) {
		e->drop(NULL, e);
		put(o);
	} else {
		ramet__post(o->loop, &e->mail);
	}
	__atomic_sub_fetch(&o->posting, 1, __ATOMIC_RELEASE);
	put(o);
}

/* ---- setting out -------------------------------------------------------- */

static int prepare(struct loop *l, struct errand *e)
{
	e->outlet = get(l);
	e->owner = l->current;
	e->back = false;
	return e->outlet ? 0 : -ENOMEM;
}

int ramet__errand_submit(struct loop *l, struct errand *e)
{
	int err = ramet__kernel->submit ? ramet__poller(l) : -ENOSYS;

	if (err == 0)
		err = prepare(l, e);
	if (err < 0)
		return err;
	e->op.done = on_completion;
	err = ramet__kernel->submit(l->poller, &e->op);
	if (err < 0)
		put(e->outlet);
	return err;
}

int ramet__errand_send(struct loop *l, struct errand *e)
{
	int err = prepare(l, e);

	if (err < 0)
		return err;
	e->mail.deliver = deliver;
	e->job = (struct kernel_job){.run = run, .done = on_done};
	err = ramet__kernel->run(&e->job);
	if (err < 0)
		put(e->outlet);
	return err;
}

int ramet__errand_wait(struct loop *l, struct errand *e, enum wait wait,
		       const void *object, struct ramet_waitq *queue)
{
	struct ramet_waiter w = {.ramet = l->current};
	int err = 0;

	while (!e->back && err == 0) {
		if (queue)
			waitq_append(queue, &w);
		err = ramet__park(l, wait, object);
		waitq_remove(&w);
	}
	if (err == 0)
		return 0;
	e->owner = NULL;
	if (e->back)
		e->drop(l, e);
	return err;
}

/* ---- the end ------------------------------------------------------------ */

void ramet__errands_end(struct loop *l)
{
	struct outlet *o = l->outlet;

	if (!o)
		return;
	(void)__atomic_exchange_n(&o->closed, true, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&o->posting, __ATOMIC_ACQUIRE))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	ramet__deliver(l);
	put(o);
	l->outlet = NULL;
}

/* Helper threads stay with the parent, and so does the kernel's work. */
void ramet__errands_abandon(struct loop *l)
{
	kernel_free(l->outlet);
	l->outlet = NULL;
}
