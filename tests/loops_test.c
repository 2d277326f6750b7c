/* Several loops, each on an OS thread of its own. */
#include "door.h"
#include "net.h"
#include "ramets.h"
#include "thread.h"

#include "core/core.h"
#include "kernel/libc.h"
#include "ramet/debug.h"
#include "ramet/future.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 8 };

static void start(int n)
{
	CHECK_EQ(ramet_loops_start((size_t)n), n);
}

static void stop(void)
{
	CHECK_EQ(ramet_loops_stop(), 0);
}

static struct ramet_loop *loop(size_t i)
{
	return made(ramet_loop_at(i));
}

static void go(size_t i, void *(*fn)(void *), void *arg)
{
	CHECK_EQ(ramet_loop_go(loop(i), fn, arg), 0);
}

/* What fn(arg) returns in that loop. */
static void *result_of(size_t i, void *(*fn)(void *), void *arg)
{
	struct ramet_future *f = made(ramet_loop_call(loop(i), fn, arg));
	void *value = NULL;

	CHECK_EQ(ramet_future_get(f, &value), 0);
	ramet_future_release(f);
	return value;
}

/* A counter of all loops. */
static int count;

static int counted(void)
{
	return __atomic_load_n(&count, __ATOMIC_SEQ_CST);
}

static void *add_one(void *arg)
{
	__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
	return arg;
}

static void wait_for_count(int n)
{
	while (counted() < n)
		CHECK_EQ(ramet_sleep(RAMET_MS / 4), 0);
	CHECK_EQ(counted(), n);
}

/* ---- start and stop ----------------------------------------------------- */

static void *thread_id(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)gettid();
}

static void *self(void *unused)
{
	(void)unused;
	return ramet_loop_self();
}

TEST(each_loop_has_an_os_thread_of_its_own)
{
	for (int n = 1; n <= MANY; n++) {
		void *ids[MANY];

		start(n);
		CHECK_EQ(ramet_loops_count(), n);
		for (size_t i = 0; i < (size_t)n; i++) {
			ids[i] = result_of(i, thread_id, NULL);
			CHECK(result_of(i, self, NULL) == loop(i));
			for (size_t k = 0; k < i; k++) {
				CHECK(ids[k] != ids[i]);
				CHECK(loop(k) != loop(i));
			}
		}
		CHECK_EQ((intptr_t)ids[0], gettid());
		CHECK(ramet_loop_self() == loop(0));
		CHECK_NULL(ramet_loop_at((size_t)n), EINVAL);
		stop();
	}
}

TEST(before_the_start_and_after_the_stop_there_are_none)
{
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(ramet_loops_count(), 0);
		CHECK(!ramet_loop_self());
		CHECK(!ramet_loop_least());
		CHECK_NULL(ramet_loop_at(0), EINVAL);
		stop();
		start(2);
		stop();
	}
}

TEST(those_there_are_stay)
{
	struct ramet_loop *second;

	start(2);
	second = loop(1);
	start(4);
	CHECK(loop(1) == second);
	CHECK_EQ(ramet_loops_start(3), 4);
	stop();
}

TEST(none_given_means_one_for_each_processor)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CHECK_EQ(sched_getaffinity(0, sizeof set, &set), 0);
	CHECK_EQ(ramet_loops_start(0), CPU_COUNT(&set));
	CHECK(ramet_loops_count() <= (size_t)n);
	stop();
}

static int refuse_after;

static int refuse(pthread_t *thread, const pthread_attr_t *attr,
		  void *(*fn)(void *), void *arg)
{
	return refuse_after-- > 0 ? pthread_create(thread, attr, fn, arg)
				  : EAGAIN;
}

TEST(threads_that_cannot_be_had_are_an_error)
{
	CHECK_EQ(ramet_yield(), 0);
	ramet__libc.pthread_create = refuse;
	refuse_after = 2;
	CHECK_ERR(ramet_loops_start(5), EAGAIN);
	CHECK_EQ(ramet_loops_count(), 3);
	CHECK(result_of(2, self, NULL) == loop(2));
	refuse_after = 1;
	start(4);
	CHECK_ERR(ramet_loops_start(1 << 20), EAGAIN);
	stop();
}

