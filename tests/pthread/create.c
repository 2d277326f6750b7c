/* create.c - threads start, get their arguments, and are joined. */
#include "posix.h"

#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

static int here[1];

static void *same(void *arg)
{
	return arg;
}

TEST(join_returns_what_the_thread_returned)
{
	pthread_t t;
	void *value;

	CHECK_EQ(pthread_create(&t, NULL, same, here), 0);
	CHECK_EQ(pthread_join(t, &value), 0);
	CHECK(value == here);
}

TEST(join_takes_no_value_where_none_is_wanted)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, same, here), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
}

static void *self(void *arg)
{
	*(pthread_t *)arg = pthread_self();
	return NULL;
}

TEST(the_id_is_what_self_is_in_the_thread)
{
	pthread_t t, inside;

	CHECK_EQ(pthread_create(&t, NULL, self, &inside), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK(pthread_equal(t, inside));
	CHECK(!pthread_equal(inside, pthread_self()));
}

TEST(threads_that_live_have_different_ids)
{
	enum { N = 100 };
	pthread_t t[N];

	for (int i = 0; i < N; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, same, NULL), 0);
	for (int i = 0; i < N; i++)
		for (int k = 0; k < i; k++)
			CHECK(!pthread_equal(t[i], t[k]));
	for (int i = 0; i < N; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
}

static void *add(void *arg)
{
	__atomic_fetch_add((long *)arg, 1, __ATOMIC_RELAXED);
	return NULL;
}

TEST(a_thousand_threads_run)
{
	static pthread_t t[1000];
	long count = 0;

	for (int i = 0; i < 1000; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, add, &count), 0);
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_EQ(count, 1000);
}

static void *tree(void *depth)
{
	pthread_t left, right;
	void *a, *b;
	long n = (long)depth;

	if (!n)
		return (void *)1L;
	CHECK_EQ(pthread_create(&left, NULL, tree, (void *)(n - 1)), 0);
	CHECK_EQ(pthread_create(&right, NULL, tree, (void *)(n - 1)), 0);
	CHECK_EQ(pthread_join(left, &a), 0);
	CHECK_EQ(pthread_join(right, &b), 0);
	return (void *)((long)a + (long)b);
}

TEST(threads_make_threads)
{
	pthread_t t;
	void *leaves;

	CHECK_EQ(pthread_create(&t, NULL, tree, (void *)6L), 0);
	CHECK_EQ(pthread_join(t, &leaves), 0);
	CHECK_EQ(leaves, 64);
}

static volatile int go_on;

static void *wait_for_go(void *arg)
{
	while (!go_on)
		sched_yield();
	return arg;
}

TEST(under_load_there_is_one_os_thread_if_threads_are_ramets)
{
	enum { N = 50 };
	pthread_t t[N];

	for (int i = 0; i < N; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, wait_for_go, NULL), 0);
	sched_yield();
	CHECK_EQ(os_threads(), under_ramet() ? 1 : N + 1);
	go_on = 1;
	for (int i = 0; i < N; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
}

static void *fill_stack(void *arg)
{
	volatile char deep[1 << 20];

	for (size_t i = 0; i < sizeof deep; i += 1024)
		deep[i] = (char)i;
	return (void *)(deep[2048] == 0 ? arg : NULL);
}

TEST(a_megabyte_of_stack_can_be_used_by_default)
{
	pthread_t t;
	void *value;

	CHECK_EQ(pthread_create(&t, NULL, fill_stack, here), 0);
	CHECK_EQ(pthread_join(t, &value), 0);
	CHECK(value == here);
}

static void overflow(void)
{
	struct rlimit none = {0, 0};
	pthread_attr_t attr;
	pthread_t t;

	setrlimit(RLIMIT_CORE, &none);
	CHECK_EQ(freopen("/dev/null", "w", stderr) != NULL, 1);
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 65536), 0);
	CHECK_EQ(pthread_create(&t, &attr, fill_stack, NULL), 0);
	pthread_join(t, NULL);
}

TEST(overflow_of_a_small_stack_kills_the_process)
{
	int status = status_of(overflow);

	CHECK(WIFSIGNALED(status));
	CHECK(WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGABRT);
}

static void *turn_errno(void *arg)
{
	CHECK_EQ(errno, 0);
	errno = (int)(long)arg;
	for (int i = 0; i < 5; i++) {
		sched_yield();
		CHECK_EQ(errno, (long)arg);
	}
	return NULL;
}

TEST(errno_is_each_threads_own)
{
	pthread_t t[10];

	errno = 77;
	for (long i = 0; i < 10; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, turn_errno, (void *)i), 0);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_EQ(errno, 77);
}

static void *new_mask(void *arg)
{
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, NULL, arg), 0);
	return NULL;
}

TEST(a_thread_inherits_its_creators_signal_mask)
{
	sigset_t set, inside;
	pthread_t t;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(pthread_create(&t, NULL, new_mask, &inside), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK(sigismember(&inside, SIGUSR2));
	CHECK(!sigismember(&inside, SIGUSR1));
}

TEST(without_memory_create_fails_with_EAGAIN)
{
	struct rlimit limit = {96 << 20, 96 << 20};
	pthread_attr_t attr;
	pthread_t t;
	int err = 0;

	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 512 << 20), 0);
	CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
	err = pthread_create(&t, &attr, same, NULL);
	CHECK_EQ(err, EAGAIN);
}

static void last_thread_returns(void)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, wait_for_go, NULL), 0);
	exit(5);
}

TEST(exit_ends_the_process_whatever_threads_do)
{
	int status = status_of(last_thread_returns);

	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 5);
}

static void *exits(void *arg)
{
	exit((int)(long)arg);
}

static void thread_exits(void)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, exits, (void *)9L), 0);
	pthread_join(t, NULL);
	_exit(1);
}

TEST(a_thread_may_call_exit)
{
	int status = status_of(thread_exits);

	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 9);
}

TEST(many_short_threads_use_no_more_and_more_memory)
{
	struct rlimit limit = {512 << 20, 512 << 20};
	pthread_t t;

	CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
	for (int i = 0; i < 20000; i++) {
		CHECK_EQ(pthread_create(&t, NULL, same, malloc(100)), 0);
		void *value;
		CHECK_EQ(pthread_join(t, &value), 0);
		free(value);
	}
}
