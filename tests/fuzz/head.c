/* head.c - heads of messages: the first byte says of which, the others are it.
 *
 * What is read lies inside the head, and cutting it changes nothing. */
#include "fuzz.h"
#include "http/describe.h"

#include "http/head.h"

enum kind { REQUEST, RESPONSE, TRAILER, KINDS };

static int read_head(enum kind kind, struct http_head *h, bool tight,
		     const char *text, size_t size)
{
	struct http_limits limits = {.head = tight ? 64 : 4096,
				     .fields = tight ? 3 : HTTP_FIELDS};
	char *copy = fuzz_copy(text, size);
	int r;

	if (kind == REQUEST)
		r = ramet__head_request(h, &limits, copy, size);
	else if (kind == RESPONSE)
		r = ramet__head_response(h, &limits, copy, size, tight);
	else
		r = ramet__head_trailer(h, &limits, copy, size);
	free(copy);
	return r;
}

static void init(enum kind kind, struct http_head *h)
{
	(kind == TRAILER ? ramet__head_trailer_init : ramet__head_init)(h);
}

/* The same as r and d say, in two parts or in bytes? */
static void compare(enum kind kind, bool tight, const char *text, size_t size,
		    size_t step, int r, const struct description *d)
{
	static struct description mine;
	struct http_head h;
	int got = 0;

	init(kind, &h);
	for (size_t n = step; n < size && !got; n += step)
		got = read_head(kind, &h, tight, text, n);
	if (!got)
		got = read_head(kind, &h, tight, text, size);
	MUST(got == r);
	if (r <= 0)
		return;
	(kind == REQUEST ? describe_request : describe_response)(&mine, &h,
								 text, r);
	MUST(!strcmp(mine.text, d->text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct description d;
	enum kind kind = size ? data[0] % KINDS : 0;
	bool tight = size && data[0] / KINDS % 2;
	struct http_head h;
	const char *text;
	int r;

	if (!size || size > 4096)
		return 0;
	text = (const char *)data + 1;
	size--;
	init(kind, &h);
	r = read_head(kind, &h, tight, text, size);
	MUST(r <= (int)size);
	if (r > 0) { /* a NUL ends no description: there is none in a head */
		(kind == REQUEST ? describe_request
				 : describe_response)(&d, &h, text, r);
		MUST(h.field_count <= (tight ? 3 : HTTP_FIELDS));
		MUST(strlen(d.text) == d.size);
		MUST(read_head(kind, (init(kind, &h), &h), tight, text, r) ==
		     r);
	} else {
		MUST(!r || (r <= -400 && r >= -505));
	}
	compare(kind, tight, text, size, 1, r, &d);
	for (size_t step = 2; step < size; step = step * 3 / 2 + 1)
		compare(kind, tight, text, size, step, r, &d);
	return 0;
}
