/* cancel.c - ending another thread. */
#include "posix.h"

#include <sched.h>

static volatile int ready, cleaned, go_on;

static void clean(void *n)
{
	cleaned += (int)(long)n;
}

static void await(volatile int *flag)
{
	while (!*flag)
		sched_yield();
}

static void *sleep_long(void *arg)
{
	pthread_cleanup_push(clean, (void *)1L);
	ready = 1;
	sleep(100);
	pthread_cleanup_pop(0);
	return arg;
}

static pthread_t start(void *(*fn)(void *))
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, NULL), 0);
	return t;
}

static void *join(pthread_t t)
{
	void *value;

	CHECK_EQ(pthread_join(t, &value), 0);
	return value;
}

TEST(a_thread_that_sleeps_is_cancelled)
{
	pthread_t t = start(sleep_long);

	await(&ready);
	sleep_ms(5);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
	CHECK_EQ(cleaned, 1);
}

TEST(a_thread_that_has_not_run_yet_is_cancelled)
{
	pthread_t t = start(sleep_long);

	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
}

static void *test_it(void *arg)
{
	ready = 1;
	for (;;) {
		pthread_testcancel();
		sched_yield();
	}
	return arg;
}

TEST(testcancel_is_a_cancellation_point)
{
	pthread_t t = start(test_it);

	await(&ready);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
}

static void *disabled(void *arg)
{
	int old;

	CHECK_EQ(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old), 0);
	CHECK_EQ(old, PTHREAD_CANCEL_ENABLE);
	ready = 1;
	await(&go_on);
	pthread_testcancel();
	sleep(0);
	cleaned = 5;
	CHECK_EQ(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old), 0);
	CHECK_EQ(old, PTHREAD_CANCEL_DISABLE);
	pthread_testcancel();
	return arg;
}

TEST(disabled_cancellation_is_kept_until_enabled)
{
	pthread_t t = start(disabled);

	await(&ready);
	CHECK_EQ(pthread_cancel(t), 0);
	go_on = 1;
	CHECK(join(t) == PTHREAD_CANCELED);
	CHECK_EQ(cleaned, 5);
}

static void *never_asks(void *arg)
{
	ready = 1;
	await(&go_on);
	return arg;
}

TEST(sched_yield_is_no_cancellation_point)
{
	pthread_t t = start(never_asks);

	await(&ready);
	CHECK_EQ(pthread_cancel(t), 0);
	for (int i = 0; i < 10; i++)
		sched_yield();
	go_on = 1;
	CHECK(join(t) == NULL);
}

static void *bad_arguments(void *arg)
{
	int old;

	CHECK_EQ(pthread_setcancelstate(99, &old), EINVAL);
	CHECK_EQ(pthread_setcanceltype(99, &old), EINVAL);
	CHECK_EQ(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old), 0);
	CHECK_EQ(old, PTHREAD_CANCEL_DEFERRED);
	CHECK_EQ(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old), 0);
	CHECK_EQ(old, PTHREAD_CANCEL_ASYNCHRONOUS);
	CHECK_EQ(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL), 0);
	CHECK_EQ(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL), 0);
	return arg;
}

TEST(state_and_type_are_checked_and_returned)
{
	CHECK(join(start(bad_arguments)) == NULL);
}

static void *cancel_self(void *arg)
{
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	cleaned = 1;
	pthread_testcancel();
	cleaned = 2;
	return arg;
}

TEST(a_thread_that_cancels_itself_goes_on_to_its_next_point)
{
	CHECK(join(start(cancel_self)) == PTHREAD_CANCELED);
	CHECK_EQ(cleaned, 1);
}

static void *cancel_self_now(void *arg)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	pthread_cancel(pthread_self());
	cleaned = 2;
	return arg;
}

TEST(asynchronous_cancellation_of_itself_is_at_once)
{
	CHECK(join(start(cancel_self_now)) == PTHREAD_CANCELED);
	CHECK_EQ(cleaned, 0);
}

static pthread_t other;

static void *join_other(void *arg)
{
	ready = 1;
	pthread_join(other, NULL);
	return arg;
}

TEST(join_is_a_cancellation_point_and_leaves_the_other_joinable)
{
	pthread_t t;

	other = start(never_asks);
	await(&ready);
	ready = 0;
	t = start(join_other);
	await(&ready);
	sleep_ms(5);
	sched_yield();
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
	go_on = 1;
	CHECK(join(other) == NULL);
}

static void *handlers_make_calls(void *arg)
{
	pthread_cleanup_push(clean, (void *)10L);
	pthread_cleanup_push(clean, (void *)1L);
	ready = 1;
	for (;;)
		sleep(1);
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return arg;
}

TEST(all_cleanup_handlers_of_a_cancelled_thread_run)
{
	pthread_t t = start(handlers_make_calls);

	await(&ready);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
	CHECK_EQ(cleaned, 11);
}

static void sleep_in_handler(void *unused)
{
	(void)unused;
	sleep(0);
	usleep(1000);
	pthread_testcancel();
	cleaned++;
}

static void *slow_end(void *arg)
{
	pthread_cleanup_push(sleep_in_handler, NULL);
	ready = 1;
	sleep(100);
	pthread_cleanup_pop(0);
	return arg;
}

TEST(cleanup_handlers_are_not_cancelled_again)
{
	pthread_t t = start(slow_end);

	await(&ready);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
	CHECK_EQ(cleaned, 1);
}

TEST(cancel_of_a_thread_that_has_ended_does_nothing)
{
	pthread_t t = start(never_asks);

	go_on = 1;
	for (int i = 0; i < 20; i++)
		sched_yield();
	sleep_ms(10);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == NULL);
}

static pthread_key_t key;

static void count_key(void *unused)
{
	(void)unused;
	cleaned += 100;
}

static void *with_key(void *arg)
{
	CHECK_EQ(pthread_setspecific(key, &key), 0);
	return sleep_long(arg);
}

TEST(destructors_of_keys_run_for_a_cancelled_thread)
{
	pthread_t t;

	CHECK_EQ(pthread_key_create(&key, count_key), 0);
	t = start(with_key);
	await(&ready);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
	CHECK_EQ(cleaned, 101);
}

TEST(a_hundred_sleepers_are_cancelled)
{
	pthread_t t[100];

	for (int i = 0; i < 100; i++)
		t[i] = start(sleep_long);
	sleep_ms(20);
	sched_yield();
	for (int i = 0; i < 100; i++)
		CHECK_EQ(pthread_cancel(t[i]), 0);
	for (int i = 0; i < 100; i++)
		CHECK(join(t[i]) == PTHREAD_CANCELED);
}

static void *end_main(void *arg)
{
	CHECK_EQ(pthread_cancel(*(pthread_t *)arg), 0);
	CHECK_EQ(pthread_join(*(pthread_t *)arg, arg), 0);
	CHECK(*(void **)arg == PTHREAD_CANCELED);
	return NULL;
}

static void cancelled_main(void)
{
	static pthread_t self;
	pthread_t t;

	self = pthread_self();
	CHECK_EQ(pthread_create(&t, NULL, end_main, &self), 0);
	sleep(100);
	_exit(3);
}

TEST(main_can_be_cancelled_and_the_process_ends_with_0)
{
	CHECK_EQ(status_of(cancelled_main), 0);
}
