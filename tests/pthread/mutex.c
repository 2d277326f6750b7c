/* Mutexes of all kinds: pthread_mutex_*(3). */
#include "posix.h"

#include <sys/mman.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int counter, order[64], ordered;

static void make(pthread_mutex_t *m, int type)
{
	pthread_mutexattr_t a;

	CHECK_EQ(pthread_mutexattr_init(&a), 0);
	CHECK_EQ(pthread_mutexattr_settype(&a, type), 0);
	CHECK_EQ(pthread_mutex_init(m, &a), 0);
	CHECK_EQ(pthread_mutexattr_destroy(&a), 0);
}

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

/* What a call gives in another thread. */
static int (*elsewhere_call)(pthread_mutex_t *);
static void *call_it(void *m)
{
	return (void *)(long)elsewhere_call(m);
}

static int elsewhere(int (*call)(pthread_mutex_t *), pthread_mutex_t *m)
{
	elsewhere_call = call;
	return (int)(long)join(start(call_it, m));
}

TEST(a_static_mutex_locks_and_unlocks)
{
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	CHECK_EQ(pthread_mutex_destroy(&mutex), 0);
}

TEST(static_initialisers_of_each_kind_are_valid)
{
	pthread_mutex_t r = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
	pthread_mutex_t e = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
	pthread_mutex_t a = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;

	CHECK_EQ(pthread_mutex_lock(&r), 0);
	CHECK_EQ(pthread_mutex_lock(&r), 0);
	CHECK_EQ(pthread_mutex_unlock(&r), 0);
	CHECK_EQ(elsewhere(pthread_mutex_trylock, &r), EBUSY);
	CHECK_EQ(pthread_mutex_unlock(&r), 0);
	CHECK_EQ(pthread_mutex_lock(&e), 0);
	CHECK_EQ(pthread_mutex_lock(&e), EDEADLK);
	CHECK_EQ(pthread_mutex_unlock(&e), 0);
	CHECK_EQ(pthread_mutex_lock(&a), 0);
	CHECK_EQ(pthread_mutex_trylock(&a), EBUSY);
	CHECK_EQ(pthread_mutex_unlock(&a), 0);
}

