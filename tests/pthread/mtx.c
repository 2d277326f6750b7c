/* What C11 has to wait with: mtx_, cnd_, call_once. */
#include "posix.h"

#include <threads.h>

static mtx_t mutex;
static cnd_t cond;
static once_flag flag = ONCE_FLAG_INIT;
static int counter, ran, ready;

static thrd_t start(int (*fn)(void *), void *arg)
{
	thrd_t t;

	CHECK_EQ(thrd_create(&t, fn, arg), thrd_success);
	return t;
}

static int join(thrd_t t)
{
	int value;

	CHECK_EQ(thrd_join(t, &value), thrd_success);
	return value;
}

static int try_it(void *m)
{
	return mtx_trylock(m);
}

TEST(a_plain_mutex)
{
	CHECK_EQ(mtx_init(&mutex, mtx_plain), thrd_success);
	CHECK_EQ(mtx_lock(&mutex), thrd_success);
	CHECK_EQ(join(start(try_it, &mutex)), thrd_busy);
	CHECK_EQ(mtx_unlock(&mutex), thrd_success);
	CHECK_EQ(mtx_trylock(&mutex), thrd_success);
	CHECK_EQ(mtx_unlock(&mutex), thrd_success);
	mtx_destroy(&mutex);
}

TEST(a_recursive_mutex)
{
	CHECK_EQ(mtx_init(&mutex, mtx_plain | mtx_recursive), thrd_success);
	CHECK_EQ(mtx_lock(&mutex), thrd_success);
	CHECK_EQ(mtx_lock(&mutex), thrd_success);
	CHECK_EQ(mtx_unlock(&mutex), thrd_success);
	CHECK_EQ(join(start(try_it, &mutex)), thrd_busy);
	CHECK_EQ(mtx_unlock(&mutex), thrd_success);
	CHECK_EQ(mtx_unlock(&mutex), thrd_error);
	mtx_destroy(&mutex);
}

static int lock_late(void *m)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 20);
	long start_ms = now_ms();
	int result = mtx_timedlock(m, &at);

	CHECK(now_ms() - start_ms >= 19);
	return result;
}

TEST(a_timed_mutex)
{
	CHECK_EQ(mtx_init(&mutex, mtx_timed), thrd_success);
	CHECK_EQ(mtx_lock(&mutex), thrd_success);
	CHECK_EQ(join(start(lock_late, &mutex)), thrd_timedout);
	CHECK_EQ(mtx_unlock(&mutex), thrd_success);
	mtx_destroy(&mutex);
}

static int count(void *arg)
{
	(void)arg;
	for (int i = 0; i < 500; i++) {
		CHECK_EQ(mtx_lock(&mutex), thrd_success);
		int seen = counter;
		if (i % 50 == 0)
			thrd_yield();
		counter = seen + 1;
		CHECK_EQ(mtx_unlock(&mutex), thrd_success);
	}
	return 0;
}

TEST(one_at_a_time_holds_it)
{
	thrd_t t[8];

	CHECK_EQ(mtx_init(&mutex, mtx_plain), thrd_success);
	for (int i = 0; i < 8; i++)
		t[i] = start(count, NULL);
	for (int i = 0; i < 8; i++)
		join(t[i]);
	CHECK_EQ(counter, 4000);
}

static int wait_ready(void *arg)
{
	(void)arg;
	CHECK_EQ(mtx_lock(&mutex), thrd_success);
	counter++;
	while (!ready)
		CHECK_EQ(cnd_wait(&cond, &mutex), thrd_success);
	CHECK_EQ(mtx_unlock(&mutex), thrd_success);
	return 3;
}

static void wake_them(int (*wake)(cnd_t *), int n)
{
	thrd_t t[8];
	int waiting = 0;

	CHECK_EQ(mtx_init(&mutex, mtx_plain), thrd_success);
	CHECK_EQ(cnd_init(&cond), thrd_success);
	for (int i = 0; i < n; i++)
		t[i] = start(wait_ready, NULL);
	for (; waiting < n; thrd_yield()) {
		mtx_lock(&mutex);
		waiting = counter;
		mtx_unlock(&mutex);
	}
	mtx_lock(&mutex);
	ready = 1;
	CHECK_EQ(wake(&cond), thrd_success);
	mtx_unlock(&mutex);
	for (int i = 0; i < n; i++)
		CHECK_EQ(join(t[i]), 3);
	cnd_destroy(&cond);
	mtx_destroy(&mutex);
}

TEST(a_signal_wakes_one)
{
	wake_them(cnd_signal, 1);
}

TEST(a_broadcast_wakes_all)
{
	wake_them(cnd_broadcast, 8);
}

TEST(a_timed_wait_ends)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 20);

	CHECK_EQ(mtx_init(&mutex, mtx_plain), thrd_success);
	CHECK_EQ(cnd_init(&cond), thrd_success);
	CHECK_EQ(mtx_lock(&mutex), thrd_success);
	CHECK_EQ(cnd_timedwait(&cond, &mutex, &at), thrd_timedout);
	CHECK_EQ(mtx_trylock(&mutex), thrd_busy);
	CHECK_EQ(mtx_unlock(&mutex), thrd_success);
}

static void run(void)
{
	sleep_ms(5);
	ran++;
}

static int run_once(void *arg)
{
	(void)arg;
	call_once(&flag, run);
	return ran;
}

TEST(what_is_called_once_has_been_called)
{
	thrd_t t[5];

	for (int i = 0; i < 5; i++)
		t[i] = start(run_once, NULL);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(join(t[i]), 1);
}
