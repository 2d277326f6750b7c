/* deflate.c - zlib without its header and trailer.
 *
 * A message ends with an empty stored block, whose last four bytes are not sent
 * (RFC 7692, 7.2.1): the last four of what has been compressed are held back
 * until it is known that they are not those.
 */
#include "http/ws/deflate.h"

#ifdef RAMET_COMPRESS

#include "kernel/kernel.h"
#include "kernel/library.h"

#include <string.h>
#include <zlib.h>

#define FUNCTIONS(X)                                                           \
	X(deflateInit2_)                                                       \
	X(deflate)                                                             \
	X(deflateReset)                                                        \
	X(deflateEnd)                                                          \
	X(inflateInit2_)                                                       \
	X(inflate)                                                             \
	X(inflateReset)                                                        \
	X(inflateResetKeep)                                                    \
	X(inflateEnd)

struct functions {
#define FUNCTION(f) __typeof__(f) *f;
	FUNCTIONS(FUNCTION)
#undef FUNCTION
};

LIBRARY(zlib, "libz.so.1", struct functions, FUNCTIONS);

enum { TAIL = 4, BETWEEN_BLOCKS = 128 }; /* zlib's, in data_type */
static const char tail[TAIL] = {0, 0, (char)0xff, (char)0xff};

struct ws_zip {
	z_stream stream;
	struct iovec end; /* in: what is left of the tail */
	bool resets;
	bool ending;
	int failed; /* in: -errno, once what came before it has been taken */
	unsigned held_size;
	char held[TAIL]; /* out */
};

int ramet__zip_load(void)
{
	return ramet__library_load(&zlib);
}

static void *zip_alloc(void *arg, uInt count, uInt size)
{
	(void)arg;
	return kernel_alloc((size_t)count * size);
}

static void zip_free(void *arg, void *mem)
{
	(void)arg;
	kernel_free(mem);
}

static struct ws_zip *zip_new(bool resets)
{
	struct ws_zip *z = kernel_alloc(sizeof *z);

	if (z) {
		z->stream.zalloc = zip_alloc;
		z->stream.zfree = zip_free;
		z->resets = resets;
	}
	return z;
}

/* ---- compress ------------------------------------------------------------ */

struct ws_zip *ramet__zip_out_new(unsigned bits, bool resets)
{
	struct ws_zip *z = zip_new(resets);

	if (z && zlib_functions.deflateInit2_(&z->stream, Z_DEFAULT_COMPRESSION,
					      Z_DEFLATED, -(int)bits, 8,
					      Z_DEFAULT_STRATEGY, ZLIB_VERSION,
					      (int)sizeof z->stream) != Z_OK) {
		kernel_free(z);
		return NULL;
	}
	return z;
}

void ramet__zip_out_free(struct ws_zip *z)
{
	if (!z)
		return;
	zlib_functions.deflateEnd(&z->stream);
	kernel_free(z);
}

/* Limits of uInt are met piece by piece. */
static void give(struct ws_zip *z, struct iovec *in)
{
	z->stream.next_in = in->iov_base;
	z->stream.avail_in =
		in->iov_len < INT_MAX ? (uInt)in->iov_len : INT_MAX;
}

static void take_back(struct ws_zip *z, struct iovec *in)
{
	size_t used =
		(size_t)((char *)z->stream.next_in - (char *)in->iov_base);

	in->iov_base = z->stream.next_in;
	in->iov_len -= used;
}

