/* stats.c - counters, stack use and what runs underneath. */
#include "core/stack.h"
#include "kernel/calls.h"

#include <string.h>

int ramet_get_stats(struct ramet_stats *stats)
{
	struct loop *l = ramet__loop();

	if (!l)
		return (int)ramet__fail(-ENOMEM);
	*stats = l->stats;
	stats->system_calls = ramet__calls;
	for (int i = 0; i < STACK_CLASSES; i++)
		stats->stacks_idle += l->classes[i].idle_count;
	return 0;
}

size_t ramet_trim(void)
{
	struct loop *l = ramet__loop();

	return l ? ramet__stacks_trim(l, true) : 0;
}

/* Stacks are zero until they are touched, but a reused one is not: ask the
 * kernel which pages are there. */
size_t ramet_stack_used(const struct ramet *t)
{
	enum { PAGE = 4096, CHUNK = 256 };
	unsigned char there[CHUNK];
	char *low;
	size_t size;

	if (!t->cold->class)
		return 0;
	ramet__stack_bounds(t, &low, &size);
	for (size_t at = 0; at < size; at += (size_t)CHUNK * PAGE) {
		size_t n = size - at < (size_t)CHUNK * PAGE
				   ? (size - at + PAGE - 1) / PAGE
				   : CHUNK;

		if (kernel_call(SYS_mincore, KERNEL_ARG(low + at),
				(long)(n * PAGE), KERNEL_ARG(there), 0, 0,
				0) < 0)
			return 0;
		for (size_t i = 0; i < n; i++)
			if (there[i] & 1)
				return size - at - i * PAGE;
	}
	return 0;
}

const char *ramet_kernel_name(void)
{
	return ramet__loop() ? ramet__kernel->name : "none";
}

const char *ramet_kernel_reason(void)
{
	return ramet__loop() ? ramet__kernel_reason : "no memory";
}

const char *ramet_version(void)
{
	return RAMET_VERSION;
}
