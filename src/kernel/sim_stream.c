/* sim_stream.c - the two ends of a TCP or UNIX connection, and of a pipe.
 *
 * A socket reads from its own flow and writes into its peer's.  Closing an end
 * lets what it sent arrive; only TCP takes it back, by a reset, if there was
 * something unread.
 */
#include "kernel/sim_state.h"

#include <limits.h>

bool sim_is_tcp(const struct sim_file *f)
{
	return f->kind == SIM_STREAM && f->family != AF_UNIX;
}

static bool is_pipe(const struct sim_file *f)
{
	return f->kind == SIM_PIPE_IN || f->kind == SIM_PIPE_OUT;
}

/* Only what crosses a network takes time. */
static int64_t arrival(const struct sim_file *from)
{
	return sim_is_tcp(from) ? sim_after_latency() : SIM->time;
}

/* ---- breaking and closing ----------------------------------------------- */

int sim_take_error(struct sim_file *f)
{
	int error = f->error;

	f->error = 0;
	return -error;
}

/* The other end sent a reset: what has arrived can still be read. */
static void broken(struct sim_file *f)
{
	f->phase = SIM_DEAD;
	f->error = ECONNRESET;
	f->in.count = f->in.arrived;
	f->in.part_count = 0;
	f->in.ends = f->in.ended = true;
	f->due = 0;
	sim_changed(f);
}

void sim_reset(struct sim_file *f)
{
	struct sim_file *peer = f->peer;

	f->peer = NULL;
	broken(f);
	if (peer) {
		peer->peer = NULL;
		broken(peer);
	}
}

static void send_end(struct sim_file *f)
{
	if (f->sent_end)
		return;
	f->sent_end = true;
	if (f->peer)
		sim_flow_end(&f->peer->in, arrival(f));
}

void sim_stream_close(struct sim_file *f)
{
	struct sim_file *peer = f->peer;

	if (!peer)
		return;
	if (sim_is_tcp(f) && (f->in.count || f->linger_zero)) {
		peer->peer = NULL;
		broken(peer);
		return;
	}
	send_end(f);
	peer->peer = NULL;
	sim_changed(peer);
}

void sim_stream_shutdown(struct sim_file *f, int how)
{
	if (how != SHUT_RD)
		send_end(f);
	if (how != SHUT_WR)
		f->recv_end = true;
	sim_changed(f);
}

/* ---- reading ------------------------------------------------------------ */

/* The writer learns of room if it had looked for some in vain. */
static void made_room(struct sim_file *f)
{
	if (!f->in.starved || !f->peer || !(sim_holds(f->peer) & EPOLLOUT))
		return;
	f->in.starved = false;
	sim_changed(f->peer);
}

static ssize_t nothing_to_read(struct sim_file *f, int flags)
{
	if (f->error)
		return sim_take_error(f);
	if (f->in.ended || f->recv_end)
		return 0;
	sim_would_block(f, flags, "reading");
	return -EAGAIN;
}

ssize_t sim_stream_read(struct sim_file *f, char *buf, size_t size, int flags)
{
	int64_t next = INT64_MAX;

	if (f->kind == SIM_PIPE_OUT)
		return -EBADF;
	if (f->kind == SIM_STREAM && !f->in.bytes)
		return f->error ? sim_take_error(f) : -ENOTCONN;
	sim_settle(f, &next);
	if (sim_is_tcp(f) && f->peer && sim_fault(SIM_RESET))
		sim_reset(f);
	if (!size)
		return 0;
	if (!f->in.arrived)
		return nothing_to_read(f, flags);
	/* Of TCP a short read says that there is no more. */
	if (!sim_is_tcp(f) && size > 1 && f->in.arrived > 1 &&
	    sim_fault(SIM_SHORT))
		size = 1 + sim_below(SIM_BY_FAULTS, (uint32_t)size - 1);
	size = sim_flow_get(&f->in, buf, size, flags & MSG_PEEK);
	made_room(f);
	return (ssize_t)size;
}

/* ---- writing ------------------------------------------------------------ */

/* 0 if there is somebody to write to. */
static int may_write(struct sim_file *f)
{
	if (f->kind == SIM_PIPE_IN)
		return -EBADF;
	if (f->error)
		return sim_take_error(f);
	if (f->phase == SIM_CONNECTING)
		return -EAGAIN;
	if (f->phase != SIM_CONNECTED || f->sent_end)
		return -EPIPE;
	if (f->peer && sim_is_tcp(f) && sim_fault(SIM_RESET)) {
		sim_reset(f);
		return sim_take_error(f);
	}
	if (!sim_is_tcp(f) && (!f->peer || f->peer->recv_end))
		return -EPIPE;
	return 0;
}

/* In two parts if it is so fated: that is how TCP is read short. */
static void put(struct sim_file *f, const char *buf, size_t size)
{
	struct sim_flow *w = &f->peer->in;
	int64_t next = INT64_MAX, at = arrival(f);
	size_t part = 0;

	if (sim_is_tcp(f) && size > 1 && sim_fault(SIM_SHORT)) {
		part = 1 + sim_below(SIM_BY_FAULTS, (uint32_t)size - 1);
		sim_flow_put(w, buf, part, at);
		at += sim_after_latency() - SIM->time;
	}
	sim_flow_put(w, buf + part, size - part, at);
	if (!sim_is_tcp(f))
		sim_settle(f->peer, &next);
}

/* Both ends of TCP may be gone while one still sends: that is answered by a
 * reset, which takes its time. */
static ssize_t write_to_nobody(struct sim_file *f, size_t size)
{
	if (!f->due)
		f->due = sim_after_latency();
	return (ssize_t)size;
}

ssize_t sim_stream_write(struct sim_file *f, const char *buf, size_t size,
			 int flags)
{
	int err = may_write(f);
	bool whole = is_pipe(f) && size <= PIPE_BUF;
	size_t room;

	if (err < 0)
		return err;
	if (!f->peer)
		return write_to_nobody(f, size);
	room = f->peer->in.room - f->peer->in.count;
	if ((!room && size) || (whole && room < size)) {
		f->peer->in.starved = true;
		sim_would_block(f, flags, "writing");
		return -EAGAIN;
	}
	if (size > room) {
		size = room;
		f->peer->in.starved = true;
	}
	if (!whole && size > 1 && sim_fault(SIM_SHORT))
		size = 1 + sim_below(SIM_BY_FAULTS, (uint32_t)size - 1);
	if (size)
		put(f, buf, size);
	return (ssize_t)size;
}
