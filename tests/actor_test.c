/* Actors: messages arrive once and in order, questions are always answered, a
 * handle is good for as long as somebody has it. */
#include "actors.h"
#include "door.h"
#include "ramet.h"
#include "ramets.h"
#include "thread.h"

#include <stdio.h>
#include <string.h>

/* ---- start, tell, receive ----------------------------------------------- */

static int received[64], count;

/* Take numbers until 0 comes. */
static int collect(struct ramet_actor *me, void *arg)
{
	int n;

	(void)arg;
	while (ramet_receive(me, &n, sizeof n) == sizeof n && n)
		received[count++] = n;
	return 0;
}

TEST(messages_arrive_in_order)
{
	struct ramet_actor *a = start(collect, NULL);

	for (int n = 1; n <= 50; n++)
		tell_number(a, n);
	tell_number(a, 0);
	CHECK_EQ(end_of(a), 0);
	CHECK_EQ(count, 50);
	for (int i = 0; i < 50; i++)
		CHECK_EQ(received[i], i + 1);
	ramet_actor_release(a);
}

static int sum(struct ramet_actor *me, void *total)
{
	int n;

	while (ramet_receive(me, &n, sizeof n) >= 0)
		*(int *)total += n;
	CHECK_EQ(errno, ECANCELED);
	return 7;
}

TEST(stop_is_cancel_and_the_status_is_what_it_returns)
{
	int total = 0;
	struct ramet_actor *a = start(sum, &total);

	tell_number(a, 1);
	tell_number(a, 2);
	let_run();
	CHECK_EQ(total, 3);
	ramet_actor_stop(a);
	tell_number(a, 4);
	CHECK_EQ(finish(a), 7);
	CHECK_EQ(total, 3);
}

static int returns(struct ramet_actor *me, void *status)
{
	(void)me;
	return *(int *)status;
}

TEST(who_has_ended_takes_no_messages)
{
	int status = 0, n = 0;
	struct ramet_actor *a = start(returns, &status);

	CHECK_EQ(end_of(a), 0);
	CHECK_ERR(ramet_tell(a, &n, sizeof n), ESRCH);
	CHECK_ERR(ramet_ask(a, &n, sizeof n, &n, sizeof n), ESRCH);
	CHECK_EQ(end_of(a), 0);
	ramet_actor_stop(a);
	ramet_actor_kill(a);
	ramet_actor_release(a);
	ramet_actor_release(NULL);
}

TEST(a_message_may_be_empty_or_large)
{
	static char large[1 << 20];
	struct ramet_actor *a;

	CHECK_ERR(ramet_tell((a = start(collect, NULL)), large, SIZE_MAX),
		  EMSGSIZE);
	CHECK_ERR(ramet_tell_tag(a, RAMET_TAG_EXIT, NULL, 0), EINVAL);
	CHECK_EQ(ramet_tell(a, NULL, 0), 0);
	CHECK_EQ(finish(a), 0); /* it takes numbers only */
	CHECK_EQ(count, 0);
}

struct sizes {
	size_t size;
	char text[8];
};

static int has_little_room(struct ramet_actor *me, void *arg)
{
	struct sizes *s = arg;

	CHECK_ERR(ramet_receive(me, s->text, 2), EMSGSIZE);
	s->size = ramet_actor_size(me);
	CHECK_EQ(ramet_receive(me, s->text, sizeof s->text), 5);
	CHECK_EQ(ramet_actor_size(me), 5);
	return 0;
}

TEST(what_is_too_large_stays)
{
	struct sizes s = {0};
	struct ramet_actor *a = start(has_little_room, &s);

	CHECK_EQ(ramet_tell(a, "five", 5), 0);
	CHECK_EQ(finish(a), 0);
	CHECK_EQ(s.size, 5);
	CHECK(strcmp(s.text, "five") == 0);
}

static int by_tag(struct ramet_actor *me, void *arg)
{
	static const int want[] = {3, 1, 2, 4};
	static const uint64_t tags[] = {7, 0, 0, 9};
	int n = 0;

	(void)arg;
	CHECK_EQ(ramet_receive_tag(me, 7, &n, sizeof n), sizeof n);
	CHECK_EQ(n, want[0]);
	CHECK_EQ(ramet_actor_tag(me), 7);
	for (int i = 1; i < 4; i++) {
		CHECK_EQ(ramet_receive(me, &n, sizeof n), sizeof n);
		CHECK_EQ(n, want[i]);
		CHECK_EQ(ramet_actor_tag(me), tags[i]);
	}
	CHECK_EQ(ramet_receive_tag(me, 5, &n, sizeof n), sizeof n);
	return n;
}

