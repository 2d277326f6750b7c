/* sleep, usleep, nanosleep, clock_nanosleep under the patch. */
#include "hooked.h"

static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME,
				   CLOCK_BOOTTIME, CLOCK_TAI};

static int64_t read_clock(clockid_t clock)
{
	struct timespec t;

	CHECK_EQ(clock_gettime(clock, &t), 0);
	return t.tv_sec * RAMET_SEC + t.tv_nsec;
}

/* ---- how long ----------------------------------------------------------- */

TEST(a_sleep_is_never_short)
{
	find_libc();
	for (int us = 1; us < 5000; us = us * 3 + 7) {
		int64_t start = read_clock(CLOCK_MONOTONIC);
		struct timespec t = ns_to_timespec(us * RAMET_US);

		CHECK_EQ(HOOK(usleep)((useconds_t)us), 0);
		CHECK(read_clock(CLOCK_MONOTONIC) - start >= us * RAMET_US);
		start = read_clock(CLOCK_MONOTONIC);
		CHECK_EQ(HOOK(nanosleep)(&t, NULL), 0);
		CHECK(read_clock(CLOCK_MONOTONIC) - start >= us * RAMET_US);
	}
}

TEST(a_second_of_sleep)
{
	int64_t start;

	find_libc();
	start = read_clock(CLOCK_MONOTONIC);
	CHECK_EQ(HOOK(sleep)(1), 0);
	CHECK(read_clock(CLOCK_MONOTONIC) - start >= RAMET_SEC);
	CHECK_EQ(HOOK(sleep)(0), 0);
}

TEST(more_than_a_million_microseconds)
{
	int64_t start;

	find_libc();
	start = read_clock(CLOCK_MONOTONIC);
	CHECK_EQ(HOOK(usleep)(1100000), 0);
	CHECK(read_clock(CLOCK_MONOTONIC) - start >= 1100 * RAMET_MS);
}

TEST(the_rest_may_be_where_the_request_is)
{
	struct timespec t = ns_to_timespec(20 * RAMET_MS);
	int64_t start;

	find_libc();
	start = read_clock(CLOCK_MONOTONIC);
	CHECK_EQ(HOOK(nanosleep)(&t, &t), 0);
	CHECK(read_clock(CLOCK_MONOTONIC) - start >= 20 * RAMET_MS);
	CHECK_EQ(t.tv_nsec, 20 * RAMET_MS);
	start = read_clock(CLOCK_MONOTONIC);
	CHECK_EQ(HOOK(clock_nanosleep)(CLOCK_MONOTONIC, 0, &t, &t), 0);
	CHECK(read_clock(CLOCK_MONOTONIC) - start >= 20 * RAMET_MS);
}

TEST(each_clock_is_slept_by)
{
	find_libc();
	for (size_t i = 0; i < countof(clocks); i++) {
		struct timespec t = ns_to_timespec(5 * RAMET_MS);
		int64_t until, start = read_clock(clocks[i]);

		CHECK_EQ(HOOK(clock_nanosleep)(clocks[i], 0, &t, NULL), 0);
		CHECK(read_clock(clocks[i]) - start >= 5 * RAMET_MS);
		until = read_clock(clocks[i]) + 5 * RAMET_MS;
		t = ns_to_timespec(until);
		CHECK_EQ(HOOK(clock_nanosleep)(clocks[i], TIMER_ABSTIME, &t,
					       &t),
			 0);
		CHECK(read_clock(clocks[i]) >= until);
		CHECK_EQ(t.tv_sec * RAMET_SEC + t.tv_nsec, until);
		/* what has passed takes no time */
		CHECK_EQ(HOOK(clock_nanosleep)(clocks[i], TIMER_ABSTIME, &t,
					       NULL),
			 0);
	}
}

static void *burn(void *stop)
{
	while (!*(volatile int *)stop)
		ramet_yield();
	return NULL;
}