TEST(trylock_of_a_held_mutex_is_busy)
{
	CHECK_EQ(pthread_mutex_trylock(&mutex), 0);
	CHECK_EQ(pthread_mutex_trylock(&mutex), EBUSY);
	CHECK_EQ(elsewhere(pthread_mutex_trylock, &mutex), EBUSY);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	CHECK_EQ(pthread_mutex_trylock(&mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
}

TEST(errno_is_left_alone)
{
	errno = 1234;
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	CHECK_EQ(elsewhere(pthread_mutex_trylock, &mutex), EBUSY);
	CHECK_EQ(pthread_mutex_trylock(&mutex), EBUSY);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	CHECK_EQ(errno, 1234);
}

TEST(an_error_checking_mutex_knows_its_owner)
{
	pthread_mutex_t m;

	make(&m, PTHREAD_MUTEX_ERRORCHECK);
	CHECK_EQ(pthread_mutex_unlock(&m), EPERM);
	CHECK_EQ(pthread_mutex_lock(&m), 0);
	CHECK_EQ(pthread_mutex_lock(&m), EDEADLK);
	CHECK_EQ(pthread_mutex_trylock(&m), EBUSY);
	CHECK_EQ(elsewhere(pthread_mutex_unlock, &m), EPERM);
	CHECK_EQ(elsewhere(pthread_mutex_trylock, &m), EBUSY);
	CHECK_EQ(pthread_mutex_unlock(&m), 0);
	CHECK_EQ(pthread_mutex_unlock(&m), EPERM);
	CHECK_EQ(pthread_mutex_destroy(&m), 0);
}

TEST(a_recursive_mutex_counts)
{
	pthread_mutex_t m;

	make(&m, PTHREAD_MUTEX_RECURSIVE);
	CHECK_EQ(pthread_mutex_unlock(&m), EPERM);
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(i & 1 ? pthread_mutex_lock(&m)
			       : pthread_mutex_trylock(&m),
			 0);
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(elsewhere(pthread_mutex_trylock, &m), EBUSY);
		CHECK_EQ(elsewhere(pthread_mutex_unlock, &m), EPERM);
		CHECK_EQ(pthread_mutex_unlock(&m), 0);
	}
	CHECK_EQ(pthread_mutex_unlock(&m), EPERM);
	CHECK_EQ(elsewhere(pthread_mutex_trylock, &m), 0);
}

TEST(a_recursive_mutex_has_a_limit)
{
	pthread_mutex_t m;

	make(&m, PTHREAD_MUTEX_RECURSIVE);
	CHECK_EQ(pthread_mutex_lock(&m), 0);
	m.__data.__count = ~0u;
	CHECK_EQ(pthread_mutex_lock(&m), EAGAIN);
	CHECK_EQ(pthread_mutex_trylock(&m), EAGAIN);
	m.__data.__count = 1;
	CHECK_EQ(pthread_mutex_unlock(&m), 0);
}

TEST(destroying_a_held_mutex_is_refused)
{
	pthread_mutex_t m;

	make(&m, PTHREAD_MUTEX_NORMAL);
	CHECK_EQ(pthread_mutex_lock(&m), 0);
	CHECK_EQ(pthread_mutex_destroy(&m), EBUSY);
	CHECK_EQ(pthread_mutex_unlock(&m), 0);
	CHECK_EQ(pthread_mutex_destroy(&m), 0);
	CHECK_EQ(pthread_mutex_lock(&m), EINVAL);
	CHECK_EQ(pthread_mutex_init(&m, NULL), 0);
	CHECK_EQ(pthread_mutex_lock(&m), 0);
	CHECK_EQ(pthread_mutex_unlock(&m), 0);
	CHECK_EQ(pthread_mutex_destroy(&m), 0);
}

static void *count(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(pthread_mutex_lock(arg), 0);
		int seen = counter;
		if (i % 50 == 0)
			sched_yield();
		counter = seen + 1;
		CHECK_EQ(pthread_mutex_unlock(arg), 0);
	}
	return NULL;
}

static void count_with(pthread_mutex_t *m)
{
	pthread_t t[20];

	counter = 0;
	for (int i = 0; i < 20; i++)
		t[i] = start(count, m);
	for (int i = 0; i < 20; i++)
		join(t[i]);
	CHECK_EQ(counter, 20000);
}

TEST(one_at_a_time_holds_a_normal_mutex)
{
	count_with(&mutex);
}

TEST(one_at_a_time_holds_a_recursive_mutex)
{
	pthread_mutex_t m;

	make(&m, PTHREAD_MUTEX_RECURSIVE);
	count_with(&m);
}

TEST(one_at_a_time_holds_an_error_checking_mutex)
{
	pthread_mutex_t m;

	make(&m, PTHREAD_MUTEX_ERRORCHECK);
	count_with(&m);
}

TEST(one_at_a_time_holds_an_adaptive_mutex)
{
	pthread_mutex_t m;

	make(&m, PTHREAD_MUTEX_ADAPTIVE_NP);
	count_with(&m);
}

static void *note(void *arg)
{
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	order[ordered++] = (int)(long)arg;
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	return NULL;
}

TEST(all_who_wait_get_it)
{
	pthread_t t[8];
	int seen = 0;

	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	for (long i = 0; i < 8; i++)
		t[i] = start(note, (void *)i);
	sleep_ms(20);
	CHECK_EQ(ordered, 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	for (int i = 0; i < 8; i++)
		join(t[i]);
	for (int i = 0; i < 8; i++)
		seen |= 1 << order[i];
	CHECK_EQ(seen, 255);
}

/* ---- times -------------------------------------------------------------- */

static void *lock_late(void *m)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 30);
	long start_ms = now_ms();

	CHECK_EQ(pthread_mutex_timedlock(m, &at), ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 29);
	return NULL;
}

