/* multipart.c - parts of a file in one body, each with its own head. */
#include "http/files/multipart.h"

#include "core/core.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	BOUNDARY = 17,   /* 64 bits as hex digits, and NUL */
	PART_HEAD = 512, /* of which the type is the longest part */
};

struct multipart {
	char boundary[BOUNDARY];
	const char *type;
	uint64_t size; /* of the file */
};

void ramet__content_range(char text[HTTP_CONTENT_RANGE],
			  const struct http_range *range, uint64_t size)
{
	if (range)
		snprintf(text, HTTP_CONTENT_RANGE,
			 "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->at,
			 range->at + range->size - 1, size);
	else
		snprintf(text, HTTP_CONTENT_RANGE, "bytes */%" PRIu64, size);
}

/* The size of the head, which is cut to nothing but a type that long. */
static int part_head(const struct multipart *m, const struct http_range *r,
		     char text[PART_HEAD])
{
	char range[HTTP_CONTENT_RANGE];

	ramet__content_range(range, r, m->size);
	return snprintf(text, PART_HEAD,
			"\r\n--%s\r\nContent-Type: %s\r\n"
			"Content-Range: %s\r\n\r\n",
			m->boundary, m->type, range);
}

static int part_end(const struct multipart *m, char text[PART_HEAD])
{
	return snprintf(text, PART_HEAD, "\r\n--%s--\r\n", m->boundary);
}

/* What the body will be, or -EINVAL: the type is too long. */
static int64_t total(const struct multipart *m, const struct http_range *ranges,
		     int count)
{
	char text[PART_HEAD];
	int64_t sum = part_end(m, text);

	for (int i = 0; i < count; i++) {
		int n = part_head(m, &ranges[i], text);

		if (n >= PART_HEAD)
			return -EINVAL;
		sum += n + (int64_t)ranges[i].size;
	}
	return sum;
}

static int send_parts(struct ramet_http *h, struct found *found,
		      const struct multipart *m,
		      const struct http_range *ranges, int count)
{
	char text[PART_HEAD];
	int n, err = 0;

	for (int i = 0; i < count && err == 0; i++) {
		n = part_head(m, &ranges[i], text);
		err = ramet__http_write(h, text, (size_t)n);
		if (err == 0)
			err = ramet__file_send(h, found, ranges[i].at,
					       ranges[i].size);
	}
	if (err < 0)
		return err;
	n = part_end(m, text);
	return ramet__http_write(h, text, (size_t)n);
}

/* What the file holds must not be taken for a boundary: it changes with each
 * answer, and with each state of the file. */
static void make_boundary(struct multipart *m, const struct found *found)
{
	static uint64_t turn;
	uint64_t state = __atomic_add_fetch(&turn, 1, __ATOMIC_RELAXED) ^
			 (uint64_t)found->st.st_ino << 32 ^
			 (uint64_t)kernel_now();

	snprintf(m->boundary, BOUNDARY, "%016" PRIx64, random_next(&state));
}

int ramet__multipart_answer(struct ramet_http *h, struct found *found,
			    const char *type, const struct http_range *ranges,
			    int count)
{
	struct multipart m = {.type = type,
			      .size = (uint64_t)found->st.st_size};
	char whole[sizeof "multipart/byteranges; boundary=" + BOUNDARY];
	int64_t size;
	int err;

	make_boundary(&m, found);
	size = total(&m, ranges, count);
	if (size < 0)
		return (int)size;
	snprintf(whole, sizeof whole, "multipart/byteranges; boundary=%s",
		 m.boundary);
	err = ramet__http_begin(h, 206, whole, size);
	if (err == 0)
		err = send_parts(h, found, &m, ranges, count);
	return err < 0 ? err : ramet__http_end(h, NULL, 0);
}
