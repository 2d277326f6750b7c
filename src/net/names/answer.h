/* answer.h - what a name server has said. */
#ifndef NET_NAMES_ANSWER_H
#define NET_NAMES_ANSWER_H

#include "net/names/config.h"

enum {
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_PTR = 12,
	TYPE_AAAA = 28
};

enum verdict {
	ANSWER_FOUND,
	ANSWER_NODATA,    /* the name exists, and has nothing of the type */
	ANSWER_NXDOMAIN,  /* it does not exist */
	ANSWER_TRUNCATED, /* ask by TCP */
	ANSWER_NO_EDNS,   /* ask in a simpler way */
	ANSWER_REFUSED,   /* this server cannot tell: SERVFAIL and the like */
	ANSWER_BROKEN,    /* it makes no sense */
	ANSWER_SILENT,    /* there was none */
};

struct answer {
	enum verdict verdict; /* one of the first three */
	uint32_t ttl;         /* 0: not to be kept */
	size_t count;         /* of addresses */
	size_t aliases_size;  /* bytes */
	char name[NAME_ROOM]; /* the canonical one, or what a PTR leads to */
	uint8_t addrs[][16];  /* and the aliases, each with its NUL */
};

static inline char *answer_aliases(const struct answer *a)
{
	return (char *)(uintptr_t)a->addrs[a->count];
}

/* Whether `reply` is one to `query`: id, question and flags agree (RFC 5452,
 * 9.1). */
bool ramet__answer_matches(const uint8_t *reply, size_t size,
			   const uint8_t *query, size_t query_size);

/* Read a reply to a question for `name` in *answer, which is set for the first
 * three verdicts.  Returns one of them, or -ENOMEM. */
int ramet__answer_read(const uint8_t *reply, size_t size, const char *name,
		       int type, struct answer **answer);

/* One of the first three in memory of its own, with room for count addresses
 * and for aliases; or NULL. */
struct answer *ramet__answer_new(enum verdict verdict, const char *name,
				 size_t count, size_t aliases_size);

#endif
