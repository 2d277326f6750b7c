/* Once: one success, however many tries it takes and whoever gives up. */
#include "door.h"
#include "ramets.h"
#include "thread.h"

static struct ramet_once once;
static struct ramet_event go;
static int calls, inside;

/* What fn does: waits for go, then succeeds, or fails with an errno. */
static int attempt(void *error)
{
	calls++;
	CHECK_EQ(inside++, 0);
	RAMET_SHIELD(RAMET_NEVER)
		CHECK_EQ(ramet_event_wait(&go), 0);
	inside--;
	if (!error)
		return 0;
	errno = *(int *)error;
	return -1;
}

struct caller {
	int (*fn)(void *);
	int fails; /* errno of fn, or 0 */
	struct ramet *ramet;
	int error; /* of ramet_once */
};

static void *call(void *arg)
{
	struct caller *c = arg;

	c->error = ramet_once(&once, c->fn, c->fails ? &c->fails : NULL) == 0
			   ? 0
			   : errno;
	return NULL;
}

static struct caller *start(struct caller *c, int fails)
{
	*c = (struct caller){.fn = attempt, .fails = fails, .error = -1};
	c->ramet = spawn(call, c);
	return c;
}

static int end(struct caller *c)
{
	join(c->ramet);
	return c->error;
}

TEST(it_is_done_once_and_the_others_wait)
{
	struct caller c[3];

	for (int i = 0; i < 3; i++)
		start(&c[i], 0);
	let_run();
	CHECK(once.runner == c[0].ramet && !once.done);
	for (int i = 0; i < 3; i++)
		CHECK(!ramet_ended(c[i].ramet));
	ramet_event_set(&go);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(end(&c[i]), 0);
	CHECK_EQ(calls, 1);
	CHECK_EQ(ramet_once(&once, attempt, NULL), 0);
	CHECK_EQ(calls, 1);
}

TEST(who_fails_is_told_why_and_the_next_tries)
{
	struct caller c[4];

	start(&c[0], EIO);
	start(&c[1], ENOSPC);
	start(&c[2], 0);
	start(&c[3], EIO);
	let_run();
	ramet_event_set(&go);
	CHECK_EQ(end(&c[0]), EIO);
	CHECK_EQ(end(&c[1]), ENOSPC);
	CHECK_EQ(end(&c[2]), 0);
	CHECK_EQ(end(&c[3]), 0);
	CHECK_EQ(calls, 3);
}

TEST(failing_alone_leaves_it_to_do)
{
	int error = EIO;

	ramet_event_set(&go);
	CHECK_ERR(ramet_once(&once, attempt, &error), EIO);
	CHECK(!once.done && !once.runner);
	CHECK_EQ(ramet_once(&once, attempt, NULL), 0);
	CHECK_EQ(calls, 2);
}

static int call_itself(void *arg)
{
	CHECK_ERR(ramet_once(&once, call_itself, arg), EDEADLK);
	return 0;
}

TEST(it_cannot_wait_for_itself)
{
	CHECK_EQ(ramet_once(&once, call_itself, NULL), 0);
	CHECK(once.done);
}

/* ---- giving up ---------------------------------------------------------- */

TEST(a_waiter_that_gives_up_changes_nothing)
{
	struct caller c[3];

	for (int i = 0; i < 3; i++)
		start(&c[i], i ? 0 : EIO);
	let_run();
	CHECK_EQ(ramet_cancel(c[1].ramet), 0);
	ramet_event_set(&go);
	CHECK_EQ(end(&c[0]), EIO);
	CHECK_EQ(end(&c[1]), ECANCELED);
	CHECK_EQ(end(&c[2]), 0);
	CHECK_EQ(calls, 2);
}

static int wait_to_be_killed(void *arg)
{
	(void)arg;
	calls++;
	return ramet_event_wait(&go);
}

