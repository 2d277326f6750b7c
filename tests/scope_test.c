/* Sleep, time limits and cancel: levels, not edges. */
#include "door.h"
#include "ramet.h"
#include "ramets.h"

#include "core/core.h"

TEST(sleep_is_never_early)
{
	for (int i = 0; i < 50; i++) {
		int64_t ns = (int64_t)test_rand(3000000), begin = ramet_now();

		CHECK_EQ(ramet_sleep(ns), 0);
		CHECK(ramet_now() - begin >= ns);
		CHECK_EQ(ramet_sleep_until(ramet_after(ns)), 0);
		CHECK(ramet_now() - begin >= 2 * ns);
	}
	CHECK_EQ(ramet_sleep(0), 0);
	CHECK_EQ(ramet_sleep(-5), 0);
	CHECK_EQ(ramet_sleep(INT64_MIN), 0);
	CHECK_EQ(ramet_sleep_until((struct ramet_deadline){INT64_MIN}), 0);
}

TEST(deadlines_stop_at_the_end_of_time)
{
	CHECK_EQ(ramet_after(RAMET_NEVER).ns, INT64_MAX);
	CHECK_EQ(ramet_after(INT64_MAX - 1).ns, INT64_MAX);
	CHECK(ramet_after(INT64_MIN).ns < 0);
	RAMET_WITHIN(INT64_MAX - 1)
		CHECK_EQ(ramet_sleep(1), 0);
	RAMET_WITHIN(INT64_MIN)
		CHECK_ERR(ramet_sleep(1), ETIMEDOUT);
}

TEST(a_scope_bounds_what_is_inside_and_stays_expired)
{
	int64_t begin = ramet_now();

	RAMET_WITHIN(20 * RAMET_MS) {
		CHECK_ERR(ramet_sleep(3600 * RAMET_SEC), ETIMEDOUT);
		CHECK_ERR(ramet_sleep(1), ETIMEDOUT);
		CHECK_ERR(ramet_yield(), ETIMEDOUT);
	}
	CHECK(ramet_now() - begin >= 20 * RAMET_MS);
	CHECK_EQ(ramet_sleep(1), 0);
}

TEST(a_scope_of_zero_or_less_has_expired)
{
	RAMET_WITHIN(0)
		CHECK_ERR(ramet_sleep(1), ETIMEDOUT);
	RAMET_WITHIN(-1)
		CHECK_ERR(ramet_sleep(0), ETIMEDOUT);
}

TEST(the_tightest_scope_wins_and_says_that_it_was_the_one)
{
	struct ramet_scope outer, inner;

	ramet_scope_open(&outer, 10 * RAMET_MS);
	ramet_scope_open(&inner, 3600 * RAMET_SEC);
	CHECK_EQ(ramet_scope_deadline().ns, outer.deadline);
	CHECK_ERR(ramet_sleep(RAMET_SEC), ETIMEDOUT);
	CHECK(outer.expired && !inner.expired);
	ramet_scope_close(&inner);
	CHECK_ERR(ramet_sleep(1), ETIMEDOUT);
	ramet_scope_close(&outer);

	ramet_scope_open(&outer, 3600 * RAMET_SEC);
	ramet_scope_open(&inner, 10 * RAMET_MS);
	CHECK_ERR(ramet_sleep(RAMET_SEC), ETIMEDOUT);
	CHECK(!outer.expired && inner.expired);
	ramet_scope_close(&inner);
	CHECK_EQ(ramet_sleep(1), 0);
	ramet_scope_close(&outer);
	CHECK_EQ(ramet_scope_deadline().ns, RAMET_NEVER);
}

TEST(closing_an_outer_scope_closes_the_inner_ones_and_twice_is_allowed)
{
	struct ramet_scope a, b;

	ramet_scope_open(&a, RAMET_SEC);
	ramet_shield_open(&b, RAMET_SEC);
	ramet_scope_close(&a);
	CHECK_EQ(ramet_scope_deadline().ns, RAMET_NEVER);
	ramet_scope_close(&b);
	ramet_scope_close(&a);
	CHECK_EQ(ramet_sleep(1), 0);
}

TEST(a_sleep_that_ends_with_its_scope_is_not_cut_short)
{
	struct ramet_scope s;

	stop_clock(); /* or both are over before the sleep begins */
	ramet_scope_open(&s, 5 * RAMET_MS);
	CHECK_EQ(ramet_sleep_until((struct ramet_deadline){s.deadline}), 0);
	CHECK(!s.expired);
	ramet_scope_close(&s);
}

static void *stubborn(void *done)
{
	while (!*(int *)done)
		ramet_sleep(RAMET_SEC); /* fails at once, each time */
	return NULL;
}

static void *finish(void *done)
{
	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	*(int *)done = 1;
	return NULL;
}

TEST(ignoring_an_error_in_a_loop_does_not_keep_others_from_running)
{
	int done = 0;
	struct ramet *a = spawn(stubborn, &done);
	struct ramet *b = spawn(finish, &done);

	CHECK_EQ(ramet_cancel(a), 0);
	CHECK_EQ(ramet_join(a, NULL), 0);
	CHECK_EQ(ramet_join(b, NULL), 0);
}

static int leave(int how)
{
	for (int i = 0; i < 2; i++) {
		RAMET_WITHIN(0) {
			if (how == 0)
				break;
			if (how == 1)
				return 1;
			if (how == 2)
				goto out;
			if (how == 3)
				continue;
		}
		CHECK_EQ(ramet_scope_deadline().ns, RAMET_NEVER);
	}
out:
	return how;
}

