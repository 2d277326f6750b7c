/* udp.c - questions by UDP, those of many ramets on one socket.
 *
 * A channel is a connected socket, with a port that the kernel has chosen: what
 * comes from elsewhere never arrives.  No more than 128 queries are under way
 * on one, whose replies fit into its receive buffer.  It is closed when the
 * last has ended, or soon after many, so that its port does not become known.
 *
 * One of those who wait reads, and hands out what is others'; when it has its
 * own it passes that on.  A reply that fits no query is a late one, or a forged
 * one; after many of those TCP is used (RFC 5452, 9).
 */
#include "net/names/question.h"

#include "io/sock.h"
#include "kernel/calls.h"
#include "sync/sync.h"

#include <string.h>

enum {
	CHANNEL_LIFE = 2048,
	FORGED_MAX = 64,
	DATAGRAM_ROOM = 4096,
	RECEIVE_ROOM = 1024 * 1024, /* or what the system allows */
};

struct channel {
	struct channel *next;
	int fd;
	size_t users, in_flight, sent, forged;
	bool broken; /* its socket has failed */
	struct exchange *reader;
	struct ramet_waitq waiters;
	uint16_t ids[CHANNEL_QUERIES];
	struct question *queries[CHANNEL_QUERIES];
};

/* What one ramet asks at a time. */
struct exchange {
	struct channel *channel;
	size_t missing; /* replies */
	int error;
	struct ramet_waiter waiter;
};

/* ---- channels ----------------------------------------------------------- */

/* 128 long replies have room nearly everywhere; it is no error if not. */
static int open_socket(const struct server *s)
{
	int fd = ramet__socket(s->addr.ss_family, SOCK_DGRAM, 0);
	int room = RECEIVE_ROOM, err;

	if (fd < 0)
		return fd;
	kernel_setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	err = ramet__connect(fd, (const struct sockaddr *)&s->addr,
			     s->addr_size);
	if (err == 0)
		return fd;
	ramet__close(fd);
	return err;
}

static struct channel *channel_new(struct server *s, int *err)
{
	struct channel *c = kernel_alloc(sizeof *c);

	*err = -ENOMEM;
	if (!c)
		return NULL;
	*err = c->fd = open_socket(s);
	if (c->fd < 0) {
		kernel_free(c);
		return NULL;
	}
	c->next = s->channels;
	s->channels = c;
	return c;
}

/* One with room for n queries, or a new one. */
static struct channel *channel_get(struct server *s, size_t n, int *err)
{
	struct channel *c = s->channels;

	while (c &&
	       (c->broken || c->forged > FORGED_MAX ||
		c->sent >= CHANNEL_LIFE || c->in_flight + n > CHANNEL_QUERIES))
		c = c->next;
	if (!c)
		c = channel_new(s, err);
	if (c)
		c->users++;
	return c;
}

static void channel_put(struct server *s, struct channel *c)
{
	struct channel **at = &s->channels;

	if (--c->users)
		return;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	ramet__close(c->fd);
	kernel_free(c);
}

static void add(struct channel *c, struct question *q, struct exchange *x)
{
	q->exchange = x;
	q->slot = c->in_flight++;
	c->ids[q->slot] = question_id(q);
	c->queries[q->slot] = q;
	c->sent++;
}

/* The last takes its place. */
static void forget(struct channel *c, struct question *q)
{
	size_t last = --c->in_flight;

	c->ids[q->slot] = c->ids[last];
	c->queries[q->slot] = c->queries[last];
	c->queries[q->slot]->slot = q->slot;
	q->exchange = NULL;
}

/* ---- what comes --------------------------------------------------------- */

static void wake(struct exchange *x)
{
	if (!x->waiter.queue)
		return;
	waitq_remove(&x->waiter);
	if (x->waiter.ramet->state == STATE_PARKED)
		ramet__wake(x->waiter.ramet, 0);
}

