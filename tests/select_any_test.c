/* Select among all that there is: descriptors, events, futures, queues of one
 * loop and shared ones, with channels, ends and deadlines. */
#include "core/core.h"
#include "door.h"
#include "ramets.h"
#include "thread.h"

#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define HOUR (3600 * RAMET_SEC)

static struct ramet_queue *local, *shared;
static struct ramet_future *future;
static struct ramet_event event;
static struct ramet_chan *chan;

static struct ramet_queue *make(size_t capacity, int is_shared)
{
	struct ramet_queue_opts opts = {.item_size = sizeof(int64_t),
					.capacity = capacity,
					.shared = is_shared};

	return made(ramet_queue_new(&opts));
}

void test_begin(void)
{
	ramet__poller(ramet__loop()); /* the runtime keeps it */
	local = make(1, 0);
	shared = make(1, 1);
	future = made(ramet_future_new());
	chan = made(ramet_chan_new(8, 0));
}

static void free_all(void)
{
	ramet_queue_free(local);
	ramet_queue_free(shared);
	ramet_future_release(future);
	ramet_chan_free(chan);
}

static void nap(long ms)
{
	struct timespec ts = {0, ms * 1000000};

	nanosleep(&ts, NULL); /* libc's: the OS thread's */
}

static struct ramet_case to_put(struct ramet_queue *q, int64_t *item)
{
	return (struct ramet_case){.op = RAMET_SELECT_PUT,
				   .queue = q,
				   .item = item};
}

static struct ramet_case to_get(struct ramet_queue *q, int64_t *item)
{
	return (struct ramet_case){.op = RAMET_SELECT_GET,
				   .queue = q,
				   .item = item};
}

static struct ramet_case to_recv(int64_t *item)
{
	return (struct ramet_case){.op = RAMET_SELECT_RECV,
				   .chan = chan,
				   .item = item};
}

static struct ramet_case settled(void)
{
	return (struct ramet_case){.op = RAMET_SELECT_FUTURE, .future = future};
}

static struct ramet_case on(void)
{
	return (struct ramet_case){.op = RAMET_SELECT_EVENT, .event = &event};
}

static struct ramet_case ready(int fd, short events)
{
	return (struct ramet_case){.op = RAMET_SELECT_FD,
				   .fd = fd,
				   .events = events};
}

static struct ramet_case at(int64_t ns)
{
	return (struct ramet_case){.op = RAMET_SELECT_AT,
				   .deadline = ramet_after(ns)};
}

static const struct ramet_case otherwise = {.op = RAMET_SELECT_DEFAULT};

/* A ramet that selects once among everything. */
enum { FD, EVENT, FUTURE, LOCAL, SHARED, CHAN, LATE, CASES };

struct one {
	struct ramet *ramet;
	struct ramet_case cases[CASES];
	int64_t items[CASES];
	int chosen, error;
};

static int fds[2];

static void *select_once(void *arg)
{
	struct one *o = arg;

	o->chosen = ramet_select(o->cases, CASES);
	o->error = errno;
	return NULL;
}

static void start(struct one *o)
{
	*o = (struct one){
		.cases = {[FD] = ready(fds[0], POLLIN),
			  [EVENT] = on(),
			  [FUTURE] = settled(),
			  [LOCAL] = to_get(local, &o->items[LOCAL]),
			  [SHARED] = to_get(shared, &o->items[SHARED]),
			  [CHAN] = to_recv(&o->items[CHAN]),
			  [LATE] = at(HOUR)}};
	o->ramet = spawn(select_once, o);
}

static int end(struct one *o)
{
	join(o->ramet);
	errno = o->error;
	return o->chosen;
}

static void open_pipe(void)
{
	CHECK_EQ(ramet_pipe(fds, 0), 0);
}

static void close_pipe(void)
{
	CHECK_EQ(ramet_close(fds[0]), 0);
	CHECK_EQ(ramet_close(fds[1]), 0);
}

static int put_now(struct ramet_queue *q, int64_t item)
{
	return ramet_queue_tryput(q, &item);
}

/* ---- now ---------------------------------------------------------------- */

