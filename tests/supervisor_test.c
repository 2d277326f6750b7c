/* Supervisors: who is started again, in which order, and when they give up. The
 * cases are those that Erlang/OTP documents for its supervisors. */
#include "actors.h"
#include "door.h"
#include "ramet.h"
#include "ramets.h"

#include <stdio.h>
#include <string.h>

/* ---- children that say what happens ------------------------------------- */

static char said[256];

static void say(char c)
{
	size_t n = strlen(said);

	CHECK(n < sizeof said - 1);
	said[n] = c;
}

/* What was said since the last time. */
static void heard(const char *want)
{
	if (strcmp(said, want) != 0)
		test_fail(__FILE__, __LINE__, "\"%s\" was said, not \"%s\"",
			  said, want);
	memset(said, 0, sizeof said);
}

/* A child says its letter when it starts, the small one when it ends, and ends
 * with the number that it is told. */
static int child(struct ramet_actor *me, void *letter)
{
	char c = *(const char *)letter;
	int n = 0;

	say(c);
	if (ramet_receive(me, &n, sizeof n) < 0)
		CHECK_EQ(errno, ECANCELED);
	say((char)(c + 'a' - 'A'));
	return n;
}

static struct ramet_child spec(const char *letter, enum ramet_child_kind kind)
{
	return (struct ramet_child){.fn = child,
				    .arg = (void *)(uintptr_t)letter,
				    .kind = kind,
				    .shutdown = RAMET_SEC};
}

enum { MOST = 8 };

/* A supervisor of A, B, C ..., as many as there are kinds. */
struct family {
	struct ramet_supervisor spec;
	struct ramet_child children[MOST];
	struct ramet_actor *supervisor, *child[MOST];
};

static struct family family_of(enum ramet_strategy strategy, const char *kinds)
{
	static const char *const letters[] = {"A", "B", "C", "D", "E", "F"};
	struct family f = {.spec = {.strategy = strategy,
				    .restarts = 3,
				    .within = 5 * RAMET_SEC}};

	for (size_t i = 0; kinds[i]; i++) {
		f.children[i] =
			spec(letters[i], kinds[i] == 'p'   ? RAMET_PERMANENT
					 : kinds[i] == 't' ? RAMET_TRANSIENT
							   : RAMET_TEMPORARY);
		f.spec.count++;
	}
	return f;
}

static void begin(struct family *f)
{
	static bool stopped;

	if (!stopped)
		stop_clock();
	stopped = true;
	f->spec.children = f->children;
	f->supervisor = start(ramet_supervise, &f->spec);
	for (size_t i = 0; i < f->spec.count; i++)
		f->child[i] = made(ramet_supervisor_child(f->supervisor, i));
	let_run();
}

static void release_children(struct family *f)
{
	for (size_t i = 0; i < f->spec.count; i++)
		ramet_actor_release(f->child[i]);
}

static void end(struct family *f, int status)
{
	ramet_actor_stop(f->supervisor);
	CHECK_EQ(finish(f->supervisor), status);
	release_children(f);
}

/* ---- the table ---------------------------------------------------------- */

enum { NORMALLY = 0, CRASHES = 7, KILLED = -1, STOPPED = -2 };