TEST(the_process_clock_counts_what_is_used)
{
	struct timespec t = ns_to_timespec(30 * RAMET_MS);
	int64_t start;
	int stop = 0;
	struct ramet *burner;

	find_libc();
	burner = spawn(burn, &stop);
	start = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	CHECK_EQ(HOOK(clock_nanosleep)(CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL),
		 0);
	CHECK(read_clock(CLOCK_PROCESS_CPUTIME_ID) - start >= 30 * RAMET_MS);
	stop = 1;
	join(burner);
}

/* ---- errors ------------------------------------------------------------- */

TEST(what_is_no_time_is_refused)
{
	static const struct timespec bad[] = {{0, -1},
					      {0, 1000000000},
					      {-1, 0},
					      {-1, 999999999}};
	struct timespec t = {0, 1};

	find_libc();
	for (size_t i = 0; i < countof(bad); i++) {
		CHECK_ERR(HOOK(nanosleep)(&bad[i], NULL), EINVAL);
		errno = 7;
		CHECK_EQ(HOOK(clock_nanosleep)(CLOCK_MONOTONIC, 0, &bad[i],
					       NULL),
			 EINVAL);
		CHECK_EQ(errno, 7);
	}
	CHECK_EQ(HOOK(clock_nanosleep)(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL),
		 EINVAL);
	CHECK_EQ(HOOK(clock_nanosleep)(12345, 0, &t, NULL), EINVAL);
	CHECK(HOOK(clock_nanosleep)(CLOCK_MONOTONIC_RAW, 0, &t, NULL) != 0);
}

TEST(errno_is_kept)
{
	struct timespec t = {0, 1000000};

	find_libc();
	errno = 42;
	CHECK_EQ(HOOK(usleep)(1000), 0);
	CHECK_EQ(HOOK(nanosleep)(&t, &t), 0);
	CHECK_EQ(HOOK(clock_nanosleep)(CLOCK_REALTIME, 0, &t, &t), 0);
	CHECK_EQ(HOOK(sleep)(0), 0);
	CHECK_EQ(errno, 42);
}

/* ---- interrupted -------------------------------------------------------- */

enum how { SLEEP, USLEEP, NANOSLEEP, SAME, CLOCK_NANOSLEEP, ABSOLUTE };

struct sleeper {
	enum how how;
	clockid_t clock;
	long result;
	int error;
	struct timespec rest;
};

static void *sleep_long(void *p)
{
	struct sleeper *s = p;
	struct timespec hour = {3600, 0};

	s->rest = (struct timespec){-7, -7};
	errno = 0;
	switch (s->how) {
	case SLEEP:
		s->result = HOOK(sleep)(3600);
		break;
	case USLEEP:
		s->result = HOOK(usleep)(3600u * 1000000u);
		break;
	case NANOSLEEP:
		s->result = HOOK(nanosleep)(&hour, &s->rest);
		break;
	case SAME:
		s->rest = hour;
		s->result = HOOK(nanosleep)(&s->rest, &s->rest);
		break;
	case CLOCK_NANOSLEEP:
		s->result = HOOK(clock_nanosleep)(s->clock, 0, &hour, &s->rest);
		break;
	case ABSOLUTE:
		CHECK_EQ(clock_gettime(s->clock, &hour), 0);
		hour.tv_sec += 3600;
		s->result = HOOK(clock_nanosleep)(s->clock, TIMER_ABSTIME,
						  &hour, &s->rest);
	}
	s->error = errno;
	return NULL;
}

static void check_rest(const struct sleeper *s)
{
	switch (s->how) {
	case SLEEP:
		CHECK(s->result > 3500 && s->result <= 3600);
		return;
	case USLEEP:
	case NANOSLEEP:
	case SAME:
		CHECK_EQ(s->result, -1);
		CHECK_EQ(s->error, EINTR);
		break;
	default:
		CHECK_EQ(s->result, EINTR);
		CHECK_EQ(s->error, 0);
	}
	if (s->how == ABSOLUTE)
		CHECK_EQ(s->rest.tv_sec, -7);
	else if (s->how != USLEEP)
		CHECK(s->rest.tv_sec > 3500 && s->rest.tv_sec < 3600);
}

