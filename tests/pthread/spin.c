/* Spin locks: pthread_spin_*(3). */
#include "posix.h"

static pthread_spinlock_t lock;
static int counter;

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return t;
}

TEST(it_locks_and_unlocks)
{
	CHECK_EQ(pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE), 0);
	CHECK_EQ(pthread_spin_lock(&lock), 0);
	CHECK_EQ(pthread_spin_trylock(&lock), EBUSY);
	CHECK_EQ(pthread_spin_unlock(&lock), 0);
	CHECK_EQ(pthread_spin_trylock(&lock), 0);
	CHECK_EQ(pthread_spin_unlock(&lock), 0);
	CHECK_EQ(pthread_spin_destroy(&lock), 0);
}

static void *count(void *arg)
{
	for (int i = 0; i < 500; i++) {
		CHECK_EQ(pthread_spin_lock(&lock), 0);
		int seen = counter;
		if (i % 100 == 0)
			sched_yield();
		counter = seen + 1;
		CHECK_EQ(pthread_spin_unlock(&lock), 0);
	}
	return arg;
}

TEST(one_at_a_time_holds_it)
{
	pthread_t t[10];

	CHECK_EQ(pthread_spin_init(&lock, PTHREAD_PROCESS_SHARED), 0);
	for (int i = 0; i < 10; i++)
		t[i] = start(count, NULL);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_EQ(counter, 5000);
}

static volatile int held;

static void *hold(void *arg)
{
	CHECK_EQ(pthread_spin_lock(&lock), 0);
	held = 1;
	sleep_ms(30);
	CHECK_EQ(pthread_spin_unlock(&lock), 0);
	return arg;
}

/* What natively only wastes a processor must not stop the holder. */
TEST(the_holder_may_sleep)
{
	pthread_t t;

	CHECK_EQ(pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE), 0);
	t = start(hold, NULL);
	while (!held)
		sched_yield();
	CHECK_EQ(pthread_spin_lock(&lock), 0);
	CHECK_EQ(pthread_spin_unlock(&lock), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
}

TEST(trying_again_and_again_lets_the_holder_run)
{
	pthread_t t;

	CHECK_EQ(pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE), 0);
	t = start(hold, NULL);
	while (!held)
		sched_yield();
	while (pthread_spin_trylock(&lock) == EBUSY)
		;
	CHECK_EQ(pthread_spin_unlock(&lock), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
}
