/* Kill: the stack is unwound, what was deferred runs. */
#include "ramet.h"
#include "ramets.h"

#include <stdlib.h>
#include <string.h>

static char trace[64];

static void note(char c)
{
	trace[strlen(trace)] = c;
}

static void clean(const char *c)
{
	note(*c);
}

static void deferred(void *arg)
{
	note((char)(intptr_t)arg);
	CHECK_ERR(ramet_sleep(1), ECANCELED);
	RAMET_SHIELD(3600 * RAMET_SEC)
		CHECK_EQ(ramet_sleep(1), 0);
}

/* volatile: or the frame is a tail call. */
static int inner(int64_t ns)
{
	__attribute__((cleanup(clean), unused)) const char c = 'i';
	volatile int err = ramet_sleep(ns);

	note('!');
	return err;
}

static void *victim(void *arg)
{
	__attribute__((cleanup(clean), unused)) const char c = 'v';
	volatile int err;

	CHECK_EQ(ramet_defer(deferred, (void *)'d'), 0);
	err = inner(3600 * RAMET_SEC);
	note('!');
	return err ? arg : NULL;
}

TEST(kill_runs_cleanups_and_then_defers)
{
	struct ramet *t = spawn(victim, NULL);
	void *value = &t;

	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(ramet_kill(t), 0);
	CHECK_EQ(ramet_kill(t), 0);
	CHECK_ERR(ramet_join(t, &value), ECHILD);
	CHECK(strcmp(trace, "ivd") == 0);
	CHECK_EQ(ramet_kill(t), 0);
}

static void *never(void *arg)
{
	note('!');
	return arg;
}

TEST(one_that_has_not_run_never_does)
{
	struct ramet_opts later = {.delay = 3600 * RAMET_SEC};
	struct ramet *t = spawn(never, NULL);

	CHECK_EQ(ramet_kill(t), 0);
	CHECK_ERR(ramet_join(t, NULL), ECHILD);
	t = made(ramet_spawn_opts(never, NULL, &later));
	CHECK_EQ(ramet_kill(t), 0);
	CHECK_ERR(ramet_join(t, NULL), ECHILD);
	CHECK(strcmp(trace, "") == 0);
}

static void *suicide(void *arg)
{
	__attribute__((cleanup(clean), unused)) const char c = 's';

	CHECK_EQ(ramet_defer(deferred, (void *)'d'), 0);
	ramet_kill(ramet_self());
	note('!');
	return arg;
}

TEST(a_ramet_may_kill_itself)
{
	CHECK_ERR(ramet_join(spawn(suicide, NULL), NULL), ECHILD);
	CHECK(strcmp(trace, "sd") == 0);
}

TEST(main_cannot_be_killed)
{
	CHECK_ERR(ramet_kill(ramet_self()), EINVAL);
}

/* Killed where it waits, fn leaves this trace. */
static void check_killed(void *(*fn)(void *), const char *left)
{
	struct ramet *t = spawn(fn, NULL);

	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(ramet_kill(t), 0);
	CHECK_ERR(ramet_join(t, NULL), ECHILD);
	CHECK(strcmp(trace, left) == 0);
}

static void *shielded(void *arg)
{
	RAMET_SHIELD(3600 * RAMET_SEC) {
		CHECK_EQ(ramet_sleep(5 * RAMET_MS), 0);
		note('s');
	}
	ramet_sleep(1);
	note('!');
	return arg;
}

TEST(kill_waits_for_the_end_of_a_shield)
{
	check_killed(shielded, "s");
}

static int compare(const void *a, const void *b)
{
	volatile int err = ramet_sleep(3600 * RAMET_SEC);

	note('!');
	return err + (a < b);
}

static void *sort(void *arg)
{
	__attribute__((cleanup(clean), unused)) const char c = 'q';
	int numbers[] = {3, 1, 2};

	qsort(numbers, 3, sizeof *numbers, compare);
	note('!');
	return arg;
}

TEST(kill_unwinds_through_libc)
{
	check_killed(sort, "q");
}

static void *kill_other(void *t)
{
	CHECK_EQ(ramet_kill(t), 0);
	return NULL;
}

TEST(a_kill_that_finds_its_victim_awake_waits_for_its_next_call)
{
	struct ramet *t = spawn(victim, NULL), *k;

	CHECK_EQ(ramet_yield(), 0);
	k = spawn(kill_other, t);
	CHECK_EQ(ramet_cancel(t), 0); /* awake, and behind k in the queue */
	CHECK_EQ(ramet_join(k, NULL), 0);
	CHECK_ERR(ramet_join(t, NULL), ECHILD);
}

TEST(ten_thousand_kills_leave_nothing)
{
	struct ramet_stats stats;

	for (int i = 0; i < test_rounds(10000); i++) {
		struct ramet *t = spawn(shielded, NULL);

		CHECK_EQ(ramet_kill(t), 0);
		CHECK_ERR(ramet_join(t, NULL), ECHILD);
	}
	CHECK_EQ(ramet_get_stats(&stats), 0);
	CHECK_EQ(stats.live, 1);
}
