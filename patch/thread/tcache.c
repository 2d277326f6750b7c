/* tcache.c - one malloc cache for all threads of a loop.
 *
 * glibc gives each thread a cache of free memory and frees it when the thread
 * ends, by a function that it does not export.  Our threads run on one OS
 * thread, so they can share one: then none is lost, and memory that one thread
 * frees serves the next.  Which word of a block points to the cache is found by
 * what malloc does in a fresh block; if that leaves a doubt, each has its own.
 */
#include "patch/thread/layout.h"

#include "kernel/calls.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = TLS_LIBC_MAX / 8, SMALL = 24, LARGER = 200 };

struct trial {
	char *tls;
	void *a, *b; /* freed on that block */
};

/* Nothing else must run on this block, which has no handlers' stack and no
 * thread behind it. */
static __attribute__((noinline)) void run_on(struct trial *trial, void *back)
{
	uint64_t all = ~UINT64_C(0), before;

	kernel_call(SYS_rt_sigprocmask, SIG_SETMASK, KERNEL_ARG(&all),
		    KERNEL_ARG(&before), sizeof before, 0, 0);
	arch_set_tls(trial->tls);
	trial->a = malloc(SMALL);
	trial->b = malloc(LARGER);
	free(trial->a);
	free(trial->b);
	arch_set_tls(back);
	kernel_call(SYS_rt_sigprocmask, SIG_SETMASK, KERNEL_ARG(&before), 0,
		    sizeof before, 0, 0);
}

static bool is_mapped(uintptr_t address)
{
	unsigned char there;

	return kernel_call(SYS_mincore, (long)(address & ~UINT64_C(4095)), 1,
			   KERNEL_ARG(&there), 0, 0, 0) == 0;
}

/* Whether v is memory from malloc that holds both pointers. */
static bool holds(uintptr_t v, const struct trial *trial)
{
	const uintptr_t *w = (const uintptr_t *)v;
	bool a = false, b = false;
	size_t size;

	if (v % 16 || !is_mapped(v - 8))
		return false;
	size = w[-1] & ~UINT64_C(7);
	if (size < 64 || size > 65536 || !is_mapped(v + size))
		return false;
	for (size_t i = 0; i < size / 8 - 1; i++) {
		a |= w[i] == (uintptr_t)trial->a;
		b |= w[i] == (uintptr_t)trial->b;
	}
	return a && b;
}

static void compare(struct tls_layout *y, const uintptr_t *before,
		    const struct trial *trial)
{
	const uintptr_t *after = tls_word(trial->tls, y->libc);
	ptrdiff_t found = 0;
	int hits = 0;

	for (size_t i = 0; i < y->libc_size / 8; i++)
		if (!before[i] && after[i] && holds(after[i], trial)) {
			found = y->libc + (ptrdiff_t)i * 8;
			hits++;
		}
	if (hits == 1 && *tls_word(y->main, found))
		y->cache = found;
}

void ramet__cache_find(struct tls_layout *y)
{
	uintptr_t before[WORDS];
	struct trial trial = {.tls = y->allocate(NULL)};

	if (!trial.tls)
		return;
	ramet__block_fill(y, trial.tls, (void *)*tls_word(y->main, y->resolver),
			  0);
	memcpy(before, tls_word(trial.tls, y->libc), y->libc_size);
	free(malloc(SMALL)); /* main has its cache from here on */
	run_on(&trial, y->main);
	compare(y, before, &trial);
	y->free(trial.tls, true);
}
