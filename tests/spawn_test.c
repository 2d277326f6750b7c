/* Spawn, join, detach, joinall, links, defers: the life of a ramet. */
#include "door.h"
#include "ramet.h"
#include "ramets.h"
#include "thread.h"

#include <string.h>

static char trace[64];

static void note(char c)
{
	size_t n = strlen(trace);

	CHECK(n + 1 < sizeof trace);
	trace[n] = c;
}

static void *say(void *arg)
{
	note((char)(intptr_t)arg);
	return arg;
}

static void *say_twice(void *arg)
{
	note((char)(intptr_t)arg);
	CHECK_EQ(ramet_yield(), 0);
	note((char)(intptr_t)arg);
	return arg;
}

static struct ramet *run(void *(*fn)(void *), char c)
{
	struct ramet *t = spawn(fn, (void *)(intptr_t)c);

	CHECK(t != NULL);
	return t;
}

TEST(spawn_only_enqueues_and_the_queue_is_fifo)
{
	struct ramet *t[3] = {run(say_twice, 'a'), run(say_twice, 'b'),
			      run(say_twice, 'c')};

	note('m');
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ramet_join(t[i], NULL), 0);
	CHECK(strcmp(trace, "mabcabc") == 0);
}

TEST(join_gives_the_value_before_and_after_the_end)
{
	struct ramet *early = run(say, 'x'), *late = run(say, 'y');
	void *value = NULL;

	CHECK_EQ(ramet_join(early, &value), 0);
	CHECK_EQ((intptr_t)value, 'x');
	CHECK_EQ(ramet_yield(), 0);
	CHECK(ramet_ended(late));
	CHECK_EQ(ramet_join(late, &value), 0);
	CHECK_EQ((intptr_t)value, 'y');
}

TEST(misuse_of_join_is_an_error)
{
	struct ramet *t = run(say, 'x');

	CHECK_ERR(ramet_join(NULL, NULL), EINVAL);
	CHECK_ERR(ramet_join(ramet_self(), NULL), EDEADLK);
	CHECK_EQ(ramet_join(t, NULL), 0);
	CHECK_ERR(ramet_join(t, NULL), ESRCH);
	CHECK_ERR(ramet_detach(t), ESRCH);
	t = run(say, 'y');
	CHECK_EQ(ramet_detach(t), 0);
	CHECK_ERR(ramet_detach(t), EINVAL);
	CHECK_ERR(ramet_join(t, NULL), EINVAL);
}

static void *join_it(void *t)
{
	CHECK_EQ(ramet_join(t, NULL), 0);
	return NULL;
}

TEST(only_one_may_join)
{
	struct ramet *t = run(say_twice, 'a'), *j = spawn(join_it, t);

	CHECK_EQ(ramet_yield(), 0);
	CHECK_ERR(ramet_join(t, NULL), EINVAL);
	CHECK_ERR(ramet_detach(t), EINVAL);
	CHECK_EQ(ramet_join(j, NULL), 0);
}

static void *detach_self(void *arg)
{
	CHECK_EQ(ramet_detach(ramet_self()), 0);
	return arg;
}

TEST(a_detached_ramet_is_reused_at_once)
{
	struct ramet_stats stats;

	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(ramet_detach(run(say, 0)), 0);
		CHECK(ramet_spawn(detach_self, NULL) != NULL);
		CHECK_EQ(ramet_yield(), 0);
	}
	CHECK_EQ(ramet_get_stats(&stats), 0);
	CHECK_EQ(stats.live, 1);
	CHECK_EQ(stats.live_max, 3);
	CHECK_EQ(stats.spawned, 2001);
}

static void *sleep_for(void *ms)
{
	CHECK_EQ(ramet_sleep((int64_t)(intptr_t)ms * RAMET_MS), 0);
	return ms;
}

TEST(joinall_reports_in_the_order_of_ending)
{
	struct ramet *t[4];
	void *value;

	stop_clock(); /* or two may end while the machine pauses */
	for (int i = 0; i < 4; i++)
		t[i] = spawn(sleep_for, (void *)(intptr_t)(200 - 60 * i));
	CHECK_EQ(ramet_joinall(t, 4, 2), 2);
	for (intptr_t i = 0; i < 2; i++) {
		CHECK(ramet_ended(t[i]));
		CHECK_EQ(ramet_join(t[i], &value), 0);
		CHECK_EQ((intptr_t)value, 20 + 60 * i);
	}
	RAMET_WITHIN(0)
		CHECK_ERR(ramet_joinall(t + 2, 2, 2), ETIMEDOUT);
	CHECK_EQ(ramet_joinall(t + 2, 2, 99), 2);
	CHECK_EQ(ramet_joinall(t + 2, 2, 2), 2);
	CHECK_EQ(ramet_join(t[2], &value), 0);
	CHECK_EQ((intptr_t)value, 140);
	CHECK_EQ(ramet_join(t[3], NULL), 0);
	CHECK_EQ(ramet_joinall(NULL, 0, 0), 0);
}

