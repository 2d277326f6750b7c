/* Queues of one loop: every item put is got once, in the queue's order, or is
 * still inside. */
#include "core/core.h"
#include "door.h"
#include "ramets.h"
#include "thread.h"

#include <stdlib.h>
#include <string.h>

static struct ramet_queue *queue;

void test_begin(void)
{
	ramet__poller(ramet__loop()); /* the runtime keeps it */
}

static int by_tens(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a / 10, y = *(const int64_t *)b / 10;

	return (x > y) - (x < y);
}

static struct ramet_queue *make(enum ramet_queue_order order, size_t capacity)
{
	struct ramet_queue_opts opts = {.item_size = sizeof(int64_t),
					.capacity = capacity,
					.order = order,
					.compare = by_tens};

	return made(ramet_queue_new(&opts));
}

static int put_now(int64_t item)
{
	return ramet_queue_tryput(queue, &item);
}

static int64_t get_now(void)
{
	int64_t item = -1;

	CHECK_EQ(ramet_queue_tryget(queue, &item), 1);
	return item;
}

static int64_t peek_now(void)
{
	int64_t item = -1;

	CHECK_EQ(ramet_queue_trypeek(queue, &item), 1);
	return item;
}

/* A ramet that does one call. */
struct one {
	struct ramet *ramet;
	int64_t item, within;
	int (*call)(struct one *);
	int result, error;
};

static int put_one(struct one *o)
{
	return ramet_queue_put(queue, &o->item);
}

static int get_one(struct one *o)
{
	return ramet_queue_get(queue, &o->item);
}

static int peek_one(struct one *o)
{
	return ramet_queue_peek(queue, &o->item);
}

static int join_one(struct one *o)
{
	(void)o;
	return ramet_queue_join(queue);
}

static void *call_one(void *arg)
{
	struct one *o = arg;

	RAMET_WITHIN(o->within ? o->within : RAMET_NEVER)
		o->result = o->call(o);
	o->error = errno;
	return NULL;
}

static void start(struct one *o, int (*call)(struct one *), int64_t item)
{
	*o = (struct one){.item = item, .call = call};
	o->ramet = spawn(call_one, o);
}

static int end(struct one *o)
{
	join(o->ramet);
	errno = o->error;
	return o->result;
}

/* ---- order -------------------------------------------------------------- */

TEST(first_in_first_out)
{
	queue = make(RAMET_FIFO, 0);
	for (int64_t i = 0; i < 100; i++)
		CHECK_EQ(put_now(i), 1);
	CHECK_EQ(ramet_queue_count(queue), 100);
	for (int64_t i = 0; i < 100; i++) {
		CHECK_EQ(peek_now(), i);
		CHECK_EQ(get_now(), i);
	}
	CHECK_EQ(ramet_queue_capacity(queue), 0);
	ramet_queue_free(queue);
}

TEST(last_in_first_out)
{
	queue = make(RAMET_LIFO, 0);
	for (int64_t i = 0; i < 100; i++)
		CHECK_EQ(put_now(i), 1);
	for (int64_t i = 100; i--;) {
		CHECK_EQ(peek_now(), i);
		CHECK_EQ(get_now(), i);
	}
	ramet_queue_free(queue);
}

TEST(the_least_first_and_of_equals_the_first_put)
{
	static const int64_t items[] = {31, 12, 39, 11, 30, 25, 13, 2};
	static const int64_t want[] = {2, 12, 11, 13, 25, 31, 39, 30};

	queue = make(RAMET_PRIORITY, 0);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(put_now(items[i]), 1);
	for (int i = 0; i < 8; i++) {
		CHECK_EQ(peek_now(), want[i]);
		CHECK_EQ(get_now(), want[i]);
	}
	ramet_queue_free(queue);
}

TEST(items_of_any_size)
{
	static const size_t sizes[] = {0, 1, 7, 8, 16, 100};
	char in[100], out[100];

	for (int i = 0; i < 100; i++)
		in[i] = (char)i;
	for (int order = RAMET_FIFO; order <= RAMET_PRIORITY; order++)
		for (int i = 0; i < 6; i++) {
			struct ramet_queue_opts opts =
				{.item_size = sizes[i],
				 .order = (enum ramet_queue_order)order,
				 .compare = by_tens};

			if (order == RAMET_PRIORITY && sizes[i] < 8)
				continue;
			queue = made(ramet_queue_new(&opts));
			for (int n = 0; n < 40; n++)
				CHECK_EQ(ramet_queue_put(queue, in), 1);
			for (int n = 0; n < 40; n++) {
				memset(out, 0, sizeof out);
				CHECK_EQ(ramet_queue_get(queue, out), 1);
				CHECK_EQ(memcmp(in, out, sizes[i]), 0);
			}
			ramet_queue_free(queue);
		}
}

