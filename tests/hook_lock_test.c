/* Locks that stay libc's own, waited for by ramets: groups lock and sem. */
#include "hooked.h"
#include "ramets.h"
#include "thread.h"

#include "patch/lock/lock.h"
#include "ramet/host.h"

#include <semaphore.h>
#include <time.h>
#include <unistd.h>

/* Who is late with what nobody has told: more than the longest look, and less
 * than for ever. */
#define SOON RAMET_WITHIN(10 * RAMET_SEC)

struct shared {
	pthread_mutex_t mutex;
	pthread_rwlock_t rwlock;
	pthread_cond_t cond;
	sem_t sem;
	int inside, most, done;
	bool ready;
};

static void init(struct shared *s, int type)
{
	pthread_mutexattr_t attr;

	find_libc();
	*s = (struct shared){.rwlock = PTHREAD_RWLOCK_INITIALIZER,
			     .cond = PTHREAD_COND_INITIALIZER};
	CHECK_EQ(pthread_mutexattr_init(&attr), 0);
	CHECK_EQ(pthread_mutexattr_settype(&attr, type), 0);
	CHECK_EQ(pthread_mutex_init(&s->mutex, &attr), 0);
	CHECK_EQ(sem_init(&s->sem, 0, 0), 0);
}

static struct timespec in(clockid_t clock, int64_t ns)
{
	struct timespec t;

	CHECK_EQ(clock_gettime(clock, &t), 0);
	return ns_to_timespec(t.tv_sec * RAMET_SEC + t.tv_nsec + ns);
}

static void work(struct shared *s)
{
	CHECK_EQ(++s->inside, 1);
	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	s->inside--;
	s->done++;
}

/* ---- mutexes ------------------------------------------------------------ */

static void *locks(void *shared)
{
	struct shared *s = shared;

	CHECK_EQ(LOCK_HOOK(pthread_mutex_lock)(&s->mutex), 0);
	work(s);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_unlock)(&s->mutex), 0);
	return NULL;
}

static void five(void *(*fn)(void *), struct shared *s)
{
	struct ramet *t[5];

	for (size_t i = 0; i < countof(t); i++)
		t[i] = spawn(fn, s);
	for (size_t i = 0; i < countof(t); i++)
		join(t[i]);
	CHECK_EQ(s->done, 5);
}

TEST(one_ramet_at_a_time_holds_a_mutex_of_any_type)
{
	static const int types[] = {PTHREAD_MUTEX_NORMAL,
				    PTHREAD_MUTEX_RECURSIVE,
				    PTHREAD_MUTEX_ERRORCHECK,
				    PTHREAD_MUTEX_ADAPTIVE_NP};

	for (size_t i = 0; i < countof(types); i++) {
		struct shared s;

		init(&s, types[i]);
		five(locks, &s);
		CHECK_EQ(pthread_mutex_destroy(&s.mutex), 0);
	}
}

static void *locks_twice(void *shared)
{
	struct shared *s = shared;

	CHECK_EQ(LOCK_HOOK(pthread_mutex_lock)(&s->mutex), 0);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_trylock)(&s->mutex), 0);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_unlock)(&s->mutex), 0);
	work(s);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_unlock)(&s->mutex), 0);
	return NULL;
}

TEST(a_recursive_mutex_is_its_ramets)
{
	struct shared s;

	init(&s, PTHREAD_MUTEX_RECURSIVE);
	five(locks_twice, &s);
	CHECK_EQ(pthread_mutex_destroy(&s.mutex), 0);
}

static void *may_not(void *shared)
{
	struct shared *s = shared;

	CHECK_EQ(LOCK_HOOK(pthread_mutex_trylock)(&s->mutex), EBUSY);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_unlock)(&s->mutex), EPERM);
	return NULL;
}

TEST(an_error_checking_mutex_knows_its_ramet)
{
	struct shared s;

	init(&s, PTHREAD_MUTEX_ERRORCHECK);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_unlock)(&s.mutex), EPERM);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_lock)(&s.mutex), 0);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_lock)(&s.mutex), EDEADLK);
	join(spawn(may_not, &s));
	CHECK_EQ(LOCK_HOOK(pthread_mutex_unlock)(&s.mutex), 0);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_unlock)(&s.mutex), EPERM);
}

