/* Pools: so many jobs at a time, in order, and none is lost. */
#include "door.h"
#include "ramets.h"
#include "thread.h"

#include <string.h>
#include <unistd.h>

/* What has happened, in order. */
static char trail[4096];
static size_t trail_length;

static void note(char c)
{
	CHECK(trail_length < sizeof trail - 1);
	trail[trail_length++] = c;
}

#define CHECK_TRAIL(want)                                                      \
	do {                                                                   \
		trail[trail_length] = '\0';                                    \
		if (strcmp(trail, want) != 0)                                  \
			test_fail(__FILE__, __LINE__, "%s, not %s", trail,     \
				  want);                                       \
		trail_length = 0;                                              \
	} while (0)

static int inside, most_inside;

static void enter(void)
{
	if (++inside > most_inside)
		most_inside = inside;
}

static void *note_it(void *c)
{
	note((char)(intptr_t)c);
	return c;
}

static void *nap(void *ms)
{
	enter();
	if (ramet_sleep((int64_t)(intptr_t)ms * RAMET_MS) < 0)
		ms = RAMET_FAILED;
	inside--;
	return ms;
}

static void *for_ever(void *arg)
{
	enter();
	CHECK_ERR(ramet_sleep(RAMET_NEVER), ECANCELED);
	inside--;
	return arg;
}

static void check_only_main(void)
{
	struct ramet_stats stats;

	CHECK_EQ(ramet_get_stats(&stats), 0);
	CHECK_EQ(stats.live, 1);
}

/* ---- spawn -------------------------------------------------------------- */

TEST(jobs_begin_in_the_order_of_spawning)
{
	struct ramet_pool *p = made(ramet_pool_new(3, NULL));

	for (int c = 'a'; c <= 'c'; c++)
		CHECK_EQ(ramet_pool_spawn(p, note_it, (void *)(intptr_t)c), 0);
	CHECK_EQ(trail_length, 0); /* nobody runs before the caller waits */
	CHECK_EQ(ramet_pool_running(p), 3);
	CHECK_EQ(ramet_pool_room(p), 0);
	for (int c = 'd'; c <= 'z'; c++)
		CHECK_EQ(ramet_pool_spawn(p, note_it, (void *)(intptr_t)c), 0);
	CHECK_EQ(ramet_pool_wait(p), 0);
	CHECK_TRAIL("abcdefghijklmnopqrstuvwxyz");
	ramet_pool_free(p);
	check_only_main();
}

static void *spawner(void *arg)
{
	struct ramet_pool *p = *(struct ramet_pool **)arg;

	for (int i = 0; i < 10; i++)
		CHECK_EQ(ramet_pool_spawn(p, nap, (void *)1), 0);
	return NULL;
}

TEST(no_more_run_than_there_are_places)
{
	struct ramet_pool *p = made(ramet_pool_new(4, NULL));
	struct ramet *t[5];

	for (int i = 0; i < 5; i++)
		t[i] = spawn(spawner, &p);
	for (int i = 0; i < 5; i++)
		join(t[i]);
	CHECK_EQ(ramet_pool_wait(p), 0);
	CHECK_EQ(most_inside, 4);
	CHECK_EQ(inside, 0);
	CHECK_EQ(ramet_pool_running(p), 0);
	CHECK_EQ(ramet_pool_room(p), 4);
	ramet_pool_free(p);
	check_only_main();
}

static struct ramet_pool *pool;

/* Spawns its letter's job, and says when that has a place. */
static void *waits_for_a_place(void *c)
{
	CHECK_EQ(ramet_pool_spawn(pool, note_it, c), 0);
	return NULL;
}

static struct ramet_event place_is_free;

static void *holds_its_place(void *unused)
{
	CHECK_EQ(ramet_event_wait(&place_is_free), 0);
	return unused;
}

TEST(who_waits_for_a_place_is_served_in_order)
{
	struct ramet *t[5];

	pool = made(ramet_pool_new(1, NULL));
	CHECK_EQ(ramet_pool_spawn(pool, holds_its_place, NULL), 0);
	for (int i = 0; i < 5; i++)
		t[i] = spawn(waits_for_a_place, (void *)(intptr_t)('a' + i));
	let_run();
	CHECK_TRAIL("");
	ramet_event_set(&place_is_free);
	for (int i = 0; i < 5; i++)
		join(t[i]);
	CHECK_EQ(ramet_pool_wait(pool), 0);
	CHECK_TRAIL("abcde");
	ramet_pool_free(pool);
}