TEST(of_several_the_first_listed_is_done)
{
	int64_t in = 5, out = 0;
	struct ramet_case cases[] = {ready(0, POLLIN), on(), settled(),
				     to_get(local, &out), to_put(shared, &in)};

	open_pipe();
	cases[0].fd = fds[0];
	CHECK_EQ(ramet_select(cases, 5), 4);
	CHECK_EQ(ramet_queue_count(shared), 1);
	CHECK_EQ(put_now(local, 7), 1);
	CHECK_EQ(ramet_future_fail(future, EIO), 0);
	CHECK_EQ(ramet_select(cases, 5), 2);
	CHECK_EQ(cases[2].result, 0);
	ramet_event_set(&event);
	CHECK_EQ(ramet_select(cases, 5), 1);
	CHECK_EQ(ramet_write(fds[1], "x", 1), 1);
	CHECK_EQ(ramet_select(cases, 5), 0);
	CHECK_EQ(cases[0].result, POLLIN);
	CHECK_EQ(ramet_select(&cases[3], 2), 0);
	CHECK_EQ(cases[3].result, 1);
	CHECK_EQ(out, 7);
	close_pipe();
	free_all();
}

TEST(the_default_is_chosen_when_nothing_is_ready)
{
	int64_t out = 0;
	struct ramet_case cases[] = {ready(0, POLLIN),
				     on(),
				     settled(),
				     to_get(local, &out),
				     to_get(shared, &out),
				     otherwise};

	open_pipe();
	cases[0].fd = fds[0];
	CHECK_EQ(ramet_select(cases, 6), 5);
	CHECK_EQ(put_now(shared, 1), 1);
	CHECK_EQ(ramet_select(cases, 6), 4);
	CHECK_EQ(out, 1);
	close_pipe();
	free_all();
}

TEST(a_queue_that_is_shut_down_is_ready)
{
	int64_t item = 0;
	struct ramet_case cases[] = {to_get(shared, &item),
				     to_put(local, &item)};

	CHECK_EQ(ramet_queue_shutdown(shared, 0), 0);
	CHECK_EQ(ramet_select(cases, 2), 0);
	CHECK_EQ(cases[0].result, 0);
	CHECK_EQ(ramet_queue_shutdown(local, 0), 0);
	errno = 0;
	CHECK_EQ(ramet_select(&cases[1], 1), 0);
	CHECK_EQ(cases[1].result, -1);
	CHECK_EQ(errno, EPIPE);
	free_all();
}

TEST(bad_cases_are_refused)
{
	int64_t item;
	struct ramet_case c[] = {to_get(NULL, &item), otherwise};

	CHECK_ERR(ramet_select(c, 2), EINVAL);
	c[0].op = RAMET_SELECT_PUT;
	CHECK_ERR(ramet_select(c, 2), EINVAL);
	c[0].op = RAMET_SELECT_FUTURE;
	CHECK_ERR(ramet_select(c, 2), EINVAL);
	c[0].op = RAMET_SELECT_EVENT;
	CHECK_ERR(ramet_select(c, 2), EINVAL);
	c[0] = ready(-1, POLLIN); /* never, as poll has it */
	CHECK_ERR(ramet_select(c, 1), EINVAL);
	CHECK_EQ(ramet_select(c, 2), 1);
	c[0] = ready(999, POLLIN);
	CHECK_EQ(ramet_select(c, 2), 0);
	CHECK_EQ(c[0].result, POLLNVAL);
	free_all();
}

/* ---- waiting ------------------------------------------------------------ */

static void make_ready(int which)
{
	int64_t item = which;

	if (which == FD)
		CHECK_EQ(ramet_write(fds[1], "x", 1), 1);
	else if (which == EVENT)
		ramet_event_set(&event);
	else if (which == FUTURE)
		CHECK_EQ(ramet_future_set(future, NULL), 0);
	else if (which == LOCAL)
		CHECK_EQ(put_now(local, item), 1);
	else if (which == SHARED)
		CHECK_EQ(put_now(shared, item), 1);
	else
		CHECK_EQ(ramet_chan_trysend(chan, &item), 1);
}

TEST(whichever_comes_first_is_chosen)
{
	for (int which = FD; which <= CHAN; which++) {
		struct one o;

		open_pipe();
		start(&o);
		let_run();
		CHECK(!ramet_ended(o.ramet));
		make_ready(which);
		CHECK_EQ(end(&o), which);
		CHECK_EQ(o.cases[which].result,
			 which == FD ? POLLIN : which >= LOCAL);
		if (which >= LOCAL)
			CHECK_EQ(o.items[which], which);
		CHECK_EQ(ramet_queue_count(local), 0);
		CHECK_EQ(ramet_queue_count(shared), 0);
		ramet_event_clear(&event);
		ramet_future_release(future);
		future = made(ramet_future_new());
		close_pipe();
	}
	free_all();
}