TEST(a_mutex_is_waited_for_till_then)
{
	struct timespec at;
	struct shared s;

	init(&s, PTHREAD_MUTEX_NORMAL);
	CHECK_EQ(pthread_mutex_lock(&s.mutex), 0);
	at = in(CLOCK_REALTIME, 30 * RAMET_MS);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_timedlock)(&s.mutex, &at), ETIMEDOUT);
	CHECK(in(CLOCK_REALTIME, 0).tv_nsec >= at.tv_nsec ||
	      in(CLOCK_REALTIME, 0).tv_sec > at.tv_sec);
	at = in(CLOCK_MONOTONIC, 30 * RAMET_MS);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_clocklock)(&s.mutex, CLOCK_MONOTONIC,
						    &at),
		 ETIMEDOUT);
	at.tv_nsec = -1;
	CHECK_EQ(LOCK_HOOK(pthread_mutex_timedlock)(&s.mutex, &at), EINVAL);
	CHECK_EQ(pthread_mutex_unlock(&s.mutex), 0);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_timedlock)(&s.mutex, &at), 0);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_unlock)(&s.mutex), 0);
}

static void *unlocks_in_libc(void *shared)
{
	struct shared *s = shared;

	usleep(20000);
	return (void *)(intptr_t)pthread_mutex_unlock(&s->mutex);
}

TEST(an_unlock_that_tells_nobody_is_found)
{
	struct shared s;
	struct ramet *t;

	if (TEST_TSAN)
		test_skip("TSan sees the unlock only, as made by libc's name");
	init(&s, PTHREAD_MUTEX_NORMAL);
	CHECK_EQ(pthread_mutex_lock(&s.mutex), 0);
	t = spawn(locks, &s);
	CHECK_EQ(ramet_sleep(50 * RAMET_MS), 0);
	CHECK_EQ(s.done, 0);
	CHECK_EQ(pthread_mutex_unlock(&s.mutex), 0);
	SOON join(t);
	CHECK_EQ(s.done, 1);
	CHECK_EQ(pthread_mutex_lock(&s.mutex), 0);
	t = spawn(locks, &s);
	run_thread(unlocks_in_libc, &s);
	SOON join(t);
	CHECK_EQ(s.done, 2);
}

/* ---- read-write locks --------------------------------------------------- */

static void *reads(void *shared)
{
	struct shared *s = shared;

	CHECK_EQ(LOCK_HOOK(pthread_rwlock_rdlock)(&s->rwlock), 0);
	if (++s->inside > s->most)
		s->most = s->inside;
	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	s->inside--;
	s->done++;
	CHECK_EQ(LOCK_HOOK(pthread_rwlock_unlock)(&s->rwlock), 0);
	return NULL;
}

static void *writes(void *shared)
{
	struct shared *s = shared;

	CHECK_EQ(LOCK_HOOK(pthread_rwlock_wrlock)(&s->rwlock), 0);
	work(s);
	CHECK_EQ(LOCK_HOOK(pthread_rwlock_unlock)(&s->rwlock), 0);
	return NULL;
}

TEST(readers_share_and_writers_do_not)
{
	struct shared s;

	init(&s, PTHREAD_MUTEX_NORMAL);
	CHECK_EQ(LOCK_HOOK(pthread_rwlock_wrlock)(&s.rwlock), 0);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(ramet_detach(spawn(reads, &s)), 0);
	let_run();
	CHECK_EQ(s.most, 0);
	CHECK_EQ(LOCK_HOOK(pthread_rwlock_unlock)(&s.rwlock), 0);
	SOON while (s.done < 5) CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK_EQ(s.most, 5);
	s.done = 0;
	five(writes, &s);
	CHECK_EQ(pthread_rwlock_destroy(&s.rwlock), 0);
}

