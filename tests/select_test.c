/* Select: exactly one case is done, the first that can be, and no trace is left
 * of the others. */
#include "core/core.h"
#include "door.h"
#include "ramets.h"
#include "thread.h"

#define HOUR (3600 * RAMET_SEC)

static struct ramet_chan *a, *b;

void test_begin(void)
{
	ramet__poller(ramet__loop()); /* the runtime keeps it */
	a = made(ramet_chan_new(8, 0));
	b = made(ramet_chan_new(8, 1));
}

static void free_channels(void)
{
	ramet_chan_free(a);
	ramet_chan_free(b);
}

static struct ramet_case to_send(struct ramet_chan *ch, int64_t *item)
{
	return (struct ramet_case){.op = RAMET_SELECT_SEND,
				   .chan = ch,
				   .item = item};
}

static struct ramet_case to_recv(struct ramet_chan *ch, int64_t *item)
{
	return (struct ramet_case){.op = RAMET_SELECT_RECV,
				   .chan = ch,
				   .item = item};
}

static struct ramet_case to_join(struct ramet *t)
{
	return (struct ramet_case){.op = RAMET_SELECT_JOIN, .ramet = t};
}

static struct ramet_case at(int64_t ns)
{
	return (struct ramet_case){.op = RAMET_SELECT_AT,
				   .deadline = ramet_after(ns)};
}

static const struct ramet_case otherwise = {.op = RAMET_SELECT_DEFAULT};
static const struct ramet_case nothing = {.op = RAMET_SELECT_NOTHING};

/* A ramet that selects once. */
struct one {
	struct ramet *ramet;
	struct ramet_case cases[12];
	size_t count;
	int64_t items[12];
	int chosen, error;
};

static void *select_once(void *arg)
{
	struct one *o = arg;

	o->chosen = ramet_select(o->cases, o->count);
	o->error = errno;
	return NULL;
}

/* Receive from either channel. */
static void start(struct one *o)
{
	o->cases[0] = to_recv(a, &o->items[0]);
	o->cases[1] = to_recv(b, &o->items[1]);
	o->count = 2;
	o->items[0] = o->items[1] = -1;
	o->ramet = spawn(select_once, o);
}

static int end(struct one *o)
{
	CHECK_EQ(ramet_join(o->ramet, NULL), 0);
	errno = o->error;
	return o->chosen;
}

static int send_now(struct ramet_chan *ch, int64_t item)
{
	return ramet_chan_trysend(ch, &item);
}

static void *sleep_for(void *ns)
{
	ramet_sleep((intptr_t)ns);
	return ns;
}

/* ---- what can be done now ----------------------------------------------- */

TEST(of_several_the_first_listed_is_done)
{
	int64_t in = 5, out = 0;
	struct ramet_case cases[] = {to_recv(a, &out), to_recv(b, &out),
				     to_send(b, &in)};

	CHECK_EQ(ramet_select(cases, 3), 2);
	CHECK_EQ(cases[2].result, 1);
	CHECK_EQ(ramet_select(cases, 3), 1);
	CHECK_EQ(cases[1].result, 1);
	CHECK_EQ(out, 5);
	CHECK_EQ(send_now(b, 6), 1);
	CHECK_EQ(ramet_chan_close(a), 0);
	CHECK_EQ(ramet_select(cases, 3), 0); /* its end */
	CHECK_EQ(cases[0].result, 0);
	CHECK_EQ(ramet_chan_count(b), 1);
	free_channels();
}

TEST(only_one_of_two_that_are_ready_is_done)
{
	struct ramet_chan *c = made(ramet_chan_new(8, 1));
	int64_t out = 0;
	struct ramet_case cases[] = {to_recv(b, &out), to_recv(c, &out)};

	CHECK_EQ(send_now(b, 1), 1);
	CHECK_EQ(send_now(c, 2), 1);
	CHECK_EQ(ramet_select(cases, 2), 0);
	CHECK_EQ(out, 1);
	CHECK_EQ(ramet_chan_count(c), 1);
	CHECK_EQ(ramet_select(cases, 2), 1);
	CHECK_EQ(out, 2);
	ramet_chan_free(c);
	free_channels();
}

