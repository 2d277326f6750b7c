/* libc.c - finds libc's own functions once. */
#include "patch/engine/libc.h"

#include "kernel/libc.h"

struct libc_functions libc;

#define FIND(group, type, name, params) libc.name = kernel_libc_symbol(#name);

void patch_libc_find(void)
{
	static bool found; /* atomic; two at once find the same */

	if (__atomic_load_n(&found, __ATOMIC_ACQUIRE))
		return;
	PATCH_TABLE(FIND)
	__atomic_store_n(&found, true, __ATOMIC_RELEASE);
}