TEST(a_full_pool_refuses_who_will_not_wait)
{
	struct ramet_pool *p = made(ramet_pool_new(2, NULL));

	CHECK_EQ(ramet_pool_tryspawn(p, nap, (void *)1), 0);
	CHECK_EQ(ramet_pool_tryspawn(p, nap, (void *)1), 0);
	CHECK_ERR(ramet_pool_tryspawn(p, nap, (void *)1), EAGAIN);
	CHECK_EQ(ramet_pool_wait(p), 0);
	CHECK_EQ(ramet_pool_tryspawn(p, nap, (void *)1), 0);
	CHECK_EQ(ramet_pool_wait(p), 0);
	ramet_pool_free(p);
}

TEST(without_a_bound_all_run_at_once)
{
	struct ramet_pool *p = made(ramet_pool_new(0, NULL));

	stop_clock(); /* a spawn may let others run, and time pass */
	CHECK(ramet_pool_room(p) == SIZE_MAX);
	for (int i = 0; i < 500; i++)
		CHECK_EQ(ramet_pool_spawn(p, nap, (void *)1), 0);
	CHECK_EQ(ramet_pool_running(p), 500);
	CHECK_EQ(ramet_pool_wait(p), 0);
	CHECK_EQ(most_inside, 500);
	CHECK(ramet_pool_room(p) == SIZE_MAX);
	ramet_pool_free(p);
	check_only_main();
}

TEST(ramets_are_kept_for_the_next_jobs)
{
	struct ramet_pool *p = made(ramet_pool_new(3, NULL));
	struct ramet_stats before, after;

	for (int i = 0; i < 3; i++)
		CHECK_EQ(ramet_pool_spawn(p, nap, (void *)1), 0);
	CHECK_EQ(ramet_pool_wait(p), 0);
	CHECK_EQ(ramet_get_stats(&before), 0);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(ramet_pool_spawn(p, nap, (void *)0), 0);
	CHECK_EQ(ramet_pool_wait(p), 0);
	CHECK_EQ(ramet_get_stats(&after), 0);
	CHECK_EQ(before.spawned, after.spawned);
	ramet_pool_free(p);
	check_only_main();
}

TEST(a_spawn_that_gave_up_spawns_nothing)
{
	struct ramet_pool *p = made(ramet_pool_new(1, NULL));

	stop_clock();
	CHECK_EQ(ramet_pool_spawn(p, nap, (void *)5), 0);
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_pool_spawn(p, note_it, (void *)'x'), ETIMEDOUT);
	CHECK_EQ(ramet_pool_running(p), 1);
	CHECK_EQ(ramet_pool_wait(p), 0);
	CHECK_EQ(ramet_pool_spawn(p, note_it, (void *)'y'), 0);
	CHECK_EQ(ramet_pool_wait(p), 0);
	CHECK_TRAIL("y");
	ramet_pool_free(p);
}

/* ---- what a job leaves behind ------------------------------------------- */

static struct ramet_local *key;

static void note_late(void *c)
{
	CHECK_EQ(ramet_yield(), 0);
	note((char)(intptr_t)c);
}

static void note_end(struct ramet *t, void *c)
{
	CHECK(ramet_ended(t));
	CHECK_ERR(ramet_sleep(RAMET_MS), EDEADLK);
	note((char)(intptr_t)c);
}

static void *untidy(void *c)
{
	struct ramet_scope scope;

	CHECK_EQ(errno, 0);
	CHECK(!ramet_local_get(key));
	CHECK(strcmp(ramet_name(ramet_self()), "clean") == 0);
	CHECK(ramet_scope_deadline().ns == RAMET_NEVER);
	ramet_set_name(ramet_self(), "dirty");
	CHECK_EQ(ramet_local_set(key, c), 0);
	CHECK_EQ(ramet_defer(note_late, (void *)'d'), 0);
	CHECK_EQ(ramet_link(ramet_self(), note_end, (void *)'l'), 0);
	ramet_scope_open(&scope, RAMET_SEC);
	errno = EXDEV;
	return c;
}

