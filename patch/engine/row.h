/* row.h - the rows of table.h as data: by name, and one after the other. */
#ifndef PATCH_ENGINE_ROW_H
#define PATCH_ENGINE_ROW_H

#include <stddef.h>

#include "ramet/patch.h"

struct patch_row {
	const char *name;
	unsigned group; /* 0: the engine's own */
	void *hook;     /* the replacement */
	size_t libc_at; /* where struct libc_functions has libc's own */
};

/* The function's row; NULL: not one that can be replaced.  Locks have a second
 * one, of another group; only one of the two groups is ever on. */
const struct patch_row *patch_row(const char *name);
const struct patch_row *patch_row_second(const struct patch_row *row);

/* The same, slowly, but without patch_rows_sort. */
const struct patch_row *patch_row_look_for(const char *name);

/* libc's own function; NULL if this libc has none.  patch_libc_find has been
 * called. */
void *patch_row_libc(const struct patch_row *row);

/* Make patch_row quick.  Again is harmless, two at once are not. */
void patch_rows_sort(void);

/* The name of the i-th function that can be replaced, and its group; NULL after
 * the last.  For the command. */
RAMET_API const char *ramet__patch_name(size_t i, unsigned *group);

#endif
