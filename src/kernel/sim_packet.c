/* sim_packet.c - sockets that keep messages apart: UDP, and UNIX datagrams and
 * packets.
 *
 * UDP drops what finds no room.  A UNIX sender waits, and learns of room only
 * if it is connected: as on Linux.
 */
#include "kernel/sim_state.h"

#include <stdlib.h>
#include <string.h>

static bool connected(const struct sim_file *f)
{
	return f->kind == SIM_SEQPACKET;
}

/* Where a message of f goes; NULL if nobody is there. */
static struct sim_file *target(struct sim_file *f, const struct sim_address *to)
{
	if (f->peer)
		return f->peer;
	return connected(f) ? NULL : sim_find(f, to);
}

static bool is_full(const struct sim_file *f)
{
	return f->packet_count >= SIM->messages;
}

bool sim_packets_full(const struct sim_file *f)
{
	const struct sim_file *to = f->peer;

	if (!to && f->peer_name.size)
		to = sim_find(f, &f->peer_name);
	return to && f->family == AF_UNIX && is_full(to);
}

/* A connected socket gets nothing from others than its peer. */
static bool hears(const struct sim_file *to, const struct sim_file *from)
{
	return to->family == AF_UNIX || !to->peer_name.size ||
	       sim_same_address(&to->peer_name, &from->name);
}

/* ---- sending ------------------------------------------------------------ */

static void deliver(struct sim_file *f, struct sim_file *to, const char *buf,
		    size_t size)
{
	struct sim_packet *p = calloc(1, sizeof *p + size);
	int64_t next = INT64_MAX;

	if (!p)
		abort();
	p->from = f->name;
	p->size = size;
	p->at = f->family == AF_UNIX ? SIM->time : sim_after_latency();
	memcpy(p->bytes, buf, size);
	*to->packets_end = p;
	to->packets_end = &p->next;
	to->packet_count++;
	sim_settle(to, &next);
}

static int may_send(struct sim_file *f, const struct sim_address *to)
{
	if (f->error)
		return sim_take_error(f);
	if (f->sent_end)
		return -EPIPE;
	if (connected(f))
		return f->phase != SIM_CONNECTED ? -ENOTCONN
		       : f->peer                 ? 0
						 : -EPIPE;
	return f->peer || to->size ? 0 : -EDESTADDRREQ;
}

ssize_t sim_packet_write(struct sim_file *f, const char *buf, size_t size,
			 int flags, const struct sim_address *to)
{
	struct sim_file *at;
	int err;

	if (!to->size)
		to = &f->peer_name;
	err = may_send(f, to);
	if (err < 0)
		return err;
	if (f->family != AF_UNIX && !f->name.size)
		sim_bind_any(f);
	at = target(f, to);
	if (!at || at->recv_end || !hears(at, f))
		return f->family != AF_UNIX ? (ssize_t)size : -ECONNREFUSED;
	if (is_full(at)) {
		if (f->family != AF_UNIX)
			return (ssize_t)size;
		f->starved = true;
		sim_would_block(f, flags, "sending");
		return -EAGAIN;
	}
	deliver(f, at, buf, size);
	return (ssize_t)size;
}

/* ---- receiving ---------------------------------------------------------- */

/* Those who send to f, and are connected to it, learn of room. */
static void made_room(struct sim_file *f)
{
	for (struct sim_file *s = SIM->first; s; s = s->next)
		if (s->starved && s->family == f->family &&
		    (s->peer == f ||
		     (s->peer_name.size && sim_find(s, &s->peer_name) == f))) {
			s->starved = false;
			sim_changed(s);
		}
}

static void drop_first(struct sim_file *f)
{
	struct sim_packet *p = f->packets;

	f->packets = p->next;
	if (!f->packets)
		f->packets_end = &f->packets;
	f->packet_count--;
	free(p);
	made_room(f);
}

static ssize_t nothing_to_read(struct sim_file *f, int flags)
{
	if (f->error)
		return sim_take_error(f);
	if (connected(f) && f->phase != SIM_CONNECTED)
		return -ENOTCONN;
	if (f->recv_end || f->in.ended)
		return 0;
	sim_would_block(f, flags, "receiving");
	return -EAGAIN;
}

ssize_t sim_packet_read(struct sim_file *f, char *buf, size_t size, int flags,
			struct sim_address *from, size_t *whole)
{
	struct sim_packet *p = f->packets;

	from->size = 0;
	*whole = 0;
	if (!p || p->at > SIM->time)
		return nothing_to_read(f, flags);
	*from = p->from;
	*whole = p->size;
	if (size > p->size)
		size = p->size;
	memcpy(buf, p->bytes, size);
	if (!(flags & MSG_PEEK))
		drop_first(f);
	return (ssize_t)size;
}

void sim_packets_close(struct sim_file *f)
{
	while (f->packets) {
		struct sim_packet *p = f->packets;

		f->packets = p->next;
		free(p);
	}
	f->packet_count = 0;
	made_room(f);
}
