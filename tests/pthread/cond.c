/* Condition variables: pthread_cond_*(3). */
#include "posix.h"

#include <sys/mman.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int waiting, tokens, woken, cleaned;

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

static void lock(void)
{
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
}

static void unlock(void)
{
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
}

static void *consume(void *arg)
{
	lock();
	waiting++;
	while (!tokens)
		CHECK_EQ(pthread_cond_wait(&cond, &mutex), 0);
	tokens--;
	woken++;
	unlock();
	return arg;
}

static void until_waiting(int n)
{
	for (int seen = -1; seen != n; sched_yield()) {
		lock();
		seen = waiting;
		unlock();
	}
}

TEST(a_signal_wakes_one)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		t[i] = start(consume, NULL);
	until_waiting(3);
	for (int i = 1; i <= 3; i++) {
		lock();
		tokens++;
		CHECK_EQ(pthread_cond_signal(&cond), 0);
		unlock();
		for (int seen = 0; seen < i; sched_yield()) {
			lock();
			seen = woken;
			CHECK(seen <= i);
			unlock();
		}
	}
	for (int i = 0; i < 3; i++)
		join(t[i]);
	CHECK_EQ(pthread_cond_destroy(&cond), 0);
}

TEST(a_broadcast_wakes_all)
{
	pthread_t t[50];

	for (int i = 0; i < 50; i++)
		t[i] = start(consume, NULL);
	until_waiting(50);
	lock();
	tokens = 50;
	CHECK_EQ(pthread_cond_broadcast(&cond), 0);
	unlock();
	for (int i = 0; i < 50; i++)
		join(t[i]);
	CHECK_EQ(woken, 50);
}

TEST(a_broadcast_without_the_mutex_wakes_all)
{
	pthread_t t[10];

	for (int i = 0; i < 10; i++)
		t[i] = start(consume, NULL);
	until_waiting(10);
	lock();
	tokens = 10;
	unlock();
	CHECK_EQ(pthread_cond_broadcast(&cond), 0);
	for (int i = 0; i < 10; i++)
		join(t[i]);
}

TEST(a_signal_for_nobody_is_lost)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 20);

	CHECK_EQ(pthread_cond_signal(&cond), 0);
	CHECK_EQ(pthread_cond_broadcast(&cond), 0);
	lock();
	CHECK_EQ(pthread_cond_timedwait(&cond, &mutex, &at), ETIMEDOUT);
	unlock();
}

TEST(the_mutex_is_held_again_after_a_wait)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 5);

	lock();
	CHECK_EQ(pthread_cond_timedwait(&cond, &mutex, &at), ETIMEDOUT);
	CHECK_EQ(pthread_mutex_trylock(&mutex), EBUSY);
	unlock();
}

static void *set_token(void *arg)
{
	lock();
	tokens = 1;
	unlock();
	return arg;
}

TEST(an_expired_wait_lets_others_run)
{
	struct timespec past = {1, 0};
	pthread_t t;
	long give_up = now_ms() + 8000;

	lock();
	t = start(set_token, NULL);
	while (!tokens && now_ms() < give_up)
		CHECK_EQ(pthread_cond_timedwait(&cond, &mutex, &past),
			 ETIMEDOUT);
	CHECK(tokens);
	unlock();
	join(t);
}

TEST(a_timed_wait_ends_at_its_time)
{
	long start_ms = now_ms();
	struct timespec at = in_ms(CLOCK_REALTIME, 40);
	int err = 0;

	lock();
	while (!err)
		err = pthread_cond_timedwait(&cond, &mutex, &at);
	CHECK_EQ(err, ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 39);
	unlock();
}

TEST(the_clock_is_the_attributes)
{
	struct timespec at = in_ms(CLOCK_MONOTONIC, 30);
	pthread_condattr_t a;
	pthread_cond_t c;
	long start_ms = now_ms();
	int err = 0;

	CHECK_EQ(pthread_condattr_init(&a), 0);
	CHECK_EQ(pthread_condattr_setclock(&a, CLOCK_MONOTONIC), 0);
	CHECK_EQ(pthread_cond_init(&c, &a), 0);
	lock();
	while (!err)
		err = pthread_cond_timedwait(&c, &mutex, &at);
	CHECK_EQ(err, ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 29);
	unlock();
	CHECK_EQ(pthread_cond_destroy(&c), 0);
}

