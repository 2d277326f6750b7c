/* c11.c - the threads of <threads.h>. */
#include "posix.h"

#include <sched.h>
#include <threads.h>

static int plus_one(void *n)
{
	return *(int *)n + 1;
}

TEST(thrd_join_returns_the_int)
{
	int n = 41, value = 0;
	thrd_t t;

	CHECK_EQ(thrd_create(&t, plus_one, &n), thrd_success);
	CHECK_EQ(thrd_join(t, &value), thrd_success);
	CHECK_EQ(value, 42);
	n = -8;
	CHECK_EQ(thrd_create(&t, plus_one, &n), thrd_success);
	CHECK_EQ(thrd_join(t, &value), thrd_success);
	CHECK_EQ(value, -7);
}

static int exits(void *unused)
{
	(void)unused;
	thrd_exit(17);
}

TEST(thrd_exit_gives_the_value)
{
	thrd_t t;
	int value;

	CHECK_EQ(thrd_create(&t, exits, NULL), thrd_success);
	CHECK_EQ(thrd_join(t, &value), thrd_success);
	CHECK_EQ(value, 17);
}

static int is_current(void *t)
{
	*(thrd_t *)t = thrd_current();
	return 0;
}

TEST(thrd_current_is_the_thread)
{
	thrd_t t, inside;

	CHECK_EQ(thrd_create(&t, is_current, &inside), thrd_success);
	CHECK_EQ(thrd_join(t, NULL), thrd_success);
	CHECK(thrd_equal(t, inside));
	CHECK(!thrd_equal(t, thrd_current()));
}

static volatile int done;

static int set_done(void *unused)
{
	(void)unused;
	done = 1;
	return 0;
}

TEST(thrd_detach_lets_it_go)
{
	thrd_t t;

	CHECK_EQ(thrd_create(&t, set_done, NULL), thrd_success);
	CHECK_EQ(thrd_detach(t), thrd_success);
	while (!done)
		thrd_yield();
}

TEST(thrd_sleep_sleeps)
{
	struct timespec ts = {0, 20000000};
	long start = now_ms();

	CHECK_EQ(thrd_sleep(&ts, NULL), 0);
	CHECK(now_ms() - start >= 19);
	ts.tv_nsec = -1;
	CHECK(thrd_sleep(&ts, NULL) < 0);
}

static int destroyed;

static void destroy(void *n)
{
	destroyed += *(int *)n;
}

static tss_t tss;

static int set_tss(void *n)
{
	CHECK_EQ(tss_set(tss, n), thrd_success);
	CHECK(tss_get(tss) == n);
	return 0;
}

TEST(tss_has_destructors)
{
	int n = 6;
	thrd_t t;

	CHECK_EQ(tss_create(&tss, destroy), thrd_success);
	CHECK_EQ(thrd_create(&t, set_tss, &n), thrd_success);
	CHECK_EQ(thrd_join(t, NULL), thrd_success);
	CHECK_EQ(destroyed, 6);
	CHECK(tss_get(tss) == NULL);
	tss_delete(tss);
}

static thread_local int local = 3;

static int local_is_fresh(void *unused)
{
	(void)unused;
	return local++;
}

TEST(thread_local_variables_are_fresh)
{
	for (int i = 0; i < 5; i++) {
		thrd_t t;
		int value;

		CHECK_EQ(thrd_create(&t, local_is_fresh, NULL), thrd_success);
		CHECK_EQ(thrd_join(t, &value), thrd_success);
		CHECK_EQ(value, 3);
	}
}