static void each_way(void (*end)(struct sleeper *))
{
	struct sleeper s;

	find_libc();
	for (int how = SLEEP; how <= ABSOLUTE; how++)
		for (size_t i = 0; i < countof(clocks); i++) {
			s = (struct sleeper){.how = (enum how)how,
					     .clock = clocks[i]};
			end(&s);
			check_rest(&s);
		}
}

static void by_signal(struct sleeper *s)
{
	struct ramet *t = spawn(sleep_long, s);

	settle();
	interrupt(t);
	join(t);
}

TEST(a_signal_ends_a_sleep)
{
	each_way(by_signal);
}

static void by_cancel(struct sleeper *s)
{
	struct ramet *t = spawn(sleep_long, s);

	settle();
	CHECK_EQ(ramet_cancel(t), 0);
	join(t);
}

TEST(cancel_ends_a_sleep)
{
	each_way(by_cancel);
}

static void by_scope(struct sleeper *s)
{
	RAMET_WITHIN(2 * RAMET_MS)
		sleep_long(s);
}

TEST(the_end_of_the_scope_ends_a_sleep)
{
	each_way(by_scope);
}

/* Or the loop that goes on after EINTR would never end. */
TEST(a_sleep_that_begins_too_late_fails)
{
	struct timespec t = {3600, 0};

	find_libc();
	RAMET_WITHIN(RAMET_MS) {
		while (HOOK(nanosleep)(&t, &t) < 0 && errno == EINTR)
			;
		CHECK_EQ(errno, ETIMEDOUT);
		while (HOOK(clock_nanosleep)(CLOCK_REALTIME, 0, &t, &t) ==
		       EINTR)
			;
		CHECK_EQ(HOOK(clock_nanosleep)(CLOCK_REALTIME, 0, &t, &t),
			 ETIMEDOUT);
		CHECK_EQ(HOOK(sleep)(3600), 0);
		CHECK_ERR(HOOK(usleep)(1000000), ETIMEDOUT);
	}
	t = (struct timespec){0, 1};
	CHECK_EQ(HOOK(nanosleep)(&t, NULL), 0);
}

/* ---- others ------------------------------------------------------------- */

static void *sleep_ms(void *ms)
{
	CHECK_EQ(HOOK(usleep)((useconds_t)(intptr_t)ms * 1000), 0);
	return NULL;
}

TEST(many_sleep_at_once)
{
	struct ramet *ts[1000];
	int64_t start;

	find_libc();
	start = read_clock(CLOCK_MONOTONIC);
	for (int i = 0; i < 1000; i++)
		ts[i] = spawn(sleep_ms, (void *)(intptr_t)(100 + i % 10));
	for (int i = 0; i < 1000; i++)
		join(ts[i]);
	CHECK(read_clock(CLOCK_MONOTONIC) - start < 50 * RAMET_SEC);
	CHECK_EQ(os_threads(), 1);
}

TEST(a_sleep_of_nothing_lets_others_run)
{
	struct timespec none = {0, 0};
	struct ramet *t;
	int turns = 0;

	find_libc();
	t = spawn(count_turns, &turns);
	for (int i = 1; i < 10; i++) {
		CHECK_EQ(HOOK(nanosleep)(&none, NULL), 0);
		CHECK(turns >= i);
	}
	turns = 0;
	for (int i = 1; i < 10; i++) {
		CHECK_EQ(HOOK(usleep)(0), 0);
		CHECK(turns >= i);
	}
	CHECK_EQ(ramet_cancel(t), 0);
	join(t);
}

static void *plain_thread(void *unused)
{
	struct timespec t = {0, 1000000};

	CHECK_EQ(HOOK(usleep)(1000), 0);
	CHECK_EQ(HOOK(nanosleep)(&t, NULL), 0);
	CHECK_EQ(HOOK(clock_nanosleep)(CLOCK_REALTIME, 0, &t, NULL), 0);
	CHECK_EQ(HOOK(sleep)(0), 0);
	CHECK(!ramet__this_loop);
	return unused;
}

TEST(threads_without_a_loop_get_libc)
{
	pthread_t t;

	find_libc();
	CHECK_EQ(pthread_create(&t, NULL, plain_thread, NULL), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
}