TEST(a_tag_comes_out_of_turn_and_the_others_stay_in_order)
{
	struct ramet_actor *a = start(by_tag, NULL);
	int n[] = {1, 2, 3, 4, 5, 6};

	let_run();
	CHECK_EQ(ramet_tell(a, &n[0], sizeof n[0]), 0);
	let_run();
	CHECK_EQ(ramet_tell(a, &n[1], sizeof n[0]), 0);
	CHECK_EQ(ramet_tell_tag(a, 7, &n[2], sizeof n[0]), 0);
	CHECK_EQ(ramet_tell_tag(a, 9, &n[3], sizeof n[0]), 0);
	let_run();
	CHECK_EQ(ramet_tell_tag(a, 6, &n[5], sizeof n[0]), 0);
	CHECK_EQ(ramet_tell_tag(a, 5, &n[4], sizeof n[0]), 0);
	CHECK_EQ(finish(a), 5);
}

static int forwards(struct ramet_actor *me, void *to)
{
	int n;

	while (ramet_receive(me, &n, sizeof n) > 0)
		CHECK_EQ(ramet_tell(to, &n, sizeof n), 0);
	return 0;
}

static int knows_its_sender(struct ramet_actor *me, void *sender)
{
	struct ramet_actor **from = sender;
	int n;

	CHECK(ramet_actor_self() == me);
	CHECK_EQ(ramet_receive(me, &n, sizeof n), sizeof n);
	CHECK(!ramet_actor_sender(me));
	CHECK_EQ(ramet_receive(me, &n, sizeof n), sizeof n);
	CHECK(ramet_actor_sender(me) == *from);
	ramet_actor_release(*from); /* it is borrowed */
	let_run();
	CHECK_EQ(ramet_tell(ramet_actor_sender(me), NULL, 0), 0);
	return 0;
}

TEST(the_sender_is_borrowed)
{
	struct ramet_actor *from;
	struct ramet_actor *a = start(knows_its_sender, &from);

	CHECK(!ramet_actor_self());
	from = start(forwards, a);
	tell_number(a, 1);
	let_run();
	tell_number(from, 2);
	CHECK_EQ(finish(a), 0);
	let_run();
}

TEST(only_the_actor_itself_receives)
{
	struct ramet_actor *a = start(collect, NULL);
	int n;

	CHECK_ERR(ramet_receive(a, &n, sizeof n), EPERM);
	CHECK_ERR(ramet_reply(a, &n, sizeof n), EPERM);
	CHECK_ERR(ramet_actor_link(a, a), EPERM);
	CHECK_NULL(ramet_question_take(a), EPERM);
	CHECK_EQ(stop(a), 0);
}

/* ---- ask ---------------------------------------------------------------- */

static int adds_one(struct ramet_actor *me, void *arg)
{
	int n;

	(void)arg;
	while (ramet_receive(me, &n, sizeof n) > 0) {
		n++;
		CHECK_EQ(ramet_reply(me, &n, sizeof n), 0);
		CHECK_ERR(ramet_reply(me, &n, sizeof n), EINVAL);
	}
	return 0;
}

TEST(ask_waits_for_the_reply)
{
	struct ramet_actor *a = start(adds_one, NULL);

	for (int n = 0; n < 100; n++)
		CHECK_EQ(ask_number(a, n), n + 1);
	CHECK_EQ(stop(a), 0);
}

static int says_much(struct ramet_actor *me, void *arg)
{
	(void)arg;
	CHECK_EQ(ramet_receive(me, NULL, 0), 0);
	CHECK_EQ(ramet_reply(me, "twelve bytes", 12), 0);
	CHECK_EQ(ramet_receive(me, NULL, 0), 0);
	CHECK_EQ(ramet_reply(me, NULL, 0), 0);
	CHECK_EQ(ramet_receive(me, NULL, 0), 0);
	CHECK_ERR(ramet_reply(me, NULL, 0), EINVAL); /* it asks nothing */
	return 0;
}