static const struct ends {
	enum ramet_strategy strategy;
	const char *kinds;
	int who, how;
	const char *then, *at_last; /* what is said of it, and at the end */
} table[] = {
	/* One for one: nobody else is concerned. */
	{RAMET_ONE_FOR_ONE, "ppp", 1, CRASHES, "bB", "cba"},
	{RAMET_ONE_FOR_ONE, "ppp", 1, NORMALLY, "bB", "cba"},
	{RAMET_ONE_FOR_ONE, "ppp", 1, KILLED, "B", "cba"},
	{RAMET_ONE_FOR_ONE, "ppp", 1, STOPPED, "bB", "cba"},
	{RAMET_ONE_FOR_ONE, "ptp", 1, CRASHES, "bB", "cba"},
	{RAMET_ONE_FOR_ONE, "ptp", 1, KILLED, "B", "cba"},
	{RAMET_ONE_FOR_ONE, "ptp", 1, NORMALLY, "b", "ca"},
	{RAMET_ONE_FOR_ONE, "ptp", 1, STOPPED, "b", "ca"},
	{RAMET_ONE_FOR_ONE, "p-p", 1, CRASHES, "b", "ca"},
	{RAMET_ONE_FOR_ONE, "p-p", 1, KILLED, "", "ca"},
	{RAMET_ONE_FOR_ONE, "p-p", 1, NORMALLY, "b", "ca"},
	/* One for all: ended in reverse, started in order. */
	{RAMET_ONE_FOR_ALL, "ppp", 1, CRASHES, "bcaABC", "cba"},
	{RAMET_ONE_FOR_ALL, "ppp", 0, CRASHES, "acbABC", "cba"},
	{RAMET_ONE_FOR_ALL, "ppp", 2, KILLED, "baABC", "cba"},
	{RAMET_ONE_FOR_ALL, "ppp", 1, NORMALLY, "bcaABC", "cba"},
	{RAMET_ONE_FOR_ALL, "ptp", 1, NORMALLY, "b", "ca"},
	{RAMET_ONE_FOR_ALL, "p-p", 1, CRASHES, "b", "ca"},
	/* A temporary sibling is ended for good, a transient one is not. */
	{RAMET_ONE_FOR_ALL, "p-p", 0, CRASHES, "acbAC", "ca"},
	{RAMET_ONE_FOR_ALL, "ptp", 0, CRASHES, "acbABC", "cba"},
	/* Rest for one: those started after it. */
	{RAMET_REST_FOR_ONE, "ppp", 0, CRASHES, "acbABC", "cba"},
	{RAMET_REST_FOR_ONE, "ppp", 1, CRASHES, "bcBC", "cba"},
	{RAMET_REST_FOR_ONE, "ppp", 2, CRASHES, "cC", "cba"},
	{RAMET_REST_FOR_ONE, "pp-", 1, KILLED, "cB", "ba"},
	{RAMET_REST_FOR_ONE, "ptp", 1, NORMALLY, "b", "ca"},
};

static void let_end(struct ramet_actor *a, int how)
{
	if (how == KILLED)
		ramet_actor_kill(a);
	else if (how == STOPPED)
		ramet_actor_stop(a);
	else
		tell_number(a, how);
	for (int i = 0; i < 4; i++)
		let_run();
}

static void play(const struct ends *e)
{
	struct family f = family_of(e->strategy, e->kinds);

	begin(&f);
	heard("ABC");
	let_end(f.child[e->who], e->how);
	heard(e->then);
	end(&f, 0);
	heard(e->at_last);
}

TEST(who_is_started_again_is_as_documented)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		fprintf(stderr, "case %zu\n", i);
		play(&table[i]);
	}
}

/* ---- handles ------------------------------------------------------------ */

TEST(a_handle_outlives_the_crash_and_so_do_messages)
{
	struct family f = family_of(RAMET_ONE_FOR_ONE, "p");
	struct ramet_actor_stats stats;

	begin(&f);
	tell_number(f.child[0], CRASHES);
	tell_number(f.child[0], CRASHES); /* of the next */
	for (int i = 0; i < 4; i++)
		let_run();
	heard("AaAaA");
	ramet_actor_get_stats(f.child[0], &stats);
	CHECK_EQ(stats.restarts, 2);
	CHECK_EQ(stats.received, 2);
	end(&f, 0);
	heard("a");
}

static int watches(struct ramet_actor *me, void *restarts)
{
	char *text = restarts;
	struct ramet_actor *a = made(ramet_actor_find("watched"));
	struct ramet_exit e = {.restarts = 1};

	CHECK_EQ(ramet_actor_monitor(me, a), 0);
	while (e.restarts) {
		CHECK_EQ(ramet_receive(me, &e, sizeof e), sizeof e);
		CHECK(e.actor == a);
		*text++ = e.restarts ? 'r' : 'e';
	}
	ramet_actor_release(a);
	return 0;
}