TEST(the_default_is_chosen_when_nothing_else_is_ready)
{
	int64_t item = 0;
	struct ramet_case cases[] = {otherwise, to_recv(b, &item), at(HOUR)};

	CHECK_EQ(ramet_select(cases, 3), 0);
	CHECK_EQ(send_now(b, 9), 1);
	CHECK_EQ(ramet_select(cases, 3), 1);
	CHECK_EQ(item, 9);
	CHECK_EQ(ramet_select(cases, 3), 0);
	CHECK_EQ(ramet_select(cases, 1), 0);
	free_channels();
}

TEST(a_closed_channel_cannot_be_sent_to)
{
	int64_t item = 0;
	struct ramet_case cases[] = {to_send(b, &item)};

	CHECK_EQ(ramet_chan_close(b), 0);
	errno = 0;
	CHECK_EQ(ramet_select(cases, 1), 0);
	CHECK_EQ(cases[0].result, -1);
	CHECK_EQ(errno, EPIPE);
	free_channels();
}

TEST(cases_that_mean_nothing_are_never_chosen)
{
	int64_t item = 4;
	struct ramet_case cases[] = {nothing, to_send(b, &item), nothing};

	CHECK_EQ(ramet_select(cases, 3), 1);
	free_channels();
}

TEST(bad_cases_are_refused)
{
	int64_t item = 0;
	static struct ramet_case many[257];
	struct ramet *t = spawn(sleep_for, NULL);
	struct ramet_case c[] = {to_recv(a, &item), otherwise};

	CHECK_ERR(ramet_select(NULL, 0), EINVAL);
	CHECK_ERR(ramet_select(many, 3), EINVAL);
	many[0] = otherwise;
	CHECK_EQ(ramet_select(many, 256), 0);
	CHECK_ERR(ramet_select(many, 257), EINVAL);
	CHECK_ERR(ramet_select(many, SIZE_MAX), EINVAL);
	c[0].chan = NULL;
	CHECK_ERR(ramet_select(c, 2), EINVAL);
	c[0].op = (enum ramet_select_op)77;
	CHECK_ERR(ramet_select(c, 2), EINVAL);
	c[0] = to_join(NULL);
	CHECK_ERR(ramet_select(c, 2), EINVAL);
	c[0] = to_join(ramet_self());
	CHECK_ERR(ramet_select(c, 2), EDEADLK);
	c[0] = to_join(t);
	CHECK_EQ(ramet_detach(t), 0);
	CHECK_ERR(ramet_select(c, 2), EINVAL);
	free_channels();
}

/* ---- waiting ------------------------------------------------------------ */

TEST(whichever_comes_first_is_chosen)
{
	struct one o;

	start(&o);
	let_run();
	CHECK_EQ(send_now(b, 7), 1);
	CHECK_ERR(send_now(a, 8), EAGAIN); /* it has its item */
	CHECK_EQ(o.items[1], 7);           /* and has not run yet */
	CHECK_EQ(end(&o), 1);
	CHECK_EQ(o.cases[1].result, 1);
	CHECK_EQ(o.items[0], -1);
	CHECK_ERR(send_now(a, 8), EAGAIN); /* nor is it queued there now */
	CHECK_EQ(ramet_chan_count(b), 0);
	free_channels();
}

TEST(a_waiting_send_is_chosen_when_it_is_received)
{
	struct one o = {.items = {1, 2}, .count = 3};
	int64_t item = 0;

	CHECK_EQ(send_now(b, 0), 1);
	o.cases[0] = to_recv(a, &o.items[2]);
	o.cases[1] = to_send(a, &o.items[0]);
	o.cases[2] = to_send(b, &o.items[1]);
	o.ramet = spawn(select_once, &o);
	let_run(); /* it does not send to itself */
	CHECK(!ramet_ended(o.ramet));
	CHECK_EQ(ramet_chan_recv(b, &item), 1);
	CHECK_EQ(item, 0);
	CHECK_EQ(end(&o), 2);
	CHECK_EQ(ramet_chan_tryrecv(b, &item), 1);
	CHECK_EQ(item, 2);
	CHECK_ERR(ramet_chan_tryrecv(a, &item), EAGAIN);
	free_channels();
}