TEST(a_reply_is_cut_at_the_room_there_is)
{
	struct ramet_actor *a = start(says_much, NULL);
	char text[7] = "......";

	CHECK_EQ(ramet_ask(a, NULL, 0, text, 6), 12);
	CHECK(strcmp(text, "twelve") == 0);
	CHECK_EQ(ramet_ask(a, NULL, 0, NULL, 0), 0);
	CHECK_EQ(ramet_tell(a, NULL, 0), 0);
	CHECK_EQ(finish(a), 0);
}

static int asks_itself(struct ramet_actor *me, void *arg)
{
	(void)arg;
	CHECK_ERR(ramet_ask(me, NULL, 0, NULL, 0), EDEADLK);
	CHECK_ERR(ramet_actor_wait(me, NULL), EDEADLK);
	return 0;
}

TEST(nobody_can_ask_himself)
{
	CHECK_EQ(finish(start(asks_itself, NULL)), 0);
}

static int crashes_when_asked(struct ramet_actor *me, void *arg)
{
	(void)arg;
	CHECK_EQ(ramet_receive(me, NULL, 0), 0);
	CHECK_EQ(ramet_yield(), 0);
	return 3;
}

static void *asks_in_vain(void *a)
{
	CHECK_ERR(ramet_ask(a, NULL, 0, NULL, 0), ECONNRESET);
	return NULL;
}

TEST(a_crash_ends_all_questions_at_once)
{
	struct ramet_actor *a = start(crashes_when_asked, NULL);
	struct ramet *t[3];

	for (int i = 0; i < 3; i++)
		t[i] = spawn(asks_in_vain, a);
	for (int i = 0; i < 3; i++)
		join(t[i]);
	CHECK_EQ(finish(a), 3);
}

static int ignores_questions(struct ramet_actor *me, void *arg)
{
	(void)arg;
	while (ramet_receive(me, NULL, 0) == 0)
		;
	return 0;
}

TEST(a_question_that_is_passed_over_is_refused)
{
	struct ramet_actor *a = start(ignores_questions, NULL);

	CHECK_ERR(ramet_ask(a, NULL, 0, NULL, 0), ECONNRESET);
	CHECK_ERR(ramet_ask(a, NULL, 0, NULL, 0), ECONNRESET);
	CHECK_EQ(stop(a), 0);
}

static int answers_late(struct ramet_actor *me, void *arg)
{
	int n;

	(void)arg;
	while (ramet_receive(me, &n, sizeof n) > 0) {
		RAMET_SHIELD(RAMET_SEC)
			CHECK_EQ(ramet_sleep(20 * RAMET_MS), 0);
		CHECK_EQ(ramet_reply(me, &n, sizeof n), 0);
	}
	return 0;
}

TEST(who_has_no_time_for_the_answer_may_leave)
{
	struct ramet_actor *a = start(answers_late, NULL);
	int n = 5;

	stop_clock();
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_ask(a, &n, sizeof n, &n, sizeof n), ETIMEDOUT);
	CHECK_EQ(ask_number(a, 6), 6);
	CHECK_EQ(n, 5);
	CHECK_EQ(stop(a), 0);
}

static void *asks_and_is_cancelled(void *a)
{
	int n = 0;

	CHECK_ERR(ramet_ask(a, &n, sizeof n, &n, sizeof n), ECANCELED);
	return NULL;
}

TEST(who_is_cancelled_or_killed_may_leave)
{
	struct ramet_actor *a = start(answers_late, NULL);
	struct ramet *cancelled = spawn(asks_and_is_cancelled, a);
	struct ramet *killed = spawn(asks_and_is_cancelled, a);

	let_run();
	CHECK_EQ(ramet_cancel(cancelled), 0);
	CHECK_EQ(ramet_kill(killed), 0);
	join(cancelled);
	CHECK_ERR(ramet_join(killed, NULL), ECHILD);
	CHECK_EQ(ask_number(a, 7), 7);
	CHECK_EQ(stop(a), 0);
}

/* ---- questions that are taken ------------------------------------------- */

static struct ramet_question *taken[3];

static int takes(struct ramet_actor *me, void *status)
{
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(ramet_receive(me, NULL, 0), 0);
		taken[i] = ramet_question_take(me);
		CHECK(taken[i]);
		CHECK_NULL(ramet_question_take(me), EINVAL);
		CHECK_ERR(ramet_reply(me, NULL, 0), EINVAL);
	}
	ramet_sleep(3600 * RAMET_SEC);
	return *(int *)status;
}