TEST(only_one_of_two_that_come_at_once_is_done)
{
	for (int a = LOCAL; a <= CHAN; a++)
		for (int b = LOCAL; b <= CHAN; b++) {
			int64_t out = -1;
			struct one o;

			if (a == b || b == CHAN)
				continue;
			open_pipe();
			start(&o);
			let_run();
			make_ready(a);
			make_ready(b);
			CHECK_EQ(end(&o), a);
			CHECK_EQ(o.items[a], a);
			CHECK_EQ(o.items[b], 0);
			CHECK_EQ(ramet_queue_tryget(b == LOCAL ? local : shared,
						    &out),
				 1);
			CHECK_EQ(out, b);
			close_pipe();
		}
	free_all();
}

TEST(an_event_that_is_set_and_cleared_at_once_was_on)
{
	struct one o;

	open_pipe();
	start(&o);
	let_run();
	ramet_event_set(&event);
	ramet_event_clear(&event);
	CHECK_EQ(end(&o), EVENT);
	close_pipe();
	free_all();
}

TEST(a_put_waits_for_room)
{
	for (int i = 0; i < 2; i++) {
		struct ramet_queue *q = i ? shared : local;
		struct one o;
		int64_t item = 0;

		open_pipe();
		CHECK_EQ(put_now(q, 1), 1);
		start(&o);
		o.cases[LOCAL] = to_put(q, &o.items[LOCAL]);
		o.cases[SHARED] = otherwise;
		o.cases[SHARED].op = RAMET_SELECT_NOTHING;
		o.items[LOCAL] = 2;
		let_run();
		CHECK_EQ(ramet_queue_get(q, &item), 1);
		CHECK_EQ(item, 1);
		CHECK_EQ(end(&o), LOCAL);
		CHECK_EQ(ramet_queue_get(q, &item), 1);
		CHECK_EQ(item, 2);
		close_pipe();
	}
	free_all();
}

TEST(a_descriptor_that_is_closed_is_said_to_be)
{
	struct one o;
	int again[2];

	open_pipe();
	start(&o);
	let_run();
	close_pipe();
	CHECK_EQ(ramet_pipe(again, 0), 0); /* the number means another */
	CHECK_EQ(ramet_write(again[1], "x", 1), 1);
	CHECK_EQ(end(&o), FD);
	CHECK_EQ(o.cases[FD].result, POLLNVAL);
	fds[0] = again[0];
	fds[1] = again[1];
	close_pipe();
	free_all();
}

static void *read_one(void *arg)
{
	char c;

	CHECK_EQ(ramet_read(fds[0], &c, 1), 1);
	return arg;
}

TEST(who_reads_behind_a_select_is_woken_too)
{
	struct one o;
	struct ramet *t;

	open_pipe();
	start(&o);
	let_run();
	t = spawn(read_one, NULL);
	let_run();
	CHECK_EQ(put_now(local, 1), 1); /* so it is not the descriptor */
	CHECK_EQ(ramet_write(fds[1], "x", 1), 1);
	join(t);
	CHECK_EQ(end(&o), LOCAL);
	close_pipe();
	free_all();
}

TEST(a_select_that_ends_leaves_no_trace)
{
	for (int how = 0; how < 3; how++) {
		struct one o;

		open_pipe();
		start(&o);
		o.cases[LATE] = at(how ? HOUR : RAMET_MS);
		let_run();
		if (how == 1)
			CHECK_EQ(ramet_cancel(o.ramet), 0);
		else if (how == 2)
			CHECK_EQ(ramet_kill(o.ramet), 0);
		if (how == 2)
			CHECK_ERR(ramet_join(o.ramet, NULL), ECHILD);
		else if (how == 1)
			CHECK_ERR(end(&o), ECANCELED);
		else
			CHECK_EQ(end(&o), LATE);
		CHECK(put_now(local, 1) == 1 && put_now(shared, 2) == 1);
		CHECK_EQ(ramet_queue_tryget(local, &o.items[0]), 1);
		CHECK_EQ(ramet_queue_tryget(shared, &o.items[1]), 1);
		CHECK(o.items[0] == 1 && o.items[1] == 2);
		close_pipe();
	}
	CHECK_EQ(ramet_future_set(future, NULL), 0);
	ramet_event_set(&event);
	free_all();
}

TEST(many_cases)
{
	static struct ramet_case cases[256];
	int64_t item = 0;

	open_pipe();
	for (int i = 0; i < 255; i++)
		cases[i] =
			i % 2 ? to_get(shared, &item) : ready(fds[0], POLLIN);
	cases[255] = at(RAMET_MS);
	CHECK_EQ(ramet_select(cases, 256), 255);
	CHECK_EQ(put_now(shared, 1), 1);
	CHECK_EQ(ramet_select(cases, 256), 1);
	close_pipe();
	free_all();
}

