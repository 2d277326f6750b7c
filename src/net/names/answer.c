/* answer.c - reading DNS messages (RFC 1035, 4.1).
 *
 * They come from whoever chose to send them: nothing in them is believed before
 * it was compared with the message's size.
 */
#include "net/names/answer.h"

#include "net/names/ares.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum {
	HEADER = 12,
	FIXED = 10, /* of a record, behind its name */
	CLASS_IN = 1,
	CHAIN_MAX = 16, /* CNAMEs from a name to its address */
	TTL_MAX = 24 * 3600,
};

enum { RCODE_OK, RCODE_FORMERR, RCODE_SERVFAIL, RCODE_NXDOMAIN, RCODE_NOTIMP };

static unsigned get16(const uint8_t *p)
{
	return (unsigned)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static unsigned rcode_of(const uint8_t *msg)
{
	return msg[3] & 15;
}

/* ---- is it one ---------------------------------------------------------- */

/* Where the question of a query ends, which we have made. */
static size_t question_end(const uint8_t *query)
{
	size_t at = HEADER;

	while (query[at])
		at += query[at] + 1u;
	return at + 5;
}

/* Lengths of labels are below the letters. */
static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (tolower(a[i]) != tolower(b[i]))
			return false;
	return true;
}

bool ramet__answer_matches(const uint8_t *reply, size_t size,
			   const uint8_t *query, size_t query_size)
{
	size_t end = question_end(query);

	(void)query_size;
	if (size < HEADER || get16(reply) != get16(query))
		return false;
	if (!(reply[2] & 0x80) || reply[2] & 0x78) /* QR, opcode QUERY */
		return false;
	/* A server that does not understand may leave out the question. */
	if (get16(reply + 4) == 0 && (rcode_of(reply) == RCODE_FORMERR ||
				      rcode_of(reply) == RCODE_NOTIMP))
		return true;
	return get16(reply + 4) == 1 && size >= end &&
	       same_bytes(reply + HEADER, query + HEADER, end - HEADER - 4) &&
	       memcmp(reply + end - 4, query + end - 4, 4) == 0;
}

/* ---- records ------------------------------------------------------------ */

struct reader {
	const uint8_t *msg;
	size_t size, at;
	bool broken;
};

struct record {
	size_t owner, data; /* where */
	unsigned type, class, length;
	uint32_t ttl;
};

/* Past a name, which may end in a pointer. */
static void skip_name(struct reader *r)
{
	while (r->at < r->size && r->msg[r->at]) {
		if (r->msg[r->at] >= 0xc0) {
			r->at += 2;
			return;
		}
		if (r->msg[r->at] > 63) {
			r->broken = true;
			return;
		}
		r->at += r->msg[r->at] + 1u;
	}
	r->at++;
}

/* The next record; false if there is no whole one. */
static bool next_record(struct reader *r, struct record *rr)
{
	const uint8_t *p;

	rr->owner = r->at;
	skip_name(r);
	if (r->broken || r->at > r->size || r->size - r->at < FIXED) {
		r->broken = true;
		return false;
	}
	p = r->msg + r->at;
	rr->type = get16(p);
	rr->class = get16(p + 2);
	rr->ttl = get32(p + 4);
	rr->ttl = rr->ttl < TTL_MAX ? rr->ttl : rr->ttl >> 31 ? 0 : TTL_MAX;
	rr->length = get16(p + 8);
	rr->data = r->at + FIXED;
	r->at = rr->data + rr->length;
	if (r->at > r->size)
		r->broken = true;
	return !r->broken;
}

static bool name_at(const struct reader *r, size_t at, char *name, size_t *used)
{
	return ramet__ares_name(r->msg + at, r->msg, r->size, name, NAME_ROOM,
				used) == 0;
}

/* A host's name has no characters that could hurt whoever prints it. */
static bool is_host_name(const char *name)
{
	if (*name == '-' || !*name)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
			return false;
	return true;
}

/* ---- the answer section ------------------------------------------------- */

struct search {
	char name[NAME_ROOM]; /* whose records are wanted now */
	int type;
	unsigned chain;
	uint32_t ttl;
	struct answer *answer; /* NULL: only count */
	size_t count, aliases_size;
};

/* What led on is an alias. */
static bool lead_on(struct search *s, const char *target)
{
	size_t size = strlen(s->name) + 1;

	if (s->answer)
		memcpy(answer_aliases(s->answer) + s->aliases_size, s->name,
		       size);
	s->aliases_size += size;
	memcpy(s->name, target, sizeof s->name);
	return ++s->chain <= CHAIN_MAX;
}

static bool is_wanted(const struct record *rr, int type)
{
	static const unsigned sizes[] = {[TYPE_A] = 4, [TYPE_AAAA] = 16};

	return rr->type == (unsigned)type &&
	       (type == TYPE_PTR || rr->length == sizes[type]);
}