static void *try_to_change(void *unused)
{
	CHECK_ERR(ramet_loops_stop(), EPERM);
	CHECK_ERR(ramet_loops_start(5), EPERM);
	return unused;
}

TEST(only_the_loop_that_started_them_may_stop_them)
{
	start(2);
	result_of(1, try_to_change, NULL);
	run_thread(try_to_change, NULL);
	CHECK_EQ(ramet_loops_count(), 2);
	stop();
}

static void *start_too(void *n)
{
	CHECK(ramet_loops_start((size_t)(intptr_t)n) >= (intptr_t)n);
	return NULL;
}

static void *stop_too(void *unused)
{
	stop();
	return unused;
}

TEST(ramets_may_start_and_stop_at_once)
{
	struct ramet *t[6];

	for (int i = 0; i < 6; i++)
		t[i] = spawn(start_too, (void *)(intptr_t)(i % 3 + 2));
	for (int i = 0; i < 6; i++)
		join(t[i]);
	CHECK_EQ(ramet_loops_count(), 4);
	for (int i = 0; i < 6; i++)
		t[i] = spawn(stop_too, NULL);
	for (int i = 0; i < 6; i++)
		join(t[i]);
	CHECK_EQ(ramet_loops_count(), 0);
}

/* ---- sending ------------------------------------------------------------ */

enum { FROM_EACH = 200 };

static void *send_to_all(void *unused)
{
	for (int i = 0; i < FROM_EACH; i++)
		for (size_t k = 0; k < ramet_loops_count(); k++)
			go(k, add_one, NULL);
	return unused;
}

TEST(functions_are_sent_from_everywhere_to_everywhere)
{
	pthread_t thread;

	start(MANY);
	for (size_t i = 0; i < MANY; i++)
		go(i, send_to_all, NULL);
	thread = start_thread(send_to_all, NULL);
	wait_for_count(FROM_EACH * MANY * (MANY + 1));
	join_thread(thread);
	stop();
}

static int order[3][FROM_EACH], next_in[3];

static void *note_order(void *n)
{
	size_t from = (size_t)(intptr_t)n % 3;

	order[from][next_in[from]++] = (int)((intptr_t)n / 3);
	return add_one(NULL);
}

static void *send_in_order(void *from)
{
	for (intptr_t i = 0; i < FROM_EACH; i++)
		go(0, note_order, (void *)(i * 3 + (intptr_t)from));
	return NULL;
}

TEST(what_one_loop_sends_runs_in_the_order_of_sending)
{
	start(3);
	for (size_t i = 1; i < 3; i++)
		go(i, send_in_order, (void *)(intptr_t)i);
	wait_for_count(2 * FROM_EACH);
	for (int from = 1; from < 3; from++)
		for (int i = 0; i < FROM_EACH; i++)
			CHECK_EQ(order[from][i], i);
	stop();
}

static void *fail_with_null(void *unused)
{
	(void)unused;
	return NULL;
}

static void *kill_myself(void *unused)
{
	ramet_kill(ramet_self());
	return unused;
}

TEST(a_call_has_a_future)
{
	struct ramet_future *f;
	int value;

	start(2);
	for (size_t i = 0; i < 2; i++) {
		CHECK(result_of(i, add_one, &value) == &value);
		CHECK(!result_of(i, fail_with_null, &value));
		f = made(ramet_loop_call(loop(i), kill_myself, NULL));
		CHECK_ERR(ramet_future_get(f, NULL), ECHILD);
		ramet_future_release(f);
	}
	/* Nobody need wait for it. */
	ramet_future_release(made(ramet_loop_call(loop(1), add_one, NULL)));
	wait_for_count(3);
	stop();
}

static void *call_as_thread(void *unused)
{
	CHECK(result_of(1, add_one, &count) == &count);
	CHECK(!ramet_loop_self());
	return unused;
}

