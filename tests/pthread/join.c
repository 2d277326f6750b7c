/* join.c - join and detach, their errors, and join's time limits. */
#include "posix.h"

#include <sched.h>

static volatile int go_on;

static void *wait_for_go(void *arg)
{
	while (!go_on)
		sched_yield();
	return arg;
}

static pthread_t waiting(void)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, wait_for_go, (void *)5L), 0);
	return t;
}

/* Undefined by POSIX; glibc 2.36 waits. */
static void glibc_does_not_look(void)
{
	if (!under_ramet())
		skip("glibc waits for ever");
}

static void end(pthread_t t)
{
	void *value;

	go_on = 1;
	CHECK_EQ(pthread_join(t, &value), 0);
	CHECK_EQ(value, 5);
}

TEST(join_with_itself_is_EDEADLK)
{
	CHECK_EQ(pthread_join(pthread_self(), NULL), EDEADLK);
}

static void *join_arg(void *arg)
{
	void *value;

	CHECK_EQ(pthread_join(*(pthread_t *)arg, &value), 0);
	return value;
}

TEST(a_thread_may_be_joined_by_another_than_its_creator)
{
	pthread_t t = waiting(), joiner;
	void *value;

	CHECK_EQ(pthread_create(&joiner, NULL, join_arg, &t), 0);
	sched_yield();
	go_on = 1;
	CHECK_EQ(pthread_join(joiner, &value), 0);
	CHECK_EQ(value, 5);
}

TEST(two_joiners_of_one_thread_are_EINVAL)
{
	pthread_t t, joiner;
	void *value;

	glibc_does_not_look();
	t = waiting();
	CHECK_EQ(pthread_create(&joiner, NULL, join_arg, &t), 0);
	for (int i = 0; i < 100; i++)
		sched_yield();
	sleep_ms(20);
	for (int i = 0; i < 100; i++)
		sched_yield();
	CHECK_EQ(pthread_join(t, NULL), EINVAL);
	go_on = 1;
	CHECK_EQ(pthread_join(joiner, &value), 0);
	CHECK_EQ(value, 5);
}

static pthread_t main_thread;

static void *join_main(void *arg)
{
	int *err = arg;

	*err = pthread_join(main_thread, NULL);
	return NULL;
}

TEST(two_that_join_each_other_are_EDEADLK)
{
	pthread_t t;
	int err = 0;

	glibc_does_not_look();
	main_thread = pthread_self();
	CHECK_EQ(pthread_create(&t, NULL, join_main, &err), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK_EQ(err, EDEADLK);
}

TEST(join_of_a_detached_thread_is_EINVAL)
{
	pthread_t t = waiting();

	CHECK_EQ(pthread_detach(t), 0);
	CHECK_EQ(pthread_join(t, NULL), EINVAL);
	CHECK_EQ(pthread_detach(t), EINVAL);
}

TEST(an_attribute_makes_a_thread_detached)
{
	pthread_attr_t attr;
	pthread_t t;
	int state;

	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED),
		 0);
	CHECK_EQ(pthread_attr_getdetachstate(&attr, &state), 0);
	CHECK_EQ(state, PTHREAD_CREATE_DETACHED);
	CHECK_EQ(pthread_create(&t, &attr, wait_for_go, NULL), 0);
	CHECK_EQ(pthread_join(t, NULL), EINVAL);
	CHECK_EQ(pthread_detach(t), EINVAL);
}

static void *detach_self(void *arg)
{
	CHECK_EQ(pthread_detach(pthread_self()), 0);
	CHECK_EQ(pthread_detach(pthread_self()), EINVAL);
	CHECK_EQ(pthread_join(pthread_self(), NULL), EINVAL);
	go_on = 1;
	return arg;
}

TEST(a_thread_may_detach_itself)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, detach_self, NULL), 0);
	while (!go_on)
		sched_yield();
}

TEST(detach_after_the_end_is_allowed)
{
	pthread_t t = waiting();

	go_on = 1;
	for (int i = 0; i < 100; i++)
		sched_yield();
	sleep_ms(10);
	CHECK_EQ(pthread_detach(t), 0);
}

TEST(tryjoin_is_EBUSY_until_the_thread_has_ended)
{
	pthread_t t = waiting();
	void *value;
	int err;

	CHECK_EQ(pthread_tryjoin_np(t, NULL), EBUSY);
	go_on = 1;
	while ((err = pthread_tryjoin_np(t, &value)) == EBUSY)
		sched_yield();
	CHECK_EQ(err, 0);
	CHECK_EQ(value, 5);
}

TEST(timedjoin_ends_at_its_time_and_the_thread_can_still_be_joined)
{
	pthread_t t = waiting();
	struct timespec at = in_ms(CLOCK_REALTIME, 30);
	long start = now_ms();

	CHECK_EQ(pthread_timedjoin_np(t, NULL, &at), ETIMEDOUT);
	CHECK(now_ms() - start >= 29);
	end(t);
}

TEST(timedjoin_with_a_time_that_has_passed_does_not_wait)
{
	pthread_t t = waiting();
	struct timespec at = in_ms(CLOCK_REALTIME, -1000);

	CHECK_EQ(pthread_timedjoin_np(t, NULL, &at), ETIMEDOUT);
	end(t);
}

TEST(timedjoin_returns_as_soon_as_the_thread_has_ended)
{
	pthread_t t = waiting();
	struct timespec at = in_ms(CLOCK_REALTIME, 9000);
	void *value;

	go_on = 1;
	CHECK_EQ(pthread_timedjoin_np(t, &value, &at), 0);
	CHECK_EQ(value, 5);
}

TEST(timedjoin_checks_its_nanoseconds)
{
	struct timespec at = {now_ms() / 1000, 1000000000};
	pthread_t t;

	glibc_does_not_look();
	t = waiting();
	CHECK_EQ(pthread_timedjoin_np(t, NULL, &at), EINVAL);
	end(t);
}

TEST(clockjoin_takes_the_monotonic_clock)
{
	pthread_t t = waiting();
	struct timespec at = in_ms(CLOCK_MONOTONIC, 20);

	CHECK_EQ(pthread_clockjoin_np(t, NULL, CLOCK_MONOTONIC, &at),
		 ETIMEDOUT);
	CHECK_EQ(pthread_clockjoin_np(t, NULL, CLOCK_PROCESS_CPUTIME_ID, &at),
		 EINVAL);
	end(t);
}

TEST(join_finds_threads_that_ended_in_any_order)
{
	enum { N = 64 };
	pthread_t t[N];

	for (int i = 0; i < N; i++)
		t[i] = waiting();
	go_on = 1;
	for (int i = 0; i < N; i++)
		end(t[(i * 37 + 11) % N]);
}

TEST(detached_threads_go_by_themselves)
{
	for (int i = 0; i < 5000; i++) {
		pthread_t t;

		CHECK_EQ(pthread_create(&t, NULL, wait_for_go, NULL), 0);
		CHECK_EQ(pthread_detach(t), 0);
		go_on = 1;
		sched_yield();
	}
}
