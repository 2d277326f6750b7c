/* tree.c - ramets know their parents by number, so they are found in a table;
 * those whose parents have gone are roots, like mains.
 */
#include "debug/tree.h"

#include "core/stack.h"
#include "debug/words.h"

#include "kernel/calls.h"

#include <sys/mman.h>

enum { DEPTH_SHOWN = 40 }; /* no deeper ones are indented */

/* Numbers are links, and 0 is none. */
struct node {
	struct ramet *t;
	uint32_t parent, first, last, next;
};

struct tree {
	struct out *out;
	int64_t now;
	size_t room, count, table_size; /* a power of two */
	struct node *nodes;             /* from 1 on */
	uint32_t *table;                /* by id */
};

static size_t size_of(const struct tree *tree)
{
	return tree->room * sizeof *tree->nodes +
	       tree->table_size * sizeof *tree->table;
}

static int get_memory(struct tree *tree)
{
	int err = -ENOMEM;

	tree->table_size = 64;
	while (tree->table_size < 2 * tree->room)
		tree->table_size *= 2;
	tree->nodes = kernel_mmap(size_of(tree), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, &err);
	if (!tree->nodes)
		return err;
	tree->table = (uint32_t *)(tree->nodes + tree->room);
	return 0;
}

/* Where the ramet of that number is in the table, or would be. */
static uint32_t *place_of(const struct tree *tree, uint64_t id)
{
	size_t mask = tree->table_size - 1, at = id & mask;

	while (tree->table[at] && tree->nodes[tree->table[at]].t->id != id)
		at = (at + 1) & mask;
	return &tree->table[at];
}

static void add(struct ramet *t, void *arg)
{
	struct tree *tree = arg;

	if (tree->count + 1 == tree->room)
		return;
	tree->nodes[++tree->count].t = t;
	*place_of(tree, t->id) = (uint32_t)tree->count;
}

static void link_up(struct tree *tree, uint32_t n)
{
	struct node *node = &tree->nodes[n], *parent;
	uint64_t id = node->t->cold->class ? node->t->cold->parent : 0;

	node->parent = id && id != node->t->id ? *place_of(tree, id) : 0;
	if (!node->parent)
		return;
	parent = &tree->nodes[node->parent];
	if (parent->last)
		tree->nodes[parent->last].next = n;
	else
		parent->first = n;
	parent->last = n;
}

static void put_line(const struct tree *tree, const struct node *node,
		     size_t depth)
{
	const struct ramet *t = node->t;

	for (size_t i = 0; i < depth && i < DEPTH_SHOWN; i++)
		ramet__print(tree->out, "  ");
	ramet__put_ramet(tree->out, t);
	ramet__put_state(tree->out, t, tree->now);
	if (!depth && t->cold->class && t->cold->parent)
		ramet__print(tree->out, ", spawned by ramet %lu, which is gone",
			     t->cold->parent);
	ramet__print(tree->out, "\n");
}

static void put_below(const struct tree *tree, uint32_t root)
{
	uint32_t n = root;
	size_t depth = 0;

	for (;;) {
		const struct node *node = &tree->nodes[n];

		put_line(tree, node, depth);
		if (node->first) {
			n = node->first;
			depth++;
			continue;
		}
		while (n != root && !tree->nodes[n].next) {
			n = tree->nodes[n].parent;
			depth--;
		}
		if (n == root)
			return;
		n = tree->nodes[n].next;
	}
}

int ramet__put_tree(struct out *o, struct loop *l)
{
	struct tree tree = {.out = o,
			    .now = kernel_now(),
			    .room = l->stats.live + 1};
	int err = get_memory(&tree);

	if (err < 0)
		return err;
	ramet__each(l, add, &tree);
	for (uint32_t n = 1; n <= tree.count; n++)
		link_up(&tree, n);
	for (uint32_t n = 1; n <= tree.count; n++)
		if (!tree.nodes[n].parent)
			put_below(&tree, n);
	kernel_munmap(tree.nodes, size_of(&tree));
	return 0;
}
