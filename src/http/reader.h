/* reader.h - how a head is read: one step after the other.
 *
 * Each step reads one part as far as there are bytes, and can be gone on with:
 * h->state names the step, h->mark is where its part began.  A verdict is
 * reached at the byte that decides it, never by looking whether there are more:
 * so it is the same wherever the input was cut.
 */
#ifndef HTTP_READER_H
#define HTTP_READER_H

#include "http/head.h"

/* The order is that of the input; a request line is what is below ANSWER. */
enum {
	START, /* must be 0 */
	START_LF,
	METHOD,
	TARGET,
	VERSION,
	VERSION_CR,
	VERSION_LF,
	ANSWER,
	ANSWER_BLANK,
	STATUS,
	STATUS_END,
	REASON,
	REASON_LF,
	LINE,
	NAME,
	BLANKS,
	VALUE,
	VALUE_LF,
	END_LF,
	WHOLE,
};

/* What a step returns, if not minus a status. */
enum { WAIT, ON, DONE };

struct reader {
	struct http_head *h;
	const char *buf, *p, *end; /* end: at most the limit on the head */
	uint32_t fields_max;
};

static inline struct http_text text_from(const struct reader *r, uint32_t from)
{
	uint32_t at = (uint32_t)(r->p - r->buf);

	return (struct http_text){from, at - from};
}

/* Begin a step whose part starts here. */
static inline void begin(struct reader *r, uint32_t state)
{
	r->h->state = state;
	r->h->mark = (uint32_t)(r->p - r->buf);
}

/* One certain byte. */
static inline int one(struct reader *r, char c, uint32_t next)
{
	if (r->p == r->end)
		return WAIT;
	if (*r->p != c)
		return -400;
	r->p++;
	begin(r, next);
	return ON;
}

/* "HTTP/1.1", then the step `next`. */
int ramet__read_version(struct reader *r, uint32_t next);

/* The first line of an answer. */
int ramet__read_status_line(struct reader *r);

#endif
