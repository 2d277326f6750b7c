/* policy.h - values by the longest prefix of an address that has one. */
#ifndef NET_NAMES_POLICY_H
#define NET_NAMES_POLICY_H

#include "base/base.h"

enum { POLICY_MAX = 32 };

struct policy_prefix {
	uint8_t bytes[16];
	int bits, value;
};

/* Ends with the prefix of no bits. */
struct policy_table {
	struct policy_prefix list[POLICY_MAX];
	size_t count;
};

struct policy {
	struct policy_table labels, precedences;
	struct policy_table scopes; /* of IPv4 */
};

/* From the text of gai.conf, which is changed, or NULL. */
void ramet__policy_parse(struct policy *p, char *text);

/* The value of an address, IPv4 as ::ffff:0:0/96. */
int ramet__policy_value(const struct policy_table *t, const uint8_t *addr);

/* How many of the first `most` bits they have in common. */
int ramet__common_bits(const uint8_t *a, const uint8_t *b, int most);

#endif
