/* chunks.c - keeps the blocks that CPython's frames lie in.
 *
 * Since 3.11 a call that does not fit into the present block maps a new one,
 * and its return unmaps it: some microseconds, again and again where a loop
 * calls across that border.  The first block of a greenlet is small
 * (pystate.h), so most of them cross it.  This keeps some blocks for the next.
 */
#include "green.h"

#if SINCE(11)

enum {
	CHUNK_SIZE = 16 << 10, /* CPython's; larger ones are rare */
	KEPT_MAX = 64
};

static PyObjectArenaAllocator below;
static void *kept[KEPT_MAX];
static int kept_count;

/* Interpreters with a GIL each share this; who finds it busy does without. */
static char busy;

static bool begin(size_t size)
{
	return size == CHUNK_SIZE &&
	       !__atomic_test_and_set(&busy, __ATOMIC_ACQUIRE);
}

static void end(void)
{
	__atomic_clear(&busy, __ATOMIC_RELEASE);
}

static void *chunk_alloc(void *unused, size_t size)
{
	void *chunk = NULL;

	(void)unused;
	if (begin(size)) {
		if (kept_count)
			chunk = kept[--kept_count];
		end();
	}
	return chunk ? chunk : below.alloc(below.ctx, size);
}

static void chunk_free(void *unused, void *chunk, size_t size)
{
	(void)unused;
	if (begin(size)) {
		if (kept_count < KEPT_MAX) {
			kept[kept_count++] = chunk;
			chunk = NULL;
		}
		end();
	}
	if (chunk)
		below.free(below.ctx, chunk, size);
}

int chunks_ready(PyObject *module)
{
	PyObjectArenaAllocator ours = {NULL, chunk_alloc, chunk_free};

	(void)module;
	if (below.alloc)
		return 0;
	PyObject_GetArenaAllocator(&below);
	PyObject_SetArenaAllocator(&ours);
	return 0;
}

#else

int chunks_ready(PyObject *module)
{
	(void)module;
	return 0;
}

#endif
