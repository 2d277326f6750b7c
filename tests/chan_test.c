/* Channels: every item sent is received once, in order, or still inside. */
#include "door.h"
#include "ramets.h"
#include "thread.h"

#include <stdlib.h>
#include <string.h>

static struct ramet_chan *chan;

/* A ramet that sends or receives one number. */
struct one {
	struct ramet *ramet;
	int64_t item, within;
	int result, error;
};

static void *send_one(void *arg)
{
	struct one *o = arg;

	RAMET_WITHIN(o->within) {
		o->result = ramet_chan_send(chan, &o->item);
		o->error = errno;
	}
	return NULL;
}

static void *recv_one(void *arg)
{
	struct one *o = arg;

	RAMET_WITHIN(o->within) {
		o->result = ramet_chan_recv(chan, &o->item);
		o->error = errno;
	}
	return NULL;
}

static void start(struct one *o, void *(*fn)(void *), int64_t item)
{
	*o = (struct one){.item = item, .within = RAMET_NEVER};
	o->ramet = spawn(fn, o);
}

static int end(struct one *o)
{
	CHECK_EQ(ramet_join(o->ramet, NULL), 0);
	errno = o->error;
	return o->result;
}

static int64_t recv_now(void)
{
	int64_t item = -1;

	CHECK_EQ(ramet_chan_tryrecv(chan, &item), 1);
	return item;
}

static int send_now(int64_t item)
{
	return ramet_chan_trysend(chan, &item);
}

/* ---- items -------------------------------------------------------------- */

TEST(items_come_out_in_the_order_of_sending)
{
	chan = made(ramet_chan_new(8, 3));
	for (int64_t i = 0, out = 0; i < 100; i++) {
		CHECK_EQ(ramet_chan_send(chan, &i), 1);
		if (i % 3 == 1)
			continue;
		while (ramet_chan_count(chan))
			CHECK_EQ(recv_now(), out++);
	}
	ramet_chan_free(chan);
}

TEST(a_full_channel_refuses_and_an_empty_one_too)
{
	int64_t item = 7;

	chan = made(ramet_chan_new(8, 2));
	CHECK_ERR(ramet_chan_tryrecv(chan, &item), EAGAIN);
	CHECK_EQ(send_now(1), 1);
	CHECK_EQ(send_now(2), 1);
	CHECK_ERR(send_now(3), EAGAIN);
	CHECK_EQ(ramet_chan_count(chan), 2);
	CHECK_EQ(recv_now(), 1);
	CHECK_EQ(recv_now(), 2);
	CHECK_ERR(ramet_chan_tryrecv(chan, &item), EAGAIN);
	CHECK_EQ(item, 7);
	ramet_chan_free(chan);
}

TEST(items_may_have_any_size)
{
	for (size_t size = 0; size < 70; size++) {
		unsigned char in[3][70], out[3][70];

		chan = made(ramet_chan_new(size, 2));
		for (size_t i = 0; i < 3; i++) {
			memset(in[i], (int)(size + i), sizeof in[i]);
			memset(out[i], 255, sizeof out[i]);
		}
		for (int round = 0; round < 3; round++) {
			CHECK_EQ(ramet_chan_send(chan, in[0]), 1);
			CHECK_EQ(ramet_chan_send(chan, in[1]), 1);
			CHECK_ERR(ramet_chan_trysend(chan, in[2]), EAGAIN);
			CHECK_EQ(ramet_chan_recv(chan, out[0]), 1);
			CHECK_EQ(ramet_chan_send(chan, in[2]), 1);
			CHECK_EQ(ramet_chan_recv(chan, out[1]), 1);
			CHECK_EQ(ramet_chan_recv(chan, out[2]), 1);
			for (size_t i = 0; i < 3; i++) {
				CHECK(memcmp(in[i], out[i], size) == 0);
				CHECK_EQ(out[i][size], 255);
			}
		}
		ramet_chan_free(chan);
	}
}

TEST(items_of_size_zero_need_no_memory)
{
	chan = made(ramet_chan_new(0, SIZE_MAX));
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(ramet_chan_send(chan, NULL), 1);
	CHECK_EQ(ramet_chan_count(chan), 1000);
	CHECK_EQ(ramet_chan_recv(chan, NULL), 1);
	CHECK_EQ(ramet_chan_count(chan), 999);
	ramet_chan_free(chan);
}