TEST(joinall_refuses_what_cannot_be_joined_and_changes_nothing)
{
	struct ramet *a = run(say, 'a'), *b = run(say, 'b');
	struct ramet *twice[] = {a, b, a}, *self[] = {a, ramet_self()};
	struct ramet *none[] = {a, NULL};

	CHECK_ERR(ramet_joinall(twice, 3, 3), EINVAL);
	CHECK_ERR(ramet_joinall(self, 2, 2), EDEADLK);
	CHECK_ERR(ramet_joinall(none, 2, 2), EINVAL);
	CHECK_EQ(ramet_joinall(twice, 2, 2), 2);
	CHECK_EQ(ramet_join(a, NULL), 0);
	CHECK_EQ(ramet_join(b, NULL), 0);
}

static void linked(struct ramet *t, void *arg)
{
	CHECK(ramet_ended(t));
	note((char)(intptr_t)arg);
	if (t == ramet_self())
		CHECK_ERR(ramet_sleep(1), EDEADLK);
}

TEST(links_run_in_order_when_it_ends_and_at_once_afterwards)
{
	struct ramet *t = run(say, 'x');

	CHECK_EQ(ramet_link(t, linked, (void *)'1'), 0);
	CHECK_EQ(ramet_link(t, linked, (void *)'2'), 0);
	CHECK_EQ(ramet_yield(), 0);
	CHECK(strcmp(trace, "x12") == 0);
	CHECK_EQ(ramet_link(t, linked, (void *)'3'), 0);
	CHECK(strcmp(trace, "x123") == 0);
	CHECK_EQ(ramet_join(t, NULL), 0);
}

static void deferred(void *arg)
{
	note((char)(intptr_t)arg);
}

static void defer_more(void *arg)
{
	deferred(arg);
	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK_EQ(ramet_join(run(say, 's'), NULL), 0);
	CHECK_EQ(ramet_defer(deferred, (void *)'m'), 0);
}

static void *defers(void *arg)
{
	CHECK_EQ(ramet_defer(deferred, (void *)'1'), 0);
	CHECK_EQ(ramet_defer(defer_more, (void *)'2'), 0);
	note('f');
	return arg;
}

TEST(defers_run_last_first_and_may_block_spawn_and_defer)
{
	CHECK_EQ(ramet_join(spawn(defers, NULL), NULL), 0);
	CHECK(strcmp(trace, "f2sm1") == 0);
}

TEST(options_are_taken)
{
	struct ramet_opts opts =
		{.name = "a name that is longer than it may be",
		 .delay = 30 * RAMET_MS};
	int64_t begin;
	struct ramet *t;

	stop_clock(); /* or the delay is over before anyone looks */
	begin = ramet_now();
	t = made(ramet_spawn_opts(say, (void *)'d', &opts));

	CHECK(strcmp(ramet_name(t), "a name that is longer than it m") == 0);
	CHECK_EQ(ramet_id(t), 2);
	CHECK_EQ(ramet_id(ramet_self()), 1);
	CHECK(strcmp(ramet_name(ramet_self()), "main") == 0);
	CHECK_EQ(ramet_yield(), 0);
	CHECK(!ramet_ended(t));
	ramet_set_name(t, "short");
	CHECK(strcmp(ramet_name(t), "short") == 0);
	CHECK_EQ(ramet_join(t, NULL), 0);
	CHECK(ramet_now() - begin >= 30 * RAMET_MS);
	opts.stack_size = (size_t)1 << 40;
	CHECK_NULL(ramet_spawn_opts(say, NULL, &opts), EINVAL);
}

TEST(a_hundred_thousand_at_once)
{
	enum { N = 100000 };
	static struct ramet *t[N];
	int n = test_slow() ? 1000 : N;

	for (int i = 0; i < n; i++) {
		t[i] = spawn(sleep_for, (void *)1);
		CHECK(t[i] != NULL);
	}
	CHECK_EQ(ramet_joinall(t, (size_t)n, (size_t)n), n);
	for (int i = 0; i < n; i++)
		CHECK_EQ(ramet_join(t[i], NULL), 0);
}

static struct ramet *foreign;

static void *use_foreign(void *arg)
{
	CHECK_ERR(ramet_join(foreign, NULL), EPERM);
	CHECK_ERR(ramet_cancel(foreign), EPERM);
	CHECK_ERR(ramet_kill(foreign), EPERM);
	CHECK_EQ(ramet_join(spawn(say, 0), NULL), 0);
	return arg;
}

TEST(each_os_thread_has_its_loop)
{
	foreign = run(say, 'x');
	for (int i = 0; i < 3; i++)
		run_thread(use_foreign, NULL);
	CHECK_EQ(ramet_join(foreign, NULL), 0);
}

static void *end_main(void *arg)
{
	CHECK_EQ(ramet_defer(deferred, (void *)'e'), 0);
	return arg;
}

TEST(what_a_main_deferred_runs_when_its_os_thread_ends)
{
	run_thread(end_main, NULL);
	CHECK(strcmp(trace, "e") == 0);
}
