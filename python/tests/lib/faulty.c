/* faulty.c - an extension with the library inside, whose calls can be made to
 * fail, and so can the interpreter's allocations: what tests use by ctypes. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/faults.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void faulty_begin(struct faults *shared);
EXPORT void faulty_memory(uint64_t n);
EXPORT uint64_t faulty_memory_end(void);

void faulty_begin(struct faults *shared)
{
	faults_begin(shared);
}

/* ---- allocations ----------------------------------------------------------
 */

static const PyMemAllocatorDomain domains[] = {PYMEM_DOMAIN_RAW,
					       PYMEM_DOMAIN_MEM,
					       PYMEM_DOMAIN_OBJ};
enum { DOMAINS = sizeof domains / sizeof *domains };

static PyMemAllocatorEx real[DOMAINS];
static uint64_t only, count; /* atomic */

static bool fails(void)
{
	return __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) == only;
}

static void *do_malloc(void *context, size_t size)
{
	PyMemAllocatorEx *a = context;

	return fails() ? NULL : a->malloc(a->ctx, size);
}

static void *do_calloc(void *context, size_t n, size_t size)
{
	PyMemAllocatorEx *a = context;

	return fails() ? NULL : a->calloc(a->ctx, n, size);
}

static void *do_realloc(void *context, void *memory, size_t size)
{
	PyMemAllocatorEx *a = context;

	return fails() ? NULL : a->realloc(a->ctx, memory, size);
}

static void do_free(void *context, void *memory)
{
	PyMemAllocatorEx *a = context;

	a->free(a->ctx, memory);
}

/* The n-th from now on fails. */
void faulty_memory(uint64_t n)
{
	only = n;
	count = 0;
	for (int i = 0; i < DOMAINS; i++) {
		PyMemAllocatorEx mine = {&real[i], do_malloc, do_calloc,
					 do_realloc, do_free};

		PyMem_GetAllocator(domains[i], &real[i]);
		PyMem_SetAllocator(domains[i], &mine);
	}
}

/* How many there were. */
uint64_t faulty_memory_end(void)
{
	for (int i = 0; i < DOMAINS; i++)
		PyMem_SetAllocator(domains[i], &real[i]);
	return count;
}
