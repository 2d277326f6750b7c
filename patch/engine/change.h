/* change.h - makes the slots of all loaded objects what the rules say: all of
 * them, or none. */
#ifndef PATCH_ENGINE_CHANGE_H
#define PATCH_ENGINE_CHANGE_H

#include "base/elf.h"
#include "patch/engine/rule.h"
#include "patch/engine/slots.h"

/* One change.  Runs with the dynamic linker's list locked, from its beginning
 * to its end: nothing is unloaded meanwhile. */
struct change {
	const struct rules *rules;  /* how it should be */
	const struct slots *before; /* how it is */
	struct slots after;         /* how it will be, at the end */
	struct memory opened;       /* of struct span: made writable */
	size_t opened_count;
	struct elf program; /* the first object */
	bool any;
	bool early; /* an object was not relocated yet: look again later */
	size_t patched, restored; /* slots of groups */
};

/* Returns 0 or -errno: ENOMEM, EPERM; then nothing is changed.  In any case
 * change_fini ends it; `after` is the caller's to take before. */
int change_make(struct change *c);
void change_fini(struct change *c);

/* Whether nothing in the object may ever be replaced. */
bool change_spares(const struct elf *elf);

#endif