TEST(each_job_begins_as_if_it_were_the_first)
{
	struct ramet_opts opts = {.name = "clean"};
	struct ramet_pool *p = made(ramet_pool_new(1, &opts));
	void *value;

	key = made(ramet_local_new(note_late));
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(ramet_pool_apply(p, untidy, (void *)'v', &value), 0);
		CHECK(value == (void *)'v');
		CHECK_TRAIL("dvl");
	}
	ramet_pool_free(p);
}

TEST(bad_options_are_refused)
{
	struct ramet_opts opts = {.stack_size = SIZE_MAX};

	CHECK_NULL(ramet_pool_new(1, &opts), EINVAL);
	ramet_pool_free(NULL);
}

/* ---- apply, map --------------------------------------------------------- */

static void *twice(void *arg)
{
	return (void *)(2 * (intptr_t)arg);
}

TEST(apply_gives_the_value)
{
	struct ramet_pool *p = made(ramet_pool_new(1, NULL));
	void *value;

	for (intptr_t i = 0; i < 10; i++) {
		CHECK_EQ(ramet_pool_apply(p, twice, (void *)i, &value), 0);
		CHECK_EQ((intptr_t)value, 2 * i);
	}
	CHECK_EQ(ramet_pool_apply(p, twice, NULL, NULL), 0);
	ramet_pool_free(p);
}

enum { COUNT = 1000 };

static void *args[COUNT], *values[COUNT];

static void number_args(void)
{
	for (intptr_t i = 0; i < COUNT; i++)
		args[i] = (void *)i;
}

static void *twice_later(void *arg)
{
	enter();
	CHECK_EQ(ramet_sleep((intptr_t)arg % 7 * RAMET_US), 0);
	inside--;
	return twice(arg);
}

TEST(map_gives_each_value_its_place)
{
	for (size_t size = 0; size < 20; size = 2 * size + 1) {
		struct ramet_pool *p = made(ramet_pool_new(size, NULL));

		most_inside = 0;
		number_args();
		CHECK_EQ(ramet_pool_map(p, twice_later, args, values, COUNT),
			 0);
		for (intptr_t i = 0; i < COUNT; i++)
			CHECK_EQ((intptr_t)values[i], 2 * i);
		if (size)
			CHECK_EQ(most_inside, size);
		CHECK_EQ(ramet_pool_map(p, twice, args, args, COUNT), 0);
		for (intptr_t i = 0; i < COUNT; i++)
			CHECK_EQ((intptr_t)args[i], 2 * i);
		CHECK_EQ(ramet_pool_map(p, twice, args, NULL, COUNT), 0);
		CHECK_EQ(ramet_pool_map(p, twice, NULL, NULL, 0), 0);
		ramet_pool_free(p);
		check_only_main();
	}
}

static struct {
	struct ramet_event all;
	int arrived;
} meeting;

static void *meet(void *arg)
{
	if (++meeting.arrived == COUNT)
		ramet_event_set(&meeting.all);
	CHECK_EQ(ramet_event_wait(&meeting.all), 0);
	return arg;
}

TEST(a_map_without_a_bound_runs_all_at_a_time)
{
	struct ramet_pool *p = made(ramet_pool_new(0, NULL));

	CHECK_EQ(ramet_pool_map(p, meet, args, NULL, COUNT), 0);
	ramet_pool_free(p);
	check_only_main();
}

TEST(jobs_that_do_not_wait_need_few_ramets)
{
	struct ramet_pool *p = made(ramet_pool_new(0, NULL));
	struct ramet_stats stats;

	CHECK_EQ(ramet_pool_map(p, twice, args, NULL, COUNT), 0);
	CHECK_EQ(ramet_get_stats(&stats), 0);
	CHECK(stats.spawned < 10);
	ramet_pool_free(p);
}

static void *map_noting(void *cs)
{
	void *each[3];

	for (int i = 0; i < 3; i++)
		each[i] = (void *)(intptr_t)((char *)cs)[i];
	CHECK_EQ(ramet_pool_map(pool, note_it, each, NULL, 3), 0);
	return NULL;
}