size_t ramet__zip_out(struct ws_zip *z, struct iovec *in, char *out,
		      size_t room, bool *whole)
{
	size_t size;

	assert(in->iov_len || z->held_size); /* zlib flushes nothing once */
	memcpy(out, z->held, z->held_size);
	z->stream.next_out = (Bytef *)out + z->held_size;
	z->stream.avail_out = (uInt)(room - z->held_size);
	do {
		give(z, in);
		zlib_functions.deflate(&z->stream, in->iov_len > INT_MAX
							   ? Z_NO_FLUSH
							   : Z_SYNC_FLUSH);
		take_back(z, in);
	} while (in->iov_len && z->stream.avail_out);
	*whole = z->stream.avail_out > 0;
	size = room - z->stream.avail_out - TAIL;
	z->held_size = *whole ? 0 : TAIL;
	memcpy(z->held, out + size, z->held_size);
	if (*whole && z->resets)
		zlib_functions.deflateReset(&z->stream);
	return size;
}

/* ---- decompress ---------------------------------------------------------- */

struct ws_zip *ramet__zip_in_new(unsigned bits, bool resets)
{
	struct ws_zip *z = zip_new(resets);

	if (z &&
	    zlib_functions.inflateInit2_(&z->stream, -(int)bits, ZLIB_VERSION,
					 (int)sizeof z->stream) != Z_OK) {
		kernel_free(z);
		return NULL;
	}
	return z;
}

void ramet__zip_in_free(struct ws_zip *z)
{
	if (!z)
		return;
	zlib_functions.inflateEnd(&z->stream);
	kernel_free(z);
}

/* A message may have a final block in it, and blocks after that: 7.2.3.4.  They
 * share a window. */
ssize_t ramet__zip_in(struct ws_zip *z, struct iovec *in, char *out,
		      size_t room)
{
	uInt size = room < INT_MAX ? (uInt)room : INT_MAX;
	int err = z->failed;

	if (err < 0)
		return err;
	z->stream.next_out = (Bytef *)out;
	z->stream.avail_out = size;
	do {
		give(z, in);
		err = zlib_functions.inflate(&z->stream, Z_SYNC_FLUSH);
		take_back(z, in);
		if (err == Z_STREAM_END)
			err = zlib_functions.inflateResetKeep(&z->stream);
	} while (err == Z_OK && in->iov_len && z->stream.avail_out);
	if (err != Z_OK && err != Z_BUF_ERROR)
		z->failed = err == Z_MEM_ERROR ? -ENOMEM : -EPROTO;
	size -= z->stream.avail_out;
	return size ? (ssize_t)size : z->failed;
}

ssize_t ramet__zip_in_end(struct ws_zip *z, char *out, size_t room)
{
	ssize_t n;

	if (!z->ending) {
		z->end = (struct iovec){(void *)(uintptr_t)tail, TAIL};
		z->ending = true;
	}
	n = ramet__zip_in(z, &z->end, out, room);
	if (n != 0)
		return n;
	if (!(z->stream.data_type & BETWEEN_BLOCKS))
		return -EPROTO;
	z->ending = false;
	if (z->resets)
		zlib_functions.inflateReset(&z->stream);
	return 0;
}

#else

int ramet__zip_load(void)
{
	return -ENOTSUP;
}

struct ws_zip *ramet__zip_in_new(unsigned bits, bool resets)
{
	(void)bits, (void)resets;
	return NULL;
}

struct ws_zip *ramet__zip_out_new(unsigned bits, bool resets)
{
	return ramet__zip_in_new(bits, resets);
}

void ramet__zip_in_free(struct ws_zip *z)
{
	(void)z;
}

void ramet__zip_out_free(struct ws_zip *z)
{
	(void)z;
}

size_t ramet__zip_out(struct ws_zip *z, struct iovec *in, char *out,
		      size_t room, bool *whole)
{
	(void)z, (void)in, (void)out, (void)room;
	*whole = true;
	return 0;
}

ssize_t ramet__zip_in(struct ws_zip *z, struct iovec *in, char *out,
		      size_t room)
{
	(void)z, (void)in, (void)out, (void)room;
	return -EPROTO;
}

ssize_t ramet__zip_in_end(struct ws_zip *z, char *out, size_t room)
{
	return ramet__zip_in(z, NULL, out, room);
}

#endif
