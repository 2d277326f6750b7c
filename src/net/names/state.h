/* state.h - what a loop knows of names. */
#ifndef NET_NAMES_STATE_H
#define NET_NAMES_STATE_H

#include "net/names/question.h"

/* An address of this machine. */
struct own_addr {
	uint8_t bytes[16]; /* as IPv6 */
	unsigned index;    /* of its interface */
	bool deprecated, home, tunnelled;
};

struct own_addrs {
	int64_t looked;      /* when; 0: never */
	bool has_v4, has_v6; /* others than the loopback's */
	struct own_addr *list;
	size_t count, room;
};

struct names {
	/* By pointers, so that a program that looks up nothing is not linked
	 * with all this. */
	void (*close)(struct loop *), (*after_fork)(struct loop *);
	struct config_files files;
	struct server *servers; /* that are being asked */
	unsigned rotation;
	struct cache *cache; /* NULL: none */
	uint16_t ids[64];    /* random ones */
	size_t id_count;     /* that are left */
	struct own_addrs own;
};

/* The loop's, or NULL: no memory. */
struct names *ramet__names(struct loop *l);

/* An id that nobody can guess.  Or -errno. */
int ramet__names_id(struct names *n);

/* For src/start.c. */
static inline void lookups_close(struct loop *l)
{
	if (l->names)
		l->names->close(l);
}

static inline void lookups_after_fork(struct loop *l)
{
	if (l->names)
		l->names->after_fork(l);
}

/* Whether this library asks name servers itself, and why or why not. */
bool ramet__names_by_ares(void);

#endif