TEST(clockwait_brings_its_own_clock)
{
	struct timespec at = in_ms(CLOCK_MONOTONIC, 30);
	long start_ms = now_ms();

	lock();
	CHECK_EQ(pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &at),
		 ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 29);
	at = in_ms(CLOCK_REALTIME, 10);
	CHECK_EQ(pthread_cond_clockwait(&cond, &mutex, CLOCK_REALTIME, &at),
		 ETIMEDOUT);
	CHECK_EQ(pthread_cond_clockwait(&cond, &mutex, CLOCK_THREAD_CPUTIME_ID,
					&at),
		 EINVAL);
	unlock();
}

TEST(a_time_that_is_none_is_invalid)
{
	struct timespec wrong[] = {{1, -1}, {1, 1000000000}};

	lock();
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_cond_timedwait(&cond, &mutex, &wrong[i]),
			 EINVAL);
	CHECK_EQ(pthread_mutex_trylock(&mutex), EBUSY);
	unlock();
}

TEST(an_error_checking_mutex_must_be_held)
{
	pthread_mutex_t e = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
	struct timespec at = in_ms(CLOCK_REALTIME, 5);

	CHECK_EQ(pthread_cond_wait(&cond, &e), EPERM);
	CHECK_EQ(pthread_cond_timedwait(&cond, &e, &at), EPERM);
	CHECK_EQ(pthread_mutex_lock(&e), 0);
	CHECK_EQ(pthread_cond_timedwait(&cond, &e, &at), ETIMEDOUT);
	CHECK_EQ(pthread_mutex_unlock(&e), 0);
}

TEST(a_recursive_mutex_locked_once_is_free_meanwhile)
{
	static pthread_mutex_t r = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
	struct timespec at = in_ms(CLOCK_REALTIME, 5);

	CHECK_EQ(pthread_mutex_lock(&r), 0);
	CHECK_EQ(pthread_cond_timedwait(&cond, &r, &at), ETIMEDOUT);
	CHECK_EQ(pthread_mutex_unlock(&r), 0);
	CHECK_EQ(pthread_mutex_unlock(&r), EPERM);
}

/* ---- cancellation and signals ------------------------------------------- */

static void clean(void *arg)
{
	(void)arg;
	CHECK_EQ(pthread_mutex_trylock(&mutex), EBUSY); /* held by us */
	cleaned = 1;
	unlock();
}

static void *wait_for_ever(void *arg)
{
	lock();
	pthread_cleanup_push(clean, NULL);
	waiting++;
	for (;;)
		CHECK_EQ(pthread_cond_wait(&cond, &mutex), 0);
	pthread_cleanup_pop(0);
	return arg;
}

TEST(a_cancelled_wait_holds_the_mutex_in_its_handlers)
{
	pthread_t t = start(wait_for_ever, NULL);

	until_waiting(1);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
	CHECK_EQ(cleaned, 1);
	lock();
	unlock();
}

static void *wait_long(void *arg)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 60000);

	lock();
	pthread_cleanup_push(clean, NULL);
	waiting++;
	for (;;)
		CHECK_EQ(pthread_cond_timedwait(&cond, &mutex, &at), 0);
	pthread_cleanup_pop(0);
	return arg;
}

TEST(a_cancelled_timed_wait_does_too)
{
	pthread_t t = start(wait_long, NULL);

	until_waiting(1);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
	CHECK_EQ(cleaned, 1);
}

static void *cancelled_before(void *arg)
{
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	return wait_for_ever(arg);
}

TEST(a_wait_is_a_cancellation_point_from_the_start)
{
	CHECK(join(start(cancelled_before, NULL)) == PTHREAD_CANCELED);
	CHECK_EQ(cleaned, 1);
}

TEST(a_cancelled_waiter_takes_no_signal_of_others)
{
	pthread_t doomed = start(wait_for_ever, NULL), t;

	until_waiting(1);
	t = start(consume, NULL);
	until_waiting(2);
	CHECK_EQ(pthread_cancel(doomed), 0);
	CHECK(join(doomed) == PTHREAD_CANCELED);
	lock();
	tokens = 1;
	CHECK_EQ(pthread_cond_signal(&cond), 0);
	unlock();
	join(t);
}

/* ---- destroying ---------------------------------------------------------- */

static pthread_cond_t *heap_cond;
static int done;

static void *wait_on_heap(void *arg)
{
	lock();
	waiting++;
	while (!done)
		CHECK_EQ(pthread_cond_wait(heap_cond, &mutex), 0);
	unlock();
	return arg;
}