TEST(a_scope_is_left_by_break_return_goto_and_continue)
{
	for (int how = 0; how < 5; how++) {
		CHECK_EQ(leave(how), how);
		CHECK_EQ(ramet_scope_deadline().ns, RAMET_NEVER);
	}
}

TEST(a_shield_hides_the_scopes_around_it_and_is_bounded_itself)
{
	RAMET_WITHIN(0) {
		RAMET_SHIELD(3600 * RAMET_SEC) {
			CHECK_EQ(ramet_sleep(1), 0);
			RAMET_WITHIN(0)
				CHECK_ERR(ramet_sleep(1), ETIMEDOUT);
			CHECK_EQ(ramet_sleep(1), 0);
		}
		RAMET_SHIELD(10 * RAMET_MS)
			CHECK_ERR(ramet_sleep(RAMET_SEC), ETIMEDOUT);
		CHECK_ERR(ramet_sleep(1), ETIMEDOUT);
	}
}

static void *cancelled(void *arg)
{
	CHECK_ERR(ramet_sleep(3600 * RAMET_SEC), ECANCELED);
	CHECK(ramet_cancelled());
	CHECK_ERR(ramet_sleep(1), ECANCELED);
	CHECK_ERR(ramet_yield(), ECANCELED);
	RAMET_SHIELD(3600 * RAMET_SEC) {
		CHECK_EQ(ramet_sleep(1), 0);
		RAMET_SHIELD(3600 * RAMET_SEC)
			CHECK_EQ(ramet_sleep(1), 0);
		CHECK_EQ(ramet_sleep(1), 0);
	}
	CHECK_ERR(ramet_sleep(1), ECANCELED);
	return arg;
}

TEST(cancel_ends_the_present_call_and_all_that_follow)
{
	struct ramet *t = spawn(cancelled, NULL);

	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(ramet_cancel(t), 0);
	CHECK_EQ(ramet_cancel(t), 0);
	CHECK_EQ(ramet_join(t, NULL), 0);
	CHECK_EQ(ramet_cancel(t), 0);
}

TEST(a_ramet_cancelled_before_its_first_run_still_runs)
{
	struct ramet_opts later = {.delay = 3600 * RAMET_SEC};
	struct ramet *t = spawn(cancelled, NULL);

	CHECK_EQ(ramet_cancel(t), 0);
	CHECK_EQ(ramet_join(t, NULL), 0);
	t = made(ramet_spawn_opts(cancelled, NULL, &later));
	CHECK_EQ(ramet_cancel(t), 0);
	CHECK_EQ(ramet_join(t, NULL), 0);
}

static void *in_shield(void *done)
{
	RAMET_SHIELD(3600 * RAMET_SEC) {
		CHECK_EQ(ramet_sleep(20 * RAMET_MS), 0);
		*(int *)done = 1;
	}
	CHECK_ERR(ramet_sleep(RAMET_SEC), ECANCELED);
	return NULL;
}

TEST(cancel_waits_for_the_end_of_a_shield)
{
	int done = 0;
	struct ramet *t = spawn(in_shield, &done);

	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(ramet_cancel(t), 0);
	CHECK_EQ(ramet_join(t, NULL), 0);
	CHECK_EQ(done, 1);
}

static void *forever(void *arg)
{
	while (ramet_sleep(3600 * RAMET_SEC) == 0)
		;
	return arg;
}

TEST(an_interrupted_join_can_be_repeated)
{
	struct ramet *t = spawn(forever, (void *)1);
	void *value = NULL;

	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_join(t, NULL), ETIMEDOUT);
	CHECK_EQ(ramet_cancel(t), 0);
	CHECK_EQ(ramet_join(t, &value), 0);
	CHECK(value == (void *)1);
}

static void time_out(int n)
{
	for (int i = 0; i < n; i++)
		RAMET_WITHIN(test_rand(2000))
			ramet_sleep(RAMET_SEC);
	CHECK_EQ(ramet_sleep(1), 0);
}

/* Each of them wakes some 50 us late by the real clock. */
TEST(a_million_timed_out_calls_leave_no_timer)
{
	time_out(test_rounds(10000));
	stop_clock();
	time_out(test_rounds(1000000));
	CHECK(ramet__loop()->timers.count <= 1); /* a timer stays armed */
}

/* 2,000 sleepers that are cancelled, time out or end, in random order.  Only if
 * no time passes between the two is it certain that the shorter one wins. */
static bool exact;

static void *random_sleeper(void *arg)
{
	int64_t limit = (int64_t)test_rand(3000000), nap = test_rand(3000000);
	int64_t begin = ramet_now();

	RAMET_WITHIN(limit) {
		int err = ramet_sleep(nap);
		int64_t took = ramet_now() - begin;

		if (err == 0)
			CHECK(took >= nap);
		else if (errno == ETIMEDOUT)
			CHECK(took >= limit && (limit < nap || !exact));
		else
			CHECK_EQ(errno, ECANCELED);
	}
	return arg;
}

static void sleep_at_random(void)
{
	enum { N = 2000 };
	static struct ramet *t[N];
	uint32_t n = test_slow() ? N / 10 : N;

	for (uint32_t i = 0; i < n; i++)
		t[i] = spawn(random_sleeper, NULL);
	for (uint32_t i = 0; i < n; i++) {
		if (test_rand(2))
			CHECK_EQ(ramet_cancel(t[test_rand(n - i) + i]), 0);
		CHECK_EQ(ramet_join(t[i], NULL), 0);
	}
}

TEST(random_sleeps_scopes_and_cancels)
{
	sleep_at_random();
	stop_clock();
	exact = true;
	sleep_at_random();
}