TEST(maps_and_spawns_take_turns)
{
	struct ramet *t[4];
	static char abc[] = "abc", def[] = "def";

	pool = made(ramet_pool_new(1, NULL));
	CHECK_EQ(ramet_pool_spawn(pool, nap, (void *)1), 0);
	t[0] = spawn(map_noting, abc);
	t[1] = spawn(map_noting, def);
	t[2] = spawn(waits_for_a_place, (void *)'x');
	t[3] = spawn(waits_for_a_place, (void *)'y');
	for (int i = 0; i < 4; i++)
		join(t[i]);
	CHECK_EQ(ramet_pool_wait(pool), 0);
	CHECK_TRAIL("adxybecf");
	ramet_pool_free(pool);
}

/* ---- waits that fail ---------------------------------------------------- */

static void *counts_in_frame(void *count)
{
	enter();
	CHECK_ERR(ramet_sleep(RAMET_SEC), ECANCELED);
	CHECK_EQ(ramet_cancelled(), 1);
	RAMET_SHIELD(RAMET_NEVER)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	++*(int *)count;
	inside--;
	return NULL;
}

TEST(apply_that_times_out_takes_its_job_with_it)
{
	struct ramet_pool *p = made(ramet_pool_new(1, NULL));
	void *value = &p;
	int count = 0;

	stop_clock(); /* the job begins before the time is up */
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_pool_apply(p, counts_in_frame, &count, &value),
			  ETIMEDOUT);
	CHECK_EQ(count, 1);
	CHECK(value == &p);
	CHECK_EQ(ramet_pool_apply(p, twice, (void *)1, &value), 0);
	CHECK_EQ((intptr_t)value, 2);
	ramet_pool_free(p);
}

static void *map_counting(void *unused)
{
	void *each[10];
	int count = 0;

	for (int i = 0; i < 10; i++)
		each[i] = &count;
	CHECK_ERR(ramet_pool_map(pool, counts_in_frame, each, NULL, 10),
		  ECANCELED);
	CHECK_EQ(count, inside ? 0 : 4); /* those that had begun, all of them */
	return unused;
}

TEST(a_cancelled_map_waits_for_what_runs)
{
	struct ramet *t;

	pool = made(ramet_pool_new(4, NULL));
	t = spawn(map_counting, NULL);
	let_run();
	CHECK_EQ(inside, 4);
	CHECK_EQ(ramet_pool_running(pool), 4);
	CHECK_EQ(ramet_cancel(t), 0);
	join(t);
	CHECK_EQ(inside, 0);
	CHECK_EQ(ramet_pool_running(pool), 0);
	ramet_pool_free(pool);
	check_only_main();
}

TEST(a_killed_map_waits_too)
{
	struct ramet *t;

	pool = made(ramet_pool_new(4, NULL));
	t = spawn(map_counting, NULL);
	let_run();
	if (ramet_kill(t) < 0)
		test_skip("the stack cannot be unwound");
	CHECK_ERR(ramet_join(t, NULL), ECHILD);
	CHECK_EQ(inside, 0);
	ramet_pool_free(pool);
	check_only_main();
}

/* ---- cancel, kill, free ------------------------------------------------- */

static void *refused_spawn(void *unused)
{
	CHECK_ERR(ramet_pool_spawn(pool, nap, NULL), EPIPE);
	return unused;
}

static void *refused_map(void *count)
{
	void *each[5] = {NULL};
	int begun = *(int *)count;

	CHECK_ERR(ramet_pool_map(pool, for_ever, each, each, 5), EPIPE);
	for (int i = 0; i < 5; i++)
		CHECK(each[i] == (i < begun ? NULL : RAMET_FAILED));
	return NULL;
}

TEST(cancel_ends_what_runs_and_who_waits)
{
	int none = 0, two = 2;
	struct ramet *t[3];

	pool = made(ramet_pool_new(2, NULL));
	t[0] = spawn(refused_map, &two);
	let_run();
	CHECK_EQ(inside, 2);
	t[1] = spawn(refused_map, &none);
	t[2] = spawn(refused_spawn, NULL);
	let_run();
	ramet_pool_cancel(pool);
	for (int i = 0; i < 3; i++)
		join(t[i]);
	CHECK_EQ(inside, 0);
	CHECK_EQ(ramet_pool_apply(pool, twice, NULL, NULL), 0);
	ramet_pool_free(pool);
}