TEST(an_os_thread_without_a_loop_may_call)
{
	start(2);
	run_thread(call_as_thread, NULL);
	CHECK_EQ(counted(), 1);
	stop();
}

static void *call_back(void *depth)
{
	intptr_t n = (intptr_t)depth;

	if (!n)
		return NULL;
	n = (intptr_t)result_of((size_t)n % 3, call_back, (void *)(n - 1));
	return (void *)(n + 1);
}

TEST(calls_may_wait_for_calls)
{
	start(3);
	CHECK_EQ((intptr_t)result_of(2, call_back, (void *)30), 30);
	stop();
}

/* ---- load --------------------------------------------------------------- */

static int ran_in[MANY];

static void *stay(void *unused)
{
	for (size_t i = 0; i < ramet_loops_count(); i++)
		if (loop(i) == ramet_loop_self())
			__atomic_add_fetch(&ran_in[i], 1, __ATOMIC_SEQ_CST);
	add_one(NULL);
	ramet_sleep(RAMET_NEVER);
	return unused;
}

TEST(work_goes_to_the_least_loaded)
{
	start(3);
	for (int i = 0; i < 300; i++)
		CHECK_EQ(ramet_loop_go(ramet_loop_least(), stay, NULL), 0);
	while (counted() < 300)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	for (int i = 0; i < 3; i++)
		CHECK(__atomic_load_n(&ran_in[i], __ATOMIC_SEQ_CST) >= 50);
	stop();
}

TEST(a_loop_with_many_ramets_is_not_the_least)
{
	start(3);
	for (int i = 0; i < 100; i++)
		go(1, stay, NULL);
	for (int i = 0; i < 10; i++)
		go(2, stay, NULL);
	wait_for_count(110);
	for (int i = 0; i < 50; i++)
		spawn(stay, NULL);
	wait_for_count(160);
	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK(ramet_loop_least() == loop(2));
	stop();
}

/* ---- stopping ----------------------------------------------------------- */

static void *end_in_time(void *unused)
{
	CHECK_ERR(ramet_sleep(RAMET_NEVER), ECANCELED);
	RAMET_SHIELD(RAMET_SEC)
		CHECK_EQ(ramet_sleep(5 * RAMET_MS), 0);
	return add_one(unused);
}

TEST(what_runs_is_cancelled_and_may_clean_up)
{
	start(3);
	for (int i = 0; i < 50; i++)
		go((size_t)i % 2 + 1, end_in_time, NULL);
	stop();
	CHECK_EQ(counted(), 50);
}

static void *start_another(void *depth)
{
	CHECK_ERR(ramet_sleep(RAMET_NEVER), ECANCELED);
	if (depth)
		made(ramet_go(NULL, start_another,
			      (void *)((intptr_t)depth - 1)));
	return add_one(NULL);
}

TEST(what_is_spawned_while_it_stops_ends_too)
{
	start(2);
	go(1, start_another, (void *)5);
	stop();
	CHECK_EQ(counted(), 6);
}

TEST(a_stopped_loop_is_not_sent_to)
{
	struct ramet_loop *gone;

	start(2);
	gone = loop(1);
	stop();
	CHECK_ERR(ramet_loop_go(gone, add_one, NULL), ESRCH);
	CHECK_NULL(ramet_loop_call(gone, add_one, NULL), ESRCH);
	CHECK_ERR(ramet_loop_go(NULL, add_one, NULL), EINVAL);
	CHECK_EQ(counted(), 0);
}

static void *send_when_stopped(void *unused)
{
	CHECK_ERR(ramet_sleep(RAMET_NEVER), ECANCELED);
	CHECK_ERR(ramet_loop_go(ramet_loop_self(), add_one, NULL), ESRCH);
	CHECK_ERR(ramet_loop_go(loop(2), add_one, NULL), ESRCH);
	go(0, add_one, NULL);
	return unused;
}