TEST(impossible_sizes_are_refused)
{
	CHECK_NULL(ramet_chan_new(SIZE_MAX, 2), ENOMEM);
	CHECK_NULL(ramet_chan_new(SIZE_MAX, 1), ENOMEM);
	CHECK_NULL(ramet_chan_new(8, SIZE_MAX / 8), ENOMEM);
	ramet_chan_free(NULL);
}

/* ---- waiting ------------------------------------------------------------ */

TEST(without_capacity_a_send_waits_for_its_receiver)
{
	struct one a, b;
	int64_t item;

	chan = made(ramet_chan_new(8, 0));
	CHECK_ERR(send_now(1), EAGAIN);
	start(&a, send_one, 1);
	start(&b, send_one, 2);
	let_run();
	CHECK(!ramet_ended(a.ramet) && !ramet_ended(b.ramet));
	CHECK_EQ(ramet_chan_count(chan), 0);
	CHECK_EQ(ramet_chan_recv(chan, &item), 1);
	CHECK_EQ(item, 1);
	CHECK_EQ(end(&a), 1);
	CHECK(!ramet_ended(b.ramet));
	CHECK_EQ(recv_now(), 2);
	CHECK_EQ(end(&b), 1);
	ramet_chan_free(chan);
}

TEST(a_waiting_receiver_gets_the_item_at_once)
{
	for (size_t capacity = 0; capacity < 3; capacity++) {
		struct one a, b;

		chan = made(ramet_chan_new(8, capacity));
		start(&a, recv_one, 0);
		start(&b, recv_one, 0);
		let_run();
		CHECK_EQ(send_now(1), 1);
		CHECK_EQ(a.item, 1); /* it has not run yet */
		CHECK_EQ(send_now(2), 1);
		CHECK_EQ(ramet_chan_count(chan), 0);
		CHECK_EQ(end(&b), 1);
		CHECK_EQ(end(&a), 1);
		CHECK_EQ(b.item, 2);
		ramet_chan_free(chan);
	}
}

TEST(a_waiting_senders_item_moves_up_when_there_is_room)
{
	struct one a, b;

	chan = made(ramet_chan_new(8, 2));
	CHECK(send_now(1) == 1 && send_now(2) == 1);
	start(&a, send_one, 3);
	start(&b, send_one, 4);
	let_run();
	CHECK_EQ(recv_now(), 1);
	CHECK_EQ(ramet_chan_count(chan), 2);
	CHECK_ERR(send_now(5), EAGAIN); /* nobody overtakes */
	CHECK_EQ(end(&a), 1);
	CHECK(!ramet_ended(b.ramet));
	CHECK_EQ(recv_now(), 2);
	CHECK_EQ(recv_now(), 3);
	CHECK_EQ(recv_now(), 4);
	CHECK_EQ(end(&b), 1);
	ramet_chan_free(chan);
}

TEST(a_cancelled_sender_has_sent_nothing)
{
	for (size_t capacity = 0; capacity < 2; capacity++) {
		struct one a, b;
		int64_t item;

		chan = made(ramet_chan_new(8, capacity));
		if (capacity)
			CHECK_EQ(send_now(0), 1);
		start(&a, send_one, 1);
		start(&b, send_one, 2);
		let_run();
		CHECK_EQ(ramet_cancel(a.ramet), 0);
		for (int64_t i = capacity ? 0 : 2; i < 3; i += 2)
			CHECK_EQ(recv_now(), i); /* a is still queued */
		CHECK_ERR(end(&a), ECANCELED);
		CHECK_EQ(end(&b), 1);
		CHECK_ERR(ramet_chan_tryrecv(chan, &item), EAGAIN);
		ramet_chan_free(chan);
	}
}

TEST(an_item_sent_after_a_cancel_goes_to_the_next_receiver)
{
	struct one a, b;

	chan = made(ramet_chan_new(8, 0));
	start(&a, recv_one, -1);
	start(&b, recv_one, -1);
	let_run();
	CHECK_EQ(ramet_cancel(a.ramet), 0);
	CHECK_EQ(send_now(1), 1);
	CHECK_ERR(send_now(2), EAGAIN);
	CHECK_ERR(end(&a), ECANCELED);
	CHECK_EQ(a.item, -1);
	CHECK_EQ(end(&b), 1);
	CHECK_EQ(b.item, 1);
	ramet_chan_free(chan);
}

