/* shared.c - accept on a listener that other processes may have, too.
 *
 * Between asking whether there is a connection and taking it, another process
 * may take it, and the loop would wait.  So the kernel is asked to complete the
 * call; where it cannot, a helper thread makes it once there is something.
 *
 * The caller's memory is written to, so it leaves only when the call has ended;
 * one that the kernel has in hand ends when it is cancelled.
 */
#include "core/errand.h"
#include "patch/socket/call.h"

struct taking {
	struct errand errand;
	int number;
};

static void drop(struct loop *l, struct errand *e)
{
	(void)l;
	kernel_free(container_of(e, struct taking, errand));
}

/* By a helper thread. */
static void run(struct errand *e)
{
	struct taking *t = container_of(e, struct taking, errand);
	const long *arg = e->op.arg;

	e->op.result =
		kernel_call(e->op.nr, arg[0], arg[1], arg[2], arg[3], 0, 0);
	ramet__number_release(t->number);
}

/* Wait as if for the descriptor.  Returns 0 or why it ended early. */
static int wait_for(struct io *io, const struct errand *e)
{
	struct loop *l = io->loop;
	struct ramet_waiter w = {.ramet = l->current};
	const void *number = (const void *)(intptr_t)io->number;
	int err = 0;

	while (!e->back && err == 0) {
		waitq_append(&io->fd->readers, &w);
		err = ramet__park_until(l, WAIT_READ, number, io->until);
		waitq_remove(&w);
		if (!e->back) /* an event was for those who wait for one */
			ramet__fd_wake_next(&io->fd->readers);
	}
	return err;
}

static void wait_firmly(struct io *io, const struct errand *e)
{
	const void *number = (const void *)(intptr_t)io->number;

	while (!e->back)
		ramet__park_firm(io->loop, WAIT_READ, number, RAMET_NEVER);
}

/* What it came to; the call is ours no more. */
static long result(struct io *io, struct taking *t, int err)
{
	long n = t->errand.op.result;

	kernel_free(t);
	if (n != -ECANCELED && n != -EINTR)
		return n;
	if (err < 0)
		return err == -EBADF ? err : ramet__io_ended(io, err);
	return ramet__number_is(io->number, io->generation) ? -EAGAIN : -EBADF;
}

static long by_helper(struct io *io, struct taking *t)
{
	int err;

	ramet__number_hold(io->number);
	err = ramet__errand_send(io->loop, &t->errand);
	if (err < 0) {
		ramet__number_release(io->number);
		kernel_free(t);
		return err;
	}
	wait_firmly(io, &t->errand);
	return result(io, t, 0);
}

static struct taking *taking(const struct io *io, struct sockaddr *addr,
			     socklen_t *size, int flags)
{
	struct taking *t = kernel_alloc(sizeof *t);

	if (!t)
		return NULL;
	t->number = io->number;
	t->errand.run = run;
	t->errand.drop = drop;
	t->errand.op = (struct kernel_op){
		.nr = SYS_accept4,
		.arg = {io->number, KERNEL_ARG(addr), KERNEL_ARG(size), flags},
	};
	return t;
}

/* Whether a helper thread would find something: it should not wait long. */
static int is_ready(const struct io *io)
{
	struct pollfd p = {io->number, POLLIN, 0};
	struct timespec now = {0, 0}; /* the kernel writes to it */

	return kernel_ppoll(&p, 1, &now);
}

long ramet__accept_shared(struct io *io, struct sockaddr *addr, socklen_t *size,
			  int flags)
{
	struct taking *t = taking(io, addr, size, flags);
	int err = ramet__interrupted(io->loop);

	if (!t || err < 0) {
		kernel_free(t);
		return err < 0 ? ramet__io_ended(io, err) : -ENOMEM;
	}
	if (ramet__errand_submit(io->loop, &t->errand) == 0) {
		err = wait_for(io, &t->errand);
		if (!t->errand.back)
			ramet__kernel->cancel(io->loop->poller, &t->errand.op);
		wait_firmly(io, &t->errand);
		return result(io, t, err);
	}
	err = is_ready(io);
	if (err > 0)
		return by_helper(io, t);
	kernel_free(t);
	return err ? err : -EAGAIN;
}