TEST(loops_that_stop_may_still_send_to_the_one_that_stays)
{
	start(3);
	go(1, send_when_stopped, NULL);
	stop();
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(counted(), 1);
}

static void *end_late(void *unused)
{
	RAMET_SHIELD(RAMET_SEC)
		CHECK_EQ(ramet_sleep(50 * RAMET_MS), 0);
	return add_one(unused);
}

TEST(a_stop_that_was_interrupted_goes_on)
{
	start(2);
	go(1, end_late, NULL);
	RAMET_WITHIN(2 * RAMET_MS)
		CHECK_ERR(ramet_loops_stop(), ETIMEDOUT);
	CHECK_ERR(ramet_loop_go(loop(1), add_one, NULL), ESRCH);
	start(2);
	CHECK_EQ(counted(), 1);
	CHECK(result_of(1, self, NULL) == loop(1));
	stop();
}

/* All send to all as fast as they can until they are told that nobody is there;
 * what was taken must have run. */
static int taken;

enum { UNDER_WAY = 2000 };

static void give_them_time(void)
{
	while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) - counted() >
	       UNDER_WAY)
		if (ramet__this_loop)
			ramet_yield();
		else
			sched_yield();
}

static void *send_until_stopped(void *unused)
{
	for (;;) {
		bool any = false;

		give_them_time();
		for (size_t i = 1; i < 4; i++)
			if (ramet_loop_go(loop(i), add_one, NULL) == 0) {
				__atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
				any = true;
			} else {
				CHECK_EQ(errno, ESRCH);
			}
		if (!any || ramet_yield() < 0)
			return unused;
	}
}

TEST(what_is_under_way_at_the_stop_is_run_or_refused)
{
	for (int round = test_rounds(20); round; round--) {
		start(4);
		for (size_t i = 1; i < 4; i++)
			go(i, send_until_stopped, NULL);
		CHECK_EQ(ramet_sleep(test_rand(3) * RAMET_MS / 2), 0);
		stop();
		CHECK_EQ(counted(), __atomic_load_n(&taken, __ATOMIC_SEQ_CST));
	}
}

static bool enough; /* atomic */

static void *send_to_handles(void *handles)
{
	struct ramet_loop **h = handles;

	while (!__atomic_load_n(&enough, __ATOMIC_SEQ_CST)) {
		give_them_time();
		for (int i = 1; i < 3; i++)
			if (ramet_loop_go(h[i], add_one, NULL) == 0)
				__atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
			else
				CHECK_EQ(errno, ESRCH);
	}
	return NULL;
}

TEST(an_os_thread_may_send_to_loops_that_come_and_go)
{
	struct ramet_loop *handles[3];
	pthread_t thread;

	start(3);
	for (size_t i = 0; i < 3; i++)
		handles[i] = loop(i);
	thread = start_thread(send_to_handles, handles);
	for (int round = test_rounds(30); round; round--) {
		stop();
		start(3);
	}
	__atomic_store_n(&enough, true, __ATOMIC_SEQ_CST);
	join_thread(thread);
	stop();
	CHECK_EQ(counted(), __atomic_load_n(&taken, __ATOMIC_SEQ_CST));
}

static struct ramet_future *pending[64];

static void *settle_much(void *unused)
{
	for (int i = 0; i < 64; i++)
		pending[i] = made(ramet_loop_call(loop((size_t)i % 2 + 2),
						  end_in_time, pending));
	return unused;
}

TEST(futures_of_a_loop_that_stops_are_settled)
{
	void *value;

	start(4);
	result_of(1, settle_much, NULL);
	stop();
	for (int i = 0; i < 64; i++) {
		CHECK_EQ(ramet_future_tryget(pending[i], &value), 0);
		CHECK(value == pending);
		ramet_future_release(pending[i]);
	}
}

static void *clean_up_aloud(void *unused)
{
	ramet_sleep(RAMET_NEVER);
	RAMET_SHIELD(RAMET_SEC)
		ramet_sleep(5 * RAMET_MS);
	fprintf(stderr, "cleaned up\n");
	return unused;
}