TEST(bad_options_are_refused)
{
	struct ramet_queue_opts opts = {.item_size = 8,
					.order = RAMET_PRIORITY};

	CHECK_NULL(ramet_queue_new(&opts), EINVAL);
	opts.order = (enum ramet_queue_order)3;
	CHECK_NULL(ramet_queue_new(&opts), EINVAL);
	opts.order = RAMET_FIFO;
	opts.item_size = SIZE_MAX;
	CHECK_NULL(ramet_queue_new(&opts), ENOMEM);
	ramet_queue_free(NULL);
}

/* ---- waiting ------------------------------------------------------------ */

TEST(a_put_waits_for_room_and_a_get_for_an_item)
{
	struct one a, b;

	queue = make(RAMET_FIFO, 1);
	CHECK_EQ(ramet_queue_capacity(queue), 1);
	CHECK_EQ(put_now(1), 1);
	CHECK_ERR(put_now(2), EAGAIN);
	start(&a, put_one, 2);
	let_run();
	CHECK(!ramet_ended(a.ramet));
	CHECK_EQ(get_now(), 1);
	CHECK_EQ(end(&a), 1);
	CHECK_EQ(get_now(), 2);
	CHECK_ERR(ramet_queue_tryget(queue, &b.item), EAGAIN);
	CHECK_ERR(ramet_queue_trypeek(queue, &b.item), EAGAIN);
	start(&b, get_one, 0);
	let_run();
	CHECK_EQ(put_now(3), 1);
	CHECK_EQ(b.item, 3); /* and has not run yet */
	CHECK_EQ(end(&b), 1);
	ramet_queue_free(queue);
}

TEST(who_waits_is_served_in_turn)
{
	struct one p[5], g[5];

	queue = make(RAMET_FIFO, 2);
	CHECK(put_now(0) == 1 && put_now(1) == 1);
	for (int i = 0; i < 5; i++)
		start(&p[i], put_one, i + 2);
	let_run();
	for (int i = 0; i < 7; i++)
		CHECK_EQ(get_now(), i);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(end(&p[i]), 1);
		start(&g[i], get_one, -1);
	}
	let_run();
	for (int i = 0; i < 5; i++)
		CHECK_EQ(put_now(i), 1);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(end(&g[i]), 1);
		CHECK_EQ(g[i].item, i);
	}
	ramet_queue_free(queue);
}

TEST(a_putter_that_waits_keeps_the_queues_order)
{
	struct one p;

	queue = make(RAMET_PRIORITY, 2);
	CHECK(put_now(50) == 1 && put_now(40) == 1);
	start(&p, put_one, 10);
	let_run();
	CHECK_EQ(get_now(), 40);
	CHECK_EQ(get_now(), 10);
	CHECK_EQ(get_now(), 50);
	CHECK_EQ(end(&p), 1);
	ramet_queue_free(queue);
}

TEST(a_peek_sees_what_it_does_not_take)
{
	struct one a, b, g;

	queue = make(RAMET_FIFO, 0);
	start(&a, peek_one, -1);
	start(&g, get_one, -1);
	start(&b, peek_one, -1);
	let_run();
	CHECK_EQ(put_now(5), 1);
	CHECK_EQ(end(&a), 1);
	CHECK_EQ(end(&b), 1);
	CHECK_EQ(end(&g), 1);
	CHECK(a.item == 5 && b.item == 5 && g.item == 5);
	CHECK_EQ(ramet_queue_count(queue), 0);
	CHECK_EQ(put_now(6), 1);
	CHECK_EQ(ramet_queue_peek(queue, &a.item), 1);
	CHECK_EQ(a.item, 6);
	CHECK_EQ(ramet_queue_count(queue), 1);
	ramet_queue_free(queue);
}

