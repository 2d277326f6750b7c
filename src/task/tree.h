/* tree.h - a process, its group, and all that descends from it. */
#ifndef TASK_TREE_H
#define TASK_TREE_H

#include "task/process.h"

struct member {
	pid_t pid, parent, group;
	uint64_t born; /* with pid it names a process for ever */
	char state;    /* as in /proc: R, S, D, T, Z, ... */
	bool mine;     /* in the tree */
};

/* Those that have ever been found, as far as they are there. */
struct tree {
	struct ramet_process *root; /* held while this is in use */
	struct member *members;     /* of the tree, by pid; kernel_alloc's */
	size_t count;
};

void ramet__tree_init(struct tree *t, struct ramet_process *root);
void ramet__tree_fini(struct tree *t);

/* Look for them once more.  Returns 0 or -errno: -ENOENT (there is no /proc of
 * ours: only the group can be reached), -ENOMEM, -EMFILE. */
int ramet__tree_find(struct loop *l, struct tree *t);

/* Whether one of them, besides the root, has not ended. */
bool ramet__tree_lives(const struct tree *t);

/* Send each of them a signal.  Returns 0, or -errno of the root's. */
int ramet__tree_signal(struct tree *t, int sig);

/* Kill the whole tree.  Returns as ramet__tree_signal. */
int ramet__tree_kill(struct loop *l, struct ramet_process *root);

/* The same of what has been found before, too. */
int ramet__tree_end(struct loop *l, struct tree *t);

#endif