static void leave_by_exit(void)
{
	start(3);
	go(1, clean_up_aloud, NULL);
	go(2, clean_up_aloud, NULL);
	exit(7);
}

TEST(the_end_of_main_stops_them)
{
	char text[200];
	int status = test_stderr_of(leave_by_exit, text, sizeof text);

	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 7);
	CHECK_EQ(strcmp(text, "cleaned up\ncleaned up\n"), 0);
}

static void *start_and_leave(void *unused)
{
	start(2);
	go(1, end_in_time, NULL);
	return unused;
}

TEST(the_end_of_the_thread_that_started_them_stops_them)
{
	run_thread(start_and_leave, NULL);
	CHECK_EQ(counted(), 1);
	CHECK_EQ(ramet_loops_count(), 0);
	start(2);
	stop();
}

/* ---- wake-ups ----------------------------------------------------------- */

static int wakes; /* atomic */
static void (*real_wake)(struct poller *);
static bool held; /* atomic: nobody is woken */

static void counted_wake(struct poller *p)
{
	__atomic_add_fetch(&wakes, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&held, __ATOMIC_SEQ_CST))
		real_wake(p);
}

static bool sleeps(struct loop *l)
{
	return __atomic_load_n(&l->sleeping, __ATOMIC_SEQ_CST);
}

static void *tell_loop(void *unused)
{
	(void)unused;
	return ramet__loop();
}

TEST(a_sleeping_loop_is_woken_once)
{
	struct loop *l;

	CHECK_EQ(ramet_yield(), 0);
	real_wake = own_kernel()->wake;
	own_kernel()->wake = counted_wake;
	start(2);
	l = result_of(1, tell_loop, NULL);
	while (!sleeps(l))
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	held = true;
	wakes = 0;
	for (int i = 0; i < 100; i++)
		go(1, add_one, NULL);
	CHECK_EQ(wakes, 1);
	CHECK_EQ(counted(), 0);
	held = false;
	real_wake(l->poller);
	wait_for_count(100);
	stop();
}

/* ---- deadlocks ---------------------------------------------------------- */

static struct ramet_event event;

static void *set_event(void *unused)
{
	ramet_event_set(&event);
	return unused;
}

static void *set_event_later(void *unused)
{
	CHECK_EQ(ramet_sleep(20 * RAMET_MS), 0);
	go(0, set_event, NULL);
	return unused;
}

TEST(who_waits_for_another_loop_is_in_no_deadlock)
{
	start(2);
	go(1, set_event_later, NULL);
	CHECK_EQ(ramet_event_wait(&event), 0);
	stop();
}

TEST(when_the_others_have_stopped_a_deadlock_is_certain_again)
{
	struct stat st;

	CHECK_EQ(stat("/proc/self/task", &st), 0);
	if (TEST_TSAN || st.st_nlink != 2 + 1) /* or an emulator's */
		test_skip("there are more OS threads than the test's");
	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	start(2);
	stop();
	CHECK_ERR(ramet_event_wait(&event), EDEADLK);
}

/* ---- fork --------------------------------------------------------------- */

