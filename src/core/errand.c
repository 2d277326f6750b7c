/* errand.c - helper threads and the kernel bring results back to a loop that
 * may be gone by then: all they know of it is its outlet.
 */
#include "core/errand.h"
#include "core/outlet.h"
#include "core/record.h"

/* ---- coming back -------------------------------------------------------- */

/* In the loop's thread. */
static void come_back(struct errand *e)
{
	struct outlet *o = e->outlet;
	struct loop *l = ramet__outlet_loop(o);

	e->back = true;
	if (l) {
		l->errands--;
		record(l, RECORD_BACK, 0, e->owner ? e->owner->id : 0, 0);
	}
	if (!l || !e->owner)
		e->drop(l, e);
	else if (e->owner->state == STATE_PARKED)
		ramet__wake(e->owner, 0);
	ramet__outlet_release(o);
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

/* In a helper thread. */
static void on_done(struct kernel_job *job)
{
	struct errand *e = container_of(job, struct errand, job);
	struct outlet *o = e->outlet;

	if (!ramet__outlet_post(o, &e->mail)) {
		e->drop(NULL, e);
		ramet__outlet_release(o);
	}
}

/* ---- setting out -------------------------------------------------------- */

static int prepare(struct loop *l, struct errand *e)
{
	e->outlet = ramet__outlet(l);
	e->owner = l->current;
	e->back = false;
	if (!e->outlet)
		return -ENOMEM;
	l->errands++;
	record(l, RECORD_SEND, 0, e->owner->id, 0);
	return 0;
}

/* It has not set out. */
static void give_up(struct loop *l, struct errand *e)
{
	l->errands--;
	ramet__outlet_release(e->outlet);
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
		give_up(l, e);
	return err;
}

int ramet__errand_send(struct loop *l, struct errand *e)
{
	int err = prepare(l, e);

	if (err < 0)
		return err;
	e->mail.deliver = deliver;
	e->job = (struct kernel_job){.run = run,
				     .done = on_done,
				     .lane = e->lane};
	err = ramet__kernel->run(&e->job);
	if (err < 0)
		give_up(l, e);
	return err;
}

bool ramet__errand_recall(struct loop *l, struct errand *e)
{
	if (!e->job.run || e->back || !ramet__kernel->recall(&e->job))
		return false;
	give_up(l, e);
	return true;
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
	if (e->back || ramet__errand_recall(l, e))
		e->drop(l, e);
	return err;
}