TEST(waits_end_with_their_scope_and_lose_nothing)
{
	struct one a, b, c;

	queue = make(RAMET_FIFO, 1);
	start(&a, get_one, -1);
	a.within = 2 * RAMET_MS;
	CHECK_ERR(end(&a), ETIMEDOUT);
	CHECK_EQ(put_now(1), 1);
	start(&b, put_one, 2);
	b.within = 2 * RAMET_MS;
	CHECK_ERR(end(&b), ETIMEDOUT);
	start(&b, put_one, 3);
	start(&c, put_one, 4);
	let_run();
	CHECK_EQ(ramet_cancel(b.ramet), 0);
	CHECK_EQ(get_now(), 1); /* b is still queued */
	CHECK_ERR(end(&b), ECANCELED);
	CHECK_EQ(end(&c), 1);
	CHECK_EQ(get_now(), 4);
	CHECK_EQ(ramet_queue_count(queue), 0);
	ramet_queue_free(queue);
}

TEST(what_was_handed_over_before_a_cancel_is_got)
{
	struct one a;

	queue = make(RAMET_FIFO, 1);
	start(&a, get_one, -1);
	let_run();
	CHECK_EQ(put_now(1), 1);
	CHECK_EQ(ramet_cancel(a.ramet), 0);
	CHECK_EQ(end(&a), 1);
	CHECK_EQ(a.item, 1);
	ramet_queue_free(queue);
}

TEST(an_expired_scope_fails_what_would_not_wait_but_no_try)
{
	int64_t item = 1;

	queue = make(RAMET_FIFO, 0);
	RAMET_WITHIN(0) {
		CHECK_ERR(ramet_queue_put(queue, &item), ETIMEDOUT);
		CHECK_EQ(put_now(1), 1);
		CHECK_ERR(ramet_queue_get(queue, &item), ETIMEDOUT);
		CHECK_ERR(ramet_queue_peek(queue, &item), ETIMEDOUT);
		CHECK_ERR(ramet_queue_join(queue), ETIMEDOUT);
		CHECK_EQ(get_now(), 1);
	}
	ramet_queue_free(queue);
}

TEST(a_get_that_nobody_can_serve_fails)
{
	int64_t item = 1;

	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	queue = make(RAMET_FIFO, 0);
	CHECK_ERR(ramet_queue_get(queue, &item), EDEADLK);
	ramet_queue_free(queue);
}

/* ---- done and join ------------------------------------------------------ */

TEST(join_waits_until_all_is_done)
{
	struct one a, b;

	queue = make(RAMET_FIFO, 0);
	CHECK_EQ(ramet_queue_join(queue), 0);
	CHECK_ERR(ramet_queue_done(queue), EINVAL);
	CHECK(put_now(1) == 1 && put_now(2) == 1);
	start(&a, join_one, 0);
	start(&b, join_one, 0);
	let_run();
	CHECK(get_now() == 1 && get_now() == 2);
	CHECK_EQ(ramet_queue_done(queue), 0);
	let_run();
	CHECK(!ramet_ended(a.ramet));
	CHECK_EQ(ramet_queue_done(queue), 0);
	CHECK_EQ(put_now(3), 1); /* too late for them */
	CHECK_EQ(end(&a), 0);
	CHECK_EQ(end(&b), 0);
	CHECK_EQ(get_now(), 3);
	CHECK_EQ(ramet_queue_done(queue), 0);
	CHECK_ERR(ramet_queue_done(queue), EINVAL);
	ramet_queue_free(queue);
}

TEST(an_item_that_was_handed_over_is_to_be_done_too)
{
	struct one g, p;

	queue = make(RAMET_FIFO, 1);
	start(&g, get_one, 0);
	let_run();
	CHECK_EQ(put_now(1), 1);
	CHECK_EQ(end(&g), 1);
	CHECK_EQ(put_now(2), 1);
	start(&p, put_one, 3);
	let_run();
	CHECK(get_now() == 2 && get_now() == 3);
	CHECK_EQ(end(&p), 1);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ramet_queue_done(queue), 0);
	CHECK_EQ(ramet_queue_join(queue), 0);
	CHECK_ERR(ramet_queue_done(queue), EINVAL);
	ramet_queue_free(queue);
}

/* ---- shutdown ----------------------------------------------------------- */