TEST(two_selects_meet)
{
	struct one o, p = {.items = {11}, .count = 1};

	start(&o);
	let_run();
	p.cases[0] = to_send(a, &p.items[0]);
	p.ramet = spawn(select_once, &p);
	CHECK_EQ(end(&p), 0);
	CHECK_EQ(end(&o), 0);
	CHECK_EQ(o.items[0], 11);
	CHECK(p.cases[0].result == 1 && o.cases[0].result == 1);
	free_channels();
}

TEST(the_same_channel_may_be_listed_twice)
{
	struct one o;

	start(&o);
	o.cases[1] = to_recv(a, &o.items[1]);
	let_run();
	CHECK_EQ(send_now(a, 1), 1);
	CHECK_ERR(send_now(a, 2), EAGAIN);
	CHECK_EQ(end(&o), 0);
	CHECK_EQ(o.items[0], 1);
	CHECK_ERR(send_now(a, 2), EAGAIN);
	free_channels();
}

TEST(closing_a_channel_is_a_choice)
{
	struct one o;

	start(&o);
	let_run();
	CHECK_EQ(ramet_chan_close(b), 0);
	CHECK_EQ(end(&o), 1);
	CHECK_EQ(o.cases[1].result, 0);
	free_channels();
}

TEST(freeing_a_channel_is_a_choice)
{
	struct one o, p;

	start(&o);
	start(&p);
	let_run();
	CHECK_EQ(send_now(b, 1), 1); /* o's, which has not run */
	ramet_chan_free(a);
	CHECK_EQ(end(&o), 1);
	CHECK_EQ(end(&p), 0);
	CHECK_EQ(p.cases[0].result, -1);
	CHECK_EQ(p.error, EPIPE);
	CHECK_EQ(send_now(b, 2), 1);
	CHECK_EQ(ramet_chan_count(b), 1);
	ramet_chan_free(b);
}

TEST(a_ramets_end_is_a_choice_and_it_is_still_to_be_joined)
{
	struct ramet *t = spawn(sleep_for, (void *)(intptr_t)RAMET_MS);
	struct ramet *u = spawn(sleep_for, (void *)(intptr_t)HOUR);
	struct ramet_case cases[] = {to_join(u), to_join(t), to_join(t)};
	void *value;

	CHECK_EQ(ramet_select(cases, 3), 1);
	CHECK_EQ(ramet_select(cases, 3), 1);
	CHECK(ramet_ended(t) && !ramet_ended(u));
	CHECK_EQ(ramet_join(t, &value), 0);
	CHECK_EQ((intptr_t)value, RAMET_MS);
	CHECK_EQ(ramet_cancel(u), 0);
	CHECK_EQ(ramet_select(cases, 1), 0);
	CHECK_EQ(ramet_join(u, NULL), 0);
	free_channels();
}

TEST(a_ramet_has_one_joiner)
{
	struct ramet *t = spawn(sleep_for, (void *)(intptr_t)HOUR);
	struct one o = {.count = 1, .cases = {to_join(t)}};
	struct ramet_case mine = to_join(t);

	o.ramet = spawn(select_once, &o);
	let_run();
	CHECK_ERR(ramet_select(&mine, 1), EINVAL);
	CHECK_ERR(ramet_join(t, NULL), EINVAL);
	CHECK_EQ(ramet_cancel(o.ramet), 0);
	CHECK_ERR(end(&o), ECANCELED);
	CHECK_EQ(ramet_cancel(t), 0);
	CHECK_EQ(ramet_join(t, NULL), 0);
	free_channels();
}

TEST(an_end_in_the_turn_of_an_item_is_no_second_choice)
{
	struct ramet *t = spawn(sleep_for, (void *)(intptr_t)HOUR);
	struct one o = {.count = 2};

	o.cases[0] = to_join(t);
	o.cases[1] = to_recv(a, &o.items[1]);
	o.ramet = spawn(select_once, &o);
	let_run();
	CHECK_EQ(ramet_cancel(t), 0); /* runs before o does */
	CHECK_EQ(send_now(a, 3), 1);
	CHECK_EQ(end(&o), 1);
	CHECK_EQ(o.items[1], 3);
	CHECK(ramet_ended(t));
	CHECK_EQ(ramet_join(t, NULL), 0);
	free_channels();
}

