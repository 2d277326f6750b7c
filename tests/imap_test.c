/* A map whose values are taken one after the other. */
#include "door.h"
#include "ramets.h"

static int fetched, begun, ended;

/* 0, 1, 2, ... */
static int count_to(void *end, void **arg)
{
	if (fetched == *(int *)end)
		return 0;
	*arg = (void *)(intptr_t)fetched++;
	return 1;
}

static void *twice(void *arg)
{
	begun++;
	ended++;
	return (void *)(2 * (intptr_t)arg);
}

/* The lower the number the longer it takes, by turns of ten. */
static void *twice_later(void *arg)
{
	begun++;
	CHECK_EQ(ramet_sleep((10 - (intptr_t)arg % 10) * RAMET_MS), 0);
	ended++;
	return (void *)(2 * (intptr_t)arg);
}

static struct ramet_pool *pool;
static struct ramet_imap *imap;

static void *next_value(void)
{
	void *value = NULL;

	CHECK_EQ(ramet_imap_next(imap, &value), 1);
	return value;
}

static void check_end(void)
{
	CHECK_EQ(ramet_imap_next(imap, NULL), 0);
	CHECK_EQ(ramet_imap_next(imap, NULL), 0);
}

static void check_only_main(void)
{
	struct ramet_stats stats;

	CHECK_EQ(ramet_get_stats(&stats), 0);
	CHECK_EQ(stats.live, 1);
}

/* With a pool of its own, in `pool`. */
static void begin(void *(*fn)(void *), int *end, int order, size_t size,
		  size_t ahead)
{
	pool = made(ramet_pool_new(size, NULL));
	imap = made(ramet_imap_new(pool, fn, count_to, end, order, ahead));
}

static void finish(void)
{
	ramet_imap_free(imap);
	ramet_pool_free(pool);
	check_only_main();
}

TEST(values_come_in_the_order_of_the_arguments)
{
	int end = 40;

	begin(twice_later, &end, RAMET_ORDERED, 5, 0);
	for (intptr_t i = 0; i < 40; i++)
		CHECK_EQ((intptr_t)next_value(), 2 * i);
	check_end();
	finish();
}

TEST(or_in_the_order_of_ending)
{
	int end = 10;

	stop_clock();
	begin(twice_later, &end, RAMET_UNORDERED, 10, 0);
	for (intptr_t i = 9; i >= 0; i--)
		CHECK_EQ((intptr_t)next_value(), 2 * i);
	check_end();
	finish();
}

TEST(each_value_comes_once_whatever_the_sizes)
{
	for (size_t size = 0; size < 5; size++)
		for (size_t ahead = !size; ahead < 7; ahead += 2)
			for (int order = 0; order < 2; order++) {
				int end = 30;
				intptr_t sum = 0;

				fetched = 0;
				begin(order ? twice_later : twice, &end, order,
				      size, ahead);
				for (int i = 0; i < 30; i++)
					sum += (intptr_t)next_value();
				CHECK_EQ(sum, 29 * 30);
				check_end();
				finish();
			}
}

TEST(no_more_than_ahead_are_under_way_or_wait)
{
	int end = 100;

	begin(twice, &end, RAMET_ORDERED, 2, 7);
	CHECK_EQ(fetched, 0);
	for (int i = 1; i <= 93; i++) {
		next_value();
		CHECK(fetched >= i && fetched < i + 7);
		let_run();
		CHECK_EQ(ended, fetched);
	}
	finish();
}

TEST(a_pool_of_no_bound_needs_a_number_ahead)
{
	pool = made(ramet_pool_new(0, NULL));
	CHECK_NULL(ramet_imap_new(pool, twice, count_to, NULL, RAMET_ORDERED,
				  0),
		   EINVAL);
	CHECK_NULL(ramet_imap_new(pool, twice, count_to, NULL, 2, 1), EINVAL);
	CHECK_NULL(ramet_imap_new(pool, twice, count_to, NULL, RAMET_ORDERED,
				  SIZE_MAX / 2),
		   ENOMEM);
	ramet_imap_free(NULL);
	ramet_pool_free(pool);
}

/* ---- a source that waits ------------------------------------------------ */

static int from_channel(void *chan, void **arg)
{
	return ramet_chan_recv(chan, arg) == 1;
}

static void *send_numbers(void *chan)
{
	for (intptr_t i = 0; i < 20; i++) {
		CHECK_EQ(ramet_chan_send(chan, &i), 1);
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	}
	CHECK_EQ(ramet_chan_close(chan), 0);
	return NULL;
}

TEST(arguments_may_have_to_be_waited_for)
{
	struct ramet_chan *chan = made(ramet_chan_new(sizeof(void *), 0));
	struct ramet *sender = spawn(send_numbers, chan);

	pool = made(ramet_pool_new(2, NULL));
	imap = made(ramet_imap_new(pool, twice, from_channel, chan,
				   RAMET_ORDERED, 20));
	for (intptr_t i = 0; i < 20; i++)
		CHECK_EQ((intptr_t)next_value(), 2 * i);
	check_end();
	join(sender);
	finish();
	ramet_chan_free(chan);
}