/* ---- other OS threads --------------------------------------------------- */

static void *make_ready_late(void *which)
{
	nap(5);
	make_ready((int)(intptr_t)which);
	return NULL;
}

TEST(another_os_thread_completes_it)
{
	static const int which[] = {FUTURE, SHARED};

	for (int i = 0; i < 2; i++) {
		struct one o;
		pthread_t t;

		open_pipe();
		t = start_thread(make_ready_late, (void *)(intptr_t)which[i]);
		start(&o);
		o.cases[LATE].op = RAMET_SELECT_NOTHING; /* time may jump */
		CHECK_EQ(end(&o), which[i]);
		join_thread(t);
		ramet_future_release(future);
		future = made(ramet_future_new());
		close_pipe();
	}
	free_all();
}

/* It has been woken, but has not run: the other thread cannot know. */
TEST(what_another_thread_completes_first_is_done)
{
	for (int how = 0; how < 2; how++) {
		struct one o;

		open_pipe();
		start(&o);
		let_run();
		if (how == 0)
			CHECK_EQ(ramet_cancel(o.ramet), 0);
		else
			ramet_event_set(&event);
		run_thread(make_ready_late, (void *)(intptr_t)SHARED);
		CHECK_EQ(ramet_queue_count(shared), 0);
		CHECK_EQ(put_now(local, 1), 1); /* not to it any more */
		CHECK_EQ(ramet_queue_count(local), 1);
		CHECK_EQ(end(&o), SHARED);
		CHECK_EQ(o.items[SHARED], SHARED);
		CHECK_EQ(ramet_queue_tryget(local, &o.items[0]), 1);
		close_pipe();
	}
	free_all();
}

enum { ITEMS = 6000 };

static int seen[3 * ITEMS], per_source; /* atomic */

static void put_row(struct ramet_queue *q, int64_t first)
{
	for (int64_t i = first; i < first + per_source; i++)
		CHECK_EQ(ramet_queue_put(q, &i), 1);
}

static void *put_shared(void *first)
{
	put_row(shared, (intptr_t)first);
	return NULL;
}

static void *put_local(void *first)
{
	put_row(local, (intptr_t)first);
	return NULL;
}

/* Two shared queues that other threads fill, a local one, and limits. */
static void *get_any(void *other)
{
	int64_t item = -1;
	int i;

	do {
		struct ramet_case cases[] = {to_get(local, &item),
					     to_get(shared, &item),
					     to_get(other, &item),
					     at(test_rand(30) * RAMET_US)};

		i = ramet_select(cases, 4);
		if (i >= 0 && i < 3 && cases[i].result == 1)
			__atomic_add_fetch(&seen[item], 1, __ATOMIC_RELAXED);
		else if (i >= 0 && i < 3)
			i = -1; /* shut down */
	} while (i >= 0);
	return NULL;
}

static struct ramet_queue *second;

static void *put_second(void *first)
{
	put_row(second, (intptr_t)first);
	return NULL;
}

static bool all_seen(void)
{
	for (int source = 0; source < 3; source++)
		for (int i = 0; i < per_source; i++) {
			int n = __atomic_load_n(&seen[source * ITEMS + i],
						__ATOMIC_RELAXED);

			CHECK(n <= 1);
			if (!n)
				return false;
		}
	return true;
}

static void check_races(void)
{
	struct ramet *getters[6], *putter;
	pthread_t t[2];

	second = make(2, 1);
	per_source = test_slow() ? ITEMS / 10 : ITEMS;
	for (int i = 0; i < 6; i++)
		getters[i] = spawn(get_any, second);
	t[0] = start_thread(put_shared, (void *)(intptr_t)0);
	t[1] = start_thread(put_second, (void *)(intptr_t)ITEMS);
	putter = spawn(put_local, (void *)(intptr_t)(2 * ITEMS));
	join(putter);
	while (!all_seen())
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	join_thread(t[0]);
	join_thread(t[1]);
	CHECK_EQ(ramet_queue_shutdown(second, 0), 0);
	for (int i = 0; i < 6; i++)
		join(getters[i]);
	ramet_queue_free(second);
}

TEST(every_item_is_taken_once_whichever_threads_they_come_from)
{
	check_races();
	CHECK_EQ(ramet_queue_count(local) + ramet_queue_count(shared), 0);
	free_all();
}
