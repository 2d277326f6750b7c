/* sim_real.c - what is not simulated: descriptors that others made, and wakes
 * from other OS threads and signal handlers.
 *
 * A world is closed if it has none of it, and only then can a run be replayed.
 * In an open one a poller waits for epoll as well, and once it has met
 * something real its clock keeps step with the real one.
 */
#include "kernel/sim_state.h"

bool sim_alone(void)
{
	return SIM->closed_world || kernel_real_alone();
}

/* Calls that epoll.c makes are not simulated, its eventfd for one.  This OS
 * thread's: others may have loops, too. */
static __thread int depth __attribute__((tls_model("initial-exec")));

bool sim_is_real(void)
{
	return depth > 0;
}

static void begin(void)
{
	depth++;
}

static int end(int result)
{
	depth--;
	return result;
}

int sim_real_open(struct poller **real)
{
	begin();
	return end(ramet__epoll.open(real));
}

void sim_real_close(struct poller *real)
{
	begin();
	ramet__epoll.close(real);
	end(0);
}

int sim_real_watch(struct poller *real, int fd, uint64_t tag)
{
	begin();
	return end(ramet__epoll.watch(real, fd, tag));
}

int sim_real_wait(struct poller *real, int64_t until, struct kernel_event *out)
{
	int64_t begun = kernel_real_now(), timeout = 0;
	int n;

	if (until == INT64_MAX)
		timeout = RAMET_NEVER;
	else if (until > sim_clock())
		timeout = until - sim_clock();
	begin();
	n = end(ramet__epoll.wait(real, timeout, out));
	SIM->time += kernel_real_now() - begun;
	if (n == 0 && timeout != RAMET_NEVER)
		sim_advance(until);
	return n;
}
