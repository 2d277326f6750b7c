/* memory.c - doubles what it gives. */
#include "patch/engine/memory.h"

#include "kernel/calls.h"

#include <string.h>
#include <sys/mman.h>

enum { LEAST = 16 * 1024 };

int memory_grow(struct memory *m, size_t size)
{
	size_t room = m->size ? m->size : LEAST;
	void *start;
	int err;

	if (size <= m->size)
		return 0;
	while (room < size)
		room *= 2;
	start = kernel_mmap(room, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, &err);
	if (!start)
		return -ENOMEM;
	if (m->size)
		memcpy(start, m->start, m->size);
	memory_fini(m);
	*m = (struct memory){start, room};
	return 0;
}

void memory_fini(struct memory *m)
{
	if (m->size)
		kernel_munmap(m->start, m->size);
	*m = (struct memory){0};
}
