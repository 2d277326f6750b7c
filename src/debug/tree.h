/* tree.h - who spawned whom. */
#ifndef DEBUG_TREE_H
#define DEBUG_TREE_H

#include "core/core.h"
#include "debug/out.h"

/* A line for each of l's ramets, under the one that spawned it. Returns 0 or
 * -ENOMEM. */
int ramet__put_tree(struct out *o, struct loop *l);

#endif
