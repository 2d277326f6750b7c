/* pthread_once(3). */
#include "posix.h"

static pthread_once_t once = PTHREAD_ONCE_INIT, other = PTHREAD_ONCE_INIT;
static int ran, cancelled;

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return t;
}

static void *join(pthread_t t)
{
	void *value;

	CHECK_EQ(pthread_join(t, &value), 0);
	return value;
}

static void slow(void)
{
	sleep_ms(20);
	ran++;
}

static void *once_slow(void *arg)
{
	CHECK_EQ(pthread_once(&once, slow), 0);
	CHECK_EQ(ran, 1);
	return arg;
}

TEST(the_routine_has_run_when_anybody_goes_on)
{
	pthread_t t[10];

	for (int i = 0; i < 10; i++)
		t[i] = start(once_slow, NULL);
	for (int i = 0; i < 10; i++)
		join(t[i]);
	CHECK_EQ(ran, 1);
}

static void inner(void)
{
	ran += 10;
}

static void outer(void)
{
	CHECK_EQ(pthread_once(&other, inner), 0);
	ran++;
}

TEST(one_routine_may_use_another)
{
	CHECK_EQ(pthread_once(&once, outer), 0);
	CHECK_EQ(pthread_once(&once, outer), 0);
	CHECK_EQ(pthread_once(&other, inner), 0);
	CHECK_EQ(ran, 11);
}

static void be_cancelled(void)
{
	if (!cancelled) {
		cancelled = 1;
		sleep_ms(60000);
	}
	ran++;
}

static void *once_cancelled(void *arg)
{
	CHECK_EQ(pthread_once(&once, be_cancelled), 0);
	return arg;
}

TEST(a_cancelled_routine_has_not_run)
{
	pthread_t t = start(once_cancelled, NULL), next;

	while (!*(volatile int *)&cancelled)
		sched_yield();
	next = start(once_cancelled, NULL);
	sleep_ms(10);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
	CHECK(join(next) != PTHREAD_CANCELED);
	CHECK_EQ(ran, 1);
}

static void leave(void)
{
	if (!ran++)
		pthread_exit((void *)7);
}

static void *once_leave(void *arg)
{
	CHECK_EQ(pthread_once(&once, leave), 0);
	return arg;
}

TEST(neither_has_one_that_ends_its_thread)
{
	CHECK_EQ((long)join(start(once_leave, NULL)), 7);
	CHECK_EQ(pthread_once(&once, leave), 0);
	CHECK_EQ(ran, 2);
}

static void begin_again(void)
{
	ran++;
	sleep_ms(50);
}

static void *once_again(void *arg)
{
	CHECK_EQ(pthread_once(&once, begin_again), 0);
	return arg;
}

TEST(the_child_of_a_fork_begins_again)
{
	pthread_t t = start(once_again, NULL);
	pid_t child;

	while (!*(volatile int *)&ran)
		sched_yield();
	child = fork();
	if (child == 0) {
		once_again(NULL);
		_exit(ran == 2 ? 0 : 1);
	}
	CHECK_EQ(posix_wait(child), 0);
	join(t);
	CHECK_EQ(ran, 1);
}

TEST(many_are_independent)
{
	static pthread_once_t all[100]; /* PTHREAD_ONCE_INIT is 0 */

	for (int i = 0; i < 200; i++)
		CHECK_EQ(pthread_once(&all[i % 100], inner), 0);
	CHECK_EQ(ran, 1000);
}
