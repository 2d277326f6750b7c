/* stream.c - answers that come in pieces.
 *
 * Small pieces are gathered in the output.  In chunks, they make up one: its
 * size, of four digits, is written in front of it when it is closed.
 */
#include "http/answer.h"

#include <string.h>

enum { CHUNK_HEAD = 6, CHUNK_END = 2 };

static char hex(uint64_t n)
{
	return "0123456789abcdef"[n & 15];
}

/* ---- chunks -------------------------------------------------------------- */

static int open_chunk(struct ramet_http *h)
{
	char *at = h->chunk_open ? NULL : ramet__output_room(h, CHUNK_HEAD);

	if (h->chunk_open)
		return 0;
	if (!at)
		return -ENOMEM;
	h->chunk_open = true;
	h->chunk_at = h->out.end;
	h->out.end += CHUNK_HEAD;
	return 0;
}

static int close_chunk(struct ramet_http *h)
{
	uint32_t size;
	char *at;

	if (!h->chunk_open)
		return 0;
	at = ramet__output_room(h, CHUNK_END);
	if (!at)
		return -ENOMEM;
	memcpy(at, "\r\n", CHUNK_END);
	size = h->out.end - h->chunk_at - CHUNK_HEAD;
	h->out.end += CHUNK_END;
	at = h->out.data + h->chunk_at;
	for (int i = 0; i < 4; i++)
		at[i] = hex(size >> (12 - 4 * i));
	memcpy(at + 4, "\r\n", 2);
	h->chunk_open = false;
	return 0;
}

/* The head of a chunk whose data is elsewhere. */
static int put_chunk_size(struct ramet_http *h, uint64_t size)
{
	char *at = ramet__output_room(h, 16 + 2);
	int digits = 1;

	if (!at)
		return -ENOMEM;
	while (digits < 16 && size >> (4 * digits))
		digits++;
	for (int i = 0; i < digits; i++)
		*at++ = hex(size >> (4 * (digits - 1 - i)));
	memcpy(at, "\r\n", 2);
	h->out.end = (uint32_t)(at + 2 - h->out.data);
	return 0;
}

/* ---- write --------------------------------------------------------------- */

/* Nothing of the answer can follow what is missing. */
static int broken(struct ramet_http *h, int err)
{
	if (err < 0 && !h->write_error)
		h->write_error = err;
	if (err < 0)
		h->close = true;
	return err;
}

static int gather(struct ramet_http *h, const void *data, size_t size)
{
	int err = h->chunked ? open_chunk(h) : 0;
	char *at = err < 0 ? NULL : ramet__output_room(h, size);

	if (!at)
		return -ENOMEM;
	memcpy(at, data, size);
	h->out.end += (uint32_t)size;
	return 0;
}

static int send_large(struct ramet_http *h, const void *data, size_t size)
{
	struct iovec iov[2] = {{(void *)(uintptr_t)data, size},
			       {(void *)(uintptr_t) "\r\n", CHUNK_END}};
	int err;

	if (!h->chunked)
		return ramet__output_send(h, iov, 1);
	err = close_chunk(h);
	if (err == 0)
		err = put_chunk_size(h, size);
	return err < 0 ? err : ramet__output_send(h, iov, 2);
}

int ramet__http_write(struct ramet_http *h, const void *data, size_t size)
{
	size_t used = h->out.end - h->out.at;

	if (h->stage != HTTP_BEGUN)
		return -EINVAL;
	if (h->sized && size > h->answer_left)
		return -EMSGSIZE;
	if (h->write_error)
		return h->write_error;
	h->answer_left -= h->sized ? size : 0;
	if (h->no_body || !size)
		return 0;
	h->answered += size;
	if (used + size + CHUNK_HEAD + CHUNK_END <= OUTPUT_GATHER)
		return broken(h, gather(h, data, size));
	return broken(h, send_large(h, data, size));
}

int ramet_http_write(struct ramet_http *h, const void *data, size_t size)
{
	return (int)ramet__ret(ramet__http_write(h, data, size));
}

int ramet__http_flush(struct ramet_http *h)
{
	int err = h->write_error ? h->write_error : close_chunk(h);

	return broken(h, err < 0 ? err : ramet__output_send(h, NULL, 0));
}

int ramet_http_flush(struct ramet_http *h)
{
	return (int)ramet__ret(ramet__http_flush(h));
}

/* ---- for who sends himself ----------------------------------------------- */

int ramet__http_may_send(struct ramet_http *h, uint64_t size, bool *skip)
{
	*skip = h->no_body;
	if (h->stage != HTTP_BEGUN || !h->sized)
		return -EINVAL;
	return size > h->answer_left ? -EMSGSIZE : h->write_error;
}

void ramet__http_sent(struct ramet_http *h, uint64_t size, int err)
{
	h->answer_left -= size;
	if (!h->no_body) {
		h->answered += size;
		h->server->stats.bytes_out += size;
	}
	broken(h, err);
}

int64_t ramet__http_write_time(const struct ramet_http *h)
{
	return h->server->opts.write_time;
}

/* ---- end ----------------------------------------------------------------- */

static int put_line(struct ramet_http *h, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);
	char *at = ramet__output_room(h, n + v + 4);

	if (!at)
		return -ENOMEM;
	memcpy(at, name, n);
	memcpy(at + n, ": ", 2);
	memcpy(at + n + 2, value, v);
	memcpy(at + n + 2 + v, "\r\n", 2);
	h->out.end += (uint32_t)(n + v + 4);
	return 0;
}

static int put_text(struct ramet_http *h, const char *text, size_t size)
{
	char *at = ramet__output_room(h, size);

	if (!at)
		return -ENOMEM;
	memcpy(at, text, size);
	h->out.end += (uint32_t)size;
	return 0;
}

static int put_end(struct ramet_http *h,
		   const struct ramet_http_header *trailer, size_t count)
{
	int err = close_chunk(h);

	if (err == 0)
		err = put_text(h, "0\r\n", 3);
	for (size_t i = 0; i < count && err == 0; i++)
		err = put_line(h, trailer[i].name, trailer[i].value);
	return err < 0 ? err : put_text(h, "\r\n", 2);
}

int ramet__http_end(struct ramet_http *h,
		    const struct ramet_http_header *trailer, size_t count)
{
	bool is_short = h->sized && h->answer_left && !h->no_body;
	int err = 0;

	if (h->stage != HTTP_BEGUN)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (!ramet__answer_is_field(trailer[i].name, trailer[i].value))
			return -EINVAL;
	h->stage = HTTP_ANSWERED;
	if (h->write_error)
		return h->write_error;
	h->close |= is_short;
	if (h->chunked && !h->no_body)
		err = put_end(h, trailer, count);
	if (err == 0)
		err = ramet__output_send_soon(h);
	return err < 0 ? broken(h, err) : is_short ? -EMSGSIZE : 0;
}

int ramet_http_end(struct ramet_http *h,
		   const struct ramet_http_header *trailer, size_t count)
{
	return (int)ramet__ret(ramet__http_end(h, trailer, count));
}
