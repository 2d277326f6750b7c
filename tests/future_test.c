/* Futures: settled once, from anywhere, seen by all who wait and all who asked
 * to be told. */
#include "core/core.h"
#include "door.h"
#include "ramets.h"
#include "thread.h"

#include <time.h>

static struct ramet_future *future;
static int values[8];

void test_begin(void)
{
	ramet__poller(ramet__loop()); /* the runtime keeps it */
	future = made(ramet_future_new());
}

static void nap(long ms)
{
	struct timespec ts = {0, ms * 1000000};

	nanosleep(&ts, NULL); /* libc's: the OS thread's */
}

/* What get says: the value's index, or -1. */
static int get(void)
{
	void *value = NULL;

	return ramet_future_get(future, &value) < 0
		       ? -1
		       : (int)((int *)value - values);
}

struct one {
	struct ramet *ramet;
	int64_t within;
	int got, error;
};

static void *get_one(void *arg)
{
	struct one *o = arg;

	RAMET_WITHIN(o->within ? o->within : RAMET_NEVER)
		o->got = get();
	o->error = errno;
	return NULL;
}

static void start(struct one *o)
{
	*o = (struct one){.ramet = NULL};
	o->ramet = spawn(get_one, o);
}

static int end(struct one *o)
{
	join(o->ramet);
	errno = o->error;
	return o->got;
}

/* ---- settling ----------------------------------------------------------- */

TEST(a_future_is_settled_once)
{
	void *value = values;

	CHECK_EQ(ramet_future_error(future), -1);
	CHECK_ERR(ramet_future_tryget(future, &value), EAGAIN);
	CHECK_EQ(value == values, 1);
	CHECK_ERR(ramet_future_fail(future, 0), EINVAL);
	CHECK_ERR(ramet_future_fail(future, -EIO), EINVAL);
	CHECK_EQ(ramet_future_set(future, &values[3]), 0);
	CHECK_ERR(ramet_future_set(future, &values[4]), EALREADY);
	CHECK_ERR(ramet_future_fail(future, EIO), EALREADY);
	CHECK_EQ(ramet_future_error(future), 0);
	CHECK_EQ(get(), 3);
	CHECK_EQ(ramet_future_tryget(future, &value), 0);
	CHECK_EQ((int *)value - values, 3);
	CHECK_EQ(ramet_future_get(future, NULL), 0);
	ramet_future_release(future);
	ramet_future_release(NULL);
}

TEST(an_error_is_what_get_fails_with)
{
	CHECK_EQ(ramet_future_fail(future, ENOTTY), 0);
	CHECK_ERR(ramet_future_get(future, NULL), ENOTTY);
	CHECK_ERR(ramet_future_tryget(future, NULL), ENOTTY);
	CHECK_EQ(ramet_future_error(future), ENOTTY);
	ramet_future_release(future);
}

TEST(it_lives_until_all_have_released_it)
{
	CHECK(ramet_future_keep(future) == future);
	ramet_future_release(future);
	CHECK_EQ(ramet_future_set(future, &values[1]), 0);
	errno = 77;
	ramet_future_release(future);
	CHECK_EQ(errno, 77);
}

/* ---- waiting ------------------------------------------------------------ */

TEST(all_who_wait_are_woken)
{
	struct one o[5];

	for (int i = 0; i < 5; i++)
		start(&o[i]);
	let_run();
	CHECK(!ramet_ended(o[0].ramet));
	CHECK_EQ(ramet_future_set(future, &values[2]), 0);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(end(&o[i]), 2);
	ramet_future_release(future);
}

TEST(a_wait_ends_with_its_scope_or_cancel)
{
	struct one a, b, c;

	start(&a);
	start(&b);
	start(&c);
	a.within = 2 * RAMET_MS;
	let_run();
	CHECK_ERR(end(&a), ETIMEDOUT);
	CHECK_EQ(ramet_cancel(b.ramet), 0);
	CHECK_EQ(ramet_future_set(future, &values[2]), 0);
	CHECK_ERR(end(&b), ECANCELED);
	CHECK_EQ(end(&c), 2);
	RAMET_WITHIN(0) {
		CHECK_ERR(ramet_future_get(future, NULL), ETIMEDOUT);
		CHECK_EQ(ramet_future_tryget(future, NULL), 0);
	}
	ramet_future_release(future);
}