TEST(a_queue_that_is_shut_down_gives_what_is_inside)
{
	struct one p;
	int64_t item;

	queue = make(RAMET_FIFO, 2);
	CHECK(put_now(1) == 1 && put_now(2) == 1);
	start(&p, put_one, 3);
	let_run();
	CHECK_EQ(ramet_queue_shutdown(queue, 0), 0);
	CHECK_ERR(ramet_queue_shutdown(queue, 0), EPIPE);
	CHECK_ERR(end(&p), EPIPE);
	CHECK_ERR(put_now(4), EPIPE);
	item = 4;
	CHECK_ERR(ramet_queue_put(queue, &item), EPIPE);
	CHECK_EQ(get_now(), 1);
	CHECK_EQ(peek_now(), 2);
	CHECK_EQ(ramet_queue_shutdown(queue, 1), 0); /* after all */
	CHECK_ERR(ramet_queue_shutdown(queue, 1), EPIPE);
	CHECK_EQ(ramet_queue_tryget(queue, &item), 0);
	CHECK_EQ(ramet_queue_get(queue, &item), 0);
	CHECK_EQ(ramet_queue_peek(queue, &item), 0);
	ramet_queue_free(queue);
}

TEST(shutdown_ends_all_waits)
{
	struct one g, k, j;

	queue = make(RAMET_FIFO, 2);
	start(&g, get_one, 7);
	start(&k, peek_one, 7);
	let_run();
	CHECK_EQ(ramet_queue_shutdown(queue, 0), 0);
	CHECK_EQ(end(&g), 0);
	CHECK_EQ(end(&k), 0);
	CHECK(g.item == 7 && k.item == 7);
	ramet_queue_free(queue);

	queue = make(RAMET_FIFO, 2);
	CHECK(put_now(1) == 1 && put_now(2) == 1);
	start(&j, join_one, 0);
	let_run();
	CHECK_EQ(get_now(), 1);
	CHECK_EQ(ramet_queue_shutdown(queue, 1), 0);
	let_run();
	CHECK(!ramet_ended(j.ramet)); /* one was got, and is not done */
	CHECK_EQ(ramet_queue_done(queue), 0);
	CHECK_EQ(end(&j), 0);
	CHECK_EQ(ramet_queue_count(queue), 0);
	ramet_queue_free(queue);
}

TEST(freeing_ends_all_waits_and_nobody_looks_at_it_again)
{
	struct one w[4];

	queue = make(RAMET_FIFO, 1);
	start(&w[0], get_one, 0);
	start(&w[1], peek_one, 0);
	let_run();
	ramet_queue_free(queue);
	CHECK_ERR(end(&w[0]), EPIPE);
	CHECK_ERR(end(&w[1]), EPIPE);
	queue = make(RAMET_FIFO, 1);
	CHECK_EQ(put_now(1), 1);
	start(&w[2], put_one, 0);
	start(&w[3], join_one, 0);
	let_run();
	ramet_queue_free(queue);
	CHECK_ERR(end(&w[2]), EPIPE);
	CHECK_ERR(end(&w[3]), EPIPE);
}

/* ---- memory ------------------------------------------------------------- */

static void *much; /* what was allocated last, if it was much */
static void *(*real_alloc)(size_t size);
static void (*real_free)(void *mem);

static void *note_alloc(size_t size)
{
	void *mem = real_alloc(size);

	if (size > 65536)
		much = mem;
	return mem;
}

static void note_free(void *mem)
{
	if (mem == much)
		much = NULL;
	real_free(mem);
}

TEST(a_burst_gives_its_memory_back)
{
	real_alloc = own_kernel()->alloc;
	real_free = own_kernel()->free;
	own_kernel()->alloc = note_alloc;
	own_kernel()->free = note_free;
	for (int order = RAMET_FIFO; order <= RAMET_PRIORITY; order++) {
		queue = make((enum ramet_queue_order)order, 0);
		for (int round = 0; round < 3; round++) {
			for (int64_t i = 0; i < 20000; i++)
				CHECK_EQ(put_now(i), 1);
			for (int64_t i = 0; i < 20000; i++) {
				CHECK(much);
				get_now();
			}
			CHECK(!much);
			CHECK_EQ(put_now(1), 1);
			CHECK(!much);
			CHECK_EQ(get_now(), 1);
		}
		CHECK_EQ(put_now(1), 1);
		CHECK_EQ(ramet_queue_shutdown(queue, 1), 0);
		ramet_queue_free(queue);
	}
}

/* ---- at random ---------------------------------------------------------- */

/* What get would take, in a model that is an array in the order of puts. */
static int choose(enum ramet_queue_order order, const int64_t *model, int n)
{
	int best = 0;

	if (order == RAMET_LIFO)
		return n - 1;
	for (int i = 1; order == RAMET_PRIORITY && i < n; i++)
		if (by_tens(&model[i], &model[best]) < 0)
			best = i;
	return best;
}

