/* libc.h - libc's own functions, under the names of their replacements.
 *
 * A replacement that has nothing to do (no loop on this OS thread, a group that
 * is off, a call that cannot block) ends in `libc.name(...)`.  NULL for a
 * function that this libc does not have: nothing calls its replacement then. */
#ifndef PATCH_ENGINE_LIBC_H
#define PATCH_ENGINE_LIBC_H

#include <dlfcn.h>

#include "patch/engine/table.h"

#define PATCH_POINTER(group, type, name, params) type(*name) params;

struct libc_functions {
	PATCH_TABLE(PATCH_POINTER)
};

#undef PATCH_POINTER

#define libc ramet__patch_libc
extern struct libc_functions libc;

/* Fill it.  From any OS thread; again is harmless and quick. */
void patch_libc_find(void);

#endif