TEST(what_was_settled_before_a_cancel_is_seen)
{
	struct one a;

	start(&a);
	let_run();
	CHECK_EQ(ramet_future_set(future, &values[6]), 0);
	CHECK_EQ(ramet_cancel(a.ramet), 0);
	CHECK_EQ(end(&a), 6);
	ramet_future_release(future);
}

TEST(a_killed_ramet_waits_no_more)
{
	struct one a;

	start(&a);
	let_run();
	CHECK_EQ(ramet_kill(a.ramet), 0);
	CHECK_ERR(ramet_join(a.ramet, NULL), ECHILD);
	CHECK_EQ(ramet_future_set(future, &values[1]), 0);
	ramet_future_release(future);
}

TEST(a_wait_that_nobody_can_end_fails)
{
	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	CHECK_ERR(ramet_future_get(future, NULL), EDEADLK);
	CHECK_EQ(ramet_future_set(future, &values[1]), 0);
	CHECK_EQ(get(), 1);
	ramet_future_release(future);
}

/* ---- being told --------------------------------------------------------- */

static int told[16], told_count;

static void note(struct ramet_future *f, void *arg)
{
	CHECK(f == future);
	CHECK(ramet_future_error(f) >= 0);
	told[told_count++] = (int)(intptr_t)arg;
}

static void note_and_wait(struct ramet_future *f, void *arg)
{
	note(f, arg);
	CHECK_ERR(ramet_sleep(RAMET_MS), EDEADLK);
}

static void ask(int i)
{
	CHECK_EQ(ramet_future_then(future, note, (void *)(intptr_t)i), 0);
}

TEST(who_asked_is_told_in_order_between_two_turns)
{
	for (int i = 0; i < 5; i++)
		ask(i);
	CHECK_EQ(ramet_future_then(future, note_and_wait, (void *)5), 0);
	CHECK_EQ(ramet_future_set(future, values), 0);
	CHECK_EQ(told_count, 0);
	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK_EQ(told_count, 6);
	for (int i = 0; i < 6; i++)
		CHECK_EQ(told[i], i);
	ask(6);
	CHECK_EQ(told_count, 7);
	ramet_future_release(future);
}

TEST(who_asks_keeps_the_future)
{
	ask(1);
	ramet_future_keep(future);
	ramet_future_release(future);
	CHECK_EQ(ramet_future_fail(future, EIO), 0);
	ramet_future_release(future);
	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK_EQ(told_count, 1);
}

static void ask_again(struct ramet_future *f, void *arg)
{
	CHECK_EQ(ramet_future_then(f, note, arg), 0);
}

TEST(who_is_told_may_ask_again)
{
	CHECK_EQ(ramet_future_then(future, ask_again, (void *)4), 0);
	CHECK_EQ(ramet_future_set(future, NULL), 0);
	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK_EQ(told_count, 1);
	CHECK_EQ(told[0], 4);
	ramet_future_release(future);
}

/* ---- other OS threads --------------------------------------------------- */

static void *set_later(void *arg)
{
	nap(5);
	CHECK_EQ(ramet_future_set(future, arg), 0);
	CHECK(!ramet__this_loop); /* it needs none */
	return NULL;
}

TEST(another_os_thread_settles_it)
{
	struct one o[3];
	pthread_t t = start_thread(set_later, &values[5]);

	for (int i = 0; i < 3; i++)
		start(&o[i]);
	ask(9);
	CHECK_EQ(get(), 5);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(end(&o[i]), 5);
	join_thread(t);
	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK_EQ(told_count, 1);
	ramet_future_release(future);
}

static void *get_without_loop(void *arg)
{
	(void)arg;
	CHECK_EQ(get(), 7);
	CHECK(!ramet__this_loop);
	return NULL;
}

