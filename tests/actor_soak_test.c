/* Very many supervised actors, of which many crash all the time: no message is
 * lost, and memory stays as it is. */
#include "actors.h"
#include "ramet.h"
#include "ramets.h"

#include <stdio.h>
#include <stdlib.h>

enum { NUMBER, CRASH, TICKS = 10 }; /* ticks a second */

struct worker {
	struct ramet_actor *actor;
	uint64_t told, came;
};

static int work(struct ramet_actor *me, void *worker)
{
	struct worker *w = worker;
	uint64_t n;

	while (ramet_receive(me, &n, sizeof n) == sizeof n) {
		if (ramet_actor_tag(me) == CRASH)
			return 1;
		CHECK_EQ(n, w->came);
		w->came++;
	}
	return 0;
}

static struct worker *workers;
static int many, crashes;

static void start_all(struct ramet_actor *supervisor)
{
	struct ramet_child spec = {.fn = work,
				   .opts.stack_size = 32 * 1024,
				   .shutdown = RAMET_SEC};

	workers = made(calloc((size_t)many, sizeof *workers));
	for (int i = 0; i < many; i++) {
		spec.arg = &workers[i];
		workers[i].actor =
			made(ramet_supervisor_add(supervisor, &spec));
	}
}

static struct worker *any(void)
{
	return &workers[test_rand((uint32_t)many)];
}

static void tell(struct worker *w)
{
	CHECK_EQ(ramet_tell_tag(w->actor, NUMBER, &w->told, sizeof w->told), 0);
	w->told++;
}

/* One of them crashes, with messages before and behind that. */
static void crash(struct worker *w)
{
	static const uint64_t none;

	tell(w);
	if (crashes++ % 2)
		ramet_actor_kill(w->actor);
	else
		CHECK_EQ(ramet_tell_tag(w->actor, CRASH, &none, sizeof none),
			 0);
	tell(w);
	tell(any());
}

static void crash_for(int seconds, int each_second)
{
	struct ramet_deadline next = ramet_after(0);

	for (int i = 0; i < seconds * TICKS; i++) {
		for (int n = each_second / TICKS; n; n--)
			crash(any());
		next.ns += RAMET_SEC / TICKS;
		CHECK_EQ(ramet_sleep_until(next), 0);
	}
}

static long resident_kb(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size = 0, resident = 0;

	CHECK(f && fscanf(f, "%ld %ld", &size, &resident) == 2);
	fclose(f);
	return resident * 4;
}

static void all_came(void)
{
	struct ramet_actor_stats stats;
	uint64_t restarts = 0;

	for (int i = 0; i < many; i++) {
		do {
			CHECK_EQ(ramet_yield(), 0);
			ramet_actor_get_stats(workers[i].actor, &stats);
		} while (stats.waiting);
		CHECK_EQ(workers[i].came, workers[i].told);
		restarts += stats.restarts;
		ramet_actor_release(workers[i].actor);
	}
	/* One that is killed twice before it runs again has crashed once. */
	CHECK(restarts <= (uint64_t)crashes);
	CHECK(restarts > (uint64_t)crashes * 3 / 4);
}

TEST_WITHIN(many_crash_and_nothing_is_lost, 120000)
{
	struct ramet_supervisor spec = {.restarts = UINT32_MAX};
	struct ramet_actor *supervisor = start(ramet_supervise, &spec);
	int each_second, seconds = getenv("TEST_LONG") ? 10 : 1;
	long before, after;

	many = test_rounds(5000); /* 100,000 in a long run */
	each_second = many / 10;
	start_all(supervisor);
	crash_for(seconds, each_second);
	before = resident_kb();
	crash_for(seconds, each_second);
	after = resident_kb();
	all_came();
	fprintf(stderr, "%d actors, %d crashes, resident %ld and %ld KiB\n",
		many, crashes, before, after);
	if (!TEST_ASAN && !TEST_TSAN) /* their own memory grows */
		CHECK(after < before + before / 10 + 1024);
	CHECK_EQ(stop(supervisor), 0);
	free(workers);
}
