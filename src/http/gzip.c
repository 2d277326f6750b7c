/* gzip.c - compresses by zlib. */
#include "http/gzip.h"

#ifdef RAMET_COMPRESS

#include "core/core.h"
#include "kernel/kernel.h"
#include "kernel/library.h"

#include <zlib.h>

enum {
	/* Beyond it pages become little smaller, and take twice the time. */
	LEVEL = 4,
	WINDOW_GZIP = 15 + 16,
	MEMORY = 8,
	PIECE = 4096,
	TURN = 64 * 1024, /* about a millisecond; then it is the others' */
};

#define FUNCTIONS(X) X(deflateInit2_) X(deflate) X(deflateEnd)
struct functions {
#define X(f) __typeof__(f) *f;
	FUNCTIONS(X)
#undef X
};
LIBRARY(zlib, "libz.so.1", struct functions, FUNCTIONS);

struct gzip {
	z_stream stream;
	unsigned char out[PIECE];
};

static void *take(void *unused, uInt count, uInt size)
{
	(void)unused;
	return kernel_alloc((size_t)count * size);
}

static void give(void *unused, void *mem)
{
	(void)unused;
	kernel_free(mem);
}

bool ramet__gzip_there(void)
{
	return ramet__library_load(&zlib) == 0;
}

struct gzip *ramet__gzip_new(void)
{
	struct gzip *g = ramet__gzip_there() ? kernel_alloc(sizeof *g) : NULL;

	if (!g)
		return NULL;
	g->stream.zalloc = take;
	g->stream.zfree = give;
	if (zlib_functions.deflateInit2_(&g->stream, LEVEL, Z_DEFLATED,
					 WINDOW_GZIP, MEMORY,
					 Z_DEFAULT_STRATEGY, ZLIB_VERSION,
					 sizeof g->stream) != Z_OK) {
		kernel_free(g);
		return NULL;
	}
	return g;
}

void ramet__gzip_free(struct gzip *g)
{
	if (!g)
		return;
	zlib_functions.deflateEnd(&g->stream);
	kernel_free(g);
}

/* Until it has taken in all it was given and, with Z_FINISH, said all. */
static int run(struct gzip *g, int flush, gzip_put *put, void *arg)
{
	int err = 0;

	do {
		g->stream.next_out = g->out;
		g->stream.avail_out = sizeof g->out;
		zlib_functions.deflate(&g->stream, flush);
		if (g->stream.avail_out < sizeof g->out)
			err = put(arg, g->out,
				  sizeof g->out - g->stream.avail_out);
	} while (err == 0 && g->stream.avail_out == 0);
	return err;
}

int ramet__gzip_add(struct gzip *g, const void *data, size_t size, bool last,
		    gzip_put *put, void *arg)
{
	const unsigned char *from = data;
	int err = 0;

	while (size > TURN && err == 0) {
		g->stream.next_in = (unsigned char *)(uintptr_t)from;
		g->stream.avail_in = TURN;
		err = run(g, Z_NO_FLUSH, put, arg);
		from += TURN;
		size -= TURN;
		ramet__give_way(ramet__loop());
	}
	g->stream.next_in = (unsigned char *)(uintptr_t)from;
	g->stream.avail_in = (uInt)size;
	return err ? err : run(g, last ? Z_FINISH : Z_NO_FLUSH, put, arg);
}

#else

bool ramet__gzip_there(void)
{
	return false;
}

struct gzip *ramet__gzip_new(void)
{
	return NULL;
}

void ramet__gzip_free(struct gzip *g)
{
	(void)g;
}

int ramet__gzip_add(struct gzip *g, const void *data, size_t size, bool last,
		    gzip_put *put, void *arg)
{
	(void)g;
	(void)data;
	(void)size;
	(void)last;
	(void)put;
	(void)arg;
	return -ENOTSUP;
}

#endif
