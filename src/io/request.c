/* request.c - a call on a file goes out and comes back. */
#include "io/request.h"

#include "kernel/calls.h"

void ramet__request_end_turn(struct fd *f, uint32_t generation)
{
	struct ramet_waiter *w;

	if (f->generation != generation)
		return;
	f->moving = false;
	while ((w = waitq_take(&f->writers)))
		if (w->ramet->state == STATE_PARKED) {
			ramet__wake(w->ramet, 0);
			return;
		}
}

void ramet__request_drop(struct loop *l, struct errand *e)
{
	struct request *r = container_of(e, struct request, errand);

	if (r->holds)
		ramet__number_release(r->number);
	if (l && r->turn)
		ramet__request_end_turn(r->fd, r->generation);
	kernel_free(r);
}

void ramet__request_run(struct errand *e)
{
	struct request *r = container_of(e, struct request, errand);
	const long *arg = e->op.arg;

	e->op.result =
		kernel_call(e->op.nr, arg[0], arg[1], arg[2], arg[3], 0, 0);
	if (r->holds)
		ramet__number_release(r->number);
	r->holds = false;
}

struct request *ramet__request(size_t size)
{
	struct request *r = kernel_alloc(sizeof *r + size);

	if (!r)
		return NULL;
	r->errand.run = ramet__request_run;
	r->errand.drop = ramet__request_drop;
	r->errand.lane = LANE_FILE;
	r->number = -1;
	r->data = r->room;
	return r;
}

struct request *ramet__request_on(const struct io *io, size_t size)
{
	struct request *r = ramet__request(size);

	if (!r)
		return NULL;
	r->number = io->number;
	r->generation = io->generation;
	r->fd = io->fd;
	return r;
}

int ramet__request_send(struct loop *l, struct request *r)
{
	int err;

	r->holds = r->number >= 0;
	if (r->holds)
		ramet__number_hold(r->number);
	err = ramet__errand_send(l, &r->errand);
	if (err < 0)
		ramet__request_drop(l, &r->errand);
	return err;
}

int ramet__request_perform(struct io *io, struct request *r, bool by_kernel)
{
	int err = -ENOSYS;

	if (by_kernel)
		err = ramet__errand_submit(io->loop, &r->errand);
	if (err < 0)
		err = ramet__request_send(io->loop, r);
	if (err < 0)
		return err;
	return ramet__errand_wait(io->loop, &r->errand, io->wait,
				  (const void *)(intptr_t)io->number,
				  &io->fd->readers);
}
