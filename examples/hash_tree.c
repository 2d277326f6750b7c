/* hash_tree.c - hashes a tree of files on other OS threads, while a thousand
 * green threads keep answering.  Run: hash_tree [DIRECTORY] */
#include "answer.h"
#include "tree.h"

#include <ramet.h>

#include <stdio.h>
#include <unistd.h>

static void *offload_hash(void *path)
{
	void *hash = NULL;

	ramet_offload(tree_hash, path, &hash);
	return hash;
}

int main(int argc, char **argv)
{
	static void *hashes[sizeof tree_paths / sizeof tree_paths[0]];
	struct ramet_pool *pool = ramet_pool_new(16, NULL);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	static char here[] = ".";
	void *failed = NULL;

	/* A processor stays for those who answer. */
	ramet_offload_limit(RAMET_LANE_USER, cpus > 1 ? (int)cpus - 1 : 1);
	if (!pool || answers_begin() < 0 ||
	    ramet_offload(tree_list, argc > 1 ? argv[1] : here, &failed) < 0 ||
	    ramet_pool_map(pool, offload_hash, tree_paths, hashes,
			   tree_count)) {
		perror("hash_tree");
		return 1;
	}
	for (size_t i = 0; i < tree_count; i++)
		printf("%016zx  %s\n", (size_t)hashes[i],
		       (char *)tree_paths[i]);
	printf("%zu files; 1,000 green threads gave %zu answers, the worst "
	       "after %.3f ms\n",
	       tree_count, answers_count(), answers_worst_ms());
	ramet_pool_free(pool);
	return failed != NULL;
}
