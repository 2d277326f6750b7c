/* door.c - between the runtime and the kernel, when somebody wants to know.
 *
 * A copy of the back end in use takes its place, with some of its functions
 * replaced.  The runtime's waiting for events is its purpose and no blocking;
 * but a replacement that makes a call which sleeps, because nothing better is
 * possible, is as bad as a program that does.
 */
#include "patch/trace/trace.h"

#include "base/syscall.h"
#include "kernel/kernel.h"

static const struct kernel *under;
static struct kernel door;
static uint64_t calls; /* atomic */
static bool waiting;   /* of the watched OS thread */

static bool is_fork(long nr)
{
	return nr == SYS_clone || nr == SYS_clone3 || nr == SYS_fork;
}

static long timed(long nr, const long arg[6], const struct context *where)
{
	long result = ramet__timed_call(nr, arg, where);

	if (result == 0 && is_fork(nr))
		ramet__dispatch_again();
	return result;
}

static __attribute__((noinline)) long call(long nr, long a, long b, long c,
					   long d, long e, long f)
{
	const long arg[6] = {a, b, c, d, e, f};
	/* Our caller's frame, as if it were suspended at this call. */
	void **frame = __builtin_frame_address(0);
	const struct context where = {frame + 2, frame[0], frame[1]};

	__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
	if (likely(!ramet__dispatch_here() || waiting) ||
	    under->call != kernel_real_call)
		return under->call(nr, a, b, c, d, e, f);
	ramet__dispatch_go_on(1);
	return timed(nr, arg, &where);
}

/* What follows makes calls by libraries (liburing, libc's pthread_create),
 * which are the runtime's all the same. */

static int wait_at(struct poller *p, int64_t timeout,
		   struct kernel_event *events)
{
	char before = ramet__dispatch_pause();
	bool here = ramet__dispatch_here();
	int n;

	waiting |= here;
	n = under->wait(p, timeout, events);
	waiting &= !here;
	ramet__dispatch_go_on(before);
	return n;
}

static int watch(struct poller *p, int fd, uint64_t tag)
{
	char before = ramet__dispatch_pause();
	int err = under->watch(p, fd, tag);

	ramet__dispatch_go_on(before);
	return err;
}

static void unwatch(struct poller *p, int fd, uint64_t tag)
{
	char before = ramet__dispatch_pause();

	under->unwatch(p, fd, tag);
	ramet__dispatch_go_on(before);
}

static int submit(struct poller *p, struct kernel_op *op)
{
	char before = ramet__dispatch_pause();
	int err = under->submit(p, op);

	ramet__dispatch_go_on(before);
	return err;
}

static int run(struct kernel_job *job)
{
	char before = ramet__dispatch_pause();
	int err = under->run(job);

	ramet__dispatch_go_on(before);
	return err;
}

void ramet__door_start(void)
{
	if (under)
		return;
	under = ramet__kernel;
	door = *under;
	door.call = call;
	door.wait = wait_at;
	door.watch = watch;
	door.unwatch = unwatch;
	door.submit = under->submit ? submit : NULL;
	door.run = run;
	ramet__kernel = &door;
}

uint64_t ramet__door_calls(void)
{
	return __atomic_load_n(&calls, __ATOMIC_RELAXED);
}
