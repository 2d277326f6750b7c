/* chunks.c - bodies in chunks: what is data lies inside, and cutting changes
 * nothing. */
#include "fuzz.h"

#include "http/head.h"

struct result {
	ssize_t used; /* -1: refused */
	size_t size;  /* of the data */
	uint32_t state;
	char data[8192];
};

static void read_chunks(struct result *r, const uint8_t *data, size_t size,
			size_t step)
{
	struct http_chunks c = {0};

	r->used = 0;
	r->size = 0;
	for (size_t at = 0; at < size && c.state != HTTP_CHUNKS_END;) {
		size_t n = size - at < step ? size - at : step, got;
		char *copy = fuzz_copy(data + at, n);
		ssize_t used = ramet__chunks_read(&c, copy, n, &got);

		MUST(got <= n && used <= (ssize_t)n);
		MUST(used < 0 || used == (ssize_t)n ||
		     c.state == HTTP_CHUNKS_END);
		memcpy(r->data + r->size, copy, got);
		r->size += got;
		free(copy);
		if (used < 0) {
			r->used = -1;
			return;
		}
		at += (size_t)used;
		r->used = (ssize_t)at;
	}
	r->state = c.state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct result whole, parts;

	if (size > sizeof whole.data)
		return 0;
	read_chunks(&whole, data, size, size ? size : 1);
	for (size_t step = 1; step < size; step = step * 3 / 2 + 1) {
		read_chunks(&parts, data, size, step);
		MUST(parts.used == whole.used && parts.size == whole.size);
		MUST(whole.used < 0 || parts.state == whole.state);
		MUST(!memcmp(parts.data, whole.data, whole.size));
	}
	return 0;
}
