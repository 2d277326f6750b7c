/* Semaphores: sem_*(3). */
#include "posix.h"

#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <sys/mman.h>

static sem_t sem;
static int passed;

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

static int value_of(sem_t *s)
{
	int value;

	CHECK_EQ(sem_getvalue(s, &value), 0);
	return value;
}

TEST(it_counts)
{
	CHECK_EQ(sem_init(&sem, 0, 2), 0);
	CHECK_EQ(value_of(&sem), 2);
	CHECK_EQ(sem_wait(&sem), 0);
	CHECK_EQ(sem_trywait(&sem), 0);
	CHECK_EQ(value_of(&sem), 0);
	CHECK_ERR(sem_trywait(&sem), EAGAIN);
	CHECK_EQ(sem_post(&sem), 0);
	CHECK_EQ(value_of(&sem), 1);
	CHECK_EQ(sem_destroy(&sem), 0);
}

TEST(it_has_a_limit)
{
	CHECK_EQ(sem_init(&sem, 0, SEM_VALUE_MAX), 0);
	CHECK_ERR(sem_post(&sem), EOVERFLOW);
	CHECK_EQ(value_of(&sem), SEM_VALUE_MAX);
	CHECK_ERR(sem_init(&sem, 0, SEM_VALUE_MAX + 1u), EINVAL);
}

static void *pass(void *arg)
{
	CHECK_EQ(sem_wait(arg), 0);
	__atomic_add_fetch(&passed, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST(each_post_lets_one_on)
{
	pthread_t t[10];

	CHECK_EQ(sem_init(&sem, 0, 0), 0);
	for (int i = 0; i < 10; i++)
		t[i] = start(pass, &sem);
	sleep_ms(20);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(__atomic_load_n(&passed, __ATOMIC_SEQ_CST), i);
		CHECK_EQ(sem_post(&sem), 0);
		while (__atomic_load_n(&passed, __ATOMIC_SEQ_CST) == i)
			sched_yield();
	}
	for (int i = 0; i < 10; i++)
		join(t[i]);
	CHECK_EQ(value_of(&sem), 0);
}

static void *ping(void *arg)
{
	sem_t *s = arg;

	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(sem_wait(&s[0]), 0);
		CHECK_EQ(sem_post(&s[1]), 0);
	}
	return NULL;
}

TEST(two_take_turns)
{
	sem_t s[2];
	pthread_t t;

	CHECK_EQ(sem_init(&s[0], 0, 0), 0);
	CHECK_EQ(sem_init(&s[1], 0, 0), 0);
	t = start(ping, s);
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(sem_post(&s[0]), 0);
		CHECK_EQ(sem_wait(&s[1]), 0);
	}
	join(t);
}

TEST(timed_waits_end_at_their_time)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 30), past = {1, 0};
	long start_ms = now_ms();

	CHECK_EQ(sem_init(&sem, 0, 0), 0);
	CHECK_ERR(sem_timedwait(&sem, &at), ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 29);
	CHECK_ERR(sem_timedwait(&sem, &past), ETIMEDOUT);
	at = in_ms(CLOCK_MONOTONIC, 10);
	CHECK_ERR(sem_clockwait(&sem, CLOCK_MONOTONIC, &at), ETIMEDOUT);
	CHECK_ERR(sem_clockwait(&sem, CLOCK_THREAD_CPUTIME_ID, &at), EINVAL);
	CHECK_EQ(sem_post(&sem), 0);
	CHECK_EQ(sem_timedwait(&sem, &past), 0);
}

TEST(a_time_that_is_none_is_invalid)
{
	struct timespec wrong = {1, 1000000000};

	CHECK_EQ(sem_init(&sem, 0, 0), 0);
	CHECK_ERR(sem_timedwait(&sem, &wrong), EINVAL);
	CHECK_ERR(sem_clockwait(&sem, CLOCK_MONOTONIC, &wrong), EINVAL);
}

TEST(errno_is_left_alone)
{
	CHECK_EQ(sem_init(&sem, 0, 1), 0);
	errno = 1234;
	CHECK_EQ(sem_wait(&sem), 0);
	CHECK_EQ(sem_post(&sem), 0);
	CHECK_EQ(errno, 1234);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void *interrupt(void *main_thread)
{
	sleep_ms(20);
	CHECK_EQ(pthread_kill(*(pthread_t *)main_thread, SIGUSR1), 0);
	return NULL;
}

static void handle(int flags, void (*handler)(int))
{
	struct sigaction a = {.sa_handler = handler, .sa_flags = flags};

	CHECK_EQ(sigaction(SIGUSR1, &a, NULL), 0);
}

TEST(a_handler_ends_a_wait)
{
	pthread_t self = pthread_self(), t;

	CHECK_EQ(sem_init(&sem, 0, 0), 0);
	handle(0, on_signal);
	t = start(interrupt, &self);
	CHECK_ERR(sem_wait(&sem), EINTR);
	join(t);
}

TEST(a_handler_ends_a_timed_wait_even_if_it_restarts_calls)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 60000);
	pthread_t self = pthread_self(), t;

	CHECK_EQ(sem_init(&sem, 0, 0), 0);
	handle(SA_RESTART, on_signal);
	t = start(interrupt, &self);
	CHECK_ERR(sem_timedwait(&sem, &at), EINTR);
	join(t);
}

