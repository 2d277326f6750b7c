/* Shared queues: ramets of several loops, and OS threads without one, put and
 * get, and every item is got once. */
#include "core/core.h"
#include "door.h"
#include "ramets.h"
#include "thread.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct ramet_queue *queue;

void test_begin(void)
{
	ramet__poller(ramet__loop()); /* the runtime keeps it */
}

static void nap(long ms)
{
	struct timespec ts = {0, ms * 1000000};

	nanosleep(&ts, NULL); /* libc's: the OS thread's */
}

static struct ramet_queue *make(size_t capacity)
{
	struct ramet_queue_opts opts = {.item_size = sizeof(int64_t),
					.capacity = capacity,
					.shared = 1};

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

static int put(int64_t item)
{
	return ramet_queue_put(queue, &item);
}

static int64_t get(void)
{
	int64_t item = -1;

	CHECK_EQ(ramet_queue_get(queue, &item), 1);
	return item;
}

/* A ramet that gets or puts one. */
struct one {
	struct ramet *ramet;
	int64_t item, within;
	bool puts;
	int result, error;
};

static void *call_one(void *arg)
{
	struct one *o = arg;

	RAMET_WITHIN(o->within ? o->within : RAMET_NEVER)
		o->result = o->puts ? ramet_queue_put(queue, &o->item)
				    : ramet_queue_get(queue, &o->item);
	o->error = errno;
	return NULL;
}

static void start(struct one *o, bool puts, int64_t item)
{
	*o = (struct one){.item = item, .puts = puts};
	o->ramet = spawn(call_one, o);
}

static int end(struct one *o)
{
	join(o->ramet);
	errno = o->error;
	return o->result;
}

/* ---- one loop ----------------------------------------------------------- */

TEST(in_one_loop_it_is_a_queue)
{
	struct one a, b;

	queue = make(1);
	start(&a, false, -1);
	start(&b, false, -1);
	let_run();
	CHECK(put_now(1) == 1 && put_now(2) == 1);
	CHECK(end(&a) == 1 && end(&b) == 1);
	CHECK(a.item == 1 && b.item == 2);
	CHECK_EQ(put_now(3), 1);
	CHECK_ERR(put_now(4), EAGAIN);
	start(&a, true, 4);
	start(&b, true, 5);
	let_run();
	CHECK_EQ(get_now(), 3);
	CHECK_EQ(get_now(), 4);
	CHECK_EQ(get_now(), 5);
	CHECK(end(&a) == 1 && end(&b) == 1);
	CHECK_EQ(ramet_queue_count(queue), 0);
	CHECK_ERR(ramet_queue_tryget(queue, &a.item), EAGAIN);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(ramet_queue_done(queue), 0);
	CHECK_EQ(ramet_queue_join(queue), 0);
	ramet_queue_free(queue);
}

TEST(a_wait_that_ends_loses_nothing)
{
	struct one a, b;

	queue = make(1);
	start(&a, false, -1);
	a.within = 2 * RAMET_MS;
	CHECK_ERR(end(&a), ETIMEDOUT);
	start(&a, false, -1);
	start(&b, false, -1);
	let_run();
	CHECK_EQ(ramet_cancel(a.ramet), 0);
	CHECK_EQ(put_now(1), 1);
	CHECK_EQ(ramet_cancel(b.ramet), 0); /* too late */
	CHECK_ERR(end(&a), ECANCELED);
	CHECK_EQ(end(&b), 1);
	CHECK_EQ(b.item, 1);
	start(&a, false, -1);
	let_run();
	CHECK_EQ(ramet_kill(a.ramet), 0);
	CHECK_EQ(put_now(2), 1);
	CHECK_ERR(ramet_join(a.ramet, NULL), ECHILD);
	CHECK_EQ(get_now(), 2);
	ramet_queue_free(queue);
}

TEST(a_get_that_nobody_can_serve_fails)
{
	int64_t item;

	if (TEST_TSAN)
		test_skip("it has an OS thread, which might");
	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	queue = make(1);
	CHECK_ERR(ramet_queue_get(queue, &item), EDEADLK);
	ramet_queue_free(queue);
}

TEST(shutdown_ends_all_waits)
{
	struct one a, b;

	queue = make(1);
	start(&a, false, 7);
	let_run();
	CHECK_EQ(ramet_queue_shutdown(queue, 0), 0);
	CHECK_EQ(end(&a), 0);
	CHECK_ERR(ramet_queue_shutdown(queue, 1), EPIPE);
	ramet_queue_free(queue);
	queue = make(1);
	CHECK_EQ(put_now(1), 1);
	start(&b, true, 2);
	let_run();
	CHECK_EQ(ramet_queue_shutdown(queue, 1), 0);
	CHECK_ERR(end(&b), EPIPE);
	CHECK_EQ(ramet_queue_join(queue), 0);
	ramet_queue_free(queue);
}

/* ---- OS threads --------------------------------------------------------- */

static struct ramet_queue *answers;

static void *answer(void *unused)
{
	(void)unused;
	for (int i = 0; i < 100; i++) {
		int64_t item = get() + 1;

		CHECK_EQ(ramet_queue_put(answers, &item), 1);
	}
	CHECK(!ramet__this_loop); /* it needs none */
	return NULL;
}

TEST(an_os_thread_without_loop_gets_and_puts)
{
	pthread_t t;

	queue = make(1);
	answers = make(1);
	t = start_thread(answer, NULL);
	for (int64_t i = 0, item; i < 100; i++) {
		CHECK_EQ(put(i), 1);
		CHECK_EQ(ramet_queue_get(answers, &item), 1);
		CHECK_EQ(item, i + 1);
	}
	join_thread(t);
	ramet_queue_free(queue);
	ramet_queue_free(answers);
}

static void *put_late(void *unused)
{
	(void)unused;
	nap(5);
	CHECK_EQ(put(1), 1);
	nap(5);
	CHECK_EQ(ramet_queue_done(queue), 0);
	nap(5);
	CHECK_EQ(ramet_queue_shutdown(queue, 0), 0);
	return NULL;
}

TEST(what_an_os_thread_does_wakes_a_loop_that_sleeps)
{
	pthread_t t;
	int64_t item;

	queue = make(0);
	t = start_thread(put_late, NULL);
	CHECK_EQ(ramet_queue_peek(queue, &item), 1);
	CHECK_EQ(get(), 1);
	CHECK_EQ(ramet_queue_join(queue), 0);
	CHECK_EQ(ramet_queue_get(queue, &item), 0);
	join_thread(t);
	ramet_queue_free(queue);
}

static void *put_five(void *unused)
{
	(void)unused;
	CHECK_EQ(put_now(5), 1);
	return NULL;
}

static void *get_four(void *unused)
{
	(void)unused;
	CHECK_EQ(get_now(), 4);
	return NULL;
}

/* It is cancelled, but has not run: the other thread cannot know. */
TEST(what_another_thread_passes_to_a_cancelled_wait_is_passed)
{
	struct one a;

	queue = make(1);
	start(&a, false, -1);
	let_run();
	CHECK_EQ(ramet_cancel(a.ramet), 0);
	run_thread(put_five, NULL);
	CHECK_EQ(ramet_queue_count(queue), 0);
	CHECK_EQ(end(&a), 1);
	CHECK_EQ(a.item, 5);
	CHECK_EQ(put_now(4), 1);
	start(&a, true, 6);
	let_run();
	CHECK_EQ(ramet_cancel(a.ramet), 0);
	run_thread(get_four, NULL);
	CHECK_EQ(end(&a), 1);
	CHECK_EQ(get_now(), 6);
	ramet_queue_free(queue);
}

/* ---- many --------------------------------------------------------------- */

enum { THREADS = 4, EACH = 3000 };

static int seen[THREADS / 2 * EACH]; /* atomic */
static int per_thread, with_ramets;

static void put_from(int thread)
{
	for (int i = 0; i < per_thread; i++) {
		int64_t item = thread * EACH + i;
		int r = -1;

		do
			if (ramet__this_loop)
				RAMET_WITHIN(50 * RAMET_US)
					r = ramet_queue_put(queue, &item);
			else
				r = ramet_queue_put(queue, &item);
		while (r < 0 && errno == ETIMEDOUT);
		CHECK_EQ(r, 1);
	}
}

static void *put_as_ramet(void *thread)
{
	put_from((int)(intptr_t)thread);
	return NULL;
}

static void *put_all(void *arg)
{
	int thread = (int)(intptr_t)arg;

	if (with_ramets && thread % 2)
		join(spawn(put_as_ramet, arg));
	else
		put_from(thread);
	return NULL;
}

static void *get_all(void *loop)
{
	int64_t item;
	int r;

	do {
		r = 0;
		if (loop)
			RAMET_WITHIN(50 * RAMET_US)
				r = ramet_queue_get(queue, &item);
		else
			r = ramet_queue_get(queue, &item);
		if (r == 1)
			__atomic_add_fetch(&seen[item], 1, __ATOMIC_RELAXED);
	} while (r == 1 || (r < 0 && errno == ETIMEDOUT));
	CHECK_EQ(r, 0);
	return NULL;
}

static void *get_as_ramets(void *loop)
{
	struct ramet *t[5];

	for (int i = 0; i < 5; i++)
		t[i] = spawn(get_all, loop);
	for (int i = 0; i < 5; i++)
		join(t[i]);
	return NULL;
}

static void check_threads(size_t capacity, bool loops)
{
	pthread_t putters[THREADS / 2], getters[THREADS / 2];

	queue = make(capacity);
	with_ramets = loops;
	memset(seen, 0, sizeof seen);
	for (intptr_t i = 0; i < THREADS / 2; i++)
		getters[i] = start_thread(loops && i ? get_as_ramets : get_all,
					  loops && i ? queue : NULL);
	for (intptr_t i = 0; i < THREADS / 2; i++)
		putters[i] = start_thread(put_all, (void *)i);
	for (int i = 0; i < THREADS / 2; i++)
		join_thread(putters[i]);
	CHECK_EQ(ramet_queue_shutdown(queue, 0), 0);
	for (int i = 0; i < THREADS / 2; i++)
		join_thread(getters[i]);
	for (int i = 0; i < THREADS / 2; i++)
		for (int n = 0; n < per_thread; n++)
			CHECK_EQ(seen[i * EACH + n], 1);
	ramet_queue_free(queue);
}

TEST(os_threads_pass_every_item_once)
{
	per_thread = test_slow() ? EACH / 10 : EACH;
	check_threads(1, false);
	check_threads(30, false);
	check_threads(0, false);
}

TEST(loops_and_os_threads_pass_every_item_once_though_waits_expire)
{
	per_thread = test_slow() ? EACH / 10 : EACH;
	check_threads(1, true);
	check_threads(30, true);
	check_threads(0, true);
}

static void *put_in_order(void *unused)
{
	(void)unused;
	for (int i = 0; i < 5000; i++)
		CHECK_EQ(put(i), 1);
	return NULL;
}

TEST(one_putter_and_one_getter_keep_the_order)
{
	pthread_t t;

	queue = make(16);
	t = start_thread(put_in_order, NULL);
	for (int i = 0; i < 5000; i++)
		CHECK_EQ(get(), i);
	join_thread(t);
	ramet_queue_free(queue);
}

/* ---- ends --------------------------------------------------------------- */

static void *leave_waiting(void *unused)
{
	static struct one o[3];

	(void)unused;
	for (int i = 0; i < 3; i++)
		start(&o[i], false, -1);
	let_run();
	return NULL; /* the loop ends, and they with it */
}

TEST(a_loop_that_has_ended_gets_nothing)
{
	struct one a;

	queue = make(0);
	run_thread(leave_waiting, NULL);
	start(&a, false, -1);
	let_run();
	CHECK(put_now(1) == 1 && put_now(2) == 1);
	CHECK_EQ(end(&a), 1);
	CHECK_EQ(a.item, 1);
	CHECK_EQ(get_now(), 2);
	ramet_queue_free(queue);
}

TEST(a_child_inherits_what_is_inside_and_nobody_who_waits)
{
	struct one a;
	int status;
	pid_t child;

	queue = make(0);
	start(&a, false, -1);
	let_run();
	child = fork();
	if (child == 0) {
		CHECK(put_now(4) == 1 && put_now(5) == 1);
		CHECK_EQ(get_now(), 4);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(put_now(6), 1);
	CHECK_EQ(end(&a), 1);
	CHECK_EQ(a.item, 6);
	ramet_queue_free(queue);
}

/* ---- at random, in one loop --------------------------------------------- */

enum { OPS = 60 };

static struct one ops[OPS];

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void check_got(void)
{
	int64_t got[OPS], item;
	int count = 0, next = 0;

	for (int i = 0; i < OPS; i++)
		if (!ops[i].puts && ops[i].result == 1)
			got[count++] = ops[i].item;
	while (ramet_queue_tryget(queue, &item) == 1)
		got[count++] = item;
	qsort(got, (size_t)count, sizeof *got, compare);
	for (int i = 0; i < OPS; i++)
		if (ops[i].puts && ops[i].result == 1)
			CHECK_EQ(got[next++], i);
	CHECK_EQ(next, count);
}

TEST(every_item_is_got_once_or_refused_in_any_order)
{
	let_pick(test_rand);
	for (int round = test_rounds(300); round; round--) {
		queue = make(1 + test_rand(4));
		for (int i = 0; i < OPS; i++) {
			start(&ops[i], test_rand(2), i);
			if (test_rand(4) == 0)
				ops[i].within = test_rand(30) * RAMET_US;
			if (test_rand(8) == 0)
				ramet_cancel(
					ops[test_rand((uint32_t)i + 1)].ramet);
			if (test_rand(3) == 0)
				CHECK_EQ(ramet_yield(), 0);
		}
		let_run();
		CHECK_EQ(ramet_queue_shutdown(queue, 0), 0);
		for (int i = 0; i < OPS; i++)
			join(ops[i].ramet);
		check_got();
		ramet_queue_free(queue);
	}
}
