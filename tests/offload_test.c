/* Offload: a function on another OS thread, which its caller need not wait for.
 */
#include "ramets.h"
#include "thread.h"

#include "ramet/future.h"

#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
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
static int told; /* atomic: jobs that have begun to wait for that */

static void *until_told(void *arg)
{
	__atomic_fetch_add(&told, 1, __ATOMIC_SEQ_CST);
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

/* ---- lanes --------------------------------------------------------------- */

static int inside, most_inside, begun; /* atomic */

static void *come_and_go(void *arg)
{
	int now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
	int most = __atomic_load_n(&most_inside, __ATOMIC_SEQ_CST);

	while (now > most &&
	       !__atomic_compare_exchange_n(&most_inside, &most, now, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	usleep(100);
	__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
	return arg;
}

static void *offload_some(void *unused)
{
	for (int i = 0; i < 10; i++)
		CHECK_EQ(ramet_offload(come_and_go, NULL, NULL), 0);
	return unused;
}

TEST(a_lane_holds_no_more_threads_than_its_limit)
{
	struct ramet *t[20];

	CHECK_EQ(ramet_offload_limit(RAMET_LANE_USER, 3), 128);
	for (int i = 0; i < 20; i++)
		t[i] = spawn(offload_some, NULL);
	for (int i = 0; i < 20; i++)
		join(t[i]);
	CHECK(most_inside > 0 && most_inside <= 3);
	CHECK_EQ(ramet_offload_limit(RAMET_LANE_USER, 0), 3);
}

TEST(limits_must_make_sense)
{
	CHECK_ERR(ramet_offload_limit(RAMET_LANE_USER, -1), EINVAL);
	CHECK_ERR(ramet_offload_limit(RAMET_LANE_USER, 257), EINVAL);
	CHECK_ERR(ramet_offload_limit((enum ramet_lane)3, 1), EINVAL);
	CHECK_EQ(ramet_offload_limit(RAMET_LANE_USER, 256), 128);
	CHECK_EQ(ramet_offload_limit(RAMET_LANE_FILE, 0), 64);
	CHECK_EQ(ramet_offload_limit(RAMET_LANE_NAMES, 0), 16);
}

TEST(limits_come_from_the_environment)
{
	setenv("RAMET_OFFLOAD_USER", "5", 1);
	setenv("RAMET_OFFLOAD_FILE", "0", 1);
	setenv("RAMET_OFFLOAD_NAMES", "many", 1);
	CHECK_EQ(ramet_offload_limit(RAMET_LANE_USER, 7), 5);
	CHECK_EQ(ramet_offload_limit(RAMET_LANE_USER, 0), 7);
	CHECK_EQ(ramet_offload_limit(RAMET_LANE_FILE, 0), 64);
	CHECK_EQ(ramet_offload_limit(RAMET_LANE_NAMES, 0), 16);
}

/* One job holds the lane until it is told. */
static struct ramet *hold_lane(void)
{
	struct ramet *t;

	sem_init(&go, 0, 0);
	CHECK(ramet_offload_limit(RAMET_LANE_USER, 1) > 0);
	t = spawn(offload_until_told, NULL);
	let_run();
	return t;
}

static void *begin_in_order(void *number)
{
	CHECK_EQ(__atomic_fetch_add(&begun, 1, __ATOMIC_SEQ_CST),
		 (intptr_t)number);
	return NULL;
}

static void *offload_in_order(void *number)
{
	CHECK_EQ(ramet_offload(begin_in_order, number, NULL), 0);
	return NULL;
}

TEST(turns_are_first_come_first_served)
{
	struct ramet *holder = hold_lane(), *t[10];

	for (intptr_t i = 0; i < 10; i++)
		t[i] = spawn(offload_in_order, (void *)i);
	CHECK_EQ(ramet_sleep(5 * RAMET_MS), 0);
	CHECK_EQ(begun, 0);
	sem_post(&go);
	join(holder);
	for (int i = 0; i < 10; i++)
		join(t[i]);
	CHECK_EQ(begun, 10);
}

static void *never_begins(void *unused)
{
	__atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
	return unused;
}

static void *offload_never(void *unused)
{
	CHECK_ERR(ramet_offload(never_begins, NULL, NULL), ECANCELED);
	return unused;
}

TEST(who_leaves_before_its_turn_has_run_nothing)
{
	struct ramet *holder = hold_lane(), *t[10];

	for (int i = 0; i < 10; i++)
		t[i] = spawn(offload_never, NULL);
	let_run();
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_offload(never_begins, NULL, NULL), ETIMEDOUT);
	for (int i = 9; i >= 0; i--) {
		CHECK_EQ(ramet_cancel(t[i]), 0);
		join(t[i]);
	}
	sem_post(&go);
	join(holder);
	CHECK_EQ(ramet_offload(twice, NULL, NULL), 0);
	CHECK_EQ(begun, 0);
}

TEST(a_higher_limit_lets_those_who_wait_begin)
{
	struct ramet *holder = hold_lane(), *t[3];

	for (int i = 0; i < 3; i++)
		t[i] = spawn(offload_some, NULL);
	let_run();
	CHECK_EQ(ramet_offload_limit(RAMET_LANE_USER, 2), 1);
	for (int i = 0; i < 3; i++)
		join(t[i]);
	CHECK(!ramet_ended(holder));
	sem_post(&go);
	join(holder);
}

TEST(a_full_lane_is_not_in_the_way_of_others)
{
	struct ramet *holder = hold_lane();
	struct stat st;

	CHECK_EQ(ramet_stat("/", &st), 0);
	sem_post(&go);
	join(holder);
}

/* ---- futures ------------------------------------------------------------- */

TEST(a_future_gets_the_value)
{
	struct ramet_future *f[10];
	void *value;

	for (intptr_t i = 0; i < 10; i++)
		f[i] = made(ramet_offload_start(twice, (void *)i));
	for (intptr_t i = 0; i < 10; i++) {
		CHECK_EQ(ramet_future_get(f[i], &value), 0);
		CHECK_EQ((intptr_t)value, 2 * i);
		ramet_future_release(f[i]);
	}
}

TEST(a_wait_for_a_future_can_be_cut_short_and_taken_up_again)
{
	struct ramet_future *f;

	sem_init(&go, 0, 0);
	f = made(ramet_offload_start(until_told, NULL));
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_future_get(f, NULL), ETIMEDOUT);
	sem_post(&go);
	CHECK_EQ(ramet_future_get(f, NULL), 0);
	ramet_future_release(f);
}

TEST(a_future_may_be_released_before_it_is_settled)
{
	sem_init(&go, 0, 0);
	ramet_future_release(made(ramet_offload_start(until_told, NULL)));
	sem_post(&go);
	wait_until_done(1);
	CHECK_EQ(ramet_offload(twice, NULL, NULL), 0);
}

static void *start_and_end(void *future)
{
	*(struct ramet_future **)future =
		made(ramet_offload_start(until_told, (void *)1));
	return NULL;
}

TEST(a_future_outlives_the_loop_that_started_it)
{
	struct ramet_future *f;
	void *value;

	sem_init(&go, 0, 0);
	run_thread(start_and_end, &f);
	sem_post(&go);
	CHECK_EQ(ramet_future_get(f, &value), 0);
	CHECK_EQ((intptr_t)value, 1);
	ramet_future_release(f);
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

TEST(a_forked_childs_lanes_are_free)
{
	struct ramet *holder;
	int status;
	pid_t pid;

	if (TEST_TSAN)
		test_skip("no threads after fork under ThreadSanitizer");
	if (TEST_QEMU)
		test_skip("no threads after fork under qemu");
	holder = hold_lane();
	/* A helper that is being made may have an allocator's lock. */
	while (!__atomic_load_n(&told, __ATOMIC_SEQ_CST) &&
	       !ramet_ended(holder))
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		run_thread(offload_twice, NULL);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	sem_post(&go);
	join(holder);
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
