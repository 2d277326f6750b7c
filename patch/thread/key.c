/* key.c - values of keys when a thread ends.
 *
 * Getting and setting them is libc's own: each thread has a block for them.
 * What libc does at a thread's end it does not export, so it is done here: the
 * table of keys is found by making one whose destructor nobody else has.  That
 * finds destructors of keys made before the patch, too.
 */
#include "patch/thread/life.h"
#include "patch/thread/tls.h"

#include "base/elf.h"
#include "kernel/libc.h"

#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

enum { PER_BLOCK = 32, BLOCKS = PTHREAD_KEYS_MAX / PER_BLOCK };

/* As libthread_db knows them. */
struct key {
	uintptr_t seq; /* odd: in use */
	void (*destructor)(void *);
};

struct value {
	uintptr_t seq; /* of the key when it was set */
	void *data;
};

static const struct key *keys;

/* ---- finding the table --------------------------------------------------- */

struct search {
	void (*mark)(void *);
	const struct key *found;
	int hits;
};

static void search_words(struct search *s, const uintptr_t *w, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (w[i] == (uintptr_t)s->mark && w[i - 1] & 1) {
			s->found = (const struct key *)(const void *)&w[i - 1];
			s->hits++;
		}
}

static int search_libc(struct dl_phdr_info *info, size_t size, void *search)
{
	struct elf elf;

	(void)size;
	if (!elf_read(&elf, info) ||
	    strcmp(elf_base_name(&elf), "libc.so.6") != 0)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];

		if (h->p_type == PT_LOAD && h->p_flags & PF_W)
			search_words(search,
				     (const void *)(info->dlpi_addr +
						    (h->p_vaddr + 7) / 8 * 8),
				     h->p_memsz / 8 - 1);
	}
	return 1;
}

/* Two different functions, which must not be merged. */
static void mark_one(void *value)
{
	__asm__ volatile("" : : "r"(value), "i"(1));
}

static void mark_two(void *value)
{
	__asm__ volatile("" : : "r"(value), "i"(2));
}

/* The table, by one key. */
static const struct key *look(void (*mark)(void *))
{
	struct search s = {.mark = mark};
	pthread_key_t key;

	if (ramet__libc.pthread_key_create(&key, mark))
		return NULL;
	dl_iterate_phdr(search_libc, &s);
	pthread_key_delete(key);
	return s.hits == 1 ? s.found - key : NULL;
}

const char *ramet__keys_find(void)
{
	keys = look(mark_one);
	if (!keys || keys != look(mark_two))
		return "libc's table of keys was not found";
	return NULL;
}

/* ---- the end of a thread ------------------------------------------------- */

/* Returns whether a destructor was called. */
static bool destroy(struct value *block, size_t first)
{
	bool called = false;

	for (size_t i = 0; i < PER_BLOCK; i++) {
		const struct key *k = &keys[first + i];
		void *data = block[i].data;

		if (!data)
			continue;
		block[i].data = NULL;
		if (block[i].seq == k->seq && k->destructor) {
			k->destructor(data);
			called = true;
		}
	}
	return called;
}

void ramet__keys_end(void *tls)
{
	void **blocks = ramet__tls_key_blocks(tls);
	bool again = true;

	for (int n = 0; n < PTHREAD_DESTRUCTOR_ITERATIONS && again; n++) {
		again = false;
		for (size_t b = 0; b < BLOCKS; b++)
			if (blocks[b])
				again |= destroy(blocks[b], b * PER_BLOCK);
	}
	for (size_t b = 1; b < BLOCKS; b++) {
		free(blocks[b]);
		blocks[b] = NULL;
	}
}
