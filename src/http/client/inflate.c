/* inflate.c - bodies that came compressed (RFC 9110, 8.4.1), by zlib. */
#include "http/client/exchange.h"

#ifdef RAMET_COMPRESS

#include "kernel/library.h"

#include <strings.h>
#include <zlib.h>

#define FUNCTIONS(X) X(inflateInit2_) X(inflate) X(inflateReset2) X(inflateEnd)

struct functions {
#define X(f) __typeof__(f) *f;
	FUNCTIONS(X)
#undef X
};
LIBRARY(zlib, "libz.so.1", struct functions, FUNCTIONS);

enum {
	ROOM = 8192,
	WRAPPED = 32 + 15, /* as its header says: gzip or zlib (inflateInit2) */
	RAW = -15,
};

struct inflater {
	z_stream z;
	bool deflate; /* which some take to be without zlib's header */
	bool fresh;   /* nothing of this member has been read */
	bool ended;   /* the last one has ended */
	int err;
	unsigned char in[ROOM];
};

bool ramet__inflate_there(void)
{
	return ramet__library_load(&zlib) == 0;
}

static void *allocate(void *arg, unsigned count, unsigned size)
{
	(void)arg;
	return kernel_alloc((size_t)count * size);
}

static void release(void *arg, void *mem)
{
	(void)arg;
	kernel_free(mem);
}

struct inflater *ramet__inflate_new(const char *coding, int *err)
{
	bool deflate = strcasecmp(coding, "deflate") == 0;
	struct inflater *i;

	*err = 0;
	if (!deflate && strcasecmp(coding, "gzip") != 0 &&
	    strcasecmp(coding, "x-gzip") != 0)
		return NULL;
	*err = -ENOMEM;
	i = kernel_alloc(sizeof *i);
	if (!i)
		return NULL;
	i->z.zalloc = allocate;
	i->z.zfree = release;
	i->deflate = deflate;
	i->fresh = true;
	if (zlib_functions.inflateInit2_(&i->z, WRAPPED, ZLIB_VERSION,
					 (int)sizeof i->z) != Z_OK) {
		kernel_free(i);
		return NULL;
	}
	*err = 0;
	return i;
}

void ramet__inflate_free(struct inflater *i)
{
	if (!i)
		return;
	zlib_functions.inflateEnd(&i->z);
	kernel_free(i);
}

/* ---- reading ------------------------------------------------------------ */

/* A first byte that cannot begin zlib's header (RFC 1950, 2.2: method 8, a
 * window of at most 32 KiB) begins raw data. */
static int begin(struct inflater *i)
{
	unsigned char first = i->z.next_in[0];
	bool raw = i->deflate && ((first & 15) != 8 || first >> 4 > 7);

	i->fresh = false;
	if (!raw)
		return 0;
	return zlib_functions.inflateReset2(&i->z, RAW) == Z_OK ? 0 : -ENOMEM;
}

/* gzip may have several members, which are one after the other what they are
 * (RFC 1952, 2.2).  What else follows is nothing we know. */
static int next_member(struct inflater *i)
{
	if (i->deflate || i->z.next_in[0] != 31)
		return -EPROTO;
	i->ended = false;
	return zlib_functions.inflateReset2(&i->z, WRAPPED) == Z_OK ? 0
								    : -ENOMEM;
}

/* More to work on.  Returns 1, 0 at the end, -errno. */
static int feed(struct inflater *i, struct ramet_http_response *r)
{
	ssize_t n = 1;

	if (!i->z.avail_in) {
		n = ramet__response_read(r, i->in, sizeof i->in);
		if (n < 0)
			return (int)n;
		i->z.next_in = i->in;
		i->z.avail_in = (unsigned)n;
	}
	if (n == 0) /* nothing at all is an empty body */
		return i->ended || i->fresh ? 0 : -EPROTO;
	n = i->fresh ? begin(i) : 0;
	if (n == 0 && i->ended)
		n = next_member(i);
	return n < 0 ? (int)n : 1;
}

static int verdict(struct inflater *i, int ret)
{
	switch (ret) {
	case Z_STREAM_END:
		i->ended = true;
		return 0;
	case Z_OK:
	case Z_BUF_ERROR: /* it wants more */
		return 0;
	case Z_MEM_ERROR:
		return -ENOMEM;
	}
	return -EPROTO;
}

static ssize_t step(struct inflater *i, struct ramet_http_response *r,
		    void *buf, size_t size)
{
	int more, ret;

	i->z.next_out = buf;
	i->z.avail_out = size < INT_MAX ? (unsigned)size : INT_MAX;
	size = i->z.avail_out;
	do {
		/* First what it holds back for want of room. */
		ret = i->fresh || i->ended
			      ? 0
			      : verdict(i, zlib_functions.inflate(&i->z,
								  Z_NO_FLUSH));
		if (i->z.avail_out < size || ret < 0)
			break;
		more = feed(i, r);
		if (more <= 0)
			return more;
	} while (1);
	return i->z.avail_out < size ? (ssize_t)(size - i->z.avail_out) : ret;
}

ssize_t ramet__inflate_read(struct inflater *i, struct ramet_http_response *r,
			    void *buf, size_t size)
{
	ssize_t n = i->err;

	if (n == 0 && size)
		n = step(i, r, buf, size);
	if (n == -EPROTO)
		i->err = -EPROTO;
	return n;
}

#else

bool ramet__inflate_there(void)
{
	return false;
}

struct inflater *ramet__inflate_new(const char *coding, int *err)
{
	(void)coding;
	*err = 0;
	return NULL;
}

void ramet__inflate_free(struct inflater *i)
{
	(void)i;
}

ssize_t ramet__inflate_read(struct inflater *i, struct ramet_http_response *r,
			    void *buf, size_t size)
{
	(void)i, (void)r, (void)buf, (void)size;
	return -ENOTSUP;
}

#endif
