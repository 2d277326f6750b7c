/* table.h - every function of libc that the patch replaces.
 *
 * One row each: X(group, return type, name, (parameters)).  From the rows come
 * the replacements' declarations (hook.h), the pointers to libc's own functions
 * (libc.h), the table that the patcher looks names up in, the preloaded
 * library, `ramet run --list` and the table in ramet-patch(7).  The groups'
 * rows lie beside their replacements.
 */
#ifndef PATCH_ENGINE_TABLE_H
#define PATCH_ENGINE_TABLE_H

#include "patch/dns/table.h"
#include "patch/file/table.h"
#include "patch/lock/table.h"
#include "patch/os/table.h"
#include "patch/select/table.h"
#include "patch/signal/table.h"
#include "patch/socket/table.h"
#include "patch/stdio/table.h"
#include "patch/sync/table.h"
#include "patch/thread/table.h"
#include "patch/time/table.h"
#include "patch/trace/table.h"

/* dlopen and dlsym belong to no group: they are how what comes later is seen.
 */
#define PATCH_ENGINE(X)                                                        \
	X(0, void *, dlopen, (const char *file, int mode))                     \
	X(0, void *, dlmopen, (Lmid_t space, const char *file, int mode))      \
	X(0, int, dlclose, (void *handle))                                     \
	X(0, void *, dlsym, (void *handle, const char *name))                  \
	X(0, void *, dlvsym,                                                   \
	  (void *handle, const char *name, const char *version))

/* The groups': what the preloaded library takes the names of. */
#define PATCH_GROUPS(X)                                                        \
	PATCH_SOCKET(X)                                                        \
	PATCH_SELECT(X)                                                        \
	PATCH_DNS(X)                                                           \
	PATCH_TIME(X)                                                          \
	PATCH_THREAD(X)                                                        \
	PATCH_SYNC(X)                                                          \
	PATCH_OS(X)                                                            \
	PATCH_SIGNAL(X)                                                        \
	PATCH_STDIO(X)                                                         \
	PATCH_FILE(X)                                                          \
	PATCH_TRACE(X)

#define PATCH_TABLE(X)                                                         \
	PATCH_GROUPS(X)                                                        \
	PATCH_ENGINE(X)

#endif
