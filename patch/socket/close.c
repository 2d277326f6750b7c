/* close.c - close: whoever waits for a number hears of it, and what the runtime
 * needs for itself stays. */
#include "core/errand.h"
#include "kernel/guard.h"
#include "patch/socket/call.h"

#include <linux/close_range.h>

/* What close(2) is besides: a point at which a thread may end. */
static void cancellation_point(void)
{
	struct loop *l = hook_loop(RAMET_SOCKET);

	if (!l)
		return;
	hook_begin(l);
	hook_end(l, 0);
}

/* ---- SO_LINGER ---------------------------------------------------------- */

/* Close waits until what was sent has been received: a helper thread does it.
 * To everybody else the number is closed. */
struct lingering {
	struct errand errand;
	int number;
};

static void run(struct errand *e)
{
	e->op.result =
		kernel_close(container_of(e, struct lingering, errand)->number);
}

static void drop(struct loop *l, struct errand *e)
{
	(void)l;
	kernel_free(container_of(e, struct lingering, errand));
}

static bool lingers(int fd)
{
	const struct info *info = ramet__info_known(fd);

	return unlikely(info && info->lingers && info->made && !info->held);
}

static int close_slowly(struct loop *l, int fd)
{
	struct lingering *c = kernel_alloc(sizeof *c);
	int err;

	if (!c)
		return ramet__close(fd);
	c->number = fd;
	c->errand.run = run;
	c->errand.drop = drop;
	ramet__fd_forget(fd);
	if (ramet__errand_send(l, &c->errand) < 0) {
		kernel_free(c);
		return ramet__number_close(fd);
	}
	while (!c->errand.back)
		ramet__park_firm(l, WAIT_OFFLOAD, NULL, RAMET_NEVER);
	err = (int)c->errand.op.result;
	kernel_free(c);
	return err == -EINTR ? 0 : err;
}

/* ---- one ---------------------------------------------------------------- */

int HOOK(close)(int fd)
{
	struct loop *l = hook_loop(RAMET_SOCKET);

	if (!call_counts())
		return libc.close(fd);
	if (kernel_is_guarded(fd))
		return (int)call_result(-EBADF);
	cancellation_point();
	return (int)call_result(l && lingers(fd) ? close_slowly(l, fd)
						 : ramet__close(fd));
}

/* ---- ranges ------------------------------------------------------------- */

/* The next number from `first` on that is not closed with the others: a guarded
 * one, or one that a helper thread is about to use.  Those in between are
 * forgotten. */
static unsigned forget_up_to_hole(unsigned first, unsigned last)
{
	int guarded = kernel_guarded_from((int)first);
	unsigned end = last < FD_MAX ? last : FD_MAX - 1;

	if (guarded >= 0 && (unsigned)guarded <= end)
		end = (unsigned)guarded - 1; /* may be before first */
	for (unsigned i = first; i != end + 1; i++) {
		struct info *info = ramet__info_known((int)i);

		if (!info) { /* nor of its neighbours is anything known */
			i |= FD_PAGE - 1;
			if (i >= end)
				break;
		} else if (info->held) {
			return i;
		} else if (info->generation) {
			ramet__fd_forget((int)i);
		}
	}
	return guarded >= 0 ? (unsigned)guarded : UINT_MAX;
}

static int close_from_to(unsigned first, unsigned last, int flags)
{
	for (;;) {
		unsigned hole = forget_up_to_hole(first, last);
		int err = 0;

		if (hole > last)
			return libc.close_range(first, last, flags);
		if (hole > first)
			err = libc.close_range(first, hole - 1, flags);
		if (err < 0)
			return err;
		if (!kernel_is_guarded((int)hole))
			ramet__close((int)hole);
		if (hole == last)
			return 0;
		first = hole + 1;
	}
}

int HOOK(close_range)(unsigned first, unsigned last, int flags)
{
	if (!call_counts() || first > last || first >= FD_MAX ||
	    flags & ~CLOSE_RANGE_UNSHARE)
		return libc.close_range(first, last, flags);
	return close_from_to(first, last, flags);
}

void HOOK(closefrom)(int first)
{
	int saved = errno;

	if (!call_counts() ||
	    close_from_to(first < 0 ? 0 : (unsigned)first, UINT_MAX, 0) < 0)
		libc.closefrom(first);
	errno = saved;
}