static void *is_cancelled(void *arg)
{
	CHECK_EQ(ramet_cancelled(), 1);
	note('c');
	return arg;
}

TEST(a_spawned_job_that_has_not_begun_begins_cancelled)
{
	struct ramet_pool *p = made(ramet_pool_new(2, NULL));

	CHECK_EQ(ramet_pool_spawn(p, is_cancelled, NULL), 0);
	CHECK_EQ(ramet_pool_spawn(p, is_cancelled, NULL), 0);
	ramet_pool_cancel(p);
	CHECK_EQ(ramet_pool_wait(p), 0);
	CHECK_TRAIL("cc");
	CHECK_EQ(ramet_pool_spawn(p, is_cancelled, NULL), 0);
	ramet_pool_kill(p);
	CHECK_EQ(ramet_pool_wait(p), 0);
	CHECK_TRAIL("");
	CHECK_EQ(ramet_pool_spawn(p, is_cancelled, NULL), 0);
	ramet_pool_free(p);
	CHECK_TRAIL("c");
	check_only_main();
}

static void *never_returns(void *unused)
{
	ramet_sleep(RAMET_NEVER);
	test_fail(__FILE__, __LINE__, "a killed call returned %p", unused);
}

static void *kill_pool(void *unused)
{
	ramet_pool_kill(pool);
	test_fail(__FILE__, __LINE__, "a killed call returned %p", unused);
}

TEST(killed_jobs_leave_their_places)
{
	struct ramet_stats before = {0}, after;

	pool = made(ramet_pool_new(3, NULL));
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 3; i++)
			CHECK_EQ(ramet_pool_spawn(pool, never_returns, NULL),
				 0);
		let_run();
		ramet_pool_kill(pool);
		CHECK_EQ(ramet_pool_wait(pool), 0);
		CHECK_EQ(ramet_pool_room(pool), 3);
		CHECK_EQ(ramet_get_stats(&after), 0);
		if (round == 0)
			before = after;
		CHECK_EQ(after.live, before.live);
	}
	CHECK_EQ(ramet_pool_spawn(pool, never_returns, NULL), 0);
	CHECK_EQ(ramet_pool_spawn(pool, kill_pool, NULL), 0);
	CHECK_EQ(ramet_pool_wait(pool), 0);
	ramet_pool_free(pool);
	check_only_main();
}

static void *killed_if_odd(void *arg)
{
	if ((intptr_t)arg % 2)
		ramet_kill(ramet_self());
	return arg;
}

TEST(who_is_killed_in_a_map_has_failed)
{
	struct ramet_pool *p = made(ramet_pool_new(3, NULL));

	number_args();
	CHECK_ERR(ramet_pool_map(p, killed_if_odd, args, values, 20), ECHILD);
	for (int i = 0; i < 20; i++)
		CHECK(values[i] == (i % 2 ? RAMET_FAILED : args[i]));
	CHECK_ERR(ramet_pool_apply(p, killed_if_odd, (void *)1, values),
		  ECHILD);
	CHECK(values[0] == NULL);
	ramet_pool_free(p);
}

static struct ramet *job;

static void *lends_its_handle(void *unused)
{
	job = ramet_self();
	return unused;
}

TEST(a_handle_that_is_too_late_hits_nobody)
{
	struct ramet_pool *p = made(ramet_pool_new(1, NULL));

	CHECK_EQ(ramet_pool_apply(p, lends_its_handle, NULL, NULL), 0);
	CHECK_EQ(ramet_cancel(job), 0);
	CHECK_EQ(ramet_pool_apply(p, nap, NULL, NULL), 0);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(ramet_kill(job), 0);
	CHECK_EQ(ramet_pool_apply(p, nap, NULL, NULL), 0);
	CHECK_ERR(ramet_join(job, NULL), EINVAL);
	ramet_pool_free(p);
	check_only_main();
}