TEST(what_was_passed_before_a_cancel_is_passed)
{
	struct one a;

	chan = made(ramet_chan_new(8, 0));
	start(&a, recv_one, -1);
	let_run();
	CHECK_EQ(send_now(1), 1);
	CHECK_EQ(ramet_cancel(a.ramet), 0);
	CHECK_EQ(end(&a), 1);
	CHECK_EQ(a.item, 1);
	start(&a, send_one, 2);
	let_run();
	CHECK_EQ(recv_now(), 2);
	CHECK_EQ(ramet_cancel(a.ramet), 0);
	CHECK_EQ(end(&a), 1);
	ramet_chan_free(chan);
}

TEST(waits_end_with_their_scope)
{
	struct one a, b;

	chan = made(ramet_chan_new(8, 0));
	start(&a, recv_one, 0);
	a.within = 2 * RAMET_MS;
	CHECK_ERR(end(&a), ETIMEDOUT);
	start(&b, send_one, 0);
	b.within = 2 * RAMET_MS;
	CHECK_ERR(end(&b), ETIMEDOUT);
	CHECK_ERR(send_now(1), EAGAIN);
	CHECK_ERR(ramet_chan_tryrecv(chan, &a.item), EAGAIN);
	ramet_chan_free(chan);
}

TEST(an_expired_scope_fails_what_would_not_wait_but_no_try)
{
	int64_t item = 1;

	chan = made(ramet_chan_new(8, 2));
	CHECK_EQ(send_now(1), 1);
	RAMET_WITHIN(0) {
		CHECK_ERR(ramet_chan_send(chan, &item), ETIMEDOUT);
		CHECK_ERR(ramet_chan_recv(chan, &item), ETIMEDOUT);
		CHECK_EQ(send_now(2), 1);
		CHECK_EQ(recv_now(), 1);
		CHECK_EQ(ramet_chan_close(chan), 0);
	}
	CHECK_EQ(ramet_chan_count(chan), 1);
	ramet_chan_free(chan);
}

TEST(a_killed_ramet_has_passed_nothing)
{
	struct one a, b;

	chan = made(ramet_chan_new(8, 0));
	start(&a, send_one, 1);
	start(&b, send_one, 2);
	let_run();
	CHECK_EQ(ramet_kill(a.ramet), 0);
	CHECK_EQ(recv_now(), 2);
	CHECK_ERR(ramet_join(a.ramet, NULL), ECHILD);
	CHECK_EQ(end(&b), 1);
	start(&a, recv_one, 1);
	let_run();
	CHECK_EQ(ramet_kill(a.ramet), 0);
	CHECK_ERR(send_now(3), EAGAIN);
	CHECK_ERR(ramet_join(a.ramet, NULL), ECHILD);
	ramet_chan_free(chan);
}

/* ---- closing ------------------------------------------------------------ */

TEST(a_closed_channel_gives_what_is_left_and_then_ends)
{
	int64_t item = 3;

	chan = made(ramet_chan_new(8, 4));
	CHECK(send_now(1) == 1 && send_now(2) == 1);
	CHECK_EQ(ramet_chan_close(chan), 0);
	CHECK_ERR(ramet_chan_close(chan), EPIPE);
	CHECK_ERR(ramet_chan_send(chan, &item), EPIPE);
	CHECK_ERR(send_now(3), EPIPE);
	CHECK_EQ(ramet_chan_recv(chan, &item), 1);
	CHECK_EQ(item, 1);
	CHECK_EQ(recv_now(), 2);
	CHECK_EQ(ramet_chan_recv(chan, &item), 0);
	CHECK_EQ(ramet_chan_tryrecv(chan, &item), 0);
	CHECK_EQ(ramet_chan_recv(chan, &item), 0);
	ramet_chan_free(chan);
}

