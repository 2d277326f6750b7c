/* layout.h - where things lie in a glibc thread's block, as offsets from the
 * thread pointer.  Filled by layout.c, once. */
#ifndef PATCH_THREAD_LAYOUT_H
#define PATCH_THREAD_LAYOUT_H

#include "patch/thread/tls.h"

/* What glibc links its threads with. */
struct tls_node {
	struct tls_node *next, *prev;
};

/* One entry of a thread's vector of modules. */
struct tls_module {
	uintptr_t value; /* entry 0: a generation; -1: how many there are */
	void *to_free;
};

/* The words at the thread pointer: the ABI fixes 0, 1, 2, 5 and 6. */
enum {
	TLS_SELF = 0,
	TLS_MODULES = 1,
	TLS_SELF_AGAIN = 2,
	TLS_MULTIPLE_THREADS = 3,
	TLS_CANARY = 5,
	TLS_POINTER_GUARD = 6
};

enum { TLS_LIBC_MAX = 1024 };

struct tls_layout {
	size_t size; /* of struct pthread */
	ptrdiff_t list, tid, robust, keys, key_blocks, user_stack, rseq;
	ptrdiff_t resolver, dlerror; /* words of libc's segment */
	ptrdiff_t libc;              /* libc's segment, */
	size_t libc_size;
	ptrdiff_t cache; /* malloc's cache; 0: not found, so not shared */
	void *main;      /* the block that was looked at */
	struct tls_node *threads; /* the list that main is in */
	void *(*allocate)(void *);
	void *(*init)(void *, bool);
	void (*free)(void *, bool);
	void (*ctype_init)(void);
	void (*run_dtors)(void);
};

extern struct tls_layout ramet__tls_layout;

/* Returns NULL, or the sentence. */
const char *ramet__layout_find(struct tls_layout *y);

/* Find the slot of malloc's cache; in tcache.c. */
void ramet__cache_find(struct tls_layout *y);

/* Fill a fresh block or one whose struct pthread is to be as if fresh. */
void ramet__block_fill(const struct tls_layout *y, void *tls, void *resolver,
		       uint32_t number);

static inline uintptr_t *tls_word(void *tls, ptrdiff_t offset)
{
	return (uintptr_t *)(void *)((char *)tls + offset);
}

#endif
