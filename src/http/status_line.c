/* status_line.c - the first line of an answer: RFC 9112, 4. */
#include "base/scan.h"
#include "http/chars.h"
#include "http/reader.h"

/* ---- the status line ---------------------------------------------------- */

static int status(struct reader *r)
{
	struct http_head *h = r->h;

	while (r->p - (r->buf + h->mark) < 3) {
		if (r->p == r->end)
			return WAIT;
		if (!is_digit(*r->p))
			return -400;
		h->status = h->status * 10 + *r->p++ - '0';
	}
	if (h->status < 100)
		return -400;
	begin(r, STATUS_END);
	return ON;
}

/* A blank belongs here even if there is no reason; not all servers know. */
static int status_end(struct reader *r)
{
	if (r->p == r->end)
		return WAIT;
	return *r->p == '\r' ? one(r, '\r', REASON_LF) : one(r, ' ', REASON);
}

static int reason(struct reader *r)
{
	r->p = scan_control(r->p, r->end);
	if (r->p == r->end)
		return WAIT;
	r->h->reason = text_from(r, r->h->mark);
	return one(r, '\r', REASON_LF);
}

int ramet__read_status_line(struct reader *r)
{
	for (int got = ON;;) {
		switch (r->h->state) {
		case START:
			begin(r, ANSWER);
			break;
		case ANSWER:
			got = ramet__read_version(r, ANSWER_BLANK);
			break;
		case ANSWER_BLANK:
			got = one(r, ' ', STATUS);
			break;
		case STATUS:
			got = status(r);
			break;
		case STATUS_END:
			got = status_end(r);
			break;
		case REASON:
			got = reason(r);
			break;
		case REASON_LF:
			got = one(r, '\n', LINE);
			break;
		default:
			return ON;
		}
		if (got != ON)
			return got;
	}
}