TEST(closing_ends_all_waits)
{
	struct one a, b;

	chan = made(ramet_chan_new(8, 0));
	start(&a, recv_one, 7);
	start(&b, recv_one, 7);
	let_run();
	CHECK_EQ(ramet_chan_close(chan), 0);
	CHECK_EQ(end(&a), 0);
	CHECK_EQ(end(&b), 0);
	CHECK(a.item == 7 && b.item == 7);
	ramet_chan_free(chan);

	chan = made(ramet_chan_new(8, 1));
	CHECK_EQ(send_now(1), 1);
	start(&a, send_one, 2);
	start(&b, send_one, 3);
	let_run();
	CHECK_EQ(ramet_chan_close(chan), 0);
	CHECK_ERR(end(&a), EPIPE);
	CHECK_ERR(end(&b), EPIPE);
	CHECK_EQ(recv_now(), 1);
	CHECK_EQ(ramet_chan_tryrecv(chan, &a.item), 0);
	ramet_chan_free(chan);
}

TEST(freeing_ends_all_waits_and_nobody_looks_at_it_again)
{
	for (int sends = 0; sends < 2; sends++) {
		struct one w[4];

		chan = made(ramet_chan_new(8, 0));
		for (int i = 0; i < 4; i++)
			start(&w[i], sends ? send_one : recv_one, 0);
		let_run();
		CHECK_EQ(ramet_cancel(w[1].ramet), 0);
		ramet_chan_free(chan);
		CHECK_EQ(ramet_cancel(w[2].ramet), 0);
		for (int i = 0; i < 4; i++)
			CHECK_ERR(end(&w[i]), i == 1 ? ECANCELED : EPIPE);
	}
}

/* ---- many --------------------------------------------------------------- */

enum { SENDERS = 1000, EACH = 20 };

static void *send_many(void *arg)
{
	int64_t me = (intptr_t)arg;

	for (int64_t i = 0; i < EACH; i++) {
		int64_t item = me * EACH + i;

		CHECK_EQ(ramet_chan_send(chan, &item), 1);
	}
	return NULL;
}

TEST(a_thousand_senders_lose_nothing_and_keep_their_order)
{
	static struct ramet *senders[SENDERS];
	static int64_t seen[SENDERS];

	for (size_t capacity = 0; capacity < 200; capacity += 99) {
		memset(seen, 0, sizeof seen);
		chan = made(ramet_chan_new(8, capacity));
		for (intptr_t i = 0; i < SENDERS; i++)
			senders[i] = spawn(send_many, (void *)i);
		for (int i = 0; i < SENDERS * EACH; i++) {
			int64_t item, *next;

			CHECK_EQ(ramet_chan_recv(chan, &item), 1);
			next = &seen[item / EACH];
			CHECK_EQ(item % EACH, (*next)++);
		}
		CHECK_EQ(ramet_chan_count(chan), 0);
		for (int i = 0; i < SENDERS; i++)
			CHECK_EQ(ramet_join(senders[i], NULL), 0);
		ramet_chan_free(chan);
	}
}

static int sums[4];

static void *recv_many(void *arg)
{
	int64_t item;

	while (ramet_chan_recv(chan, &item) == 1)
		++*(int *)arg;
	return NULL;
}

TEST(receivers_take_turns)
{
	struct ramet *t[4];

	chan = made(ramet_chan_new(8, 0));
	for (int i = 0; i < 4; i++)
		t[i] = spawn(recv_many, &sums[i]);
	for (int64_t i = 0; i < 4000; i++) {
		if (i % 4 == 0)
			CHECK_EQ(ramet_yield(), 0); /* all of them wait now */
		CHECK_EQ(send_now(i), 1);
	}
	CHECK_EQ(ramet_chan_close(chan), 0);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(ramet_join(t[i], NULL), 0);
		CHECK_EQ(sums[i], 1000);
	}
	ramet_chan_free(chan);
}

static void *count_turns(void *turns)
{
	while (ramet_yield() == 0)
		++*(int *)turns;
	return NULL;
}