TEST(free_cancels_and_waits)
{
	struct ramet_pool *p = made(ramet_pool_new(3, NULL));
	int count = 0;

	for (int i = 0; i < 3; i++)
		CHECK_EQ(ramet_pool_spawn(p, counts_in_frame, &count), 0);
	let_run();
	errno = EXDEV;
	RAMET_WITHIN(0)
		ramet_pool_free(p);
	CHECK_EQ(errno, EXDEV);
	CHECK_EQ(count, 3);
	check_only_main();
}

static void *free_own_pool(void *unused)
{
	ramet_pool_free(pool);
	CHECK_ERR(ramet_yield(), ECANCELED);
	note('f');
	return unused;
}

TEST(a_job_may_free_its_pool)
{
	pool = made(ramet_pool_new(3, NULL));
	CHECK_EQ(ramet_pool_spawn(pool, for_ever, NULL), 0);
	CHECK_EQ(ramet_pool_spawn(pool, free_own_pool, NULL), 0);
	let_run();
	CHECK_TRAIL("f");
	CHECK_EQ(inside, 0);
	check_only_main();
}

static void free_it(struct ramet *t, void *p)
{
	(void)t;
	ramet_pool_free(p);
}

TEST(a_link_may_free_a_pool)
{
	struct ramet_pool *p = made(ramet_pool_new(3, NULL));
	struct ramet *t = spawn(nap, (void *)1);

	CHECK_EQ(ramet_pool_spawn(p, for_ever, NULL), 0);
	CHECK_EQ(ramet_link(t, free_it, p), 0);
	join(t);
	let_run();
	CHECK_EQ(inside, 0);
	check_only_main();
}

/* ---- deadlocks ---------------------------------------------------------- */

static void *spawns_into_its_own(void *unused)
{
	CHECK_ERR(ramet_pool_spawn(pool, nap, NULL), ECANCELED);
	return unused;
}

TEST(a_job_that_waits_for_its_own_place_is_a_deadlock)
{
	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	pool = made(ramet_pool_new(1, NULL));
	CHECK_ERR(ramet_pool_apply(pool, spawns_into_its_own, NULL, NULL),
		  EDEADLK);
	CHECK_EQ(ramet_pool_apply(pool, nap, NULL, NULL), 0);
	ramet_pool_free(pool);
}

static void *waits_for_its_own(void *unused)
{
	CHECK_ERR(ramet_pool_wait(pool), EDEADLK);
	return unused;
}

TEST(a_job_cannot_wait_for_all_jobs)
{
	pool = made(ramet_pool_new(1, NULL));
	CHECK_EQ(ramet_pool_apply(pool, waits_for_its_own, NULL, NULL), 0);
	ramet_pool_free(pool);
}

static void deadlock_in_pool(void)
{
	pool = made(ramet_pool_new(2, NULL));
	ramet_pool_spawn(pool, spawns_into_its_own, NULL);
	ramet_pool_spawn(pool, spawns_into_its_own, NULL);
	ramet_pool_wait(pool);
	_exit(0);
}

TEST(the_report_of_a_deadlock_names_the_pool)
{
	char text[4000];
	const char *place;

	test_stderr_of(deadlock_in_pool, text, sizeof text);
	place = strstr(text, "waits for a place in pool 0x");
	CHECK(strstr(text, "deadlock") && place);
	CHECK(strstr(place, ", 2 of 2 running, ramet "));
	CHECK(strstr(text, "waits for jobs of pool 0x"));
}

/* ---- others ------------------------------------------------------------- */

static void *use_foreign(void *unused)
{
	ramet_yield(); /* makes the loop */
	CHECK_ERR(ramet_pool_spawn(pool, nap, NULL), EPERM);
	CHECK_ERR(ramet_pool_tryspawn(pool, nap, NULL), EPERM);
	CHECK_ERR(ramet_pool_map(pool, nap, args, NULL, 1), EPERM);
	CHECK_ERR(ramet_pool_wait(pool), EPERM);
	ramet_pool_free(pool);
	return unused;
}

TEST(another_loops_pool_is_refused)
{
	pool = made(ramet_pool_new(1, NULL));
	run_thread(use_foreign, NULL);
	CHECK_EQ(ramet_pool_apply(pool, nap, NULL, NULL), 0);
	ramet_pool_free(pool);
}