TEST(timedlock_gives_up_at_its_time)
{
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	join(start(lock_late, &mutex));
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
}

TEST(timedlock_of_a_normal_mutex_by_its_owner_gives_up)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 10);

	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	CHECK_EQ(pthread_mutex_timedlock(&mutex, &at), ETIMEDOUT);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
}

TEST(timedlock_of_a_free_mutex_looks_at_no_time)
{
	struct timespec past = {0, 0}, wrong = {1, -1}, big = {1, 1000000000};

	CHECK_EQ(pthread_mutex_timedlock(&mutex, &past), 0);
	CHECK_EQ(pthread_mutex_timedlock(&mutex, &past), ETIMEDOUT);
	CHECK_EQ(pthread_mutex_timedlock(&mutex, &wrong), EINVAL);
	CHECK_EQ(pthread_mutex_timedlock(&mutex, &big), EINVAL);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	CHECK_EQ(pthread_mutex_timedlock(&mutex, &wrong), 0);
}

TEST(timedlock_by_the_owner_is_what_lock_is)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 1000);
	pthread_mutex_t e, r;

	make(&e, PTHREAD_MUTEX_ERRORCHECK);
	make(&r, PTHREAD_MUTEX_RECURSIVE);
	CHECK_EQ(pthread_mutex_timedlock(&e, &at), 0);
	CHECK_EQ(pthread_mutex_timedlock(&e, &at), EDEADLK);
	CHECK_EQ(pthread_mutex_timedlock(&r, &at), 0);
	CHECK_EQ(pthread_mutex_timedlock(&r, &at), 0);
	CHECK_EQ(pthread_mutex_unlock(&r), 0);
	CHECK_EQ(pthread_mutex_unlock(&r), 0);
	CHECK_EQ(pthread_mutex_unlock(&r), EPERM);
}

TEST(clocklock_knows_two_clocks)
{
	struct timespec at = in_ms(CLOCK_MONOTONIC, 20);
	long start_ms = now_ms();

	CHECK_EQ(pthread_mutex_clocklock(&mutex, CLOCK_THREAD_CPUTIME_ID, &at),
		 EINVAL);
	CHECK_EQ(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &at), 0);
	CHECK_EQ(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &at),
		 ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 19);
	at = in_ms(CLOCK_REALTIME, 20);
	CHECK_EQ(pthread_mutex_clocklock(&mutex, CLOCK_REALTIME, &at),
		 ETIMEDOUT);
}

static volatile int held;

static void *unlock_soon(void *arg)
{
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	held = 1;
	sleep_ms(20);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	return arg;
}

TEST(timedlock_gets_what_is_unlocked_in_time)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 8000);
	pthread_t t = start(unlock_soon, NULL);

	while (!held)
		sched_yield();
	CHECK_EQ(pthread_mutex_timedlock(&mutex, &at), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	join(t);
}

/* One that gives up in between leaves the others their turn. */
TEST(who_gives_up_is_skipped)
{
	pthread_t late, t;

	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	late = start(lock_late, &mutex);
	t = start(note, (void *)7);
	join(late);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	join(t);
	CHECK_EQ(order[0], 7);
}

/* ---- robust, and with a protocol ---------------------------------------- */

static void make_robust(pthread_mutex_t *m, int type, int shared)
{
	pthread_mutexattr_t a;

	CHECK_EQ(pthread_mutexattr_init(&a), 0);
	CHECK_EQ(pthread_mutexattr_settype(&a, type), 0);
	CHECK_EQ(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST), 0);
	if (shared)
		CHECK_EQ(pthread_mutexattr_setpshared(&a, 1), 0);
	CHECK_EQ(pthread_mutex_init(m, &a), 0);
}

static void *lock_and_end(void *m)
{
	return (void *)(long)pthread_mutex_lock(m);
}