TEST(a_read_write_lock_is_waited_for_till_then)
{
	struct timespec real, monotonic;
	struct shared s;

	init(&s, PTHREAD_MUTEX_NORMAL);
	CHECK_EQ(pthread_rwlock_rdlock(&s.rwlock), 0);
	real = in(CLOCK_REALTIME, 10 * RAMET_MS);
	monotonic = in(CLOCK_MONOTONIC, 10 * RAMET_MS);
	CHECK_EQ(LOCK_HOOK(pthread_rwlock_timedrdlock)(&s.rwlock, &real), 0);
	CHECK_EQ(LOCK_HOOK(pthread_rwlock_clockrdlock)(&s.rwlock,
						       CLOCK_MONOTONIC,
						       &monotonic),
		 0);
	CHECK_EQ(LOCK_HOOK(pthread_rwlock_timedwrlock)(&s.rwlock, &real),
		 ETIMEDOUT);
	CHECK_EQ(LOCK_HOOK(pthread_rwlock_clockwrlock)(&s.rwlock,
						       CLOCK_MONOTONIC,
						       &monotonic),
		 ETIMEDOUT);
	real.tv_nsec = -1;
	CHECK_EQ(LOCK_HOOK(pthread_rwlock_timedwrlock)(&s.rwlock, &real),
		 EINVAL);
}

/* ---- conditions --------------------------------------------------------- */

static void *awaits(void *shared)
{
	struct shared *s = shared;

	CHECK_EQ(LOCK_HOOK(pthread_mutex_lock)(&s->mutex), 0);
	while (!s->ready)
		CHECK_EQ(LOCK_HOOK(pthread_cond_wait)(&s->cond, &s->mutex), 0);
	s->done++;
	CHECK_EQ(LOCK_HOOK(pthread_mutex_unlock)(&s->mutex), 0);
	return NULL;
}

static void set_ready(struct shared *s, int (*tell)(pthread_cond_t *))
{
	CHECK_EQ(LOCK_HOOK(pthread_mutex_lock)(&s->mutex), 0);
	s->ready = true;
	CHECK_EQ(tell(&s->cond), 0);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_unlock)(&s->mutex), 0);
}

TEST(a_signal_wakes_one_and_a_broadcast_all)
{
	struct shared s;

	init(&s, PTHREAD_MUTEX_NORMAL);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(ramet_detach(spawn(awaits, &s)), 0);
	let_run();
	CHECK_EQ(s.done, 0);
	set_ready(&s, LOCK_HOOK(pthread_cond_signal));
	let_run();
	CHECK(s.done >= 1);
	set_ready(&s, LOCK_HOOK(pthread_cond_broadcast));
	SOON while (s.done < 5) CHECK_EQ(ramet_sleep(RAMET_MS), 0);
}

static void *signals_in_libc(void *shared)
{
	struct shared *s = shared;

	usleep(20000);
	pthread_mutex_lock(&s->mutex);
	s->ready = true;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

TEST(a_signal_that_tells_nobody_is_found)
{
	pthread_t other;
	struct shared s;

	if (TEST_TSAN)
		test_skip("TSan sees one side only, as made by libc's names");
	init(&s, PTHREAD_MUTEX_NORMAL);
	other = start_thread(signals_in_libc, &s);
	SOON join(spawn(awaits, &s));
	join_thread(other);
	CHECK_EQ(s.done, 1);
}

TEST(a_condition_is_waited_for_till_then)
{
	struct timespec at;
	struct shared s;
	int err;

	init(&s, PTHREAD_MUTEX_NORMAL);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_lock)(&s.mutex), 0);
	at = in(CLOCK_REALTIME, 50 * RAMET_MS);
	while ((err = LOCK_HOOK(pthread_cond_timedwait)(&s.cond, &s.mutex,
							&at)) == 0)
		;
	CHECK_EQ(err, ETIMEDOUT);
	at = in(CLOCK_MONOTONIC, 50 * RAMET_MS);
	while ((err = LOCK_HOOK(pthread_cond_clockwait)(&s.cond, &s.mutex,
							CLOCK_MONOTONIC,
							&at)) == 0)
		;
	CHECK_EQ(err, ETIMEDOUT);
	CHECK_EQ(pthread_mutex_trylock(&s.mutex), EBUSY);
	at.tv_nsec = -1;
	CHECK_EQ(LOCK_HOOK(pthread_cond_timedwait)(&s.cond, &s.mutex, &at),
		 EINVAL);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_unlock)(&s.mutex), 0);
}

/* ---- semaphores --------------------------------------------------------- */

static void *downs(void *shared)
{
	struct shared *s = shared;

	CHECK_EQ(LOCK_HOOK(sem_wait)(&s->sem), 0);
	s->done++;
	return NULL;
}