static void *asks(void *a)
{
	char answer = 0;

	if (ramet_ask(a, NULL, 0, &answer, 1) < 0)
		return (void *)(intptr_t)-errno;
	return (void *)(intptr_t)answer;
}

TEST(questions_are_answered_in_any_order)
{
	int status = 0;
	struct ramet_actor *a = start(takes, &status);
	struct ramet *t[3];

	for (int i = 0; i < 3; i++) {
		t[i] = spawn(asks, a);
		let_run();
	}
	for (int i = 0; i < 3; i++)
		CHECK(taken[i]);
	CHECK_EQ(ramet_answer(taken[2], "c", 1), 0);
	CHECK_EQ(ramet_answer(taken[0], "a", 1), 0);
	CHECK_EQ(ramet_answer(taken[1], NULL, SIZE_MAX), 0);
	CHECK_EQ((intptr_t)join(t[0]), 'a');
	CHECK_EQ((intptr_t)join(t[1]), -ECONNRESET);
	CHECK_EQ((intptr_t)join(t[2]), 'c');
	CHECK_EQ(stop(a), 0);
}

TEST(questions_end_with_who_took_them)
{
	int status = 9;
	struct ramet_actor *a = start(takes, &status);
	struct ramet *t[3];

	for (int i = 0; i < 3; i++)
		t[i] = spawn(asks, a);
	let_run();
	ramet_actor_kill(a);
	for (int i = 0; i < 3; i++)
		CHECK_EQ((intptr_t)join(t[i]), -ECONNRESET);
	CHECK_EQ(finish(a), RAMET_WAS_KILLED);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ramet_answer(taken[i], "x", 1), 0);
}

/* ---- a full mailbox ----------------------------------------------------- */

static int waits_then_sums(struct ramet_actor *me, void *total)
{
	return ramet_sleep(RAMET_MS) < 0 ? 0 : sum(me, total) - 7;
}

static struct ramet_actor *with_two_places(enum ramet_when_full when_full,
					   int *total)
{
	stop_clock();
	return start_with(waits_then_sums, total,
			  (struct ramet_actor_opts){.mailbox = 2,
						    .when_full = when_full});
}

static void *tells(void *a)
{
	for (int n = 1; n <= 4; n++)
		tell_number(a, n);
	return NULL;
}

TEST(who_finds_the_mailbox_full_waits)
{
	int total = 0;
	struct ramet_actor *a = with_two_places(RAMET_FULL_BLOCK, &total);
	struct ramet_actor_stats stats;
	struct ramet *t = spawn(tells, a), *other = spawn(tells, a);

	let_run();
	ramet_actor_get_stats(a, &stats);
	CHECK_EQ(stats.waiting, 2);
	join(t);
	join(other);
	let_run();
	CHECK_EQ(total, 20);
	ramet_actor_get_stats(a, &stats);
	CHECK_EQ(stats.received, 8);
	CHECK_EQ(stats.waiting, 0);
	CHECK_EQ(stats.restarts, 0);
	CHECK_EQ(stop(a), 0);
}

TEST(who_waits_for_room_may_leave)
{
	int total = 0, n = 8;
	struct ramet_actor *a = with_two_places(RAMET_FULL_BLOCK, &total);

	tell_number(a, 1);
	tell_number(a, 2);
	RAMET_WITHIN(RAMET_MS / 4)
		CHECK_ERR(ramet_tell(a, &n, sizeof n), ETIMEDOUT);
	RAMET_WITHIN(RAMET_MS / 4)
		CHECK_ERR(ramet_ask(a, &n, sizeof n, NULL, 0), ETIMEDOUT);
	tell_number(a, 4);
	let_run();
	CHECK_EQ(total, 7);
	CHECK_EQ(stop(a), 0);
}

static void *tells_in_vain(void *a)
{
	CHECK_ERR(ramet_tell(a, NULL, 0), ESRCH);
	return NULL;
}

TEST(the_end_is_the_end_of_waiting_for_room)
{
	int total = 0;
	struct ramet_actor *a = with_two_places(RAMET_FULL_BLOCK, &total);
	struct ramet *t;

	tell_number(a, 1);
	tell_number(a, 2);
	t = spawn(tells_in_vain, a);
	let_run();
	ramet_actor_kill(a);
	join(t);
	CHECK_EQ(finish(a), RAMET_WAS_KILLED);
}