TEST(a_monitor_stays_and_knows_what_comes)
{
	struct family f = family_of(RAMET_ONE_FOR_ONE, "t");
	char text[8] = "";
	struct ramet_actor *a;

	f.children[0].opts.name = "watched";
	begin(&f);
	a = start(watches, text);
	let_run();
	let_end(f.child[0], CRASHES);
	let_end(f.child[0], KILLED);
	let_end(f.child[0], NORMALLY);
	CHECK_EQ(finish(a), 0);
	CHECK(strcmp(text, "rre") == 0);
	end(&f, 0);
}

static int answers(struct ramet_actor *me, void *arg)
{
	int n;

	(void)arg;
	while (ramet_receive(me, &n, sizeof n) > 0) {
		if (n == CRASHES)
			return 1;
		CHECK_EQ(ramet_reply(me, &n, sizeof n), 0);
	}
	return 0;
}

static void *asks_again(void *a)
{
	CHECK_EQ(ask_number(a, 3), 3);
	return NULL;
}

TEST(a_crash_answers_one_question_and_the_next_ramet_the_others)
{
	struct family f = family_of(RAMET_ONE_FOR_ONE, "p");
	struct ramet *t;
	int n = CRASHES;

	f.children[0].fn = answers;
	begin(&f);
	t = spawn(asks_again, f.child[0]);
	CHECK_ERR(ramet_ask(f.child[0], &n, sizeof n, NULL, 0), ECONNRESET);
	join(t);
	CHECK_EQ(ask_number(f.child[0], 4), 4);
	end(&f, 0);
}

/* ---- intensity ---------------------------------------------------------- */

TEST(it_gives_up_when_there_are_too_many_restarts)
{
	struct family f = family_of(RAMET_ONE_FOR_ONE, "pp");

	begin(&f);
	for (int i = 0; i < 4; i++)
		let_end(f.child[0], CRASHES);
	CHECK_EQ(finish(f.supervisor), RAMET_GAVE_UP);
	heard("ABaAaAaAab");
	CHECK_EQ(end_of(f.child[0]), CRASHES);
	release_children(&f);
}

TEST(the_window_slides)
{
	struct family f = family_of(RAMET_ONE_FOR_ONE, "p");

	begin(&f);
	for (int i = 0; i < 20; i++) { /* three in five seconds, never more */
		let_end(f.child[0], CRASHES);
		CHECK_EQ(ramet_sleep(5 * RAMET_SEC / 3 + RAMET_MS), 0);
		memset(said, 0, sizeof said);
	}
	end(&f, 0);
}

static int crashes_at_once(struct ramet_actor *me, void *arg)
{
	(void)me;
	(void)arg;
	say('x');
	return 1;
}

TEST(a_crash_while_starting_counts)
{
	struct family f = family_of(RAMET_ONE_FOR_ONE, "p");

	f.children[0].fn = crashes_at_once;
	f.spec.children = f.children;
	f.supervisor = start(ramet_supervise, &f.spec);
	CHECK_EQ(finish(f.supervisor), RAMET_GAVE_UP);
	heard("xxxx");
}

static void give_up_loudly(void)
{
	struct family f = family_of(RAMET_ONE_FOR_ONE, "p");

	f.children[0].fn = crashes_at_once;
	f.children[0].opts.name = "worker";
	f.spec.children = f.children;
	f.supervisor = start_with(ramet_supervise, &f.spec,
				  (struct ramet_actor_opts){.name = "boss"});
	CHECK_EQ(finish(f.supervisor), RAMET_GAVE_UP);
}

TEST(giving_up_is_reported_once)
{
	char text[4096];

	CHECK_EQ(test_stderr_of(give_up_loudly, text, sizeof text), 0);
	CHECK(strcmp(text, "ramet: supervisor \"boss\" gives up: more than 3 "
			   "restarts within 5.0 s; the last to end was actor "
			   "\"worker\", with status 1\n") == 0);
}

/* ---- trees -------------------------------------------------------------- */

