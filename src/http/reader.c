/* reader.c - the server's reader of requests, for servers of others: those
 * that have buffers, connections and answers of their own. */
#include "http/head.h"

#include "core/core.h"

#include "ramet/http.h"

#include "kernel/calls.h"

enum { HEAD_MAX = 16 * 1024, FIELDS_MAX = 100 };

struct ramet_http_reader {
	struct http_limits limits;
	struct http_head head;
	struct http_chunks chunks;
	bool in_trailer;
};

struct ramet_http_reader *ramet_http_reader_new(size_t head_max,
						size_t headers_max)
{
	struct ramet_http_reader *r;

	if (head_max > INT32_MAX || headers_max > HTTP_FIELDS) {
		ramet__misuse(-EINVAL);
		return NULL;
	}
	r = kernel_alloc(sizeof *r);
	if (!r) {
		ramet__ret(-ENOMEM);
		return NULL;
	}
	r->limits.head = head_max ? (uint32_t)head_max : HEAD_MAX;
	r->limits.fields = headers_max ? (uint32_t)headers_max : FIELDS_MAX;
	ramet_http_reader_begin(r);
	return r;
}

void ramet_http_reader_free(struct ramet_http_reader *r)
{
	kernel_free(r);
}

void ramet_http_reader_begin(struct ramet_http_reader *r)
{
	ramet__head_init(&r->head);
	r->chunks = (struct http_chunks){0};
	r->in_trailer = false;
}

static struct ramet_http_text text(struct http_text t)
{
	return (struct ramet_http_text){t.at, t.size};
}

static void tell(const struct http_head *h, struct ramet_http_request_head *to)
{
	bool upgrade = h->flags & HTTP_UPGRADE;
	bool expect = h->flags & HTTP_EXPECT_100;

	to->method = text(h->method);
	to->target = text(h->target);
	to->version = h->version;
	to->headers = h->field_count;
	to->body = h->framing == HTTP_CHUNKED  ? -1
		   : h->framing == HTTP_LENGTH ? (int64_t)h->length
					       : 0;
	to->flags = (ramet__head_persists(h) ? RAMET_HTTP_PERSISTS : 0) |
		    (upgrade ? RAMET_HTTP_UPGRADES : 0) |
		    (expect ? RAMET_HTTP_EXPECTS : 0);
}

ssize_t ramet_http_reader_head(struct ramet_http_reader *r, const char *buf,
			       size_t size, struct ramet_http_request_head *h)
{
	int n = ramet__head_request(&r->head, &r->limits, buf, size);

	h->status = n < 0 ? -n : 0;
	if (n > 0)
		tell(&r->head, h);
	return n < 0 ? ramet__ret(-EPROTO) : n;
}

int ramet_http_reader_header(const struct ramet_http_reader *r, size_t i,
			     struct ramet_http_text *name,
			     struct ramet_http_text *value)
{
	if (i >= r->head.field_count)
		return 0;
	*name = text(r->head.fields[i].name);
	*value = text(r->head.fields[i].value);
	return 1;
}

/* The trailer is whole, or more of it is needed. */
static ssize_t read_trailer(struct ramet_http_reader *r, const char *buf,
			    size_t size, int *ended)
{
	int n;

	if (!r->in_trailer)
		ramet__head_trailer_init(&r->head);
	r->in_trailer = true;
	n = ramet__head_trailer(&r->head, &r->limits, buf, size);
	*ended = n > 0;
	return n < 0 ? ramet__ret(-EPROTO) : n;
}

ssize_t ramet_http_reader_chunks(struct ramet_http_reader *r, char *buf,
				 size_t size, size_t *data, int *ended)
{
	ssize_t n;

	*data = 0;
	*ended = 0;
	if (r->chunks.state == HTTP_CHUNKS_END)
		return read_trailer(r, buf, size, ended);
	n = ramet__chunks_read(&r->chunks, buf, size, data);
	return n < 0 ? ramet__ret(-EPROTO) : n;
}