static void *get_with_loop(void *arg)
{
	struct one o[2];

	(void)arg;
	start(&o[0]);
	start(&o[1]);
	CHECK_EQ(end(&o[0]), 7);
	CHECK_EQ(end(&o[1]), 7);
	return NULL;
}

TEST(os_threads_and_other_loops_wait)
{
	pthread_t t[6];

	for (int i = 0; i < 6; i++)
		t[i] = start_thread(i % 2 ? get_without_loop : get_with_loop,
				    NULL);
	nap(5);
	CHECK_EQ(ramet_future_set(future, &values[7]), 0);
	for (int i = 0; i < 6; i++)
		join_thread(t[i]);
	ramet_future_release(future);
}

static void count(struct ramet_future *f, void *arg)
{
	CHECK(f == future && arg == values);
	told_count++;
}

static void *ask_without_loop(void *arg)
{
	CHECK_EQ(ramet_future_then(future, count, arg), 0);
	CHECK(!ramet__this_loop);
	return NULL;
}

TEST(an_os_thread_without_loop_has_it_called_by_who_settles)
{
	run_thread(ask_without_loop, values);
	CHECK_EQ(told_count, 0);
	CHECK_EQ(ramet_future_set(future, NULL), 0);
	CHECK_EQ(told_count, 1);
	run_thread(ask_without_loop, values);
	CHECK_EQ(told_count, 2);
	ramet_future_release(future);
}

static void *leave_behind(void *arg)
{
	static struct one o;

	start(&o);
	let_run();
	CHECK_EQ(ramet_future_then(future, count, arg), 0);
	return NULL; /* the loop ends, and they with it */
}

TEST(a_loop_that_has_ended_is_not_told)
{
	struct one o;

	run_thread(leave_behind, values);
	start(&o);
	let_run();
	CHECK_EQ(ramet_future_set(future, &values[1]), 0);
	CHECK_EQ(end(&o), 1);
	CHECK_EQ(told_count, 0);
	ramet_future_release(future);
}

/* ---- at random ---------------------------------------------------------- */

enum { FUTURES = 50, THREADS = 3 };

static struct ramet_future *futures[FUTURES];
static int settled[FUTURES]; /* atomic: how often */

static void *settle_all(void *arg)
{
	for (int i = 0; i < FUTURES; i++) {
		int r = i % 2 ? ramet_future_set(futures[i], arg)
			      : ramet_future_fail(futures[i], EIO);

		__atomic_add_fetch(&settled[i], r == 0, __ATOMIC_SEQ_CST);
		ramet_future_release(futures[i]);
	}
	return NULL;
}

static void *get_each(void *arg)
{
	for (int i = 0; i < FUTURES; i++) {
		int r = -1;

		do
			RAMET_WITHIN(test_rand(100) * RAMET_US)
				r = ramet_future_get(futures[i], NULL);
		while (r < 0 && errno == ETIMEDOUT);
		CHECK_EQ(ramet_future_error(futures[i]), i % 2 ? 0 : EIO);
	}
	return arg;
}

static void check_round(void)
{
	pthread_t t[THREADS];
	struct ramet *r[20];

	for (int i = 0; i < FUTURES; i++) {
		settled[i] = 0;
		futures[i] = made(ramet_future_new());
		for (int n = 0; n < THREADS; n++)
			ramet_future_keep(futures[i]);
	}
	for (int i = 0; i < 20; i++)
		r[i] = spawn(get_each, NULL);
	let_run();
	for (int i = 0; i < THREADS; i++)
		t[i] = start_thread(settle_all, NULL);
	for (int i = 0; i < 20; i++)
		join(r[i]);
	for (int i = 0; i < THREADS; i++)
		join_thread(t[i]);
	for (int i = 0; i < FUTURES; i++) {
		CHECK_EQ(settled[i], 1);
		ramet_future_release(futures[i]);
	}
}

TEST(threads_that_race_settle_each_once_and_wake_all)
{
	for (int round = test_rounds(50); round; round--)
		check_round();
	ramet_future_release(future);
}
