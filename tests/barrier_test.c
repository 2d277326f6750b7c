/* Barriers: rounds of as many as were agreed, whoever gives up in between. */
#include "door.h"
#include "ramets.h"
#include "thread.h"

static struct ramet_barrier barrier;
static int through, last; /* how many returned 0 or 1, and how many 1 */

struct waiter {
	int64_t within;
	struct ramet *ramet;
	int error;
};

static void *wait_once(void *arg)
{
	struct waiter *w = arg;
	int r = -1;

	RAMET_WITHIN(w->within) {
		r = ramet_barrier_wait(&barrier);
		w->error = r < 0 ? errno : 0;
	}
	through += r >= 0;
	last += r == 1;
	return NULL;
}

static struct waiter *start(struct waiter *w)
{
	*w = (struct waiter){.within = RAMET_NEVER, .error = -1};
	w->ramet = spawn(wait_once, w);
	return w;
}

static int end(struct waiter *w)
{
	join(w->ramet);
	return w->error;
}

static void check_empty(void)
{
	CHECK(!barrier.arrived && !barrier.waiters.first);
}

TEST(the_last_lets_the_others_on)
{
	struct waiter w[3];

	ramet_barrier_init(&barrier, 3);
	for (int round = 1; round < 4; round++) {
		start(&w[0]);
		start(&w[1]);
		let_run();
		CHECK_EQ(through, 3 * round - 3);
		CHECK_EQ(barrier.arrived, 2);
		start(&w[2]);
		for (int i = 0; i < 3; i++)
			CHECK_EQ(end(&w[i]), 0);
		CHECK(through == 3 * round && last == round);
		check_empty();
	}
}

TEST(one_alone_is_always_the_last)
{
	ramet_barrier_init(&barrier, 1);
	CHECK_EQ(ramet_barrier_wait(&barrier), 1);
	CHECK_EQ(ramet_barrier_wait(&barrier), 1);
	check_empty();
}

TEST(a_barrier_for_nobody_is_refused)
{
	CHECK_ERR(ramet_barrier_wait(&barrier), EINVAL);
}

TEST(who_gives_up_has_not_arrived)
{
	struct waiter w[4];

	stop_clock();
	ramet_barrier_init(&barrier, 2);
	start(&w[0])->within = RAMET_MS;
	CHECK_EQ(end(&w[0]), ETIMEDOUT);
	start(&w[1]);
	let_run();
	CHECK_EQ(ramet_cancel(w[1].ramet), 0);
	CHECK_EQ(end(&w[1]), ECANCELED);
	start(&w[2]);
	let_run();
	CHECK_EQ(ramet_kill(w[2].ramet), 0);
	CHECK_ERR(ramet_join(w[2].ramet, NULL), ECHILD);
	check_empty();
	start(&w[3]);
	let_run();
	CHECK(!ramet_ended(w[3].ramet));
	CHECK_EQ(ramet_barrier_wait(&barrier), 1);
	CHECK_EQ(end(&w[3]), 0);
	check_empty();
}

/* It has not run since it was cancelled. */
TEST(who_is_about_to_leave_does_not_count)
{
	struct waiter w[3];

	ramet_barrier_init(&barrier, 3);
	start(&w[0]);
	start(&w[1]);
	let_run();
	start(&w[2]);
	CHECK_EQ(ramet_cancel(w[0].ramet), 0);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(end(&w[0]), ECANCELED);
	CHECK_EQ(barrier.arrived, 2);
	CHECK_EQ(ramet_cancel(w[1].ramet), 0);
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_barrier_wait(&barrier), ETIMEDOUT);
	CHECK_EQ(end(&w[1]), ECANCELED);
	CHECK_EQ(ramet_cancel(w[2].ramet), 0);
	CHECK_EQ(end(&w[2]), ECANCELED);
	check_empty();
}

TEST(who_was_let_on_is_not_cancelled)
{
	struct waiter w;

	ramet_barrier_init(&barrier, 2);
	start(&w);
	let_run();
	CHECK_EQ(ramet_barrier_wait(&barrier), 1);
	CHECK_EQ(ramet_cancel(w.ramet), 0);
	CHECK_EQ(end(&w), 0);
}

TEST(an_expired_scope_fails_even_the_last)
{
	struct waiter w;

	ramet_barrier_init(&barrier, 2);
	start(&w);
	let_run();
	RAMET_WITHIN(0)
		CHECK_ERR(ramet_barrier_wait(&barrier), ETIMEDOUT);
	CHECK_EQ(barrier.arrived, 1);
	CHECK_EQ(ramet_barrier_wait(&barrier), 1);
	CHECK_EQ(end(&w), 0);
}

TEST(too_few_are_a_deadlock_that_is_told)
{
	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	ramet_barrier_init(&barrier, 2);
	CHECK_ERR(ramet_barrier_wait(&barrier), EDEADLK);
	check_empty();
}

static void *from_another_loop(void *arg)
{
	CHECK_ERR(ramet_barrier_wait(&barrier), EPERM);
	return arg;
}

TEST(another_loop_is_refused)
{
	struct waiter w;

	ramet_barrier_init(&barrier, 2);
	start(&w);
	let_run();
	run_thread(from_another_loop, NULL);
	CHECK_EQ(ramet_barrier_wait(&barrier), 1);
	CHECK_EQ(end(&w), 0);
}

/* Whatever happens in between, those that got through are whole rounds. */
static void check_rounds(void)
{
	enum { WAITERS = 40 };

	for (int round = test_rounds(300); round; round--) {
		struct waiter w[WAITERS];
		size_t count = 1 + test_rand(5);

		through = last = 0;
		ramet_barrier_init(&barrier, count);
		for (int i = 0; i < WAITERS; i++) {
			start(&w[i]);
			if (!test_rand(3))
				w[i].within = (int)test_rand(30) * RAMET_US;
			if (!test_rand(2))
				ramet_yield();
			if (!test_rand(3))
				ramet_cancel(w[test_rand((uint32_t)i + 1)].ramet);
		}
		let_run();
		CHECK(barrier.arrived < count);
		for (int i = 0; i < WAITERS; i++)
			ramet_cancel(w[i].ramet);
		for (int i = 0; i < WAITERS; i++)
			CHECK(end(&w[i]) >= 0);
		CHECK_EQ(through, last * (int)count);
		check_empty();
	}
}

TEST(rounds_are_whole)
{
	check_rounds();
}

TEST(rounds_are_whole_in_any_order)
{
	let_pick(test_rand);
	check_rounds();
}
