/* The simulation is worth its time only if it finds bugs: each one planted is
 * found within a thousand seeds, and without one nothing is. */
#include "sim/plants.h"
#include "sim/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEEDS = 1000 };

/* No loop before the simulation's. */
void test_begin(void)
{
}

/* Seeds in turn, as seeds of sim_test. */
static _Noreturn void search(enum plant p, int seeds)
{
	int null = open("/dev/null", O_WRONLY);

	dup2(null, STDERR_FILENO);
	world_warm_up();
	plant(p);
	for (uint64_t seed = 1; seed <= (uint64_t)seeds; seed++) {
		struct outcome out = world_run(seed, NULL);

		if (seed % 50 == 0 && world_run(seed, NULL).hash != out.hash)
			violation("another run of the same seed differs");
	}
	_exit(0);
}

/* Whether a run broke a rule, crashed or hung. */
static bool finds(enum plant p, int seeds)
{
	int status;
	pid_t pid;

	*world_found = (struct found){.seed = 0};
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		search(p, seeds);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status))
		snprintf(world_found->what, sizeof world_found->what, "SIG%s",
			 sigabbrev_np(WTERMSIG(status)));
	fprintf(stderr, "# %-46s seed %llu: %s\n", plant_names[p],
		(unsigned long long)world_found->seed,
		status ? world_found->what : "not found");
	return status != 0;
}

static void share_findings(void)
{
	world_found = mmap(NULL, sizeof *world_found, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(world_found != MAP_FAILED);
}

TEST_WITHIN(each_planted_bug_is_found, 120000)
{
	int missed = 0;

	share_findings();
	for (enum plant p = PLANT_NONE + 1; p < PLANTS; p++)
		missed += !finds(p, SEEDS);
	CHECK_EQ(missed, 0);
}

TEST_WITHIN(nothing_is_found_where_nothing_is_planted, 60000)
{
	share_findings();
	CHECK(!finds(PLANT_NONE, test_rounds(SEEDS)));
}
