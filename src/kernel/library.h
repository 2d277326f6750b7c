/* library.h - libraries that are loaded when something of theirs is first
 * needed, so that who does not need it need not have them.
 *
 *	#define FUNCTIONS(X) X(deflate) X(inflate)
 *	struct functions {
 *	#define X(f) __typeof__(f) *f;
 *		FUNCTIONS(X)
 *	#undef X
 *	};
 *	LIBRARY(zlib, "libz.so.1", struct functions, FUNCTIONS);
 *	...
 *	err = ramet__library_load(&zlib);
 *	if (err == 0)
 *		zlib_functions.deflate(...);
 */
#ifndef KERNEL_LIBRARY_H
#define KERNEL_LIBRARY_H

#include "base/base.h"

struct library {
	const char *name;           /* its soname */
	const char *const *symbols; /* of `count` functions */
	void **functions;           /* where they go, in that order */
	size_t count;
	int state; /* atomic: 0 unknown, 1 there, -errno */
};

#define LIBRARY_NAME_OF(f) #f,
#define LIBRARY(id, soname, type, list)                                        \
	static type id##_functions;                                            \
	static const char *const id##_symbols[] = {list(LIBRARY_NAME_OF)};     \
	static struct library id = {                                           \
		soname, id##_symbols, (void **)(void *)&id##_functions,        \
		sizeof id##_symbols / sizeof *id##_symbols, 0}

/* Load it, once, and find its functions; from any OS thread.  It is never
 * unloaded.  Returns 0, or -ENOTSUP: it is not there, or lacks one of them. */
int ramet__library_load(struct library *lib);

#endif
