/* Waking a loop from other OS threads and from signal handlers. */
#include "ramet.h"
#include "ramets.h"
#include "thread.h"

#include <signal.h>
#include <unistd.h>

static struct ramet_waker *waker;

TEST(a_wake_before_the_wait_is_remembered_once)
{
	waker = made(ramet_waker_new());
	ramet_waker_wake(waker);
	ramet_waker_wake(waker);
	CHECK_EQ(ramet_waker_wait(waker), 0);
	RAMET_WITHIN(5 * RAMET_MS)
		CHECK_ERR(ramet_waker_wait(waker), ETIMEDOUT);
	ramet_waker_free(waker);
	ramet_waker_free(NULL);
}

static void *wake_later(void *arg)
{
	usleep(20000);
	ramet_waker_wake(waker);
	return arg;
}

TEST(another_os_thread_wakes_a_loop_that_sleeps)
{
	pthread_t thread;

	waker = made(ramet_waker_new());
	thread = start_thread(wake_later, NULL);
	CHECK_EQ(ramet_waker_wait(waker), 0);
	join_thread(thread);
	ramet_waker_free(waker);
}

static void on_alarm(int signal)
{
	(void)signal;
	ramet_waker_wake(waker);
}

TEST(a_signal_handler_wakes_a_loop_that_sleeps)
{
	waker = made(ramet_waker_new());
	signal(SIGALRM, on_alarm);
	ualarm(20000, 0);
	CHECK_EQ(ramet_waker_wait(waker), 0);
	ramet_waker_free(waker);
}

static void *waiting(void *arg)
{
	CHECK_EQ(ramet_waker_wait(waker), 0);
	return arg;
}

static void *wait_elsewhere(void *arg)
{
	CHECK_ERR(ramet_waker_wait(waker), EPERM);
	return arg;
}

TEST(one_waits_at_a_time_and_only_in_its_loop)
{
	struct ramet *t;

	waker = made(ramet_waker_new());
	t = spawn(waiting, NULL);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_ERR(ramet_waker_wait(waker), EBUSY);
	run_thread(wait_elsewhere, NULL);
	ramet_waker_wake(waker);
	CHECK_EQ(ramet_join(t, NULL), 0);
	ramet_waker_free(waker);
}

enum { POSTS = 20000 };
static int posted; /* atomic */

static void *post_many(void *arg)
{
	for (int i = 0; i < POSTS; i++) {
		__atomic_fetch_add(&posted, 1, __ATOMIC_SEQ_CST);
		ramet_waker_wake(waker);
		if (i % 64 == 0)
			sched_yield();
	}
	return arg;
}

/* The last post must be seen, however the threads interleave. */
TEST(no_wake_is_lost)
{
	pthread_t threads[2];
	int seen = 0;

	waker = made(ramet_waker_new());
	for (int i = 0; i < 2; i++)
		threads[i] = start_thread(post_many, NULL);
	while (seen < 2 * POSTS) {
		CHECK_EQ(ramet_waker_wait(waker), 0);
		seen = __atomic_load_n(&posted, __ATOMIC_SEQ_CST);
	}
	for (int i = 0; i < 2; i++)
		join_thread(threads[i]);
	ramet_waker_free(waker);
}