TEST(each_post_lets_one_on)
{
	struct shared s;

	init(&s, PTHREAD_MUTEX_NORMAL);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ramet_detach(spawn(downs, &s)), 0);
	for (int i = 0; i < 3; i++) {
		let_run();
		CHECK_EQ(s.done, i);
		CHECK_EQ(LOCK_HOOK(sem_post)(&s.sem), 0);
	}
	let_run();
	CHECK_EQ(s.done, 3);
	CHECK_EQ(sem_trywait(&s.sem), -1);
}

static void *posts_in_libc(void *shared)
{
	struct shared *s = shared;

	usleep(20000);
	CHECK_EQ(sem_post(&s->sem), 0);
	usleep(20000);
	CHECK_EQ(LOCK_HOOK(sem_post)(&s->sem), 0);
	return NULL;
}

TEST(posts_of_other_threads_are_found)
{
	pthread_t other;
	struct shared s;

	init(&s, PTHREAD_MUTEX_NORMAL);
	other = start_thread(posts_in_libc, &s);
	SOON
	{
		join(spawn(downs, &s));
		join(spawn(downs, &s));
	}
	join_thread(other);
}

TEST(a_semaphore_is_waited_for_till_then)
{
	struct timespec at;
	struct shared s;

	init(&s, PTHREAD_MUTEX_NORMAL);
	at = in(CLOCK_REALTIME, 30 * RAMET_MS);
	CHECK_ERR(LOCK_HOOK(sem_timedwait)(&s.sem, &at), ETIMEDOUT);
	at = in(CLOCK_MONOTONIC, 30 * RAMET_MS);
	CHECK_ERR(LOCK_HOOK(sem_clockwait)(&s.sem, CLOCK_MONOTONIC, &at),
		  ETIMEDOUT);
	at.tv_nsec = RAMET_SEC;
	CHECK_ERR(LOCK_HOOK(sem_timedwait)(&s.sem, &at), EINVAL);
	CHECK_EQ(sem_post(&s.sem), 0);
	CHECK_EQ(LOCK_HOOK(sem_timedwait)(&s.sem, &at), 0);
}

static void *is_interrupted(void *shared)
{
	struct shared *s = shared;

	CHECK_ERR(LOCK_HOOK(sem_wait)(&s->sem), EINTR);
	return NULL;
}

TEST(a_wait_for_a_semaphore_ends_as_by_a_signal)
{
	struct ramet *t;
	struct shared s;

	init(&s, PTHREAD_MUTEX_NORMAL);
	t = spawn(is_interrupted, &s);
	let_run();
	interrupt(t);
	join(t);
}

/* ---- hosts -------------------------------------------------------------- */

static bool parks;

static int may_park(void)
{
	return parks;
}

static void on_switch(void *from, void *to)
{
	(void)from;
	(void)to;
}

static void on_sleep(void)
{
}

static void on_wake(int interrupted)
{
	(void)interrupted;
}

static const struct ramet_host host = {.on_switch = on_switch,
				       .on_sleep = on_sleep,
				       .on_wake = on_wake,
				       .may_park = may_park};

TEST(a_host_ends_a_wait_for_a_semaphore)
{
	struct ramet *t;
	struct shared s;

	init(&s, PTHREAD_MUTEX_NORMAL);
	parks = true;
	CHECK_EQ(ramet_host_open(&host, NULL), 0);
	t = spawn(is_interrupted, &s);
	let_run();
	CHECK_EQ(ramet_host_end(t, ECANCELED), 1);
	join(t);
	ramet_host_close();
}

TEST(who_may_not_park_is_let_to_libc)
{
	pthread_t other;
	struct shared s;
	struct ramet *t;

	init(&s, PTHREAD_MUTEX_NORMAL);
	CHECK_EQ(ramet_host_open(&host, NULL), 0);
	t = spawn(locks, &s);
	CHECK_EQ(pthread_mutex_lock(&s.mutex), 0);
	other = start_thread(posts_in_libc, &s);
	CHECK_EQ(LOCK_HOOK(sem_wait)(&s.sem), 0);
	CHECK_EQ(s.inside, 0); /* nothing else ran meanwhile */
	parks = true;
	CHECK_EQ(LOCK_HOOK(sem_wait)(&s.sem), 0);
	join_thread(other);
	CHECK_EQ(LOCK_HOOK(pthread_mutex_unlock)(&s.mutex), 0);
	join(t);
	ramet_host_close();
}
