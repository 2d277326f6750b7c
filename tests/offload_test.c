/* Offload: a function on another OS thread, which its caller need not wait for.
 */
#include "ramets.h"
#include "thread.h"

#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where qemu is what makes tests slow. */
#ifdef __aarch64__
#define TEST_QEMU (test_slow() && !TEST_ASAN)
#else
#define TEST_QEMU false
#endif

static void *thread_id(void *unused)
{
	(void)unused;
	return (void *)syscall(SYS_gettid);
}

TEST(the_function_runs_on_another_thread)
{
	void *value = NULL;

	CHECK_EQ(ramet_offload(thread_id, NULL, &value), 0);
	CHECK(value && value != thread_id(NULL));
	CHECK_EQ(ramet_offload(thread_id, NULL, NULL), 0);
}

static void *twice(void *arg)
{
	return (void *)((intptr_t)arg * 2);
}

static void *offload_twice(void *arg)
{
	for (intptr_t i = 0; i < 20; i++) {
		void *value, *given = (void *)((intptr_t)arg + i);

		CHECK_EQ(ramet_offload(twice, given, &value), 0);
		CHECK_EQ((intptr_t)value, 2 * ((intptr_t)arg + i));
	}
	return NULL;
}

TEST(each_caller_gets_its_own_value)
{
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	for (intptr_t i = 0; i < 100; i++)
		CHECK(ramet_go(&g, offload_twice, (void *)(1000 * i)) != NULL);
	CHECK_EQ(ramet_group_wait(&g), 0);
}

/* A job that ends when it is told to. */
static sem_t go;
static int done; /* atomic */

static void *until_told(void *arg)
{
	while (sem_wait(&go) < 0)
		;
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
	return arg;
}

static void wait_until_done(int count)
{
	while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < count)
		ramet_sleep(RAMET_MS);
}

/* The last yield of all tells the job. */
static void *count_yields(void *arg)
{
	int *yields = arg;

	for (int i = 0; i < 100; i++) {
		CHECK_EQ(ramet_yield(), 0);
		if (++*yields == 100 * 100)
			sem_post(&go);
	}
	return NULL;
}

TEST(a_slow_job_stops_nobody_else)
{
	struct ramet *t[100];
	int yields = 0;

	sem_init(&go, 0, 0);
	for (int i = 0; i < 100; i++)
		t[i] = spawn(count_yields, &yields);
	CHECK_EQ(ramet_offload(until_told, NULL, NULL), 0);
	CHECK_EQ(yields, 100 * 100);
	for (int i = 0; i < 100; i++)
		ramet_join(t[i], NULL);
}

/* No job ends before all have begun. */
enum { TOGETHER = 50 };

static pthread_barrier_t together;

static void *wait_for_all(void *arg)
{
	pthread_barrier_wait(&together);
	return arg;
}

static void *offload_wait(void *unused)
{
	CHECK_EQ(ramet_offload(wait_for_all, NULL, NULL), 0);
	return unused;
}

TEST(jobs_run_side_by_side)
{
	ramet_auto_group g;

	pthread_barrier_init(&together, NULL, TOGETHER);
	ramet_group_open(&g, RAMET_ALL);
	for (int i = 0; i < TOGETHER; i++)
		CHECK(ramet_go(&g, offload_wait, NULL) != NULL);
	CHECK_EQ(ramet_group_wait(&g), 0);
}

/* ---- callers that leave -------------------------------------------------- */

TEST(a_caller_whose_time_is_up_leaves_at_once)
{
	void *value = &go;

	sem_init(&go, 0, 0);
	RAMET_WITHIN(20 * RAMET_MS)
		CHECK_ERR(ramet_offload(until_told, NULL, &value), ETIMEDOUT);
	CHECK(value == &go);
	CHECK_EQ(__atomic_load_n(&done, __ATOMIC_SEQ_CST), 0);
	sem_post(&go);
	wait_until_done(1);
	CHECK_EQ(ramet_offload(twice, NULL, NULL), 0);
}

static void *offload_cancelled(void *unused)
{
	CHECK_ERR(ramet_offload(until_told, NULL, NULL), ECANCELED);
	CHECK_ERR(ramet_offload(until_told, NULL, NULL), ECANCELED);
	return unused;
}

TEST(cancelled_callers_leave_at_once)
{
	struct ramet *t[20];

	sem_init(&go, 0, 0);
	for (int i = 0; i < 20; i++)
		t[i] = spawn(offload_cancelled, NULL);
	ramet_sleep(RAMET_MS);
	for (int i = 0; i < 20; i++)
		ramet_cancel(t[i]);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(ramet_join(t[i], NULL), 0);
	for (int i = 0; i < 20; i++)
		sem_post(&go);
	wait_until_done(20);
	CHECK_EQ(ramet_offload(twice, NULL, NULL), 0);
}