TEST(a_ramet_that_need_not_wait_does_not_keep_the_loop)
{
	int turns = 0;
	struct ramet *t = spawn(count_turns, &turns);

	chan = made(ramet_chan_new(8, 1));
	for (int64_t i = 0; i < 1000; i++) {
		CHECK_EQ(ramet_chan_send(chan, &i), 1);
		CHECK_EQ(ramet_chan_recv(chan, &i), 1);
	}
	CHECK(turns > 10);
	CHECK_EQ(ramet_cancel(t), 0);
	CHECK_EQ(ramet_join(t, NULL), 0);
	ramet_chan_free(chan);
}

/* The channel against an array: tries must agree with it at each step. */
TEST(a_channel_is_a_queue)
{
	for (int round = test_rounds(200); round; round--) {
		size_t capacity = 1 + test_rand(9), first = 0, count = 0;
		int64_t model[10], next = 0, item;

		chan = made(ramet_chan_new(8, capacity));
		for (int step = 0; step < 200; step++) {
			bool send = test_rand(2);

			if (send && count < capacity) {
				model[(first + count++) % 10] = next;
				CHECK_EQ(send_now(next++), 1);
			} else if (send) {
				CHECK_ERR(send_now(next), EAGAIN);
			} else if (count) {
				CHECK_EQ(recv_now(), model[first]);
				first = (first + 1) % 10;
				count--;
			} else {
				CHECK_ERR(ramet_chan_tryrecv(chan, &item),
					  EAGAIN);
			}
			CHECK_EQ(ramet_chan_count(chan), count);
		}
		ramet_chan_free(chan);
	}
}

/* Ramets that wait, against arrays: what was sent and not refused was received
 * once. */
enum { OPS = 60 };

static struct one ops[OPS];
static int64_t received[OPS];
static int received_count;

static void *recv_and_note(void *arg)
{
	struct one *o = arg;

	recv_one(o);
	if (o->result == 1)
		received[received_count++] = o->item;
	return NULL;
}

static void disturb(struct one *o)
{
	uint32_t what = test_rand(8);

	if (what == 0)
		CHECK_EQ(ramet_cancel(o->ramet), 0);
	else if (what < 4)
		CHECK_EQ(ramet_yield(), 0);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void check_received(bool is_sender[OPS])
{
	int sent = 0, next = 0;

	for (int64_t left; ramet_chan_tryrecv(chan, &left) == 1;)
		received[received_count++] = left;
	qsort(received, (size_t)received_count, sizeof *received, compare);
	for (int i = 0; i < OPS; i++)
		if (is_sender[i] && ops[i].result == 1) {
			CHECK_EQ(received[next++], i);
			sent++;
		}
	CHECK_EQ(sent, received_count);
}

static void check_ops(void)
{
	for (int round = test_rounds(300); round; round--) {
		bool is_sender[OPS];

		chan = made(ramet_chan_new(8, test_rand(4)));
		received_count = 0;
		for (int i = 0; i < OPS; i++) {
			is_sender[i] = test_rand(2);
			start(&ops[i], is_sender[i] ? send_one : recv_and_note,
			      i);
			if (test_rand(4) == 0)
				ops[i].within = test_rand(30) * RAMET_US;
			disturb(&ops[test_rand((uint32_t)i + 1)]);
		}
		let_run();
		CHECK_EQ(ramet_chan_close(chan), 0);
		for (int i = 0; i < OPS; i++)
			CHECK_EQ(ramet_join(ops[i].ramet, NULL), 0);
		check_received(is_sender);
		ramet_chan_free(chan);
	}
}

TEST(every_item_is_received_once_or_refused)
{
	check_ops();
}

TEST(every_item_is_received_once_or_refused_in_any_order)
{
	let_pick(test_rand);
	check_ops();
}

/* ---- other loops -------------------------------------------------------- */

static void *from_outside(void *arg)
{
	int64_t item = 0;

	(void)arg;
	CHECK_ERR(ramet_chan_send(chan, &item), EPERM);
	CHECK_ERR(ramet_chan_recv(chan, &item), EPERM);
	CHECK_ERR(ramet_chan_trysend(chan, &item), EPERM);
	CHECK_ERR(ramet_chan_tryrecv(chan, &item), EPERM);
	CHECK_ERR(ramet_chan_close(chan), EPERM);
	return NULL;
}

TEST(another_loop_is_refused)
{
	chan = made(ramet_chan_new(8, 1));
	run_thread(from_outside, NULL);
	ramet_chan_free(chan);
}
