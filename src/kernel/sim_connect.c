/* sim_connect.c - how two sockets come to be connected.
 *
 * A UNIX connection is there at once.  TCP takes its latency, and then a
 * second more for as long as the listener's queue is full.
 */
#include "kernel/sim_state.h"

#include <fcntl.h>
#include <netinet/in.h>

enum { RETRIES_NS = 1000 * 1000 * 1000 };

/* ---- the listener's queue ----------------------------------------------- */

static void append(struct sim_file *l, struct sim_file *s)
{
	struct sim_file **end = &l->queue;

	while (*end)
		end = &(*end)->queue_next;
	*end = s;
	l->queued++;
	sim_changed(l);
}

static struct sim_file *take(struct sim_file *l)
{
	struct sim_file *s = l->queue;

	l->queue = s->queue_next;
	s->queue_next = NULL;
	l->queued--;
	return s;
}

/* What nobody accepted is reset. */
static void drop(struct sim_file *s)
{
	if (s->peer)
		sim_reset(s);
	sim_file_free(s);
}

void sim_listener_close(struct sim_file *l)
{
	while (l->queue)
		drop(take(l));
}

/* ---- connecting --------------------------------------------------------- */

static void connect_to(struct sim_file *f, struct sim_file *l)
{
	struct sim_file *s = sim_socket_file(f->family, f->type);

	s->name = f->peer_name;
	s->peer_name = f->name;
	sim_join(f, s);
	append(l, s);
	sim_changed(f);
}

/* The connection under way comes about.  Returns 0, -ECONNREFUSED, or -EAGAIN:
 * the queue is full.  For a helper thread, which may wait, it never is. */
static int arrive(struct sim_file *f)
{
	struct sim_file *l = sim_find(f, &f->peer_name);

	if (!l || f->refused)
		return -ECONNREFUSED;
	if (l->queued >= l->backlog && f->flags & O_NONBLOCK)
		return -EAGAIN;
	connect_to(f, l);
	return 0;
}

void sim_connect_due(struct sim_file *f)
{
	int err = arrive(f);

	if (err == -EAGAIN) {
		f->due += RETRIES_NS;
		return;
	}
	f->due = 0;
	if (err < 0) {
		f->phase = SIM_DEAD;
		f->error = -err;
		sim_changed(f);
	}
}

/* Who may wait gets the answer at once. */
static int connect_tcp(struct sim_file *f)
{
	sim_bind_any(f);
	if (f->flags & O_NONBLOCK) {
		f->phase = SIM_CONNECTING;
		f->due = sim_after_latency();
		if (sim_fault(SIM_SLOW))
			f->due += sim_below(SIM_BY_FAULTS, 3) *
				  (int64_t)RETRIES_NS;
		return -EINPROGRESS;
	}
	return arrive(f);
}

int sim_connect(struct sim_file *f, const struct sockaddr *addr, socklen_t size)
{
	struct sim_address to;
	int err = sim_address_read(&to, addr, size);

	if (err < 0 || to.any.ss_family != f->family)
		return err < 0 ? err : -EAFNOSUPPORT;
	if (f->kind == SIM_DATAGRAM) {
		sim_bind_any(f);
		f->peer_name = to;
		return f->family == AF_UNIX && !sim_find(f, &to) ? -ECONNREFUSED
								 : 0;
	}
	if (f->phase == SIM_CONNECTED)
		return -EISCONN;
	if (f->phase == SIM_CONNECTING)
		return -EALREADY;
	if (f->phase != SIM_FRESH)
		return f->error ? sim_take_error(f) : -EINVAL;
	f->peer_name = to;
	f->refused = sim_fault(SIM_REFUSE);
	return f->family == AF_UNIX ? arrive(f) : connect_tcp(f);
}

/* ---- accepting ---------------------------------------------------------- */

int sim_accept(struct sim_file *l, struct sockaddr *addr, socklen_t *size,
	       int flags)
{
	struct sim_file *s;
	int fd;

	if (l->phase != SIM_LISTENS || l->recv_end)
		return -EINVAL;
	if (!l->queue) {
		sim_would_block(l, 0, "accepting");
		return -EAGAIN;
	}
	if (sim_fault(SIM_ABORT)) {
		drop(take(l));
		return -ECONNABORTED;
	}
	fd = sim_fd_new(l->queue);
	if (fd < 0)
		return fd;
	s = take(l);
	s->flags = flags & O_NONBLOCK;
	sim_address_write(&s->peer_name, s->family, addr, size);
	return fd;
}
