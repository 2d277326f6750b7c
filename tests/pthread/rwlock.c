/* Read-write locks: pthread_rwlock_*(3). */
#include "posix.h"

#include <sys/mman.h>

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static int readers, writers, value;

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return t;
}

static void *join(pthread_t t)
{
	void *v;

	CHECK_EQ(pthread_join(t, &v), 0);
	return v;
}

static int (*call)(pthread_rwlock_t *);
static void *call_it(void *lock)
{
	int err = call(lock);

	if (!err)
		pthread_rwlock_unlock(lock);
	return (void *)(long)err;
}

static int elsewhere(int (*fn)(pthread_rwlock_t *), pthread_rwlock_t *lock)
{
	call = fn;
	return (int)(long)join(start(call_it, lock));
}

TEST(many_may_read)
{
	for (int i = 0; i < 10; i++)
		CHECK_EQ(i & 1 ? pthread_rwlock_rdlock(&rw)
			       : pthread_rwlock_tryrdlock(&rw),
			 0);
	CHECK_EQ(elsewhere(pthread_rwlock_rdlock, &rw), 0);
	CHECK_EQ(elsewhere(pthread_rwlock_tryrdlock, &rw), 0);
	CHECK_EQ(elsewhere(pthread_rwlock_trywrlock, &rw), EBUSY);
	CHECK_EQ(pthread_rwlock_trywrlock(&rw), EBUSY);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
	CHECK_EQ(pthread_rwlock_trywrlock(&rw), 0);
	CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
	CHECK_EQ(pthread_rwlock_destroy(&rw), 0);
}

TEST(one_writes_alone)
{
	CHECK_EQ(pthread_rwlock_wrlock(&rw), 0);
	CHECK_EQ(elsewhere(pthread_rwlock_tryrdlock, &rw), EBUSY);
	CHECK_EQ(elsewhere(pthread_rwlock_trywrlock, &rw), EBUSY);
	CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
	CHECK_EQ(elsewhere(pthread_rwlock_trywrlock, &rw), 0);
}

TEST(the_writer_is_told_of_its_deadlock)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 1000);

	CHECK_EQ(pthread_rwlock_wrlock(&rw), 0);
	CHECK_EQ(pthread_rwlock_wrlock(&rw), EDEADLK);
	CHECK_EQ(pthread_rwlock_rdlock(&rw), EDEADLK);
	CHECK_EQ(pthread_rwlock_timedrdlock(&rw, &at), EDEADLK);
	CHECK_EQ(pthread_rwlock_timedwrlock(&rw, &at), EDEADLK);
	CHECK_EQ(pthread_rwlock_tryrdlock(&rw), EBUSY);
	CHECK_EQ(pthread_rwlock_trywrlock(&rw), EBUSY);
	CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
}

static void *write_late(void *lock)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 30);
	long start_ms = now_ms();

	CHECK_EQ(pthread_rwlock_timedwrlock(lock, &at), ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 29);
	at = in_ms(CLOCK_MONOTONIC, 10);
	CHECK_EQ(pthread_rwlock_clockwrlock(lock, CLOCK_MONOTONIC, &at),
		 ETIMEDOUT);
	return NULL;
}

static void *read_late(void *lock)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 30);
	long start_ms = now_ms();

	CHECK_EQ(pthread_rwlock_timedrdlock(lock, &at), ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 29);
	at = in_ms(CLOCK_MONOTONIC, 10);
	CHECK_EQ(pthread_rwlock_clockrdlock(lock, CLOCK_MONOTONIC, &at),
		 ETIMEDOUT);
	return NULL;
}

TEST(timed_locks_give_up)
{
	CHECK_EQ(pthread_rwlock_rdlock(&rw), 0);
	join(start(write_late, &rw));
	CHECK_EQ(elsewhere(pthread_rwlock_rdlock, &rw), 0);
	CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
	CHECK_EQ(pthread_rwlock_wrlock(&rw), 0);
	join(start(read_late, &rw));
	join(start(write_late, &rw));
	CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
	CHECK_EQ(elsewhere(pthread_rwlock_trywrlock, &rw), 0);
}

