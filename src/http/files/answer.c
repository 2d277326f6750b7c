/* answer.c - an open file as an answer. */
#include "http/files/answer.h"
#include "http/files/coding.h"
#include "http/files/condition.h"
#include "http/files/multipart.h"
#include "http/files/range.h"
#include "http/files/type.h"
#include "http/gzip.h"
#include "http/server.h"
#include "kernel/calls.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	GZIP_MIN = 1024,   /* what is smaller fits one packet as it is */
	GZIP_PIECE = 8192, /* read at a time */
};

struct answer {
	struct ramet_http *h;
	struct found *found;
	const char *type;
	struct http_validator validator;
	struct http_conditions conditions;
	bool varies; /* with what the client accepts */
	bool gzip;   /* compress it on the way */
};

/* ---- what is asked ------------------------------------------------------- */

bool ramet__file_is_asked(struct ramet_http *h, int *err)
{
	struct http_text method = h->head.method;

	if (h->is_head ||
	    (method.size == 3 && memcmp(h->text + method.at, "GET", 3) == 0))
		return true;
	*err = ramet__http_set(h, "Allow", "GET, HEAD");
	if (*err == 0)
		*err = ramet__http_fail(h, 405);
	return false;
}

bool ramet__file_gzip_accepted(const struct ramet_http *h)
{
	struct http_codings codings = {0};
	const struct ramet_http_header *header;

	if (!ramet__http_header(h, "Accept-Encoding"))
		return false;
	for (size_t i = 0; (header = ramet_http_header_at(h, i)); i++)
		if (strcasecmp(header->name, "Accept-Encoding") == 0)
			ramet__codings_add(&codings, header->value);
	return ramet__codings_gzip(&codings);
}

static int64_t wall_clock(void)
{
	struct timespec now = {0};

	kernel_call(SYS_clock_gettime, CLOCK_REALTIME, KERNEL_ARG(&now), 0, 0,
		    0, 0);
	return now.tv_sec;
}

static char *put_hex(char *to, uint64_t n)
{
	int digits = 1;

	while (digits < 16 && n >> (4 * digits))
		digits++;
	while (digits--)
		*to++ = "0123456789abcdef"[n >> (4 * digits) & 15];
	return to;
}

/* The number of the file, its size, and when it was changed: to the nanosecond,
 * for it may change twice in a second. */
static void make_validator(struct answer *a)
{
	const struct stat *st = &a->found->st;
	char *to = a->validator.etag;

	*to++ = '"';
	to = put_hex(to, (uint64_t)st->st_ino);
	*to++ = '-';
	to = put_hex(to, (uint64_t)st->st_size);
	*to++ = '-';
	to = put_hex(to, (uint64_t)st->st_mtim.tv_sec * 1000000000u +
				 (uint64_t)st->st_mtim.tv_nsec);
	if (a->gzip)
		to = stpcpy(to, "-gz");
	to = stpcpy(to, "\"");
	a->validator.modified = st->st_mtim.tv_sec;
	if (ramet__http_header(a->h, "If-Range"))
		a->validator.now = wall_clock();
}

static void read_conditions(struct answer *a)
{
	const struct ramet_http_header *header;

	for (size_t i = 0; (header = ramet_http_header_at(a->h, i)); i++)
		if (*header->name == 'I' || *header->name == 'i' ||
		    *header->name == 'R' || *header->name == 'r')
			ramet__condition_add(&a->conditions, header->name,
					     header->value, &a->validator);
}

/* Ranges are of the bytes as they are, so who wants some gets them so. */
static void consider_gzip(struct answer *a)
{
	bool may = a->h->server->opts.compress && !a->found->gzip &&
		   a->found->st.st_size >= GZIP_MIN &&
		   ramet__media_type_shrinks(a->type) && ramet__gzip_there();

	a->varies = may || a->found->gzip;
	a->gzip = may && ramet__file_gzip_accepted(a->h) &&
		  !ramet__http_header(a->h, "Range");
}

/* ---- headers ------------------------------------------------------------- */