TEST(a_deadline_is_a_choice)
{
	int64_t item, begin = ramet_now();
	struct ramet_case cases[] = {to_recv(a, &item), at(HOUR),
				     at(5 * RAMET_MS), at(RAMET_NEVER)};

	CHECK_EQ(ramet_select(cases, 4), 2);
	CHECK(ramet_now() - begin >= 5 * RAMET_MS);
	CHECK_EQ(ramet_select(cases, 4), 2);
	cases[0] = at(-1);
	CHECK_EQ(ramet_select(cases, 4), 0);
	free_channels();
}

TEST(a_poll_sees_a_deadline_pass)
{
	struct ramet_case cases[] = {at(3 * RAMET_MS), otherwise};

	while (ramet_select(cases, 2) == 1)
		;
	CHECK(ramet_now() >= cases[0].deadline.ns);
	free_channels();
}

TEST(the_tighter_of_scope_and_deadline_decides)
{
	int64_t item;
	struct ramet_case cases[] = {to_recv(a, &item), at(HOUR)};

	RAMET_WITHIN(5 * RAMET_MS)
		CHECK_ERR(ramet_select(cases, 2), ETIMEDOUT);
	cases[1] = at(5 * RAMET_MS);
	RAMET_WITHIN(HOUR)
		CHECK_EQ(ramet_select(cases, 2), 1);
	RAMET_WITHIN(0) {
		CHECK_ERR(ramet_select(cases, 2), ETIMEDOUT);
		cases[1] = otherwise; /* then it cannot block */
		CHECK_EQ(ramet_select(cases, 2), 1);
	}
	free_channels();
}

TEST(a_cancelled_select_takes_nothing)
{
	struct one o, p;

	start(&o);
	start(&p);
	let_run();
	CHECK_EQ(ramet_cancel(o.ramet), 0);
	CHECK_EQ(send_now(a, 1), 1);
	CHECK_EQ(send_now(b, 2), 1);
	CHECK_ERR(end(&o), ECANCELED);
	CHECK(o.items[0] == -1 && o.items[1] == -1);
	CHECK_EQ(end(&p), 0);
	CHECK_EQ(p.items[0], 1);
	CHECK_EQ(ramet_chan_count(b), 1);
	free_channels();
}

TEST(a_case_done_before_a_cancel_is_done)
{
	struct one o;

	start(&o);
	let_run();
	CHECK_EQ(send_now(a, 1), 1);
	CHECK_EQ(ramet_cancel(o.ramet), 0);
	CHECK_EQ(end(&o), 0);
	CHECK_EQ(o.items[0], 1);
	free_channels();
}

TEST(a_killed_select_leaves_no_trace)
{
	struct one o;

	start(&o);
	for (size_t i = 2; i < 12; i++) /* so many that it allocates */
		o.cases[o.count++] = to_recv(a, &o.items[i]);
	let_run();
	CHECK_EQ(ramet_kill(o.ramet), 0);
	CHECK_ERR(send_now(a, 1), EAGAIN);
	CHECK_ERR(ramet_join(o.ramet, NULL), ECHILD);
	CHECK_ERR(send_now(a, 1), EAGAIN);
	CHECK_EQ(send_now(b, 1), 1);
	CHECK_EQ(ramet_chan_count(b), 1);
	free_channels();
}

TEST(selects_and_receivers_take_turns)
{
	struct one o, p;

	start(&o);
	start(&p);
	let_run();
	CHECK_EQ(send_now(a, 1), 1);
	CHECK_EQ(send_now(a, 2), 1);
	CHECK_EQ(end(&p), 0);
	CHECK_EQ(end(&o), 0);
	CHECK(o.items[0] == 1 && p.items[0] == 2);
	free_channels();
}

TEST(a_select_that_nobody_can_end_fails)
{
	int64_t item;
	struct ramet_case cases[] = {to_recv(a, &item), to_recv(b, &item)};

	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	CHECK_ERR(ramet_select(cases, 2), EDEADLK);
	CHECK_ERR(send_now(a, 1), EAGAIN);
	free_channels();
}

/* ---- at random ---------------------------------------------------------- */

/* Each of `total` numbers is sent once, over whichever of the channels takes
 * it; receivers select among all, with deadlines and cancels in between. */