static int exit_status(pid_t pid)
{
	int status;

	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Neither the thread sanitizer nor qemu have threads in the child of a fork. */
#ifdef __x86_64__
static const bool may_start_threads = !TEST_TSAN;
#else
static const bool may_start_threads;
#endif

static void *fork_here(void *mine)
{
	struct ramet_loop *others[3];
	pid_t pid;

	for (size_t i = 0; i < 3; i++)
		others[i] = loop(i);
	pid = fork();
	if (pid)
		return (void *)(intptr_t)pid;
	CHECK_EQ(ramet_loops_count(), 1);
	CHECK(ramet_loop_self() == others[(intptr_t)mine]);
	CHECK(loop(0) == ramet_loop_self());
	for (intptr_t i = 0; i < 3; i++)
		if (i != (intptr_t)mine)
			CHECK_ERR(ramet_loop_go(others[i], add_one, NULL),
				  ESRCH);
	count = 0;
	go(0, add_one, NULL);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(counted(), 1);
	if (may_start_threads) {
		start(2);
		CHECK(result_of(1, self, NULL) == loop(1));
		stop();
	}
	_exit(7);
}

TEST(the_child_of_a_fork_has_the_callers_loop)
{
	start(3);
	for (size_t i = 0; i < 3; i++) {
		void *pid = result_of(i, fork_here, (void *)i);

		CHECK_EQ(exit_status((pid_t)(intptr_t)pid), 7);
	}
	/* The parent notices nothing. */
	go(1, add_one, NULL);
	wait_for_count(1);
	stop();
}

static void *fork_and_end(void *unused)
{
	pid_t pid = fork();

	(void)unused;
	return (void *)(intptr_t)pid;
}

TEST(a_child_without_a_main_ends_with_its_last_ramet)
{
	void *pid;

	start(2);
	pid = result_of(1, fork_and_end, NULL);
	CHECK_EQ(exit_status((pid_t)(intptr_t)pid), 0);
	stop();
}

TEST(forks_under_load_leave_a_child_that_works)
{
	if (TEST_ASAN)
		test_skip("the sanitizer's allocator has locks that fork does "
			  "not mind");
	start(4);
	for (size_t i = 1; i < 4; i++)
		go(i, send_until_stopped, NULL);
	for (int i = test_is_swept() ? 2 : 10; i; i--) {
		pid_t pid = fork();

		if (pid == 0) {
			if (ramet_loops_count() != 1 ||
			    ramet_loop_go(loop(0), add_one, NULL) < 0)
				_exit(1);
			_exit(ramet_sleep(RAMET_MS) < 0);
		}
		CHECK_EQ(exit_status(pid), 0);
	}
	stop();
	CHECK_EQ(counted(), __atomic_load_n(&taken, __ATOMIC_SEQ_CST));
}

/* ---- listeners ---------------------------------------------------------- */

static void *accept_some(void *listener)
{
	intptr_t accepted = 0;
	int fd;

	while ((fd = ramet_accept((int)(intptr_t)listener, NULL, NULL)) >= 0) {
		CHECK_EQ(ramet_write_all(fd, "x", 1), 1);
		CHECK_EQ(ramet_close(fd), 0);
		accepted++;
	}
	CHECK_EQ(errno, ECANCELED);
	CHECK_EQ(ramet_close((int)(intptr_t)listener), 0);
	return (void *)accepted;
}

TEST(connections_are_dealt_out_to_shared_listeners)
{
	struct ramet_future *served[2];
	char address[64] = "tcp://127.0.0.1:0", c;
	intptr_t total = 0;
	void *n;

	start(3);
	for (size_t i = 0; i < 2; i++) {
		int fd = ramet_listen_shared(address);

		CHECK(fd >= 0);
		snprintf(address, sizeof address, "tcp://127.0.0.1:%d",
			 ramet_port(fd));
		served[i] = made(ramet_loop_call(loop(i + 1), accept_some,
						 (void *)(intptr_t)fd));
	}
	CHECK_ERR(ramet_listen(address), EADDRINUSE);
	RAMET_WITHIN(10 * RAMET_SEC)
		for (int i = 0; i < 64; i++) {
			int fd = ramet_dial(address);

			CHECK(fd >= 0);
			CHECK_EQ(ramet_read(fd, &c, 1), 1);
			CHECK_EQ(ramet_close(fd), 0);
		}
	stop();
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(ramet_future_tryget(served[i], &n), 0);
		CHECK((intptr_t)n > 0);
		total += (intptr_t)n;
		ramet_future_release(served[i]);
	}
	CHECK_EQ(total, 64);
}

TEST(unix_listeners_are_not_shared)
{
	CHECK_ERR(ramet_listen_shared("unix:///tmp/never"), EOPNOTSUPP);
	CHECK_ERR(ramet_listen_shared("nonsense"), EINVAL);
}
