/* body.c - the body of an answer, as it comes (RFC 9112, 6 and 7). */
#include "http/client/exchange.h"

#include <string.h>

enum { SCRATCH = 2048 };

/* ---- the end ------------------------------------------------------------ */

static void finish(struct ramet_http_response *r)
{
	struct link *link = r->link;

	r->link = NULL;
	/* What follows an answer that was not asked for is not to be trusted.
	 */
	if (r->persists && link->start == link->end)
		ramet__pool_keep(r->client, link);
	else
		ramet__link_close(link);
}

/* Nothing more can be read.  Waits that were ended can be tried again. */
static ssize_t fail(struct ramet_http_response *r, ssize_t err)
{
	if (err == -ETIMEDOUT || err == -ECANCELED || err == -EAGAIN)
		return err;
	ramet__link_close(r->link);
	r->link = NULL;
	r->err = (int)err;
	return err;
}

/* ---- chunks ------------------------------------------------------------- */

static int copy_trailer(struct ramet_http_response *r, size_t size)
{
	struct http_head *h = &r->link->head;
	struct ramet_http_header *t;

	if (!h->field_count)
		return 0;
	t = kernel_alloc(h->field_count * sizeof *t + size + 1);
	if (!t)
		return -ENOMEM;
	ramet__headers_take(t, h, (char *)(t + h->field_count),
			    r->link->buf + r->link->start, size);
	r->trailers = t;
	r->trailer_count = h->field_count;
	return 0;
}

static int read_trailer(struct ramet_http_response *r)
{
	ssize_t n = ramet__link_trailer(r->link, r->client->head_max);

	if (n < 0)
		return (int)n;
	if (copy_trailer(r, (size_t)n) < 0)
		return -ENOMEM;
	r->link->start += (size_t)n;
	return 0;
}

/* Find the next data.  Returns 1, 0 at the end, -errno. */
static int next_data(struct ramet_http_response *r)
{
	struct link *link = r->link;

	while (r->chunks.state != HTTP_CHUNKS_END) {
		ssize_t used, n = 1;

		if (link->start == link->end)
			n = ramet__link_fill(link);
		if (n <= 0)
			return n ? (int)n : -ECONNABORTED;
		used = ramet__chunks_read(&r->chunks, link->buf + link->start,
					  link->end - link->start, &r->ready);
		if (used < 0)
			return -EPROTO;
		r->gap = (size_t)used - r->ready;
		if (r->chunks.state == HTTP_CHUNKS_END)
			ramet__head_trailer_init(&link->head);
		if (r->ready)
			return 1;
		link->start += r->gap;
		r->gap = 0;
	}
	return read_trailer(r);
}

static ssize_t read_chunks(struct ramet_http_response *r, void *buf,
			   size_t size)
{
	struct link *link = r->link;

	if (!r->ready) {
		int more = next_data(r);

		if (more <= 0)
			return more;
	}
	if (size > r->ready)
		size = r->ready;
	memcpy(buf, link->buf + link->start, size);
	link->start += size;
	r->ready -= size;
	if (!r->ready) {
		link->start += r->gap;
		r->gap = 0;
	}
	return (ssize_t)size;
}

/* ---- reading ------------------------------------------------------------ */

static ssize_t read_sized(struct ramet_http_response *r, void *buf, size_t size)
{
	ssize_t n;

	if (!r->left)
		return 0;
	n = ramet__link_read(r->link, buf, size < r->left ? size : r->left);
	if (n > 0)
		r->left -= (uint64_t)n;
	return n ? n : -ECONNABORTED;
}

static ssize_t read_framed(struct ramet_http_response *r, void *buf,
			   size_t size)
{
	switch (r->framing) {
	case HTTP_LENGTH:
		return read_sized(r, buf, size);
	case HTTP_CHUNKED:
		return read_chunks(r, buf, size);
	case HTTP_TO_END:
		return ramet__link_read(r->link, buf, size);
	case HTTP_NO_BODY:
		break;
	}
	return 0;
}

ssize_t ramet__response_read(struct ramet_http_response *r, void *buf,
			     size_t size)
{
	ssize_t n;

	if (!r->link)
		return r->err;
	if (!size)
		return 0;
	n = read_framed(r, buf, size);
	if (n < 0)
		return fail(r, n);
	if (n == 0 || (r->framing == HTTP_LENGTH && !r->left))
		finish(r);
	return n;
}

bool ramet__response_drain(struct ramet_http_response *r, size_t most)
{
	char scratch[SCRATCH];
	size_t done = 0;

	while (r->link && done <= most) {
		ssize_t n = ramet__response_read(r, scratch, sizeof scratch);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return !r->link && !r->err;
}