/* q has ended, in whatever way. */
static void settle(struct channel *c, struct question *q, int err)
{
	struct exchange *x = q->exchange;

	forget(c, q);
	if (err < 0)
		x->error = err;
	if (--x->missing == 0 || err < 0)
		wake(x);
}

static void fail_all(struct channel *c, int err)
{
	while (c->in_flight)
		settle(c, c->queries[0], err);
}

static void turn_to_tcp(struct channel *c)
{
	while (c->in_flight) {
		c->queries[0]->by_tcp = true;
		settle(c, c->queries[0], 0);
	}
}

static void take_reply(struct channel *c, const uint8_t *reply, size_t size)
{
	uint16_t id = size < 2 ? 0 : (uint16_t)(reply[0] << 8 | reply[1]);

	for (size_t i = 0; i < c->in_flight; i++) {
		struct question *q = c->queries[i];

		if (c->ids[i] != id ||
		    !ramet__answer_matches(reply, size, q->query,
					   q->query_size))
			continue;
		settle(c, q, ramet__question_reply(q, reply, size));
		return;
	}
	if (++c->forged > FORGED_MAX)
		turn_to_tcp(c);
}

/* Read one for whomever it is.  An error of the socket is everyone's. */
static int read_one(struct loop *l, struct channel *c)
{
	uint8_t buf[DATAGRAM_ROOM];
	ssize_t n = ramet__sock_recv(c->fd, buf, sizeof buf, 0, NULL, NULL);

	if (n >= 0) {
		take_reply(c, buf, (size_t)n);
		return 0;
	}
	if (ramet__interrupted(l) < 0)
		return (int)n;
	c->broken = true;
	fail_all(c, (int)n);
	return 0;
}

/* ---- asking ------------------------------------------------------------- */

static int wait_turn(struct loop *l, struct channel *c, struct exchange *x)
{
	int err = ramet__interrupted(l);

	if (err < 0)
		return err;
	waitq_append(&c->waiters, &x->waiter);
	err = ramet__park(l, WAIT_READ, (const void *)(intptr_t)c->fd);
	waitq_remove(&x->waiter);
	return err;
}

static void pass_on(struct channel *c)
{
	struct ramet_waiter *w = c->reader ? NULL : sync_next(&c->waiters);

	if (w)
		ramet__wake(w->ramet, 0);
}

static int await(struct loop *l, struct channel *c, struct exchange *x)
{
	int err = 0;

	while (x->missing && !x->error && err == 0) {
		if (c->reader) {
			err = wait_turn(l, c, x);
			continue;
		}
		c->reader = x;
		err = read_one(l, c);
		c->reader = NULL;
	}
	pass_on(c);
	return err < 0 ? err : x->error;
}

static int send_all(struct channel *c, struct exchange *x, struct question **q,
		    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ssize_t n;

		add(c, q[i], x);
		x->missing++;
		n = ramet__sock_send(c->fd, q[i]->query, q[i]->query_size,
				     MSG_NOSIGNAL, NULL, 0);
		if (n < 0)
			return (int)n;
	}
	return 0;
}

int ramet__udp_ask(struct loop *l, struct server *s, struct question **q,
		   size_t count)
{
	struct exchange x = {.waiter.ramet = l->current};
	int err;
	struct channel *c = channel_get(s, count, &err);

	if (!c)
		return err;
	x.channel = c;
	err = send_all(c, &x, q, count);
	if (err == 0)
		err = await(l, c, &x);
	for (size_t i = 0; i < count; i++)
		if (q[i]->exchange == &x)
			forget(c, q[i]);
	channel_put(s, c);
	return err;
}

/* ---- after a fork ------------------------------------------------------- */

void ramet__servers_after_fork(struct server **list)
{
	for (struct server *s = *list, *next; s; s = next) {
		next = s->next;
		for (struct channel *c = s->channels, *after; c; c = after) {
			after = c->next;
			ramet__close(c->fd);
			kernel_free(c);
		}
		kernel_free(s);
	}
	*list = NULL;
}
