/* Groups: no child outlives its group. */
#include "door.h"
#include "ramet.h"
#include "test.h"

static int running;

static void *nap(void *ms)
{
	running++;
	if (ramet_sleep((int64_t)(intptr_t)ms * RAMET_MS) < 0)
		ms = RAMET_FAILED;
	running--;
	return ms;
}

TEST(wait_ends_when_all_children_have)
{
	struct ramet_group g;

	ramet_group_open(&g, RAMET_ALL);
	for (intptr_t i = 0; i < 10; i++)
		CHECK(ramet_go(&g, nap, (void *)i) != NULL);
	CHECK_EQ(g.running, 10);
	CHECK_EQ(ramet_group_wait(&g), 0);
	CHECK_EQ(running, 0);
	CHECK_EQ(g.succeeded, 10);
	CHECK_EQ(ramet_group_wait(&g), 0);
	ramet_group_close(&g);
	CHECK_NULL(ramet_go(&g, nap, NULL), ECANCELED);
	ramet_group_close(&g);
}

TEST(leaving_the_scope_cancels_and_waits)
{
	struct ramet_stats stats;

	{
		ramet_auto_group g;

		ramet_group_open(&g, RAMET_ALL);
		for (int i = 0; i < 10; i++)
			CHECK(ramet_go(&g, nap, (void *)3600000) != NULL);
		CHECK_EQ(ramet_yield(), 0);
		CHECK_EQ(running, 10);
		errno = EXDEV;
	}
	CHECK_EQ(errno, EXDEV);
	CHECK_EQ(running, 0);
	CHECK_EQ(ramet_get_stats(&stats), 0);
	CHECK_EQ(stats.live, 1);
}

TEST(a_scope_around_the_wait_expires_and_close_still_waits)
{
	stop_clock(); /* or the first may be late, too */
	RAMET_WITHIN(10 * RAMET_MS) {
		ramet_auto_group g;

		ramet_group_open(&g, RAMET_ALL);
		CHECK(ramet_go(&g, nap, (void *)1) != NULL);
		CHECK(ramet_go(&g, nap, (void *)3600000) != NULL);
		CHECK_ERR(ramet_group_wait(&g), ETIMEDOUT);
		CHECK_EQ(g.succeeded, 1);
	}
	CHECK_EQ(running, 0);
}

static void *fail(void *arg)
{
	(void)arg;
	return RAMET_FAILED;
}

TEST(all_waits_for_all_and_reports_a_failure)
{
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	CHECK(ramet_go(&g, fail, NULL) != NULL);
	CHECK(ramet_go(&g, nap, (void *)5) != NULL);
	CHECK_ERR(ramet_group_wait(&g), ECHILD);
	CHECK_EQ(g.failed, 1);
	CHECK_EQ(g.succeeded, 1);
}

TEST(fail_fast_cancels_the_others)
{
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_FAIL_FAST);
	CHECK(ramet_go(&g, nap, (void *)3600000) != NULL);
	CHECK(ramet_go(&g, fail, NULL) != NULL);
	CHECK_ERR(ramet_group_wait(&g), ECHILD);
	CHECK_EQ(g.failed, 2);
	CHECK_NULL(ramet_go(&g, nap, NULL), ECANCELED);
}

TEST(first_takes_the_first_success)
{
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_FIRST);
	CHECK(ramet_go(&g, nap, (void *)3600000) != NULL);
	CHECK(ramet_go(&g, fail, NULL) != NULL);
	CHECK(ramet_go(&g, nap, (void *)5) != NULL);
	CHECK_EQ(ramet_group_wait(&g), 0);
	CHECK_EQ(g.succeeded, 1);
	CHECK_EQ(g.failed, 2);
}

TEST(first_without_a_success_is_a_failure)
{
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_FIRST);
	CHECK(ramet_go(&g, fail, NULL) != NULL);
	CHECK_ERR(ramet_group_wait(&g), ECHILD);
}

TEST(next_gives_values_in_the_order_of_ending)
{
	ramet_auto_group g;
	void *value;

	stop_clock(); /* or those that begin late may end late */
	ramet_group_open(&g, RAMET_ALL | RAMET_ITERATE);
	for (intptr_t i = 0; i < 4; i++)
		CHECK(ramet_go(&g, nap, (void *)(200 - 50 * i)) != NULL);
	for (intptr_t i = 0; i < 4; i++) {
		CHECK_EQ(ramet_group_next(&g, &value), 1);
		CHECK_EQ((intptr_t)value, 50 + 50 * i);
	}
	CHECK_EQ(ramet_group_next(&g, &value), 0);
	CHECK(ramet_go(&g, nap, (void *)3600000) != NULL);
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_group_next(&g, NULL), ETIMEDOUT);
	ramet_group_kill(&g);
	CHECK_EQ(ramet_group_next(&g, &value), 1);
	CHECK(value == RAMET_FAILED);
}