static void *offload_killed(void *arg)
{
	ramet_offload(until_told, arg, NULL);
	test_fail(__FILE__, __LINE__, "a killed call returned");
}

TEST(a_caller_can_be_killed)
{
	struct ramet *t = spawn(offload_killed, NULL);

	sem_init(&go, 0, 0);
	ramet_sleep(RAMET_MS);
	if (ramet_kill(t) < 0)
		test_skip("the stack cannot be unwound");
	CHECK_ERR(ramet_join(t, NULL), ECHILD);
	sem_post(&go);
	wait_until_done(1);
}

static void *offload_until_told(void *unused)
{
	CHECK_EQ(ramet_offload(until_told, NULL, NULL), 0);
	return unused;
}

TEST(jobs_wait_when_there_are_more_than_threads)
{
	enum { COUNT = 300 };
	ramet_auto_group g;

	sem_init(&go, 0, 0);
	ramet_group_open(&g, RAMET_ALL);
	for (int i = 0; i < COUNT; i++)
		CHECK(ramet_go(&g, offload_until_told, NULL) != NULL);
	ramet_sleep(RAMET_MS);
	CHECK_EQ(g.running, COUNT);
	for (int i = 0; i < COUNT; i++)
		sem_post(&go);
	CHECK_EQ(ramet_group_wait(&g), 0);
	CHECK_EQ(__atomic_load_n(&done, __ATOMIC_SEQ_CST), COUNT);
}

static void *tell(void *arg)
{
	sem_post(&go);
	return arg;
}

TEST(no_job_waits_for_the_end_of_another)
{
	sem_init(&go, 0, 0);
	CHECK_EQ(ramet_offload(twice, NULL, NULL), 0); /* one idle thread */
	for (int i = 0; i < 20; i++) {
		struct ramet *t = spawn(offload_until_told, NULL);

		ramet_yield();
		CHECK_EQ(ramet_offload(tell, NULL, NULL), 0);
		CHECK_EQ(ramet_join(t, NULL), 0);
	}
}

/* ---- loops and processes ------------------------------------------------ */

static void *leave_and_end(void *unused)
{
	CHECK_EQ(ramet_yield(), 0); /* without a loop there is no scope */
	for (int i = 0; i < 5; i++)
		RAMET_WITHIN(20 * RAMET_MS)
			CHECK_ERR(ramet_offload(until_told, NULL, NULL),
				  ETIMEDOUT);
	return unused;
}

TEST(a_loop_may_end_before_its_jobs)
{
	sem_init(&go, 0, 0);
	run_thread(leave_and_end, NULL);
	for (int i = 0; i < 5; i++)
		sem_post(&go);
	wait_until_done(5);
}

static void *sleep_a_little(void *us)
{
	usleep((useconds_t)(intptr_t)us);
	return NULL;
}

static void *leave_some(void *arg)
{
	for (intptr_t i = 0; i < 4; i++)
		RAMET_WITHIN(60 * RAMET_US)
			ramet_offload(sleep_a_little, (void *)(i * 20), NULL);
	return arg;
}

TEST(loops_end_while_jobs_come_back)
{
	for (int i = 0; i < test_rounds(200); i++) {
		pthread_t thread[2];

		for (int k = 0; k < 2; k++)
			thread[k] = start_thread(leave_some, NULL);
		for (int k = 0; k < 2; k++)
			join_thread(thread[k]);
	}
}

TEST(several_loops_offload_at_once)
{
	pthread_t thread[4];

	for (intptr_t i = 0; i < 4; i++)
		thread[i] = start_thread(offload_twice, (void *)(100 * i));
	for (int i = 0; i < 4; i++)
		join_thread(thread[i]);
}

/* The loop is the parent's; a new thread's is the child's own. */
TEST(a_forked_child_has_helpers_of_its_own)
{
	int status;
	pid_t pid;

	if (TEST_TSAN)
		test_skip("no threads after fork under ThreadSanitizer");
	if (TEST_QEMU)
		test_skip("no threads after fork under qemu");
	CHECK_EQ(ramet_offload(twice, NULL, NULL), 0);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		run_thread(offload_twice, NULL);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void *blocked_signals(void *set)
{
	pthread_sigmask(SIG_BLOCK, NULL, set);
	return NULL;
}

TEST(helpers_take_no_signals)
{
	sigset_t set;

	CHECK_EQ(ramet_offload(blocked_signals, &set, NULL), 0);
	CHECK(sigismember(&set, SIGTERM) && sigismember(&set, SIGUSR1));
}
