/* question.h - one question, from its query to the reply. */
#ifndef NET_NAMES_QUESTION_H
#define NET_NAMES_QUESTION_H

#include "net/names/answer.h"

enum { QUESTIONS_MAX = 2, UDP_SIZE = 1232, CHANNEL_QUERIES = 128 };

struct question {
	const char *name;
	int type;
	uint8_t *query; /* ramet__ares_query's */
	size_t query_size;
	uint8_t *reply; /* kernel_alloc's; NULL: none has come */
	size_t reply_size;
	bool by_tcp; /* forgers have been at it */
	struct exchange *exchange;
	size_t slot;
};

static inline uint16_t question_id(const struct question *q)
{
	return (uint16_t)(q->query[0] << 8 | q->query[1]);
}

/* Keep a copy of a reply.  Returns 0 or -ENOMEM. */
int ramet__question_reply(struct question *q, const uint8_t *reply,
			  size_t size);

/* ---- servers (server.c, udp.c, tcp.c) ----------------------------------- */

/* One that is being asked; there is none without somebody who asks. */
struct server {
	struct server *next;
	struct sockaddr_storage addr;
	socklen_t addr_size;
	size_t users;
	unsigned window, in_flight; /* queries */
	struct ramet_waitq turns;
	struct channel *channels;
};

/* The server at addr, from a list of a loop's; and let go of it.  NULL: no
 * memory. */
struct server *ramet__server_get(struct server **list,
				 const struct sockaddr_storage *addr);
void ramet__server_put(struct server **list, struct server *s);

/* In the child of a fork: nobody is left who asks. */
void ramet__servers_after_fork(struct server **list);

/* Wait until n more queries may go out, and end them: `lost` of them without a
 * reply. */
int ramet__server_begin(struct loop *l, struct server *s, unsigned n);
void ramet__server_end(struct server *s, unsigned n, unsigned lost);

/* Ask the questions until each has a reply, or is to be asked by TCP; those of
 * others are taken in as well.  Returns 0, or -errno: those that have a reply
 * have one nevertheless. */
int ramet__udp_ask(struct loop *l, struct server *s, struct question **q,
		   size_t count);
int ramet__tcp_ask(struct server *s, struct question **q, size_t count);

#endif