TEST(a_robust_mutex_says_that_its_owner_has_ended)
{
	pthread_mutex_t m;

	make_robust(&m, PTHREAD_MUTEX_ERRORCHECK, 0);
	join(start(lock_and_end, &m));
	CHECK_EQ(pthread_mutex_lock(&m), EOWNERDEAD);
	CHECK_EQ(elsewhere(pthread_mutex_trylock, &m), EBUSY);
	CHECK_EQ(pthread_mutex_lock(&m), EDEADLK);
	CHECK_EQ(pthread_mutex_consistent(&m), 0);
	CHECK_EQ(pthread_mutex_unlock(&m), 0);
	CHECK_EQ(pthread_mutex_lock(&m), 0);
	CHECK_EQ(pthread_mutex_unlock(&m), 0);
	CHECK_EQ(pthread_mutex_destroy(&m), 0);
}

static void *lock_two_and_end(void *two)
{
	pthread_mutex_t *m = two;

	CHECK_EQ(pthread_mutex_lock(&m[0]), 0);
	CHECK_EQ(pthread_mutex_lock(&m[1]), 0);
	CHECK_EQ(pthread_mutex_unlock(&m[0]), 0);
	CHECK_EQ(pthread_mutex_lock(&m[0]), 0);
	return NULL;
}

TEST(all_robust_mutexes_of_a_thread_lose_their_owner)
{
	pthread_mutex_t m[2];

	make_robust(&m[0], PTHREAD_MUTEX_NORMAL, 0);
	make_robust(&m[1], PTHREAD_MUTEX_RECURSIVE, 0);
	for (int i = 0; i < 3; i++) {
		join(start(lock_two_and_end, m));
		CHECK_EQ(pthread_mutex_trylock(&m[0]), EOWNERDEAD);
		CHECK_EQ(pthread_mutex_lock(&m[1]), EOWNERDEAD);
		CHECK_EQ(pthread_mutex_consistent(&m[1]), 0);
		CHECK_EQ(pthread_mutex_consistent(&m[0]), 0);
		CHECK_EQ(pthread_mutex_unlock(&m[1]), 0);
		CHECK_EQ(pthread_mutex_unlock(&m[0]), 0);
	}
}

TEST(a_robust_mutex_that_stays_inconsistent_is_lost)
{
	pthread_mutex_t m;

	make_robust(&m, PTHREAD_MUTEX_NORMAL, 0);
	CHECK_EQ(pthread_mutex_consistent(&m), EINVAL);
	join(start(lock_and_end, &m));
	CHECK_EQ(pthread_mutex_lock(&m), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_unlock(&m), 0);
	CHECK_EQ(pthread_mutex_lock(&m), ENOTRECOVERABLE);
	CHECK_EQ(pthread_mutex_trylock(&m), ENOTRECOVERABLE);
	CHECK_EQ(pthread_mutex_destroy(&m), 0);
}

static void *hold_robust(void *m)
{
	CHECK_EQ(pthread_mutex_lock(m), 0);
	sleep_ms(20);
	return NULL;
}

TEST(who_waits_for_a_robust_mutex_is_told)
{
	pthread_mutex_t m;
	pthread_t t;

	make_robust(&m, PTHREAD_MUTEX_NORMAL, 0);
	t = start(hold_robust, &m);
	sleep_ms(5);
	CHECK_EQ(pthread_mutex_lock(&m), EOWNERDEAD);
	join(t);
}

TEST(robust_mutexes_count_and_check_as_others)
{
	pthread_mutex_t r, e;

	make_robust(&r, PTHREAD_MUTEX_RECURSIVE, 0);
	make_robust(&e, PTHREAD_MUTEX_ERRORCHECK, 0);
	CHECK_EQ(pthread_mutex_lock(&r), 0);
	CHECK_EQ(pthread_mutex_lock(&r), 0);
	CHECK_EQ(pthread_mutex_unlock(&r), 0);
	CHECK_EQ(elsewhere(pthread_mutex_unlock, &r), EPERM);
	CHECK_EQ(elsewhere(pthread_mutex_trylock, &r), EBUSY);
	CHECK_EQ(pthread_mutex_unlock(&r), 0);
	CHECK_EQ(pthread_mutex_unlock(&r), EPERM);
	CHECK_EQ(pthread_mutex_lock(&e), 0);
	CHECK_EQ(pthread_mutex_lock(&e), EDEADLK);
	CHECK_EQ(pthread_mutex_trylock(&e), EDEADLK); /* glibc's way */
	CHECK_EQ(pthread_mutex_unlock(&e), 0);
	count_with(&r);
	count_with(&e);
}

