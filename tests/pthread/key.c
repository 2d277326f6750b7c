/* key.c - values that each thread has of its own. */
#include "posix.h"

#include <limits.h>
#include <sched.h>

static pthread_key_t key, other;
static long destroyed, rounds; /* destroyed is atomic */

static void *join(pthread_t t)
{
	void *value;

	CHECK_EQ(pthread_join(t, &value), 0);
	return value;
}

static void *run(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return join(t);
}

static void add_value(void *value)
{
	__atomic_add_fetch(&destroyed, (long)value, __ATOMIC_SEQ_CST);
}

static void *set_and_read(void *value)
{
	CHECK(pthread_getspecific(key) == NULL);
	CHECK_EQ(pthread_setspecific(key, value), 0);
	for (int i = 0; i < 5; i++) {
		sched_yield();
		CHECK(pthread_getspecific(key) == value);
	}
	return NULL;
}

TEST(values_are_each_threads_own)
{
	pthread_t t[20];

	CHECK_EQ(pthread_key_create(&key, NULL), 0);
	CHECK_EQ(pthread_setspecific(key, &key), 0);
	for (long i = 0; i < 20; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, set_and_read,
					(void *)(i + 1)),
			 0);
	for (int i = 0; i < 20; i++)
		join(t[i]);
	CHECK(pthread_getspecific(key) == &key);
}

TEST(the_destructor_gets_the_value_at_the_threads_end)
{
	CHECK_EQ(pthread_key_create(&key, add_value), 0);
	run(set_and_read, (void *)1000L);
	CHECK_EQ(destroyed, 1000);
}

static void *set_and_clear(void *value)
{
	CHECK_EQ(pthread_setspecific(key, value), 0);
	CHECK_EQ(pthread_setspecific(key, NULL), 0);
	return NULL;
}

TEST(no_value_has_no_destructor_call)
{
	CHECK_EQ(pthread_key_create(&key, add_value), 0);
	run(set_and_clear, (void *)5L);
	CHECK_EQ(destroyed, 0);
}

static void see_null(void *value)
{
	CHECK(pthread_getspecific(key) == NULL);
	add_value(value);
}

TEST(the_value_is_NULL_when_its_destructor_is_called)
{
	CHECK_EQ(pthread_key_create(&key, see_null), 0);
	run(set_and_read, (void *)3L);
	CHECK_EQ(destroyed, 3);
}

static void set_again(void *value)
{
	rounds++;
	CHECK_EQ(pthread_setspecific(key, value), 0);
}

TEST(destructors_that_set_values_are_called_a_few_times_only)
{
	CHECK_EQ(pthread_key_create(&key, set_again), 0);
	run(set_and_read, (void *)1L);
	CHECK_EQ(rounds, PTHREAD_DESTRUCTOR_ITERATIONS);
}

static void set_other(void *value)
{
	CHECK_EQ(pthread_setspecific(other, value), 0);
}

TEST(a_destructor_may_set_another_key)
{
	CHECK_EQ(pthread_key_create(&other, add_value), 0);
	CHECK_EQ(pthread_key_create(&key, set_other), 0);
	run(set_and_read, (void *)9L);
	CHECK_EQ(destroyed, 9);
}

static void *delete_key(void *value)
{
	CHECK_EQ(pthread_setspecific(key, value), 0);
	CHECK_EQ(pthread_key_delete(key), 0);
	return NULL;
}

TEST(a_deleted_keys_destructor_is_not_called)
{
	CHECK_EQ(pthread_key_create(&key, add_value), 0);
	run(delete_key, (void *)4L);
	CHECK_EQ(destroyed, 0);
	CHECK_EQ(pthread_key_delete(key), EINVAL);
	CHECK_EQ(pthread_setspecific(key, &key), EINVAL);
}

static void *keep_old_value(void *value)
{
	CHECK_EQ(pthread_setspecific(key, value), 0);
	CHECK_EQ(pthread_key_delete(key), 0);
	CHECK_EQ(pthread_key_create(&key, add_value), 0);
	CHECK(pthread_getspecific(key) == NULL);
	return NULL;
}

TEST(a_new_key_has_no_values_of_a_deleted_one)
{
	CHECK_EQ(pthread_key_create(&key, NULL), 0);
	run(keep_old_value, (void *)8L);
	CHECK_EQ(destroyed, 0);
}

static pthread_key_t all[PTHREAD_KEYS_MAX];
static int made;

static void *set_all(void *unused)
{
	(void)unused;
	for (int i = 0; i < made; i++)
		CHECK(pthread_getspecific(all[i]) == NULL);
	for (int i = 0; i < made; i++)
		CHECK_EQ(pthread_setspecific(all[i], (void *)1L), 0);
	return NULL;
}

TEST(all_keys_can_be_used_and_one_more_is_EAGAIN)
{
	int err = 0;

	while (made < PTHREAD_KEYS_MAX && err == 0) {
		err = pthread_key_create(&all[made], add_value);
		made += err == 0;
	}
	CHECK(made > 1000);
	CHECK_EQ(pthread_key_create(&key, NULL), EAGAIN);
	for (int n = 1; n <= 20; n++) { /* again on what a thread has left */
		run(set_all, NULL);
		CHECK_EQ(destroyed, (long)n * made);
	}
}

static void yield_much(void *value)
{
	for (int i = 0; i < 10; i++)
		sched_yield();
	add_value(value);
}

TEST(destructors_may_wait)
{
	pthread_t t[10];

	CHECK_EQ(pthread_key_create(&key, yield_much), 0);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, set_and_read, (void *)1L),
			 0);
	for (int i = 0; i < 10; i++)
		join(t[i]);
	CHECK_EQ(destroyed, 10);
}
