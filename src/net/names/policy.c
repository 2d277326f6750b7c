/* policy.c - what is preferred by the prefix of an address: RFC 6724's tables,
 * or those of gai.conf(5). */
#include "net/names/policy.h"

#include "net/names/config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINK_LOCAL = 2, GLOBAL = 14 };

/* RFC 6724, 2.1; ::ffff:0:0/96 is IPv4. */
static const struct {
	struct in6_addr prefix;
	int bits, precedence, label;
} defaults[] = {
	{{{{[15] = 1}}}, 128, 50, 0},
	{{{{[10] = 0xff, [11] = 0xff}}}, 96, 35, 4},
	{{{{0}}}, 96, 1, 3},
	{{{{0x20, 0x01}}}, 32, 5, 5},
	{{{{0x20, 0x02}}}, 16, 30, 2},
	{{{{0x3f, 0xfe}}}, 16, 1, 12},
	{{{{0xfe, 0xc0}}}, 10, 1, 11},
	{{{{0xfc}}}, 7, 3, 13},
	{{{{0}}}, 0, 40, 1},
};

/* RFC 6724, 3.2. */
static const struct {
	struct in6_addr prefix;
	int bits, scope;
} scopes[] = {
	{{{{[10] = 0xff, 0xff, 169, 254}}}, 112, LINK_LOCAL},
	{{{{[10] = 0xff, 0xff, 127}}}, 104, LINK_LOCAL},
	{{{{0}}}, 0, GLOBAL},
};

/* ---- one table ---------------------------------------------------------- */

/* The longest prefixes first; what is full keeps its place for the last. */
static void add(struct policy_table *t, const void *prefix, int bits, int value)
{
	size_t i = t->count;

	if (i == POLICY_MAX || (i == POLICY_MAX - 1 && bits > 0))
		return;
	for (; i && t->list[i - 1].bits < bits; i--)
		t->list[i] = t->list[i - 1];
	memcpy(t->list[i].bytes, prefix, 16);
	t->list[i].bits = bits;
	t->list[i].value = value;
	t->count++;
}

int ramet__common_bits(const uint8_t *a, const uint8_t *b, int most)
{
	int n = 0;

	while (n < most && !((a[n / 8] ^ b[n / 8]) & 0x80 >> n % 8))
		n++;
	return n;
}

int ramet__policy_value(const struct policy_table *t, const uint8_t *addr)
{
	const struct policy_prefix *p = t->list;

	while (ramet__common_bits(addr, p->bytes, p->bits) < p->bits)
		p++;
	return p->value;
}

/* ---- gai.conf ----------------------------------------------------------- */

/* "prefix/bits", of IPv4 as ::ffff:0:0/96. */
static bool parse_prefix(char *text, struct in6_addr *prefix, int *bits)
{
	char *slash = strchr(text, '/'), *end;
	unsigned long n = 128, least = 0;

	if (slash)
		*slash++ = '\0';
	if (inet_pton(AF_INET6, text, prefix) != 1) {
		memset(prefix, 0, sizeof *prefix);
		prefix->s6_addr[10] = prefix->s6_addr[11] = 0xff;
		least = 96;
		if (inet_pton(AF_INET, text, &prefix->s6_addr[12]) != 1)
			return false;
	}
	if (slash) {
		n = least + strtoul(slash, &end, 10);
		if (end == slash || *end)
			return false;
	}
	*bits = (int)n;
	return n <= 128;
}

static struct policy_table *table_of(struct policy *p, const char *word)
{
	if (strcasecmp(word, "label") == 0)
		return &p->labels;
	if (strcasecmp(word, "precedence") == 0)
		return &p->precedences;
	return strcasecmp(word, "scopev4") == 0 ? &p->scopes : NULL;
}

/* "label ::1/128 0"; what makes no sense is passed over. */
static void parse_line(struct policy *p, char *line)
{
	char *word = ramet__next_word(&line), *end;
	struct policy_table *t = word ? table_of(p, word) : NULL;
	struct in6_addr prefix;
	long value;
	int bits;

	word = t ? ramet__next_word(&line) : NULL;
	if (!word || !parse_prefix(word, &prefix, &bits))
		return;
	word = ramet__next_word(&line);
	value = word ? strtol(word, &end, 10) : -1;
	if (word && !*end && value >= 0 && value <= INT32_MAX)
		add(t, &prefix, bits, (int)value);
}

/* What the file has lines of it has all of, but for what is left over. */
static void fill(struct policy *p)
{
	bool labels = !p->labels.count, precedences = !p->precedences.count;
	bool v4 = !p->scopes.count;

	for (size_t i = 0; i < countof(defaults); i++) {
		const void *prefix = &defaults[i].prefix;
		int bits = defaults[i].bits;

		if (labels || bits == 0)
			add(&p->labels, prefix, bits, defaults[i].label);
		if (precedences || bits == 0)
			add(&p->precedences, prefix, bits,
			    defaults[i].precedence);
	}
	for (size_t i = 0; i < countof(scopes); i++)
		if (v4 || scopes[i].bits == 0)
			add(&p->scopes, &scopes[i].prefix, scopes[i].bits,
			    scopes[i].scope);
}

void ramet__policy_parse(struct policy *p, char *text)
{
	char *line;

	memset(p, 0, sizeof *p);
	while (text && (line = ramet__next_line(&text, "#")))
		parse_line(p, line);
	fill(p);
}