TEST(it_may_be_destroyed_once_all_are_woken)
{
	pthread_t t[10];

	for (int round = 0; round < 20; round++) {
		heap_cond = malloc(sizeof *heap_cond);
		CHECK_EQ(pthread_cond_init(heap_cond, NULL), 0);
		waiting = done = 0;
		for (int i = 0; i < 10; i++)
			t[i] = start(wait_on_heap, NULL);
		until_waiting(10);
		lock();
		done = 1;
		CHECK_EQ(pthread_cond_broadcast(heap_cond), 0);
		CHECK_EQ(pthread_cond_destroy(heap_cond), 0);
		memset(heap_cond, 0xee, sizeof *heap_cond);
		free(heap_cond);
		unlock();
		for (int i = 0; i < 10; i++)
			join(t[i]);
	}
}

/* ---- many --------------------------------------------------------------- */

enum { PRODUCERS = 5, CONSUMERS = 5, ITEMS = 400, ROOM = 4 };

static pthread_cond_t room = PTHREAD_COND_INITIALIZER;
static int queue[ROOM], used, first, sum;

static void *produce_items(void *arg)
{
	for (int i = 1; i <= ITEMS; i++) {
		lock();
		while (used == ROOM)
			CHECK_EQ(pthread_cond_wait(&room, &mutex), 0);
		queue[(first + used++) % ROOM] = i;
		CHECK_EQ(pthread_cond_signal(&cond), 0);
		unlock();
	}
	return arg;
}

static void *consume_items(void *arg)
{
	for (int i = 0; i < ITEMS; i++) {
		lock();
		while (!used)
			CHECK_EQ(pthread_cond_wait(&cond, &mutex), 0);
		sum += queue[first];
		first = (first + 1) % ROOM;
		used--;
		CHECK_EQ(pthread_cond_signal(&room), 0);
		unlock();
	}
	return arg;
}

TEST(a_bounded_queue_loses_nothing)
{
	pthread_t t[PRODUCERS + CONSUMERS];

	for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
		t[i] = start(i < PRODUCERS ? produce_items : consume_items,
			     NULL);
	for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
		join(t[i]);
	CHECK_EQ(sum, PRODUCERS * ITEMS * (ITEMS + 1) / 2);
}

static void *signal_often(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		lock();
		tokens++;
		CHECK_EQ(pthread_cond_signal(&cond), 0);
		unlock();
		if (i % 16 == 0)
			sched_yield();
	}
	return arg;
}

/* Whether a time or a signal ends the wait, no token may be forgotten. */
TEST(times_and_signals_may_race)
{
	pthread_t t = start(signal_often, NULL);
	int taken = 0, err;

	lock();
	while (taken < 2000) {
		struct timespec at = in_ms(CLOCK_REALTIME, 0);

		at.tv_nsec += at.tv_nsec < 999000000 ? 200000 : 0;
		err = tokens ? 0 : pthread_cond_timedwait(&cond, &mutex, &at);
		CHECK(err == 0 || err == ETIMEDOUT);
		if (tokens) {
			tokens--;
			taken++;
		}
	}
	unlock();
	join(t);
}

/* ---- between processes -------------------------------------------------- */

struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	int turn;
};

static void play(struct shared *s, int me)
{
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(pthread_mutex_lock(&s->mutex), 0);
		while (s->turn != me)
			CHECK_EQ(pthread_cond_wait(&s->cond, &s->mutex), 0);
		s->turn = !me;
		CHECK_EQ(pthread_cond_broadcast(&s->cond), 0);
		CHECK_EQ(pthread_mutex_unlock(&s->mutex), 0);
	}
}

TEST(processes_take_turns)
{
	struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec at = in_ms(CLOCK_REALTIME, 30);
	pthread_mutexattr_t ma;
	pthread_condattr_t ca;
	pid_t child;
	int err = 0;

	pthread_mutexattr_init(&ma);
	pthread_condattr_init(&ca);
	CHECK_EQ(pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_condattr_setpshared(&ca, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_mutex_init(&s->mutex, &ma), 0);
	CHECK_EQ(pthread_cond_init(&s->cond, &ca), 0);
	CHECK_EQ(pthread_mutex_lock(&s->mutex), 0);
	while (!err)
		err = pthread_cond_timedwait(&s->cond, &s->mutex, &at);
	CHECK_EQ(err, ETIMEDOUT);
	CHECK_EQ(pthread_mutex_unlock(&s->mutex), 0);
	child = fork();
	play(s, child == 0);
	if (child == 0)
		_exit(0);
	CHECK_EQ(posix_wait(child), 0);
	CHECK_EQ(pthread_cond_destroy(&s->cond), 0);
}
