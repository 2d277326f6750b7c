/* tree.h - ordinary code, which knows nothing of green threads: it blocks, and
 * computes for long. */
#ifndef TREE_H
#define TREE_H

#include <stddef.h>

/* The files below a directory, in no order, as tree_list has found them. */
extern void *tree_paths[100000];
extern size_t tree_count;

/* Returns NULL, or another value if the tree cannot be walked. */
void *tree_list(void *directory);

/* A file's content in 64 bits: FNV-1a; NULL if it cannot be read. */
void *tree_hash(void *path);

#endif
