/* Timers fire in deadline order, ties in arming order, never early, and a
 * disarmed one never fires. */
#include "core/timer.h"
#include "test.h"

#define TICK ((int64_t)1 << TIMER_TICK_BITS)

TEST(ties_fire_in_arming_order)
{
	struct timers ts;
	struct timer t[3] = {0};

	ramet__timers_init(&ts, 0);
	for (int i = 0; i < 3; i++)
		ramet__timer_arm(&ts, &t[i], 7 * TICK);
	CHECK(!ramet__timer_pop(&ts, 7 * TICK - 1));
	for (int i = 0; i < 3; i++)
		CHECK(ramet__timer_pop(&ts, 7 * TICK) == &t[i]);
	CHECK(!ramet__timer_pop(&ts, INT64_MAX));
}

/* The first is armed far ahead and moves down the wheel, the second is armed
 * when the deadline is near. */
TEST(ties_hold_whenever_they_were_armed)
{
	struct timers ts;
	struct timer early = {0}, late = {0};
	int64_t when = 100000 * TICK;

	ramet__timers_init(&ts, 0);
	ramet__timer_arm(&ts, &early, when);
	CHECK(!ramet__timer_pop(&ts, when - 3 * TICK));
	ramet__timer_arm(&ts, &late, when);
	CHECK(ramet__timer_pop(&ts, when) == &early);
	CHECK(ramet__timer_pop(&ts, when) == &late);
}

TEST(what_has_passed_fires_at_once)
{
	struct timers ts;
	struct timer t[3] = {0};

	ramet__timers_init(&ts, 1000 * TICK);
	ramet__timer_arm(&ts, &t[0], INT64_MIN);
	ramet__timer_arm(&ts, &t[1], 0);
	ramet__timer_arm(&ts, &t[2], 1000 * TICK);
	for (int i = 0; i < 3; i++)
		CHECK(ramet__timer_pop(&ts, 1000 * TICK) == &t[i]);
}

TEST(the_end_of_time_is_a_deadline_like_any_other)
{
	struct timers ts;
	struct timer t = {0};

	ramet__timers_init(&ts, 123456789);
	ramet__timer_arm(&ts, &t, INT64_MAX);
	CHECK(!ramet__timer_pop(&ts, INT64_MAX / 2));
	CHECK(ramet__timers_next(&ts) >= INT64_MAX - TICK);
	ramet__timer_disarm(&ts, &t);
	CHECK_EQ(ts.count, 0);
	CHECK_EQ(ramet__timers_next(&ts), INT64_MAX);
}

TEST(rounding_is_late_by_a_sixteenth_or_a_millisecond_at_most)
{
	for (int i = 0; i < 100000; i++) {
		int64_t duration = (int64_t)(test_rand(UINT32_MAX))
				   << test_rand(20);
		int64_t when = (int64_t)test_rand(UINT32_MAX) * 1000 + duration;
		int64_t most = duration / 16 > TICK ? duration / 16 : TICK;
		int64_t late = timer_coalesce(when, duration) - when;

		CHECK(late >= 0 && late < most && late < 1 << 20);
	}
	CHECK_EQ(timer_coalesce(INT64_MAX - 1, INT64_MAX), INT64_MAX);
}

/* Thousands of random operations against a model too simple to be wrong: scan
 * an array for the earliest armed entry. */
TEST(agrees_with_a_linear_scan)
{
	enum { N = 64 };
	static struct timers ts;
	struct timer t[N] = {0};
	uint64_t seq[N], armed = 0;
	int64_t now = (int64_t)test_rand(1u << 30);

	ramet__timers_init(&ts, now);
	for (int step = 0; step < test_rounds(100000); step++) {
		uint32_t k = test_rand(N);
		int first = -1;

		if (timer_armed(&t[k])) {
			ramet__timer_disarm(&ts, &t[k]);
		} else {
			ramet__timer_arm(&ts, &t[k],
					 now + ((int64_t)test_rand(5000)
						<< test_rand(36)));
			seq[k] = armed++;
		}
		if (test_rand(4))
			continue;
		now += (int64_t)test_rand(10000) << test_rand(30);
		for (;;) {
			struct timer *got = ramet__timer_pop(&ts, now);

			first = -1;
			for (int i = 0; i < N; i++)
				if ((timer_armed(&t[i]) || got == &t[i]) &&
				    (first < 0 || t[i].when < t[first].when ||
				     (t[i].when == t[first].when &&
				      seq[i] < seq[first])))
					first = i;
			if (!got)
				break;
			CHECK(got == &t[first]);
			CHECK(got->when <= now >> TIMER_TICK_BITS);
		}
		CHECK(first < 0 || t[first].when > now >> TIMER_TICK_BITS);
		CHECK(first < 0 || ramet__timers_next(&ts) <=
					   t[first].when << TIMER_TICK_BITS);
	}
}
