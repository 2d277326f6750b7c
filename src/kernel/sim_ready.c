/* sim_ready.c - what is ready now, and what becomes of it as time goes by.
 *
 * The events are those that Linux reports for each kind of file.
 */
#include "kernel/sim_state.h"

#include "base/syscall.h"

#include <limits.h>

/* ---- readiness ---------------------------------------------------------- */

static uint32_t stream_holds(const struct sim_file *f)
{
	uint32_t holds = 0;
	bool closed = f->in.ended && (f->sent_end || f->phase == SIM_DEAD ||
				      (f->family == AF_UNIX && !f->peer));

	if (f->in.arrived || f->in.ended || f->recv_end || f->error)
		holds |= EPOLLIN;
	if (f->in.ended || f->recv_end)
		holds |= EPOLLRDHUP;
	if (!f->peer || f->peer->in.count < f->peer->in.room || f->sent_end)
		holds |= EPOLLOUT;
	if (closed)
		holds |= EPOLLHUP | EPOLLOUT;
	return holds;
}

static uint32_t pipe_holds(const struct sim_file *f)
{
	const struct sim_file *peer = f->peer;

	if (f->kind == SIM_PIPE_IN)
		return (f->in.arrived ? EPOLLIN : 0u) |
		       (peer ? 0u : (uint32_t)EPOLLHUP);
	if (!peer)
		return EPOLLOUT | EPOLLERR;
	return peer->in.room - peer->in.count >= PIPE_BUF ? EPOLLOUT : 0u;
}

static uint32_t packet_holds(const struct sim_file *f)
{
	uint32_t holds = 0;

	if ((f->packets && f->packets->at <= SIM->time) || f->in.ended ||
	    f->recv_end)
		holds |= EPOLLIN;
	if (f->in.ended || f->recv_end)
		holds |= EPOLLRDHUP;
	if (f->in.ended && !f->peer)
		holds |= EPOLLHUP;
	if (!sim_packets_full(f))
		holds |= EPOLLOUT;
	return holds;
}

static uint32_t socket_holds(const struct sim_file *f)
{
	switch (f->phase) {
	case SIM_LISTENS:
		return f->queue || f->recv_end ? EPOLLIN : 0;
	case SIM_CONNECTING:
		return 0;
	case SIM_FRESH:
		if (f->kind != SIM_DATAGRAM)
			return EPOLLOUT | EPOLLHUP;
		break;
	case SIM_DEAD:
		return EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP;
	case SIM_CONNECTED:
		break;
	}
	return f->kind == SIM_STREAM ? stream_holds(f) : packet_holds(f);
}

uint32_t sim_holds(const struct sim_file *f)
{
	if (f->kind == SIM_EVENTFD)
		return (f->counter ? EPOLLIN : 0u) |
		       (f->counter < UINT64_MAX - 1 ? EPOLLOUT : 0u);
	if (f->kind == SIM_PIPE_IN || f->kind == SIM_PIPE_OUT)
		return pipe_holds(f);
	return socket_holds(f) | (f->error ? (uint32_t)EPOLLERR : 0u);
}

void sim_changed(struct sim_file *f)
{
	for (struct sim_watch *w = f->watches; w; w = w->next)
		w->changed = true;
}

/* ---- what becomes due --------------------------------------------------- */

static void packets_arrive(struct sim_file *f, int64_t *next)
{
	struct sim_packet *p = f->packets;

	for (; p && p->at <= SIM->time; p = p->next)
		if (p->at) {
			p->at = 0; /* has arrived */
			sim_changed(f);
		}
	if (p)
		sim_sooner(next, p->at);
}

/* What is due for one file happens. */
void sim_settle(struct sim_file *f, int64_t *next)
{
	if (f->due && f->due <= SIM->time) {
		if (f->phase == SIM_CONNECTING)
			sim_connect_due(f);
		else
			sim_reset(f);
	}
	if (f->due)
		sim_sooner(next, f->due);
	if (sim_flow_arrive(&f->in, SIM->time, next))
		sim_changed(f);
	if (f->packets)
		packets_arrive(f, next);
}

int64_t sim_happen(void)
{
	int64_t next = INT64_MAX;

	for (struct sim_file *f = SIM->first; f; f = f->next)
		sim_settle(f, &next);
	sim_run_helpers(&next);
	return next;
}

/* ---- ppoll -------------------------------------------------------------- */

static short poll_one(const struct pollfd *p)
{
	struct sim_file *f = sim_file(p->fd);
	int64_t next = INT64_MAX;
	struct pollfd real = *p;
	struct timespec now = {0, 0}; /* the kernel writes to it */

	if (p->fd < 0)
		return 0;
	if (f) {
		sim_settle(f, &next);
		return (short)(sim_holds(f) &
			       ((uint32_t)p->events | POLLERR | POLLHUP));
	}
	if (sim_has(p->fd))
		return POLLNVAL;
	kernel_real_call(SYS_ppoll, (long)(uintptr_t)&real, 1,
			 (long)(uintptr_t)&now, 0, 0, 0);
	return real.revents;
}

/* The runtime only looks, or dozes without descriptors. */
int sim_ppoll(struct pollfd *fds, size_t count, const struct timespec *timeout)
{
	int n = 0;

	if (!timeout || (count && (timeout->tv_sec || timeout->tv_nsec)))
		sim_violation(SIM_EXIT_STUCK, "poll would block the loop");
	for (size_t i = 0; i < count; i++) {
		fds[i].revents = poll_one(&fds[i]);
		n += fds[i].revents != 0;
	}
	if (!count)
		sim_advance(sim_clock() + timeout->tv_nsec);
	/* A signal is looked at only where nothing is ready. */
	return n == 0 && sim_fault(SIM_EINTR) ? -EINTR : n;
}
