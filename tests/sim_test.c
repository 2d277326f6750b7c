/* A program of many parts keeps its rules whatever the kernel does: thousands
 *of seeds, each with its own order of events, clock, buffers and faults; and
 *every call that can fail, failed in turn.
 *
 *	SIM_SEED=n build/gcc/tests/sim_test one_seed     replay one
 *	SIM_ONLY=k                                       with only call k failed
 *	SIM_TRACE=1                                      and print what happens
 */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

/* No loop before the simulation's. */
void test_begin(void)
{
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run_seeds(uint64_t first, int count)
{
	uint64_t all = 0, errors = 0, fallible = 0, steps = 0;
	double begun;

	world_warm_up();
	begun = seconds();
	for (uint64_t seed = first; seed < first + (uint64_t)count; seed++) {
		struct outcome out = world_run(seed, NULL);

		all = all * 31 + out.hash;
		errors += out.counts.errors;
		fallible += out.counts.fallible;
		steps += out.counts.steps;
		if (seed % 50 == 0 && world_run(seed, NULL).hash != out.hash)
			violation("another run of the same seed differs");
	}
	fprintf(stderr,
		"# %d seeds, %.0f a second; %llu steps, %llu of %llu fallible "
		"calls failed; hash %016llx\n",
		count, count / (seconds() - begun), (unsigned long long)steps,
		(unsigned long long)errors, (unsigned long long)fallible,
		(unsigned long long)all);
}

static void print_event(int64_t time, enum sim_event what, uint64_t value)
{
	static const char *const names[] = {"picked", "called", "reported",
					    "waited", "helped", "faulted"};

	fprintf(stderr, "%14.3f us  %s %d %d %d\n", (double)time / 1e3,
		names[what], (int)(value >> 48), (int)(value >> 32 & 0xffff),
		(int)value);
}

TEST(one_seed)
{
	struct sim_faults only = {.only = number("SIM_ONLY", 0)};

	world_warm_up();
	if (number("SIM_TRACE", 0))
		sim_on_event = print_event;
	world_run(number("SIM_SEED", 1), only.only ? &only : NULL);
}

static void run_part(int part)
{
	int count = test_rounds(2500);

	if (count > 2500)
		count *= 5; /* a million in all */
	run_seeds(1 + (uint64_t)part * 10000000, count);
}

TEST_WITHIN(seeds_of_part_1, 600000)
{
	run_part(0);
}

TEST_WITHIN(seeds_of_part_2, 600000)
{
	run_part(1);
}

TEST_WITHIN(seeds_of_part_3, 600000)
{
	run_part(2);
}

TEST_WITHIN(seeds_of_part_4, 600000)
{
	run_part(3);
}

/* Every chance to fail of a run without faults, one after the other. */
static uint64_t fail_each(uint64_t seed)
{
	struct sim_faults only = {.only = 0};
	uint64_t n = world_run(seed, &only).counts.fallible;

	for (only.only = 1; only.only <= n; only.only++)
		world_run(seed, &only);
	return n;
}

TEST_WITHIN(every_call_may_fail, 600000)
{
	uint64_t n = 0;
	int seeds = test_rounds(15);

	world_warm_up();
	for (int seed = 1; seed <= seeds; seed++)
		n += fail_each((uint64_t)seed);
	fprintf(stderr, "# each of %llu fallible calls failed in turn\n",
		(unsigned long long)n);
}