TEST(a_time_that_is_none_is_invalid)
{
	struct timespec wrong = {1, -1}, past = {1, 0};

	CHECK_EQ(pthread_rwlock_timedrdlock(&rw, &wrong), EINVAL);
	CHECK_EQ(pthread_rwlock_timedwrlock(&rw, &wrong), EINVAL);
	CHECK_EQ(pthread_rwlock_clockrdlock(&rw, CLOCK_THREAD_CPUTIME_ID,
					    &past),
		 EINVAL);
	CHECK_EQ(pthread_rwlock_clockwrlock(&rw, CLOCK_THREAD_CPUTIME_ID,
					    &past),
		 EINVAL);
	CHECK_EQ(pthread_rwlock_timedrdlock(&rw, &past), 0);
	CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
	CHECK_EQ(pthread_rwlock_timedwrlock(&rw, &past), 0);
	CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
}

static void *write_once(void *lock)
{
	CHECK_EQ(pthread_rwlock_wrlock(lock), 0);
	value++;
	CHECK_EQ(pthread_rwlock_unlock(lock), 0);
	return NULL;
}

static void *read_once(void *lock)
{
	CHECK_EQ(pthread_rwlock_rdlock(lock), 0);
	__atomic_add_fetch(&readers, 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(pthread_rwlock_unlock(lock), 0);
	return NULL;
}

TEST(a_reader_may_read_again_while_a_writer_waits)
{
	pthread_t w;

	CHECK_EQ(pthread_rwlock_rdlock(&rw), 0);
	w = start(write_once, &rw);
	sleep_ms(20);
	CHECK_EQ(pthread_rwlock_rdlock(&rw), 0);
	CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
	CHECK_EQ(value, 0);
	CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
	join(w);
	CHECK_EQ(value, 1);
}

static void prefer_writers(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t a;

	CHECK_EQ(pthread_rwlockattr_init(&a), 0);
	CHECK_EQ(pthread_rwlockattr_setkind_np(
			 &a, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP),
		 0);
	CHECK_EQ(pthread_rwlock_init(lock, &a), 0);
}

TEST(one_that_prefers_writers_lets_them_in_first)
{
	pthread_rwlock_t lock;
	pthread_t w, r;

	prefer_writers(&lock);
	CHECK_EQ(pthread_rwlock_rdlock(&lock), 0);
	w = start(write_once, &lock);
	sleep_ms(20);
	CHECK_EQ(elsewhere(pthread_rwlock_tryrdlock, &lock), EBUSY);
	r = start(read_once, &lock);
	sleep_ms(20);
	CHECK_EQ(readers, 0);
	CHECK_EQ(pthread_rwlock_unlock(&lock), 0);
	join(w);
	join(r);
	CHECK_EQ(readers, 1);
	CHECK_EQ(value, 1);
}

TEST(readers_are_let_in_when_the_writer_gives_up)
{
	pthread_rwlock_t lock;
	pthread_t w, r;

	prefer_writers(&lock);
	CHECK_EQ(pthread_rwlock_rdlock(&lock), 0);
	w = start(write_late, &lock);
	sleep_ms(5);
	r = start(read_once, &lock);
	join(w);
	join(r);
	CHECK_EQ(readers, 1);
	CHECK_EQ(pthread_rwlock_unlock(&lock), 0);
}

TEST(the_end_of_writing_lets_all_readers_in)
{
	pthread_t t[10];

	CHECK_EQ(pthread_rwlock_wrlock(&rw), 0);
	for (int i = 0; i < 10; i++)
		t[i] = start(read_once, &rw);
	sleep_ms(20);
	CHECK_EQ(readers, 0);
	CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
	for (int i = 0; i < 10; i++)
		join(t[i]);
	CHECK_EQ(readers, 10);
}

TEST(writers_queue_behind_writers)
{
	pthread_t t[10];

	CHECK_EQ(pthread_rwlock_wrlock(&rw), 0);
	for (int i = 0; i < 10; i++)
		t[i] = start(write_once, &rw);
	sleep_ms(20);
	CHECK_EQ(value, 0);
	CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
	for (int i = 0; i < 10; i++)
		join(t[i]);
	CHECK_EQ(value, 10);
}

static void check_alone(int w, int r)
{
	CHECK_EQ(__atomic_load_n(&writers, __ATOMIC_SEQ_CST), w);
	if (w)
		CHECK_EQ(__atomic_load_n(&readers, __ATOMIC_SEQ_CST), r);
}

static void *mix(void *lock)
{
	unsigned seed = (unsigned)(long)pthread_self();
	struct timespec at;
	int err;

	for (int i = 0; i < 400; i++) {
		int kind = rand_r(&seed) % 8;

		at = in_ms(CLOCK_REALTIME, rand_r(&seed) % 3);
		if (kind == 0) {
			err = pthread_rwlock_timedwrlock(lock, &at);
		} else if (kind == 1) {
			err = pthread_rwlock_wrlock(lock);
		} else if (kind == 2) {
			err = pthread_rwlock_timedrdlock(lock, &at);
		} else {
			err = pthread_rwlock_rdlock(lock);
		}
		if (err == ETIMEDOUT)
			continue;
		CHECK_EQ(err, 0);
		__atomic_add_fetch(kind < 2 ? &writers : &readers, 1,
				   __ATOMIC_SEQ_CST);
		check_alone(kind < 2, 0);
		if (rand_r(&seed) % 4 == 0)
			sched_yield();
		check_alone(kind < 2, 0);
		__atomic_sub_fetch(kind < 2 ? &writers : &readers, 1,
				   __ATOMIC_SEQ_CST);
		CHECK_EQ(pthread_rwlock_unlock(lock), 0);
	}
	return NULL;
}

static void mix_on(pthread_rwlock_t *lock)
{
	pthread_t t[16];

	for (int i = 0; i < 16; i++)
		t[i] = start(mix, lock);
	for (int i = 0; i < 16; i++)
		join(t[i]);
	CHECK_EQ(pthread_rwlock_trywrlock(lock), 0);
}

TEST(readers_and_writers_never_meet)
{
	mix_on(&rw);
}

TEST(nor_in_one_that_prefers_writers)
{
	pthread_rwlock_t lock;

	prefer_writers(&lock);
	mix_on(&lock);
}

TEST(one_between_processes_works)
{
	struct {
		pthread_rwlock_t lock;
		int count;
	} *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_rwlockattr_t a;
	struct timespec at;
	pid_t child;

	CHECK_EQ(pthread_rwlockattr_init(&a), 0);
	CHECK_EQ(pthread_rwlockattr_setpshared(&a, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_rwlock_init(&s->lock, &a), 0);
	child = fork();
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(pthread_rwlock_wrlock(&s->lock), 0);
		int seen = s->count;
		if (i % 20 == 0)
			sleep_ms(1);
		s->count = seen + 1;
		CHECK_EQ(pthread_rwlock_unlock(&s->lock), 0);
	}
	if (child == 0)
		_exit(0);
	CHECK_EQ(posix_wait(child), 0);
	CHECK_EQ(s->count, 200);
	CHECK_EQ(pthread_rwlock_rdlock(&s->lock), 0);
	at = in_ms(CLOCK_REALTIME, 10);
	CHECK_EQ(pthread_rwlock_timedwrlock(&s->lock, &at), ETIMEDOUT);
	CHECK_EQ(pthread_rwlock_unlock(&s->lock), 0);
}
