/* sim_memory.c - memory that is counted, so that what is left at the end is
 * known with the code that asked for it. */
#include "kernel/sim_state.h"

#include "base/syscall.h"

#include <stdio.h>
#include <stdlib.h>

/* Before each allocation; its size is a multiple of malloc's alignment. */
struct header {
	struct header *next, *prev;
	const void *site;
	uint64_t seed; /* of the run that it belongs to */
};

/* Since the process began, newest first.  In an open world other OS threads
 * allocate as well. */
static struct header *allocated;
static bool locked; /* it and the count */

static void lock(void)
{
	while (__atomic_test_and_set(&locked, __ATOMIC_ACQUIRE))
		;
}

static void unlock(void)
{
	__atomic_clear(&locked, __ATOMIC_RELEASE);
}

void *sim_alloc(size_t size)
{
	struct header *h;

	if (sim_fault(SIM_NO_MEMORY))
		return NULL;
	h = calloc(1, sizeof *h + size);
	if (!h)
		return NULL;
	h->site = __builtin_return_address(0);
	h->seed = SIM->seed;
	lock();
	h->next = allocated;
	if (allocated)
		allocated->prev = h;
	allocated = h;
	SIM->counts.live++;
	unlock();
	return h + 1;
}

void sim_free(void *mem)
{
	struct header *h = mem;

	if (!mem)
		return;
	h--;
	lock();
	if (h->prev)
		h->prev->next = h->next;
	else
		allocated = h->next;
	if (h->next)
		h->next->prev = h->prev;
	SIM->counts.live -= h->seed == SIM->seed;
	unlock();
	free(h);
}

void sim_print_memory(void)
{
	for (const struct header *h = allocated; h; h = h->next)
		if (h->seed == SIM->seed)
			fprintf(stderr,
				"memory that was asked for at %p is not "
				"freed\n",
				h->site);
	if (SIM->counts.mapped)
		fprintf(stderr, "%lld bytes are still mapped\n",
			(long long)SIM->counts.mapped);
}

/* mmap and munmap, which are the real ones. */
long sim_map(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;

	if (nr == SYS_mmap && sim_fault(SIM_NO_MAP))
		return -ENOMEM;
	ret = kernel_real_call(nr, a, b, c, d, e, f);
	if (ret >= 0 || ret < -4095)
		SIM->counts.mapped += nr == SYS_mmap ? b : -b;
	return ret;
}