TEST(giving_up_escalates)
{
	struct family inner = family_of(RAMET_ONE_FOR_ONE, "p");
	struct family outer = family_of(RAMET_ONE_FOR_ALL, "pp");

	inner.children[0] = spec("X", RAMET_PERMANENT);
	inner.spec.children = inner.children;
	inner.spec.restarts = 1;
	outer.children[1].fn = ramet_supervise;
	outer.children[1].arg = &inner.spec;
	begin(&outer);
	heard("AX");
	inner.child[0] = made(ramet_supervisor_child(outer.child[1], 0));
	let_end(inner.child[0], CRASHES);
	heard("xX");
	let_end(inner.child[0], CRASHES);
	heard("xaAX"); /* the inner one gave up, the outer one starts anew */
	ramet_actor_release(inner.child[0]);
	end(&outer, 0);
	heard("xa");
}

TEST(a_tree_is_killed_from_its_root)
{
	struct family inner = family_of(RAMET_ONE_FOR_ONE, "pp");
	struct family outer = family_of(RAMET_ONE_FOR_ONE, "pp");

	inner.spec.children = inner.children;
	outer.children[1].fn = ramet_supervise;
	outer.children[1].arg = &inner.spec;
	begin(&outer);
	heard("AAB");
	ramet_actor_kill(outer.supervisor);
	CHECK_EQ(finish(outer.supervisor), RAMET_WAS_KILLED);
	heard("baa");
	release_children(&outer);
}

/* ---- shutdown ----------------------------------------------------------- */

static int will_not_end(struct ramet_actor *me, void *arg)
{
	(void)arg;
	while (ramet_receive(me, NULL, 0) < 0)
		ramet_yield();
	return 0;
}

static int needs_time(struct ramet_actor *me, void *letter)
{
	(void)ramet_receive(me, NULL, 0);
	RAMET_SHIELD(RAMET_NEVER)
		CHECK_EQ(ramet_sleep(3600 * RAMET_SEC), 0);
	say(*(char *)letter);
	return 0;
}

static void hang_up(ramet_actor_fn *fn, int64_t shutdown, const char *want,
		    int status)
{
	struct family f = family_of(RAMET_ONE_FOR_ONE, "ppp");

	f.children[1].fn = fn;
	f.children[1].shutdown = shutdown;
	begin(&f);
	CHECK_EQ((ramet_actor_stop(f.supervisor), end_of(f.supervisor)), 0);
	heard(want);
	CHECK_EQ(end_of(f.child[1]), status);
	ramet_actor_release(f.supervisor);
	release_children(&f);
}

TEST(who_does_not_end_in_time_is_killed)
{
	hang_up(child, RAMET_SEC, "ABCcba", 0);
	hang_up(child, 0, "ABCca", RAMET_WAS_KILLED);
	hang_up(needs_time, RAMET_NEVER, "ACcBa", 0);
	hang_up(needs_time, 4000 * RAMET_SEC, "ACcBa", 0);
	hang_up(needs_time, RAMET_SEC, "ACcBa", RAMET_WAS_KILLED);
}

TEST(a_child_that_ignores_the_order_is_killed)
{
	struct family f = family_of(RAMET_ONE_FOR_ONE, "p");

	f.children[0].fn = will_not_end;
	f.children[0].shutdown = 20 * RAMET_MS;
	f.spec.children = f.children;
	f.supervisor = start(ramet_supervise, &f.spec);
	f.child[0] = made(ramet_supervisor_child(f.supervisor, 0));
	end(&f, 0);
}

/* ---- dynamic children --------------------------------------------------- */

