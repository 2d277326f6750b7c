/* memory.h - arrays of the engine, straight from the kernel.
 *
 * They grow while the dynamic linker's list of objects is locked.  An allocator
 * may want that lock while it holds its own (those that walk stacks do), so it
 * cannot be asked then. */
#ifndef PATCH_ENGINE_MEMORY_H
#define PATCH_ENGINE_MEMORY_H

#include <stddef.h>

struct memory {
	void *start; /* NULL: nothing yet */
	size_t size;
};

/* Make it at least `size` bytes: what is new is zeroed.  Returns 0 or -ENOMEM,
 * with everything as it was. */
int memory_grow(struct memory *m, size_t size);

void memory_fini(struct memory *m);

#endif