TEST(a_message_may_be_dropped)
{
	int total = 0;
	struct ramet_actor *a = with_two_places(RAMET_FULL_DROP, &total);
	struct ramet_actor_stats stats;

	for (int n = 1; n <= 4; n++)
		tell_number(a, n);
	CHECK_ERR(ramet_ask(a, NULL, 0, NULL, 0), ECONNRESET);
	CHECK_EQ(ramet_sleep(2 * RAMET_MS), 0);
	CHECK_EQ(total, 3);
	ramet_actor_get_stats(a, &stats);
	CHECK_EQ(stats.dropped, 3);
	CHECK_EQ(stop(a), 0);
}

TEST(a_sender_may_be_told)
{
	int total = 0;
	struct ramet_actor *a = with_two_places(RAMET_FULL_FAIL, &total);

	tell_number(a, 1);
	tell_number(a, 2);
	CHECK_ERR(ramet_tell(a, NULL, 0), EAGAIN);
	CHECK_ERR(ramet_ask(a, NULL, 0, NULL, 0), EAGAIN);
	CHECK_EQ(stop(a), 0);
}

static int fills_its_own(struct ramet_actor *me, void *arg)
{
	(void)arg;
	CHECK_EQ(ramet_tell(me, NULL, 0), 0);
	CHECK_ERR(ramet_tell(me, NULL, 0), EDEADLK);
	return 0;
}

TEST(an_actor_cannot_wait_for_room_in_its_own_mailbox)
{
	CHECK_EQ(finish(start_with(fills_its_own, NULL,
				   (struct ramet_actor_opts){.mailbox = 1})),
		 0);
}

/* ---- names, ends -------------------------------------------------------- */

TEST(a_name_is_found_while_its_actor_lives)
{
	struct ramet_actor_opts opts = {.name = "counter"};
	struct ramet_actor *a = start_with(collect, NULL, opts), *found;

	CHECK_NULL(ramet_actor_start(collect, NULL, &opts), EEXIST);
	found = ramet_actor_find("counter");
	CHECK(found == a);
	ramet_actor_release(found);
	CHECK_NULL(ramet_actor_find("another"), ESRCH);
	CHECK_EQ(end_of((ramet_actor_stop(a), a)), 0);
	CHECK_NULL(ramet_actor_find("counter"), ESRCH);
	CHECK_EQ(stop(start_with(collect, NULL, opts)), 0);
	ramet_actor_release(a);
}

TEST(many_names_are_found)
{
	enum { MANY = 300 };
	static struct ramet_actor *a[MANY];
	char name[MANY][16];

	for (int i = 0; i < MANY; i++) {
		snprintf(name[i], sizeof name[i], "actor %d", i);
		a[i] = start_with(collect, NULL,
				  (struct ramet_actor_opts){.name = name[i]});
	}
	for (int i = 0; i < MANY; i++) {
		CHECK(ramet_actor_find(name[i]) == a[i]);
		ramet_actor_release(a[i]);
	}
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(stop(a[i]), 0);
}

static int killed_itself;

static int kills_itself(struct ramet_actor *me, void *arg)
{
	(void)arg;
	killed_itself = 1;
	ramet_actor_kill(me);
	killed_itself = 2;
	return 0;
}

TEST(an_actor_may_kill_itself)
{
	CHECK_EQ(finish(start(kills_itself, NULL)), RAMET_WAS_KILLED);
	CHECK_EQ(killed_itself, 1);
}

TEST(a_bad_start_leaves_nothing)
{
	struct ramet_actor_opts opts = {.name = "bad", .stack_size = 3ul << 30};

	CHECK_NULL(ramet_actor_start(collect, NULL, &opts), EINVAL);
	CHECK_NULL(ramet_actor_find("bad"), ESRCH);
}

static void *waits_for(void *a)
{
	return (void *)(intptr_t)end_of(a);
}

TEST(any_number_may_wait_for_the_end)
{
	int status = 4;
	struct ramet_actor *a = start(returns, &status);
	struct ramet *t[3];

	for (int i = 0; i < 3; i++)
		t[i] = spawn(waits_for, a);
	for (int i = 0; i < 3; i++)
		CHECK_EQ((intptr_t)join(t[i]), 4);
	ramet_actor_release(a);
	a = start(collect, NULL);
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_actor_wait(a, NULL), ETIMEDOUT);
	CHECK_EQ(stop(a), 0);
}
