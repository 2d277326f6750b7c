/* body.c - bodies of requests: RFC 9112, 6 and 7. */
#include "http/server.h"

#include "io/sock.h"
#include "kernel/calls.h"

#include <string.h>

/* ---- how it can go wrong ------------------------------------------------- */

/* It stays so; what the handler does not answer is answered with `status`. */
static int fail(struct ramet_http *h, int err, int status)
{
	h->body_error = err;
	h->refusal = status;
	h->close = true;
	return err;
}

/* n was read, or was not.  A time limit that is not ours may be tried again. */
static ssize_t came(struct ramet_http *h, ssize_t n, bool own)
{
	if (likely(n > 0))
		return n;
	if (own) {
		h->server->stats.timed_out++;
		return fail(h, -ETIMEDOUT, 408);
	}
	if (n == -ETIMEDOUT || n == -ECANCELED || n == -ENOMEM)
		return n;
	return fail(h, n ? (int)n : -ECONNRESET, 400);
}

static int count(struct ramet_http *h, size_t n)
{
	h->body_got += n;
	if (h->body_got > h->server->opts.body_max)
		return fail(h, -EFBIG, 413);
	return 0;
}

/* ---- 100 (Continue) ------------------------------------------------------ */

/* RFC 9110, 10.1.1: not if the body is on its way already. */
static int ask_for_it(struct ramet_http *h)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec iov = {(void *)(uintptr_t)text, sizeof text - 1};

	h->awaits_continue = false;
	if (h->in.at < h->in.end || h->stage != HTTP_ASKED)
		return 0;
	return ramet__output_send(h, &iov, 1);
}

/* ---- of a known length --------------------------------------------------- */

static ssize_t read_buffered(struct ramet_http *h, void *buf, size_t size)
{
	size_t n = h->in.end - h->in.at;

	n = n < size ? n : size;
	memcpy(buf, h->in.data + h->in.at, n);
	h->in.at += (uint32_t)n;
	return (ssize_t)n;
}

static ssize_t read_length(struct ramet_http *h, void *buf, size_t size)
{
	bool own = false;
	ssize_t n;

	if (size > h->body_left)
		size = (size_t)h->body_left;
	n = h->in.at < h->in.end
		    ? read_buffered(h, buf, size)
		    : ramet__input_read(h, buf, size, h->server->opts.body_time,
					&own);
	n = came(h, n, own);
	if (n > 0) {
		h->body_left -= (uint64_t)n;
		h->body_got += (uint64_t)n;
		h->body_ended = !h->body_left;
	}
	return n;
}

/* ---- in chunks ----------------------------------------------------------- */

static int fill(struct ramet_http *h)
{
	bool own;
	ssize_t n = ramet__input_fill(h, &own);

	n = came(h, n, own);
	return n < 0 ? (int)n : 0;
}

/* The trailer's bytes, in memory that stays. */
static int keep_trailer(struct ramet_http *h, struct http_head *t, int size)
{
	h->trailer_text = ramet__http_alloc(h, (size_t)size);
	if (!h->trailer_text)
		return -ENOMEM;
	memcpy(h->trailer_text, h->in.data + h->in.at, (size_t)size);
	h->in.at += (uint32_t)size;
	h->trailer = t;
	h->body_ended = true;
	return 0;
}

static bool is_at(const struct http_input *in, const char *text, uint32_t size)
{
	return in->end - in->at >= size &&
	       memcmp(in->data + in->at, text, size) == 0;
}

static int status_of(int err)
{
	return err == -ETIMEDOUT ? 408 : 503;
}

/* Returns 0 at its end, or -errno. */
static int read_trailer(struct ramet_http *h)
{
	struct http_head *t;
	int err, n = 0;

	if (is_at(&h->in, "\r\n", 2)) { /* as a rule there is none */
		h->in.at += 2;
		h->body_ended = true;
		return 0;
	}
	t = ramet__http_alloc(h, sizeof *t);
	if (!t)
		return fail(h, -ENOMEM, 503);
	ramet__head_trailer_init(t);
	while (!n) {
		n = ramet__head_trailer(t, &h->server->limits,
					h->in.data + h->in.at,
					h->in.end - h->in.at);
		err = n == 0 ? fill(h) : 0;
		if (err < 0) /* it is not begun again */
			return h->body_error ? err
					     : fail(h, err, status_of(err));
	}
	if (n < 0)
		return fail(h, -EPROTO, -n);
	return keep_trailer(h, t, n) < 0 ? fail(h, -ENOMEM, 503) : 0;
}