/* Follow a CNAME, or take an address.  False if it cannot be. */
static bool take(struct search *s, const struct reader *r,
		 const struct record *rr)
{
	char target[NAME_ROOM];
	size_t used;

	if (rr->ttl < s->ttl)
		s->ttl = rr->ttl;
	if (rr->type == TYPE_CNAME || rr->type == TYPE_PTR) {
		if (!name_at(r, rr->data, target, &used) ||
		    used != rr->length || !is_host_name(target))
			return false;
		if (rr->type == TYPE_CNAME)
			return lead_on(s, target);
		if (s->answer && !s->count)
			memcpy(s->answer->name, target, sizeof target);
	} else if (s->answer) {
		memcpy(s->answer->addrs[s->count], r->msg + rr->data,
		       rr->length);
	}
	s->count++;
	return true;
}

/* One pass over the records.  A chain is nearly always in order, so that one is
 * enough; *more if a CNAME was met. */
static bool pass(struct search *s, struct reader r, unsigned records,
		 bool *more)
{
	char owner[NAME_ROOM];
	struct record rr;
	size_t used;

	*more = false;
	for (; records && next_record(&r, &rr); records--) {
		bool alias = rr.type == TYPE_CNAME;

		if (rr.class != CLASS_IN ||
		    (!alias && !is_wanted(&rr, s->type)))
			continue;
		if (!name_at(&r, rr.owner, owner, &used))
			return false;
		if (strcasecmp(owner, s->name))
			continue;
		if (!take(s, &r, &rr))
			return false;
		*more = *more || alias;
	}
	return !r.broken;
}

/* Follow the chain to its end; false if the message makes no sense. */
static bool follow(struct search *s, const struct reader *r, unsigned records)
{
	bool more = true;

	while (more && s->count == 0)
		if (!pass(s, *r, records, &more))
			return false;
	return true;
}

/* ---- what is not there -------------------------------------------------- */

/* How long that holds: RFC 2308, 5. */
static uint32_t negative_ttl(struct reader *r)
{
	unsigned answers = get16(r->msg + 6), authority = get16(r->msg + 8);
	struct record rr;

	for (unsigned i = 0; i < answers + authority && next_record(r, &rr);
	     i++) {
		uint32_t least;

		if (i < answers || rr.type != TYPE_SOA || rr.length < 22)
			continue;
		least = get32(r->msg + r->at - 4);
		return least < rr.ttl ? least : rr.ttl;
	}
	return 0;
}

/* ---- all of it ---------------------------------------------------------- */

struct answer *ramet__answer_new(enum verdict verdict, const char *name,
				 size_t count, size_t aliases_size)
{
	struct answer *a = kernel_alloc(sizeof *a + count * sizeof a->addrs[0] +
					aliases_size);

	if (!a)
		return NULL;
	a->verdict = verdict;
	a->count = count;
	a->aliases_size = aliases_size;
	memcpy(a->name, name, strnlen(name, NAME_ROOM - 1));
	return a;
}

/* Once to count, once to copy. */
static int read_found(const struct reader *r, const char *name, int type,
		      struct answer **answer)
{
	struct search s = {.type = type, .ttl = TTL_MAX}, copy;
	struct reader rest = *r;
	enum verdict verdict = ANSWER_FOUND;

	memcpy(s.name, name, strnlen(name, NAME_ROOM - 1));
	copy = s;
	if (!follow(&s, r, get16(r->msg + 6)))
		return ANSWER_BROKEN;
	if (rcode_of(r->msg) == RCODE_NXDOMAIN)
		verdict = ANSWER_NXDOMAIN;
	else if (!s.count)
		verdict = ANSWER_NODATA;
	if (verdict != ANSWER_FOUND)
		s.count = s.aliases_size = 0;
	*answer = ramet__answer_new(verdict, s.name, s.count, s.aliases_size);
	if (!*answer)
		return -ENOMEM;
	(*answer)->ttl = s.ttl;
	if (verdict != ANSWER_FOUND) {
		(*answer)->ttl = negative_ttl(&rest);
		return verdict;
	}
	copy.answer = *answer;
	follow(&copy, r, get16(r->msg + 6));
	return verdict;
}

static bool is_host(const char *name, int type)
{
	return type == TYPE_PTR || is_host_name(name);
}

int ramet__answer_read(const uint8_t *reply, size_t size, const char *name,
		       int type, struct answer **answer)
{
	struct reader r = {reply, size, HEADER, false};
	unsigned rcode;

	if (size < HEADER)
		return ANSWER_BROKEN;
	rcode = rcode_of(reply);
	if (rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP)
		return ANSWER_NO_EDNS;
	if (rcode != RCODE_OK && rcode != RCODE_NXDOMAIN)
		return ANSWER_REFUSED;
	if (reply[2] & 2)
		return ANSWER_TRUNCATED;
	skip_name(&r);
	r.at += 4;
	if (r.broken || r.at > size || !is_host(name, type))
		return ANSWER_BROKEN;
	return read_found(&r, name, type, answer);
}