/* What is compressed on the way is not the same bytes each time: weak. */
static int set_tag(struct answer *a)
{
	char weak[HTTP_ETAG_SIZE + 2] = "W/";

	memcpy(weak + 2, a->validator.etag, HTTP_ETAG_SIZE);
	return ramet__http_set(a->h, "ETag",
			       a->gzip ? weak : a->validator.etag);
}

static int set_validators(struct answer *a)
{
	char date[HTTP_DATE];
	int err = set_tag(a);

	ramet__http_date(a->validator.modified, date);
	if (err == 0)
		err = ramet__http_set(a->h, "Last-Modified", date);
	if (err == 0 && a->varies)
		err = ramet__http_set(a->h, "Vary", "Accept-Encoding");
	return err;
}

static int set_coding(struct answer *a)
{
	int err = 0;

	if (a->gzip || a->found->gzip)
		err = ramet__http_set(a->h, "Content-Encoding", "gzip");
	if (err == 0 && !a->gzip)
		err = ramet__http_set(a->h, "Accept-Ranges", "bytes");
	return err;
}

/* ---- bodies -------------------------------------------------------------- */

static int send_part(struct answer *a, int status, const struct http_range *r)
{
	int err = ramet__http_begin(a->h, status, a->type, (int64_t)r->size);

	if (err == 0)
		err = ramet__file_send(a->h, a->found, r->at, r->size);
	return err < 0 ? err : ramet__http_end(a->h, NULL, 0);
}

static int send_all(struct answer *a)
{
	struct http_range all = {0, (uint64_t)a->found->st.st_size};

	return send_part(a, 200, &all);
}

static int put_compressed(void *h, const void *data, size_t size)
{
	return ramet__http_write(h, data, size);
}

static int compress_all(struct answer *a, struct gzip *g)
{
	char buf[GZIP_PIECE];
	uint64_t at = 0;
	ssize_t n;
	int err = 0;

	do {
		n = ramet__file_read(a->found, buf, sizeof buf, at);
		if (n < 0)
			return (int)n;
		at += (uint64_t)n;
		err = ramet__gzip_add(g, buf, (size_t)n, n == 0, put_compressed,
				      a->h);
	} while (err == 0 && n);
	return err;
}

static int send_compressed(struct answer *a)
{
	struct gzip *g = ramet__gzip_new();
	int err = g ? ramet__http_begin(a->h, 200, a->type, -1) : -ENOMEM;

	if (err == 0 && !a->h->is_head)
		err = compress_all(a, g);
	ramet__gzip_free(g);
	if (err < 0 && a->h->stage == HTTP_BEGUN)
		ramet__http_sent(a->h, 0, err); /* it must not look whole */
	return err < 0 ? err : ramet__http_end(a->h, NULL, 0);
}

static int send_ranges(struct answer *a)
{
	struct http_range ranges[HTTP_RANGES];
	uint64_t size = (uint64_t)a->found->st.st_size;
	const char *text =
		a->h->is_head
			? NULL
			: ramet__condition_range(&a->conditions, &a->validator);
	int count = text ? ramet__range_parse(text, size, ranges) : 0, err;
	char header[HTTP_CONTENT_RANGE];

	if (count == 0)
		return send_all(a);
	if (count > 1)
		return ramet__multipart_answer(a->h, a->found, a->type, ranges,
					       count);
	ramet__content_range(header, count < 0 ? NULL : ranges, size);
	err = ramet__http_set(a->h, "Content-Range", header);
	if (err < 0)
		return err;
	return count < 0 ? ramet__http_fail(a->h, 416)
			 : send_part(a, 206, ranges);
}

int ramet__file_answer(struct ramet_http *h, struct found *found,
		       const char *type)
{
	struct answer a = {.h = h, .found = found, .type = type};
	int status, err;

	consider_gzip(&a);
	make_validator(&a);
	read_conditions(&a);
	status = ramet__condition_status(&a.conditions, &a.validator);
	if (status == 412)
		return ramet__http_fail(h, 412);
	err = set_validators(&a);
	if (err < 0)
		return err;
	if (status == 304)
		return ramet__http_reply(h, 304, NULL, NULL, 0);
	err = set_coding(&a);
	if (err < 0)
		return err;
	return a.gzip ? send_compressed(&a) : send_ranges(&a);
}