TEST(children_are_added_and_removed)
{
	struct family f = family_of(RAMET_ONE_FOR_ONE, "p");
	struct ramet_child more = spec("D", RAMET_TEMPORARY);
	struct ramet_actor *a, *b, *found;

	more.opts.name = "another";
	begin(&f);
	a = made(ramet_supervisor_add(f.supervisor, &more));
	CHECK_NULL(ramet_supervisor_add(f.supervisor, &more), EEXIST);
	more = spec("E", RAMET_PERMANENT);
	b = made(ramet_supervisor_add(f.supervisor, &more));
	let_run();
	heard("ADE");
	found = made(ramet_supervisor_child(f.supervisor, 1));
	CHECK(found == a);
	ramet_actor_release(found);
	CHECK_NULL(ramet_supervisor_child(f.supervisor, 3), ESRCH);
	CHECK_EQ(ramet_supervisor_remove(f.supervisor, a), 0);
	heard("d");
	CHECK_ERR(ramet_supervisor_remove(f.supervisor, a), ESRCH);
	found = made(ramet_supervisor_child(f.supervisor, 1));
	CHECK(found == b);
	ramet_actor_release(found);
	let_end(b, CRASHES);
	heard("eE");
	end(&f, 0);
	heard("ea");
	CHECK_NULL(ramet_supervisor_add(a, &more), ESRCH);
	ramet_actor_release(a);
	ramet_actor_release(b);
}

TEST(who_is_no_supervisor_has_no_children)
{
	struct ramet_actor *a = start(child, (void *)(uintptr_t) "A");
	struct ramet_child more = spec("B", RAMET_PERMANENT);

	CHECK_NULL(ramet_supervisor_add(a, &more), EINVAL);
	CHECK_NULL(ramet_supervisor_child(a, 0), EINVAL);
	CHECK_ERR(ramet_supervisor_remove(a, a), EINVAL);
	CHECK_EQ(stop(a), 0);
}

static int supervises_nothing_yet(struct ramet_actor *me, void *spec_of)
{
	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	return ramet_supervise(me, spec_of);
}

TEST(a_supervisor_may_do_something_first)
{
	struct family f = family_of(RAMET_ONE_FOR_ONE, "p");
	struct ramet_actor *s;

	stop_clock();
	f.spec.children = f.children;
	s = start(supervises_nothing_yet, &f.spec);
	CHECK_EQ(ramet_sleep(2 * RAMET_MS), 0);
	let_run();
	f.child[0] = made(ramet_supervisor_child(s, 0));
	ramet_actor_release(f.child[0]);
	CHECK_EQ(stop(s), 0);
	heard("Aa");
}

static void *adds(void *supervisor)
{
	struct ramet_child more = spec("D", RAMET_PERMANENT);

	CHECK_NULL(ramet_supervisor_add(supervisor, &more), ECONNRESET);
	return NULL;
}

TEST(a_supervisor_that_ends_refuses_requests)
{
	struct family f = family_of(RAMET_ONE_FOR_ONE, "p");
	struct ramet *t;

	f.children[0].fn = needs_time;
	f.children[0].shutdown = RAMET_NEVER;
	begin(&f);
	ramet_actor_stop(f.supervisor);
	let_run();
	t = spawn(adds, f.supervisor);
	join(t);
	end(&f, 0);
}

TEST(many_children_are_no_burden)
{
	int many = test_rounds(5000);
	struct family f = family_of(RAMET_ONE_FOR_ONE, "");
	struct ramet_child more = {.fn = answers, .shutdown = RAMET_SEC};
	struct ramet_actor *a, *same;

	f.spec.restarts = (unsigned)many;
	begin(&f);
	for (int i = 0; i < many; i++)
		ramet_actor_release(
			made(ramet_supervisor_add(f.supervisor, &more)));
	for (int i = 0; i < many / 2; i++) {
		a = made(ramet_supervisor_child(f.supervisor, (size_t)i));
		tell_number(a, CRASHES);
		CHECK_EQ(ask_number(a, CRASHES + 1), CRASHES + 1);
		ramet_actor_release(a);
	}
	a = made(ramet_supervisor_child(f.supervisor, (size_t)many / 2));
	for (int i = 0; i < many / 2; i++) {
		same = made(ramet_supervisor_child(f.supervisor, 0));
		CHECK_EQ(ramet_supervisor_remove(f.supervisor, same), 0);
		ramet_actor_release(same);
	}
	same = made(ramet_supervisor_child(f.supervisor, 0));
	CHECK(same == a);
	ramet_actor_release(same);
	ramet_actor_release(a);
	end(&f, 0);
}