/* Some of the data that has come, in place.  0: all was framing. */
static ssize_t decode(struct ramet_http *h, void *buf, size_t size)
{
	struct http_input *in = &h->in;
	size_t n = in->end - in->at, data;
	ssize_t used = ramet__chunks_read(&h->chunks, in->data + in->at,
					  n < size ? n : size, &data);

	if (used < 0)
		return fail(h, -EPROTO, 400);
	memcpy(buf, in->data + in->at, data);
	in->at += (uint32_t)used;
	used = count(h, data);
	return used < 0 ? used : (ssize_t)data;
}

static ssize_t read_chunked(struct ramet_http *h, void *buf, size_t size)
{
	ssize_t n = 0;

	while (n == 0 && !h->body_ended) {
		if (h->chunks.state == HTTP_CHUNKS_END)
			return read_trailer(h);
		if (h->in.at == h->in.end)
			n = fill(h);
		if (n == 0)
			n = decode(h, buf, size);
	}
	return n;
}

/* ---- read ---------------------------------------------------------------- */

ssize_t ramet__http_read(struct ramet_http *h, void *buf, size_t size)
{
	int err;

	if (h->body_error)
		return h->body_error;
	if (h->body_ended || !size)
		return 0;
	if (h->awaits_continue) {
		err = ask_for_it(h);
		if (err < 0)
			return err;
	}
	return h->head.framing == HTTP_CHUNKED ? read_chunked(h, buf, size)
					       : read_length(h, buf, size);
}

ssize_t ramet_http_read(struct ramet_http *h, void *buf, size_t size)
{
	return ramet__ret(ramet__http_read(h, buf, size));
}

/* ---- all of it ----------------------------------------------------------- */

static int grow(struct ramet_http *h)
{
	uint64_t want = h->head.framing != HTTP_CHUNKED ? h->body_left + 1
			: h->body_room ? 2 * (uint64_t)h->body_room
				       : 4096;
	char *body;

	if (want > PTRDIFF_MAX)
		return -ENOMEM;
	body = kernel_alloc((size_t)want);
	if (!body)
		return -ENOMEM;
	if (h->body_size)
		memcpy(body, h->body, h->body_size);
	kernel_free(h->body);
	h->body = body;
	h->body_room = (size_t)want;
	return 0;
}

static int read_all(struct ramet_http *h)
{
	while (!h->body || !h->body_ended) {
		ssize_t n = h->body_size + 1 < h->body_room ? 0 : grow(h);

		if (n == 0)
			n = ramet__http_read(h, h->body + h->body_size,
					     h->body_room - 1 - h->body_size);
		if (n < 0)
			return (int)n;
		h->body_size += (size_t)n;
	}
	h->body[h->body_size] = '\0'; /* there is room for that */
	return 0;
}

const char *ramet_http_body(struct ramet_http *h, size_t *size)
{
	int err = read_all(h);

	if (err < 0) {
		ramet__fail(err);
		return NULL;
	}
	if (size)
		*size = h->body_size;
	return h->body;
}

/* ---- what nobody wants --------------------------------------------------- */

bool ramet__body_is_short(const struct ramet_http *h)
{
	return !h->body_error &&
	       (h->head.framing == HTTP_CHUNKED || h->body_left <= DISCARD_MAX);
}

bool ramet__body_discard(struct ramet_http *h)
{
	uint64_t start = h->body_got;
	char buf[1024];

	while (!h->body_ended && h->body_got - start <= DISCARD_MAX)
		if (ramet__http_read(h, buf, sizeof buf) < 0)
			return false;
	return h->body_ended;
}

/* ---- after an upgrade ---------------------------------------------------- */

ssize_t ramet__http_raw_read(struct ramet_http *h, void *buf, size_t size)
{
	if (h->stage != HTTP_UPGRADED)
		return -EINVAL;
	if (h->in.at < h->in.end)
		return read_buffered(h, buf, size);
	return ramet__conn_read(h->conn, buf, size);
}

ssize_t ramet_http_raw_read(struct ramet_http *h, void *buf, size_t size)
{
	return ramet__ret(ramet__http_raw_read(h, buf, size));
}
