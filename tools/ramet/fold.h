/* fold.h - backtraces, each kept once. */
#ifndef TOOLS_RAMET_FOLD_H
#define TOOLS_RAMET_FOLD_H

#include "tools/ramet/unwind.h"

struct fold {
	struct trace *traces;
	size_t count, room;
	uint32_t *table; /* by hash: number + 1 */
	size_t table_size;
};

/* Its number: that of an equal one, if there is one. */
size_t fold_add(struct fold *f, const struct trace *trace);

void fold_clear(struct fold *f);

/* The first frame that means something to the user: the public function in
 * which the ramet waits.  `boot` is in the library. */
size_t fold_head(struct unwinder *u, const struct trace *trace, uint64_t boot);

/* Up to which frame: that of main, or of what the library called; what calls
 * that is the same in every program. */
size_t fold_end(struct unwinder *u, const struct trace *trace, uint64_t boot);

#endif
