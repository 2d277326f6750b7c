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
#include "patch/away/away.h"
#include "patch/socket/call.h"

/* ---- by the kernel ------------------------------------------------------ */

static void drop(struct loop *l, struct errand *e)
{
	(void)l;
	kernel_free(e);
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

/* What it came to; the errand is ours no more. */
static long result(struct io *io, struct errand *e, int err)
{
	long n = e->op.result;

	kernel_free(e);
	if (n != -ECANCELED && n != -EINTR)
		return n;
	if (err < 0)
		return err == -EBADF ? err : ramet__io_ended(io, err);
	return ramet__number_is(io->number, io->generation) ? -EAGAIN : -EBADF;
}

/* -ENOSYS: it cannot. */
static long by_kernel(struct io *io, struct sockaddr *addr, socklen_t *size,
		      int flags)
{
	struct errand *e = kernel_alloc(sizeof *e);
	int err;

	if (!e)
		return -ENOMEM;
	e->drop = drop;
	e->op = (struct kernel_op){
		.nr = SYS_accept4,
		.arg = {io->number, KERNEL_ARG(addr), KERNEL_ARG(size), flags},
	};
	if (ramet__errand_submit(io->loop, e) < 0) {
		kernel_free(e);
		return -ENOSYS;
	}
	err = wait_for(io, e);
	if (!e->back)
		ramet__kernel->cancel(io->loop->poller, &e->op);
	wait_firmly(io, e);
	return result(io, e, err);
}

/* ---- by a helper thread ------------------------------------------------- */

/* It should not wait long. */
static int is_ready(const struct io *io)
{
	struct pollfd p = {io->number, POLLIN, 0};
	struct timespec now = {0, 0}; /* the kernel writes to it */

	return kernel_ppoll(&p, 1, &now);
}

static long by_helper(struct io *io, struct sockaddr *addr, socklen_t *size,
		      int flags)
{
	struct away *a = ramet__away(0);
	long n;

	if (!a)
		return -ENOMEM;
	a->nr = SYS_accept4;
	a->arg[0] = io->number;
	a->arg[1] = KERNEL_ARG(addr);
	a->arg[2] = KERNEL_ARG(size);
	a->arg[3] = flags;
	a->number[0] = io->number;
	a->interruptible = true;
	a->until = io->until;
	n = ramet__away_make(io->loop, a);
	if (n == -ETIMEDOUT || n == -ECANCELED || n == -EINTR)
		return ramet__io_ended(io, (int)n);
	return n;
}

long ramet__accept_shared(struct io *io, struct sockaddr *addr, socklen_t *size,
			  int flags)
{
	int err = ramet__interrupted(io->loop);
	long n;

	if (err < 0)
		return ramet__io_ended(io, err);
	n = by_kernel(io, addr, size, flags);
	if (n != -ENOSYS)
		return n;
	err = is_ready(io);
	return err > 0 ? by_helper(io, addr, size, flags) : err ? err : -EAGAIN;
}
