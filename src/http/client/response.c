/* response.c - what an answer says, and the whole of its body. */
#include "http/client/exchange.h"

#include <string.h>
#include <strings.h>

enum { DRAIN_MAX = 65536, BODY_ROOM = 4096 };

/* ---- headers ------------------------------------------------------------ */

static char *string_at(char *text, struct http_text t)
{
	text[t.at + t.size] = 0; /* a colon, a blank or the line's end */
	return text + t.at;
}

void ramet__headers_take(struct ramet_http_header *headers,
			 const struct http_head *h, char *text,
			 const char *from, size_t size)
{
	memcpy(text, from, size);
	for (uint32_t i = 0; i < h->field_count; i++) {
		headers[i].name = string_at(text, h->fields[i].name);
		headers[i].value = string_at(text, h->fields[i].value);
	}
}

const char *ramet__headers_find(const struct ramet_http_header *headers,
				size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (headers[i].name && strcasecmp(headers[i].name, name) == 0)
			return headers[i].value;
	return NULL;
}

/* ---- the answer's life -------------------------------------------------- */

static int set_inflater(struct exchange *x, struct ramet_http_response *r)
{
	const char *coding = ramet__headers_find(r->headers, r->header_count,
						 "Content-Encoding");
	int err = 0;

	if (!coding || !x->decode || r->framing == HTTP_NO_BODY)
		return 0;
	r->inflater = ramet__inflate_new(coding, &err);
	if (r->inflater)
		r->size = -1;
	return err;
}

static void set_framing(struct exchange *x, struct ramet_http_response *r,
			const struct http_head *h)
{
	r->framing = h->framing;
	r->left = h->framing == HTTP_LENGTH ? h->length : 0;
	r->size = h->framing == HTTP_CHUNKED || h->framing == HTTP_TO_END
			  ? -1
			  : (int64_t)r->left;
	r->persists = !x->partial && h->framing != HTTP_TO_END &&
		      ramet__head_persists(h);
}

/* In one piece: the answer, its headers, their text, the URL. */
static struct ramet_http_response *allocate(const struct exchange *x,
					    size_t size)
{
	const struct http_head *h = &x->link->head;
	size_t headers = h->field_count * sizeof(struct ramet_http_header);
	size_t url_size = strlen(x->url);
	struct ramet_http_response *r =
		kernel_alloc(sizeof *r + headers + size + 1 + url_size + 1);
	char *url;

	if (!r)
		return NULL;
	r->headers = (struct ramet_http_header *)(r + 1);
	r->header_count = h->field_count;
	r->text = (char *)(r->headers + h->field_count);
	url = r->text + size + 1;
	memcpy(url, x->url, url_size);
	r->url = url;
	ramet__headers_take(r->headers, h, r->text,
			    x->link->buf + x->link->start, size);
	r->reason = string_at(r->text, h->reason);
	r->status = h->status;
	return r;
}

struct ramet_http_response *ramet__response_new(struct exchange *x, size_t size)
{
	struct ramet_http_response *r = allocate(x, size);

	if (!r)
		goto close_link;
	set_framing(x, r, &x->link->head);
	if (set_inflater(x, r) < 0) {
		kernel_free(r);
		r = NULL;
		goto close_link;
	}
	x->link->start += size;
	r->link = x->link;
	x->link = NULL;
	r->client = x->client;
	r->client->users++;
	if (r->framing == HTTP_NO_BODY ||
	    (r->framing == HTTP_LENGTH && !r->left))
		ramet__response_drain(r, 0);
	return r;

close_link:
	ramet__link_close(x->link);
	x->link = NULL;
	return NULL;
}

void ramet__response_free(struct ramet_http_response *r)
{
	if (r->link) {
		r->link->at_once = true;
		ramet__response_drain(r, DRAIN_MAX);
	}
	ramet__link_close(r->link);
	ramet__inflate_free(r->inflater);
	ramet__http_unuse(r->client);
	kernel_free(r->trailers);
	kernel_free(r->body);
	kernel_free(r);
}

void ramet_http_response_free(struct ramet_http_response *r)
{
	int err = errno;

	if (r && r->client->loop == ramet__loop())
		ramet__response_free(r);
	else if (r)
		ramet__misuse(-EPERM);
	errno = err;
}

/* ---- what it says ------------------------------------------------------- */

int ramet_http_status(const struct ramet_http_response *r)
{
	return r->status;
}

const char *ramet_http_reason(const struct ramet_http_response *r)
{
	return r->reason;
}

const char *ramet_http_url(const struct ramet_http_response *r)
{
	return r->url;
}

const char *ramet_http_response_header(const struct ramet_http_response *r,
				       const char *name)
{
	return ramet__headers_find(r->headers, r->header_count, name);
}

const struct ramet_http_header *ramet_http_response_header_at(
	const struct ramet_http_response *r, size_t i)
{
	return i < r->header_count ? &r->headers[i] : NULL;
}

const char *ramet_http_response_trailer(const struct ramet_http_response *r,
					const char *name)
{
	return ramet__headers_find(r->trailers, r->trailer_count, name);
}

int64_t ramet_http_response_size(const struct ramet_http_response *r)
{
	return r->size;
}

/* ---- its body ----------------------------------------------------------- */

static ssize_t read_some(struct ramet_http_response *r, void *buf, size_t size)
{
	if (r->client->loop != ramet__loop())
		return ramet__misuse(-EPERM);
	return r->inflater ? ramet__inflate_read(r->inflater, r, buf, size)
			   : ramet__response_read(r, buf, size);
}

ssize_t ramet_http_response_read(struct ramet_http_response *r, void *buf,
				 size_t size)
{
	return ramet__ret(read_some(r, buf, size));
}

/* Room for one byte more than is there, and a NUL. */
static int grow(struct ramet_http_response *r, size_t most)
{
	size_t room = r->body_room ? 2 * r->body_room : BODY_ROOM;
	char *body;

	if (!r->body_room && r->size > 0 && (uint64_t)r->size <= most)
		room = (size_t)r->size + 2;
	body = kernel_alloc(room);
	if (!body)
		return -ENOMEM;
	if (r->body_size)
		memcpy(body, r->body, r->body_size);
	kernel_free(r->body);
	r->body = body;
	r->body_room = room;
	return 0;
}

/* What one call has read the next one that goes on has, too. */
static int read_all(struct ramet_http_response *r, size_t most)
{
	ssize_t n;

	if (r->size > 0 && (uint64_t)r->size > most && !r->body_size)
		return -EFBIG;
	do {
		if (r->body_size + 2 > r->body_room && grow(r, most) < 0)
			return -ENOMEM;
		n = read_some(r, r->body + r->body_size,
			      r->body_room - 1 - r->body_size);
		if (n > 0)
			r->body_size += (size_t)n;
		if (r->body_size > most)
			return -EFBIG;
	} while (n > 0);
	r->body[r->body_size] = 0;
	return (int)n;
}

const char *ramet_http_response_body(struct ramet_http_response *r, size_t max,
				     size_t *size)
{
	int err = read_all(r, max);

	if (err < 0) {
		ramet__fail(err);
		return NULL;
	}
	if (size)
		*size = r->body_size;
	return r->body;
}