static pthread_mutex_t *in_shared_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static pthread_mutex_t *shared_mutex;

static void die_holding(void)
{
	CHECK_EQ(pthread_mutex_lock(shared_mutex), 0);
	kill(getpid(), SIGKILL);
}

static void *die_holding_too(void *arg)
{
	die_holding();
	return arg;
}

static void die_in_a_thread(void)
{
	join(start(die_holding_too, NULL));
}

TEST(a_robust_mutex_survives_the_process_that_holds_it)
{
	shared_mutex = in_shared_memory();
	make_robust(shared_mutex, PTHREAD_MUTEX_NORMAL, 1);
	CHECK_EQ(status_of(die_holding), SIGKILL);
	CHECK_EQ(pthread_mutex_lock(shared_mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(shared_mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(shared_mutex), 0);
	CHECK_EQ(status_of(die_in_a_thread), SIGKILL);
	CHECK_EQ(pthread_mutex_lock(shared_mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(shared_mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(shared_mutex), 0);
}

static int *shared_counter;

static void count_between(void)
{
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(pthread_mutex_lock(shared_mutex), 0);
		int seen = *shared_counter;
		if (i % 20 == 0)
			sleep_ms(1);
		*shared_counter = seen + 1;
		CHECK_EQ(pthread_mutex_unlock(shared_mutex), 0);
	}
}

TEST(one_process_at_a_time_holds_a_shared_mutex)
{
	pthread_mutexattr_t a;
	pid_t child;

	shared_mutex = in_shared_memory();
	shared_counter = (int *)(shared_mutex + 1);
	CHECK_EQ(pthread_mutexattr_init(&a), 0);
	CHECK_EQ(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_mutex_init(shared_mutex, &a), 0);
	child = fork();
	CHECK(child >= 0);
	count_between();
	if (child == 0)
		_exit(0);
	CHECK_EQ(posix_wait(child), 0);
	CHECK_EQ(*shared_counter, 400);
}

TEST(a_mutex_that_inherits_priority_works_as_others)
{
	pthread_mutexattr_t a;
	pthread_mutex_t m;

	CHECK_EQ(pthread_mutexattr_init(&a), 0);
	CHECK_EQ(pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT), 0);
	CHECK_EQ(pthread_mutex_init(&m, &a), 0);
	CHECK_EQ(pthread_mutex_lock(&m), 0);
	CHECK_EQ(pthread_mutex_trylock(&m), EBUSY);
	CHECK_EQ(elsewhere(pthread_mutex_trylock, &m), EBUSY);
	join(start(lock_late, &m));
	CHECK_EQ(pthread_mutex_unlock(&m), 0);
	count_with(&m);
	CHECK_EQ(pthread_mutex_destroy(&m), 0);
}

TEST(the_child_of_a_fork_can_unlock_what_its_parent_held)
{
	pid_t child;

	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	child = fork();
	if (child == 0) {
		CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
		CHECK_EQ(pthread_mutex_lock(&mutex), 0);
		CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
		_exit(0);
	}
	CHECK_EQ(posix_wait(child), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
}

static int flag;

static void *set_flag(void *arg)
{
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	flag = 1;
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	return arg;
}

TEST(looking_again_and_again_under_a_mutex_lets_others_run)
{
	pthread_t t = start(set_flag, NULL);

	for (int seen = 0; !seen;) {
		CHECK_EQ(pthread_mutex_lock(&mutex), 0);
		seen = flag;
		CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	}
	join(t);
}