static void post_it(int sig)
{
	(void)sig;
	CHECK_EQ(sem_post(&sem), 0);
}

TEST(a_handler_may_post)
{
	pthread_t self = pthread_self(), t;

	CHECK_EQ(sem_init(&sem, 0, 0), 0);
	handle(SA_RESTART, post_it);
	t = start(interrupt, &self);
	CHECK_EQ(sem_wait(&sem), 0);
	join(t);
	CHECK_EQ(value_of(&sem), 0);
}

static void *post_by_timer(void *arg)
{
	CHECK_EQ(sem_wait(&sem), 0);
	return arg;
}

TEST(a_handler_of_the_process_may_post_too)
{
	struct itimerspec when = {{0, 0}, {0, 20000000}};
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL,
			     .sigev_signo = SIGUSR1};
	timer_t timer;
	pthread_t t;

	CHECK_EQ(sem_init(&sem, 0, 0), 0);
	handle(SA_RESTART, post_it);
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &e, &timer), 0);
	t = start(post_by_timer, NULL);
	CHECK_EQ(timer_settime(timer, 0, &when, NULL), 0);
	join(t);
	CHECK_EQ(value_of(&sem), 0);
}

TEST(a_wait_is_a_cancellation_point)
{
	pthread_t t;

	CHECK_EQ(sem_init(&sem, 0, 0), 0);
	t = start(pass, &sem);
	sleep_ms(20);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
	CHECK_EQ(sem_post(&sem), 0);
	CHECK_EQ(value_of(&sem), 1);
	CHECK_EQ(passed, 0);
}

static void *hog(void *arg)
{
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(sem_wait(arg), 0);
		sleep_ms(1);
		CHECK_EQ(sem_post(arg), 0);
	}
	return NULL;
}

TEST(who_takes_it_often_leaves_others_their_turn)
{
	pthread_t t[3];

	CHECK_EQ(sem_init(&sem, 0, 1), 0);
	for (int i = 0; i < 3; i++)
		t[i] = start(hog, &sem);
	for (int i = 0; i < 3; i++)
		join(t[i]);
	CHECK_EQ(value_of(&sem), 1);
}

enum { LIMIT = 3 };
static int inside;

static void *enter(void *arg)
{
	struct timespec at;
	int n, taken;

	for (int i = 0; i < 200; i++) {
		at = in_ms(CLOCK_REALTIME, 1);
		taken = i % 3 ? sem_wait(arg) : sem_timedwait(arg, &at);
		if (taken < 0) {
			CHECK_EQ(errno, ETIMEDOUT);
			continue;
		}
		n = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
		CHECK(n <= LIMIT);
		sched_yield();
		__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
		CHECK_EQ(sem_post(arg), 0);
	}
	return NULL;
}

TEST(no_more_than_its_value_are_inside)
{
	pthread_t t[12];

	CHECK_EQ(sem_init(&sem, 0, LIMIT), 0);
	for (int i = 0; i < 12; i++)
		t[i] = start(enter, &sem);
	for (int i = 0; i < 12; i++)
		join(t[i]);
	CHECK_EQ(value_of(&sem), LIMIT);
}

static void *post_and_destroy(void *arg)
{
	sem_t *s = arg;

	CHECK_EQ(sem_wait(s), 0);
	CHECK_EQ(sem_destroy(s), 0);
	memset(s, 0xee, sizeof *s);
	free(s);
	return NULL;
}

TEST(who_is_let_on_may_destroy_it)
{
	for (int i = 0; i < 200; i++) {
		sem_t *s = malloc(sizeof *s);
		pthread_t t;

		CHECK_EQ(sem_init(s, 0, 0), 0);
		t = start(post_and_destroy, s);
		if (i & 1)
			sched_yield();
		CHECK_EQ(sem_post(s), 0);
		join(t);
	}
}

TEST(one_between_processes_works)
{
	sem_t *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec at;
	pid_t child;

	CHECK_EQ(sem_init(&s[0], 1, 0), 0);
	CHECK_EQ(sem_init(&s[1], 1, 0), 0);
	child = fork();
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(sem_post(&s[child == 0]), 0);
		CHECK_EQ(sem_wait(&s[child != 0]), 0);
	}
	if (child == 0)
		_exit(0);
	CHECK_EQ(posix_wait(child), 0);
	at = in_ms(CLOCK_REALTIME, 10);
	CHECK_ERR(sem_timedwait(&s[0], &at), ETIMEDOUT);
	CHECK_ERR(sem_trywait(&s[0]), EAGAIN);
}

TEST(a_named_one_works)
{
	char name[64];
	sem_t *s;
	pthread_t t;

	snprintf(name, sizeof name, "/posix-%d", (int)getpid());
	s = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
	if (s == SEM_FAILED)
		skip("no named semaphores here");
	CHECK_EQ(sem_unlink(name), 0);
	CHECK_EQ(sem_wait(s), 0);
	CHECK_ERR(sem_trywait(s), EAGAIN);
	t = start(pass, s);
	sleep_ms(10);
	CHECK_EQ(sem_post(s), 0);
	join(t);
	CHECK_EQ(value_of(s), 0);
	CHECK_EQ(sem_close(s), 0);
}
