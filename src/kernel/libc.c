/* libc.c - past the names that have been taken over, to libc itself. */
#include "kernel/libc.h"

#include "base/elf.h"

#include <string.h>

/* As they are where nobody has taken the names; sanitizers want theirs used. */
struct kernel_libc ramet__libc = {
	.pthread_create = pthread_create,
	.pthread_join = pthread_join,
	.pthread_setname_np = pthread_setname_np,
	.pthread_sigmask = pthread_sigmask,
	.pthread_mutex_lock = pthread_mutex_lock,
	.pthread_mutex_unlock = pthread_mutex_unlock,
	.pthread_cond_clockwait = pthread_cond_clockwait,
	.pthread_cond_signal = pthread_cond_signal,
	.pthread_key_create = pthread_key_create,
	.pthread_once = pthread_once,
	.sigaction = sigaction,
};

/* Defined by the preloaded library that takes them. */
extern char ramet__names_taken[] __attribute__((weak));

enum { UNKNOWN, BEING_SET, THERE, NONE };

static struct elf libc;
static int found; /* atomic: of those above */

static int look_for_libc(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct elf *elf = arg;

	(void)size;
	return elf_read(elf, info) &&
	       strcmp(elf_base_name(elf), "libc.so.6") == 0;
}

/* For all others.  Of two at once, which have found the same, one does. */
static void publish(const struct elf *elf)
{
	int unknown = UNKNOWN;

	if (!__atomic_compare_exchange_n(&found, &unknown, BEING_SET, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return;
	libc = *elf;
	__atomic_store_n(&found, THERE, __ATOMIC_RELEASE);
}

void *kernel_libc_symbol(const char *name)
{
	int state = __atomic_load_n(&found, __ATOMIC_ACQUIRE);
	struct elf elf;

	if (likely(state == THERE))
		return elf_symbol(&libc, name);
	if (state == NONE)
		return NULL;
	if (!dl_iterate_phdr(look_for_libc, &elf)) {
		__atomic_store_n(&found, NONE, __ATOMIC_RELAXED);
		return NULL;
	}
	publish(&elf);
	return elf_symbol(&elf, name);
}

#define FIND(name) ramet__libc.name = kernel_libc_symbol(#name)

void kernel_libc_find(void)
{
	if (!ramet__names_taken)
		return;
	FIND(pthread_create);
	FIND(pthread_join);
	FIND(pthread_setname_np);
	FIND(pthread_sigmask);
	FIND(pthread_mutex_lock);
	FIND(pthread_mutex_unlock);
	FIND(pthread_cond_clockwait);
	FIND(pthread_cond_signal);
	FIND(pthread_key_create);
	FIND(pthread_once);
	FIND(sigaction);
}