static int64_t take(int64_t *model, int *n, int i)
{
	int64_t item = model[i];

	memmove(&model[i], &model[i + 1], sizeof *model * (size_t)(--*n - i));
	return item;
}

TEST(a_queue_is_what_an_array_is)
{
	for (int round = test_rounds(200); round; round--) {
		enum ramet_queue_order order =
			(enum ramet_queue_order)test_rand(3);
		size_t capacity = test_rand(40);
		int64_t model[1001], item;
		int n = 0, puts = 2 + (int)test_rand(3);

		queue = make(order, capacity);
		for (int step = 0; step < 1000; step++) {
			item = test_rand(200);
			if (test_rand(4) < (uint32_t)puts / 2 + 1 &&
			    (!capacity || n < (int)capacity)) {
				CHECK_EQ(put_now(item), 1);
				model[n++] = item;
			} else if (n) {
				int next = choose(order, model, n);

				CHECK_EQ(peek_now(), model[next]);
				CHECK_EQ(get_now(), take(model, &n, next));
			} else {
				CHECK_ERR(ramet_queue_tryget(queue, &item),
					  EAGAIN);
			}
			CHECK_EQ(ramet_queue_count(queue), n);
		}
		ramet_queue_free(queue);
	}
}

/* Ramets that wait, are cancelled or run out of time: what was put and not
 * refused was got once. */
enum { OPS = 60 };

static struct one ops[OPS];
static int64_t received[OPS];
static int received_count;

static int get_and_note(struct one *o)
{
	int r = ramet_queue_get(queue, &o->item);

	if (r == 1)
		received[received_count++] = o->item;
	return r;
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

static void check_received(const bool is_putter[OPS])
{
	int put = 0, next = 0;

	for (int64_t left; ramet_queue_tryget(queue, &left) == 1;)
		received[received_count++] = left;
	qsort(received, (size_t)received_count, sizeof *received, compare);
	for (int i = 0; i < OPS; i++)
		if (is_putter[i] && ops[i].result == 1) {
			CHECK_EQ(received[next++], i);
			put++;
		}
	CHECK_EQ(put, received_count);
}

static void check_ops(void)
{
	for (int round = test_rounds(300); round; round--) {
		bool is_putter[OPS];

		queue = make((enum ramet_queue_order)test_rand(3),
			     1 + test_rand(4));
		received_count = 0;
		for (int i = 0; i < OPS; i++) {
			is_putter[i] = test_rand(2);
			start(&ops[i], is_putter[i] ? put_one : get_and_note,
			      i);
			if (test_rand(4) == 0)
				ops[i].within = test_rand(30) * RAMET_US;
			disturb(&ops[test_rand((uint32_t)i + 1)]);
		}
		let_run();
		CHECK_EQ(ramet_queue_shutdown(queue, 0), 0);
		for (int i = 0; i < OPS; i++)
			join(ops[i].ramet);
		check_received(is_putter);
		ramet_queue_free(queue);
	}
}

TEST(every_item_is_got_once_or_refused)
{
	check_ops();
}

TEST(every_item_is_got_once_or_refused_in_any_order)
{
	let_pick(test_rand);
	check_ops();
}

/* ---- other loops -------------------------------------------------------- */

static void *from_outside(void *unused)
{
	int64_t item = 0;

	(void)unused;
	CHECK_ERR(ramet_queue_put(queue, &item), EPERM);
	CHECK_ERR(ramet_queue_get(queue, &item), EPERM);
	CHECK_ERR(ramet_queue_tryput(queue, &item), EPERM);
	CHECK_ERR(ramet_queue_tryget(queue, &item), EPERM);
	CHECK_ERR(ramet_queue_peek(queue, &item), EPERM);
	CHECK_ERR(ramet_queue_join(queue), EPERM);
	CHECK_ERR(ramet_queue_done(queue), EPERM);
	CHECK_ERR(ramet_queue_shutdown(queue, 1), EPERM);
	return NULL;
}

TEST(another_loop_is_refused)
{
	queue = make(RAMET_FIFO, 1);
	CHECK_EQ(put_now(1), 1);
	run_thread(from_outside, NULL);
	CHECK_EQ(ramet_queue_count(queue), 1);
	ramet_queue_free(queue);
}