TEST(a_wait_for_an_argument_that_is_cut_short_is_not_the_end)
{
	struct ramet_chan *chan = made(ramet_chan_new(sizeof(void *), 0));
	struct ramet *sender;

	pool = made(ramet_pool_new(2, NULL));
	imap = made(ramet_imap_new(pool, twice, from_channel, chan,
				   RAMET_UNORDERED, 1));
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_imap_next(imap, NULL), ETIMEDOUT);
	sender = spawn(send_numbers, chan);
	for (int i = 0; i < 20; i++)
		next_value();
	check_end();
	join(sender);
	finish();
	ramet_chan_free(chan);
}

/* ---- ends --------------------------------------------------------------- */

static void *until_cancelled(void *arg)
{
	begun++;
	CHECK_ERR(ramet_sleep(RAMET_NEVER), ECANCELED);
	RAMET_SHIELD(RAMET_NEVER)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	ended++;
	return arg;
}

TEST(a_wait_for_a_value_that_is_cut_short_loses_none)
{
	int end = 10;

	begin(twice_later, &end, RAMET_ORDERED, 10, 0);
	for (intptr_t i = 0; i < 10; i++) {
		void *value;
		int r = -1;

		while (r < 0)
			RAMET_WITHIN(RAMET_MS)
				r = ramet_imap_next(imap, &value);
		CHECK_EQ((intptr_t)value, 2 * i);
	}
	check_end();
	finish();
}

TEST(leaving_cancels_what_is_under_way_and_waits)
{
	int end = 100;

	stop_clock(); /* they begin before the time is up */
	begin(until_cancelled, &end, RAMET_UNORDERED, 4, 10);
	RAMET_WITHIN(RAMET_MS) {
		CHECK_ERR(ramet_imap_next(imap, NULL), ETIMEDOUT);
		CHECK_EQ(begun, 4);
		CHECK_EQ(fetched, 10);
		errno = EXDEV;
		ramet_imap_free(imap);
		CHECK_EQ(errno, EXDEV);
	}
	CHECK_EQ(begun, 4);
	CHECK_EQ(ended, 4);
	CHECK_EQ(ramet_pool_running(pool), 0);
	ramet_pool_free(pool);
}

static void *killed_if_odd(void *arg)
{
	if ((intptr_t)arg % 2)
		ramet_kill(ramet_self());
	return arg;
}

TEST(who_is_killed_has_failed)
{
	int end = 20;

	begin(killed_if_odd, &end, RAMET_ORDERED, 3, 0);
	for (intptr_t i = 0; i < 20; i++)
		CHECK(next_value() == (i % 2 ? RAMET_FAILED : (void *)i));
	check_end();
	finish();
}

static void *wants_values(void *count)
{
	int refused = 0;

	for (int i = 0; i < 10; i++)
		if (ramet_imap_next(imap, NULL) < 0) {
			CHECK_EQ(errno, EPIPE);
			refused++;
		}
	CHECK_EQ(refused, *(int *)count);
	return NULL;
}

TEST(a_pool_that_is_cancelled_refuses_what_has_not_begun)
{
	for (int order = 0; order < 2; order++) {
		int end = 10, six = 6;
		struct ramet *t;

		fetched = 0;
		begin(until_cancelled, &end, order, 4, 10);
		t = spawn(wants_values, &six);
		let_run();
		ramet_pool_cancel(pool);
		join(t);
		check_end();
		finish();
	}
}

TEST(it_outlives_its_pool)
{
	int end = 100;

	begin(twice, &end, RAMET_ORDERED, 4, 4);
	CHECK_EQ((intptr_t)next_value(), 0);
	let_run();
	ramet_pool_free(pool);
	for (intptr_t i = 1; i < 4; i++)
		CHECK_EQ((intptr_t)next_value(), 2 * i);
	CHECK_ERR(ramet_imap_next(imap, NULL), EPIPE);
	ramet_imap_free(imap);
}

static void free_it(struct ramet *t, void *unused)
{
	(void)t, (void)unused;
	CHECK_ERR(ramet_imap_next(imap, NULL), EDEADLK);
	ramet_imap_free(imap);
	ramet_pool_free(pool);
}

static void *takes_one(void *unused)
{
	CHECK_ERR(ramet_imap_next(imap, NULL), ECANCELED);
	return unused;
}

TEST(a_link_may_free_it)
{
	int end = 100;
	struct ramet *t = spawn(takes_one, NULL);

	begin(until_cancelled, &end, RAMET_ORDERED, 4, 8);
	CHECK_EQ(ramet_link(t, free_it, NULL), 0);
	let_run();
	CHECK_EQ(ramet_cancel(t), 0);
	join(t);
	CHECK_EQ(ramet_sleep(10 * RAMET_MS), 0);
	CHECK_EQ(begun, 4);
	while (ended < 4)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	let_run();
	check_only_main();
}
