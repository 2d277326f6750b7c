/* dns.h - asking name servers, one after the other. */
#ifndef NET_NAMES_DNS_H
#define NET_NAMES_DNS_H

#include "net/names/state.h"

/* What became of the questions for one name: a verdict for each, and an answer
 * with the first three of them, for kernel_free. */
struct asked {
	size_t count;
	int types[QUESTIONS_MAX];
	enum verdict verdicts[QUESTIONS_MAX];
	struct answer *answers[QUESTIONS_MAX];
};

void ramet__asked_free(struct asked *a);

/* Ask for a whole name.  Returns 0 or -errno: -ENOMEM, -ETIMEDOUT, -ECANCELED,
 * -EINVAL (no name can be so). */
int ramet__dns_ask(struct loop *l, struct names *n, const struct resolv *r,
		   const char *name, struct asked *a);

/* The same for a name as people write it: with the search list.  What is left
 * in *a is the best there was. */
int ramet__dns_search(struct loop *l, struct names *n, const struct resolv *r,
		      const char *name, struct asked *a);

/* Whether that is what was said to one of them. */
bool ramet__asked_any(const struct asked *a, enum verdict v);

#endif