enum { CHANS = 10, WORKERS = 40 };

static struct ramet_chan *chans[CHANS];
static int next_item, total, times_seen[4000];

static void fill(struct ramet_case *cases, enum ramet_select_op op,
		 int64_t *item)
{
	uint32_t first = test_rand(CHANS), step = test_rand(2) ? 1 : 3;

	for (uint32_t i = 0; i < CHANS; i++)
		cases[i] = (struct ramet_case){
			.op = test_rand(4) ? op : RAMET_SELECT_NOTHING,
			.chan = chans[(first + i * step) % CHANS],
			.item = item};
	cases[CHANS] = at(test_rand(50) * RAMET_US);
	cases[CHANS].op = test_rand(3) ? RAMET_SELECT_AT : RAMET_SELECT_DEFAULT;
}

static void *send_at_random(void *arg)
{
	struct ramet_case cases[CHANS + 1];
	int64_t item;

	(void)arg;
	while (next_item < total) {
		int chosen = CHANS;

		item = next_item++;
		while (chosen == CHANS) {
			fill(cases, RAMET_SELECT_SEND, &item);
			chosen = ramet_select(cases, CHANS + 1);
			if (chosen == CHANS)
				ramet_sleep(0);
		}
		if (chosen < 0) { /* cancelled: give it back */
			CHECK_EQ(errno, ECANCELED);
			times_seen[item]++;
			break;
		}
		CHECK_EQ(cases[chosen].result, 1);
	}
	return NULL;
}

static void *recv_at_random(void *arg)
{
	struct ramet_case cases[CHANS + 1];
	int64_t item = -1;
	int chosen;

	(void)arg;
	do {
		fill(cases, RAMET_SELECT_RECV, &item);
		chosen = ramet_select(cases, CHANS + 1);
		if (chosen >= 0 && chosen < CHANS && cases[chosen].result == 1)
			times_seen[item]++;
		if (chosen == CHANS && ramet_sleep(0) < 0)
			break;
	} while (chosen >= 0 && cases[chosen].result >= 0);
	CHECK_EQ(errno, ECANCELED);
	return NULL;
}

static void drain(struct ramet_chan *ch)
{
	for (int64_t item; ramet_chan_tryrecv(ch, &item) == 1;)
		times_seen[item]++;
	ramet_chan_free(ch);
}

static void check_items(void)
{
	struct ramet *t[WORKERS];

	total = test_rounds(4000);
	if (total > 4000)
		total = 4000;
	for (uint32_t i = 0; i < CHANS; i++)
		chans[i] = made(ramet_chan_new(8, test_rand(3)));
	for (int i = 0; i < WORKERS; i++)
		t[i] = spawn(i % 2 ? send_at_random : recv_at_random, NULL);
	while (next_item < total) {
		CHECK_EQ(ramet_yield(), 0);
		if (test_rand(50) == 0) { /* somebody else takes its place */
			int i = (int)test_rand(WORKERS);

			CHECK_EQ(ramet_cancel(t[i]), 0);
			CHECK_EQ(ramet_join(t[i], NULL), 0);
			t[i] = spawn(i % 2 ? send_at_random : recv_at_random,
				     NULL);
		}
	}
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(ramet_cancel(t[i]), 0);
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(ramet_join(t[i], NULL), 0);
	for (int i = 0; i < CHANS; i++)
		drain(chans[i]);
	for (int i = 0; i < total; i++)
		CHECK_EQ(times_seen[i], 1);
}

TEST(every_item_is_taken_once)
{
	check_items();
}

TEST(every_item_is_taken_once_in_any_order)
{
	let_pick(test_rand);
	check_items();
}

/* ---- other loops -------------------------------------------------------- */

static void *from_outside(void *t)
{
	int64_t item = 0;
	struct ramet_case cases[] = {to_recv(b, &item), otherwise};

	CHECK_ERR(ramet_select(cases, 2), EPERM);
	cases[0] = to_join(t);
	CHECK_ERR(ramet_select(cases, 2), EPERM);
	return NULL;
}

TEST(another_loop_is_refused)
{
	struct ramet *t = spawn(sleep_for, NULL);

	run_thread(from_outside, t);
	CHECK_EQ(ramet_join(t, NULL), 0);
	free_channels();
}
