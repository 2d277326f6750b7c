/* An actor whose stack is too small: it ends alone where that is safe, and where
 * it is not, or nobody asked for it, the process does. */
#include "actors.h"
#include "deep/deep.h"
#include "own_faults.h"
#include "ramet.h"
#include "ramets.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[1 << 16];

static const struct ramet_actor_opts small = {
	.name = "parser", .stack_size = 65536, .survive_overflow = 1};

/* What happens in fn, with stderr in text. */
static bool dies_of(void (*fn)(void), int sig)
{
	int status = test_stderr_of(fn, text, sizeof text);

	if (WIFSIGNALED(status) && WTERMSIG(status) == sig)
		return true;
	fprintf(stderr, "status 0x%x with:\n%s", status, text);
	return false;
}

static void no_core(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

/* ---- survived ----------------------------------------------------------- */

static void survive(void)
{
	CHECK_EQ(finish(start_with(deep_call, NULL, small)),
		 RAMET_STACK_FAULT);
	_exit(0);
}

TEST(who_asked_for_it_ends_alone_and_is_reported)
{
	CHECK_EQ(test_stderr_of(survive, text, sizeof text), 0);
	CHECK(strstr(text, "ramet: stack overflow in ramet 2 \"parser\""));
	CHECK(strstr(text, "it ends, and nothing else"));
	CHECK(strstr(text, "recurse+0x"));
}

static void survive_a_large_frame(void)
{
	CHECK_EQ(finish(start_with(deep_frame, NULL, small)),
		 RAMET_STACK_FAULT);
	_exit(0);
}

TEST(one_large_frame_is_an_overflow_too)
{
	CHECK_EQ(test_stderr_of(survive_a_large_frame, text, sizeof text), 0);
	CHECK(strstr(text, "deep_frame+0x"));
}

/* What is deferred is called, may block, and sees a ramet without limits. */
static void clean_up(void *cleaned)
{
	CHECK(ramet_scope_deadline().ns == RAMET_NEVER);
	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	*(int *)cleaned = 1;
}

static struct ramet_scope left_open;

static void prepare(struct ramet_actor *me, void *cleaned)
{
	(void)me;
	CHECK_EQ(ramet_defer(clean_up, cleaned), 0);
	ramet_shield_open(&left_open, RAMET_SEC);
}

static void clean(void)
{
	int cleaned = 0;
	struct deep deep = {prepare, &cleaned};

	CHECK_EQ(finish(start_with(deep_call, &deep, small)),
		 RAMET_STACK_FAULT);
	CHECK_EQ(cleaned, 1);
	_exit(0);
}

TEST(what_it_deferred_is_done)
{
	CHECK_EQ(test_stderr_of(clean, text, sizeof text), 0);
}

/* The first message is poison. */
static int got;

static void take_one(struct ramet_actor *me, void *last)
{
	int n = 0;

	CHECK_EQ(ramet_receive(me, &n, sizeof n), sizeof n);
	got = n;
	if (n == *(int *)last)
		ramet_actor_stop(me), ramet_receive(me, &n, sizeof n);
}

static void restart(void)
{
	int last = 200;
	struct deep deep = {take_one, &last};
	struct ramet_child child = {.fn = deep_call,
				    .arg = &deep,
				    .opts = small,
				    .kind = RAMET_PERMANENT};
	struct ramet_supervisor spec = {.restarts = 1000,
					.within = RAMET_SEC,
					.children = &child,
					.count = 1};
	struct ramet_actor *s = start(ramet_supervise, &spec);
	struct ramet_actor *a = ramet_supervisor_child(s, 0);
	struct ramet_actor_stats stats;
	struct ramet_stats before, after;

	CHECK(a);
	CHECK_EQ(ramet_get_stats(&before), 0);
	for (int n = 1; n < last; n++)
		tell_number(a, n);
	while (got < last - 1)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	let_run();
	ramet_actor_get_stats(a, &stats);
	CHECK_EQ(stats.restarts, last - 1);
	CHECK_EQ(ramet_get_stats(&after), 0);
	CHECK_EQ(after.live, before.live);
	ramet_actor_release(a);
	CHECK_EQ(stop(s), 0);
	_exit(0);
}

/* Each message is a crash, and none is lost. */
TEST(a_supervisor_starts_it_again)
{
	if (test_stderr_of(restart, text, sizeof text))
		test_fail(__FILE__, __LINE__, "%s", text);
}

/* ---- not survived ------------------------------------------------------- */

static void without_asking(void)
{
	struct ramet_actor_opts opts = small;

	opts.survive_overflow = 0;
	no_core();
	finish(start_with(deep_call, NULL, opts));
}

TEST(who_did_not_ask_ends_the_process)
{
	CHECK(dies_of(without_asking, SIGSEGV));
	CHECK(strstr(text, "stack overflow in ramet 2 \"parser\""));
	CHECK(!strstr(text, "it ends, and nothing else"));
}

static void in_qsort(void)
{
	no_core();
	finish(start_with(deep_sort, NULL, small));
}

TEST(a_frame_of_libc_in_between_ends_the_process)
{
	CHECK(dies_of(in_qsort, SIGSEGV));
	CHECK(!strstr(text, "it ends, and nothing else"));
}

/* A function of the runtime that calls one of the library's. */
static int fall(void *unused)
{
	deep_fall(unused);
	return 0;
}

static void go_through_once(struct ramet_actor *me, void *once)
{
	(void)me;
	ramet_once(once, fall, NULL);
}

static void in_once(void)
{
	struct ramet_once once = {0};
	struct deep deep = {go_through_once, &once};

	no_core();
	finish(start_with(deep_through, &deep, small));
}

TEST(a_frame_of_the_runtime_in_between_ends_the_process)
{
	CHECK(dies_of(in_once, SIGSEGV));
	CHECK(!strstr(text, "it ends, and nothing else"));
}

static void defer_the_fall(struct ramet_actor *me, void *unused)
{
	(void)me, (void)unused;
	CHECK_EQ(ramet_defer(deep_fall, NULL), 0);
}

static void in_defer(void)
{
	struct deep deep = {defer_the_fall, NULL};

	no_core();
	finish(start_with(deep_through, &deep, small));
}

TEST(clean_up_that_overflows_ends_the_process)
{
	CHECK(dies_of(in_defer, SIGSEGV));
	CHECK(!strstr(text, "it ends, and nothing else"));
}

static void twice(void)
{
	struct deep deep = {defer_the_fall, NULL};

	no_core();
	finish(start_with(deep_call, &deep, small));
}

TEST(clean_up_that_overflows_after_an_overflow_ends_the_process)
{
	CHECK(dies_of(twice, SIGSEGV));
	CHECK(strstr(text, "it ends, and nothing else"));
}

/* The runtime is part of this program. */
static int returns(struct ramet_actor *me, void *arg)
{
	(void)me, (void)arg;
	return 0;
}

TEST(it_is_refused_where_the_runtime_is_part_of_the_program)
{
	CHECK_NULL(ramet_actor_start(returns, NULL, &small), EOPNOTSUPP);
}