TEST(next_needs_to_have_been_asked_for)
{
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	CHECK_ERR(ramet_group_next(&g, NULL), EINVAL);
}

static void *spawn_siblings(void *group)
{
	struct ramet_group *g = group;

	for (int i = 0; i < 3; i++)
		CHECK(ramet_go(g, nap, (void *)1) != NULL);
	return NULL;
}

TEST(children_may_add_siblings)
{
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	CHECK(ramet_go(&g, spawn_siblings, &g) != NULL);
	CHECK_EQ(ramet_group_wait(&g), 0);
	CHECK_EQ(g.succeeded, 4);
}

static void *kill_group(void *group)
{
	ramet_group_kill(group);
	test_fail(__FILE__, __LINE__, "the caller was to be killed too");
}

TEST(kill_ends_them_all_the_caller_last)
{
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	CHECK(ramet_go(&g, nap, (void *)3600000) != NULL);
	CHECK(ramet_go(&g, kill_group, &g) != NULL);
	CHECK(ramet_go(&g, nap, (void *)3600000) != NULL);
	CHECK_ERR(ramet_group_wait(&g), ECHILD);
	CHECK_EQ(g.failed, 3);
}

TEST(children_cannot_be_joined_and_their_handles_can_cancel)
{
	ramet_auto_group g;
	struct ramet *t;

	ramet_group_open(&g, RAMET_ALL);
	t = ramet_go(&g, nap, (void *)3600000);
	CHECK_ERR(ramet_join(t, NULL), EINVAL);
	CHECK_ERR(ramet_detach(t), EINVAL);
	CHECK_EQ(ramet_cancel(t), 0);
	CHECK_ERR(ramet_group_wait(&g), ECHILD);
}

static struct ramet_mutex held;

static void *wants_what_the_closer_holds(void *arg)
{
	RAMET_SHIELD(RAMET_NEVER)
		CHECK_ERR(ramet_mutex_lock(&held), EDEADLK);
	return arg;
}

TEST(closing_breaks_a_deadlock_with_the_closer)
{
	ramet_auto_group g;

	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	CHECK_EQ(ramet_mutex_lock(&held), 0);
	ramet_group_open(&g, RAMET_ALL);
	CHECK(ramet_go(&g, wants_what_the_closer_holds, NULL) != NULL);
	CHECK_EQ(ramet_yield(), 0);
	ramet_group_close(&g);
	CHECK_EQ(g.running, 0);
}

static struct ramet_group left_open;

static void *leaves_a_group_open(void *unused)
{
	ramet_group_open(&left_open, RAMET_ALL);
	CHECK(ramet_go(&left_open, nap, (void *)1000) != NULL);
	return unused;
}

static void close_it(struct ramet *t, void *unused)
{
	(void)t, (void)unused;
	ramet_group_close(&left_open);
}

TEST(closing_in_a_link_leaves_cancelled_children_behind)
{
	struct ramet *t = ramet_spawn(leaves_a_group_open, NULL);
	struct ramet_stats stats;

	CHECK(t != NULL);
	CHECK_EQ(ramet_link(t, close_it, NULL), 0);
	CHECK_EQ(ramet_join(t, NULL), 0);
	CHECK_EQ(left_open.running, 0);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(ramet_get_stats(&stats), 0);
	CHECK_EQ(stats.live, 1);
}

TEST(without_a_group_nobody_waits)
{
	struct ramet_stats stats;

	for (int i = 0; i < 100; i++)
		CHECK(ramet_go(NULL, nap, (void *)1) != NULL);
	CHECK_EQ(ramet_sleep(20 * RAMET_MS), 0);
	while (running)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(ramet_get_stats(&stats), 0);
	CHECK_EQ(stats.live, 1);
}

TEST(a_hundred_thousand_children)
{
	ramet_auto_group g;
	int n = test_slow() ? 1000 : 100000;

	ramet_group_open(&g, RAMET_ALL);
	for (int i = 0; i < n; i++)
		CHECK(ramet_go(&g, nap, (void *)1) != NULL);
	CHECK_EQ(ramet_group_wait(&g), 0);
	CHECK_EQ(g.succeeded, n);
}