TEST(a_runner_that_is_killed_leaves_it_to_the_next)
{
	struct caller c[2];

	start(&c[0], 0)->fn = wait_to_be_killed;
	start(&c[1], 0);
	let_run();
	CHECK_EQ(ramet_kill(c[0].ramet), 0);
	CHECK_ERR(ramet_join(c[0].ramet, NULL), ECHILD);
	CHECK(once.runner == c[1].ramet && !once.done);
	ramet_event_set(&go);
	CHECK_EQ(end(&c[1]), 0);
	CHECK_EQ(calls, 2);
}

TEST(a_runner_that_is_cancelled_fails_and_the_next_tries)
{
	struct caller c[2];

	start(&c[0], 0)->fn = wait_to_be_killed;
	start(&c[1], 0);
	let_run();
	CHECK_EQ(ramet_cancel(c[0].ramet), 0);
	CHECK_EQ(end(&c[0]), ECANCELED);
	ramet_event_set(&go);
	CHECK_EQ(end(&c[1]), 0);
	CHECK_EQ(calls, 2);
}

static int fail_at_once(void *arg)
{
	(void)arg;
	errno = EIO;
	return 1;
}

/* It is its turn, but it has not run. */
TEST(who_is_cancelled_passes_its_turn_on)
{
	struct caller c[3];

	start(&c[0], EIO);
	start(&c[1], 0)->fn = fail_at_once;
	start(&c[2], 0);
	let_run();
	ramet_event_set(&go);
	CHECK_EQ(ramet_yield(), 0);
	CHECK(once.runner == c[1].ramet);
	CHECK_EQ(ramet_cancel(c[1].ramet), 0);
	CHECK_EQ(end(&c[0]), EIO);
	CHECK_EQ(end(&c[1]), ECANCELED);
	CHECK_EQ(end(&c[2]), 0);
	CHECK(once.done);
}

TEST(an_expired_scope_fails_before_the_first_try)
{
	RAMET_WITHIN(0)
		CHECK_ERR(ramet_once(&once, attempt, NULL), ETIMEDOUT);
	CHECK(calls == 0 && !once.runner);
}

static void *from_another_loop(void *arg)
{
	CHECK_ERR(ramet_once(&once, attempt, NULL), EPERM);
	return arg;
}

TEST(another_loop_is_refused)
{
	struct caller c;

	start(&c, 0);
	let_run();
	run_thread(from_another_loop, NULL);
	ramet_event_set(&go);
	CHECK_EQ(end(&c), 0);
}

/* ---- at random ---------------------------------------------------------- */

static int succeeded;

static int try_at_random(void *arg)
{
	bool ok = !test_rand(4);

	(void)arg;
	CHECK_EQ(inside++, 0);
	CHECK_EQ(succeeded, 0);
	for (uint32_t n = test_rand(3); n; n--)
		RAMET_SHIELD(RAMET_NEVER)
			CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(--inside, 0);
	succeeded += ok;
	errno = EIO;
	return !ok;
}

static void *call_at_random(void *arg)
{
	int r = -1;

	RAMET_WITHIN(test_rand(3) ? RAMET_NEVER : (int)test_rand(30) * RAMET_US)
		r = ramet_once(&once, try_at_random, NULL);
	CHECK_EQ(r == 0, r == 0 && succeeded == 1);
	return arg;
}

static void check_tries(void)
{
	enum { CALLERS = 20 };

	for (int round = test_rounds(300); round; round--) {
		struct ramet *t[CALLERS];

		once = (struct ramet_once){0};
		succeeded = 0;
		for (int i = 0; i < CALLERS; i++) {
			t[i] = spawn(call_at_random, NULL);
			if (!test_rand(2))
				ramet_yield();
			if (!test_rand(3))
				ramet_cancel(t[test_rand((uint32_t)i + 1)]);
		}
		for (int i = 0; i < CALLERS; i++)
			join(t[i]);
		CHECK_EQ(once.done, succeeded);
		CHECK(!once.runner && !once.waiters.first);
	}
}

TEST(one_succeeds_and_nobody_is_forgotten)
{
	check_tries();
}

TEST(one_succeeds_in_any_order)
{
	let_pick(test_rand);
	check_tries();
}
