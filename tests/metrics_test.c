/* What loops say of themselves, and programs of theirs. */
#include "http.h"
#include "thread.h"

#include <locale.h>
#include <math.h>

/* ---- of the library -------------------------------------------------------
 */

static struct ramet_event event;

static void *wait_event(void *unused)
{
	CHECK_EQ(ramet_event_wait(&event), 0);
	return unused;
}

static void *nothing(void *unused)
{
	return unused;
}

static struct ramet_loop_metrics own(void)
{
	struct ramet_loop_metrics m;
	struct ramet_metrics all;

	CHECK_EQ(ramet_get_metrics(&all, &m, 1), 1);
	CHECK_EQ(m.loop, 1);
	CHECK(m.thread > 0);
	CHECK_EQ(all.all.loop, 0);
	CHECK_EQ(all.all.spawned, m.spawned);
	CHECK_EQ(all.all.waiting, m.waiting);
	return m;
}

TEST(ramets_are_counted_by_state)
{
	struct ramet *waits[3], *ended, *fresh;
	struct ramet_loop_metrics m;

	for (int i = 0; i < 3; i++)
		waits[i] = spawn(wait_event, NULL);
	ended = spawn(nothing, NULL);
	let_run();
	fresh = spawn(nothing, NULL);
	m = own();
	CHECK_EQ(m.running, 1);
	CHECK_EQ(m.waiting, 3);
	CHECK_EQ(m.ended, 1);
	CHECK_EQ(m.starting, 1);
	CHECK_EQ(m.ready, 0);
	CHECK_EQ(m.spawned, 6);
	CHECK(m.switches >= 4);
	/* A page for each at least, and no more than what they were given. */
	CHECK(m.stack_bytes >= 5 * 4096 && m.stack_bytes < 64 * 32768);
	ramet_event_set(&event);
	CHECK_EQ(own().ready, 3);
	for (int i = 0; i < 3; i++)
		join(waits[i]);
	join(ended);
	join(fresh);
	CHECK_EQ(own().waiting, 0);
}

static uint64_t turns(const struct ramet_loop_metrics *m)
{
	uint64_t n = 0;

	for (int i = 0; i < RAMET_LAG_BUCKETS; i++)
		n += m->lag_bucket[i];
	return n;
}

TEST(each_turn_is_in_the_histogram_of_lags)
{
	enum { TURNS = 10, MS = 20 };
	struct ramet_loop_metrics before = own(), after;
	uint64_t slow = 0;

	for (int i = 0; i < TURNS; i++) {
		int64_t end = ramet_now() + MS * RAMET_MS;

		while (ramet_now() < end)
			;
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	}
	after = own();
	/* 2^24 ns are less than MS. */
	for (int i = 15; i < RAMET_LAG_BUCKETS; i++)
		slow += after.lag_bucket[i] - before.lag_bucket[i];
	CHECK(slow >= TURNS);
	CHECK(turns(&after) - turns(&before) >= TURNS);
	CHECK(after.lag_sum - before.lag_sum >= TURNS * MS * RAMET_MS);
	CHECK(after.sleeps - before.sleeps >= TURNS);
	CHECK(after.kernel_waits >= after.sleeps);
}

static void *sleep_long(void *unused)
{
	ramet_sleep(3600 * RAMET_SEC);
	return unused;
}

TEST(timers_are_counted)
{
	struct ramet *t = spawn(sleep_long, NULL);

	let_run();
	CHECK_EQ(own().timers, 1);
	CHECK_EQ(ramet_cancel(t), 0);
	join(t);
}

static int stage; /* atomic */

static void *other_loop(void *unused)
{
	struct ramet *t = spawn(sleep_long, NULL);

	let_run();
	__atomic_store_n(&stage, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&stage, __ATOMIC_SEQ_CST) == 1)
		ramet_yield();
	CHECK_EQ(ramet_cancel(t), 0);
	join(t);
	return unused;
}

TEST(other_loops_are_looked_at_while_they_run)
{
	struct ramet_loop_metrics m[2];
	struct ramet_metrics all;
	pthread_t thread;

	CHECK_EQ(own().waiting, 0);
	thread = start_thread(other_loop, NULL);
	while (!__atomic_load_n(&stage, __ATOMIC_SEQ_CST))
		CHECK_EQ(ramet_yield(), 0);
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(ramet_get_metrics(&all, m, 2), 2);
		CHECK_EQ(m[0].loop, 2);
		CHECK_EQ(m[1].loop, 1);
		CHECK(m[0].thread != m[1].thread);
		CHECK_EQ(m[0].waiting, 1);
		CHECK_EQ(m[0].timers, 1);
		CHECK_EQ(all.all.spawned, 3);
	}
	CHECK_EQ(ramet_get_metrics(&all, NULL, 0), 2);
	__atomic_store_n(&stage, 2, __ATOMIC_SEQ_CST);
	join_thread(thread);
	CHECK_EQ(ramet_get_metrics(&all, m, 2), 1);
}

static void *linger(void *unused)
{
	while (!__atomic_load_n(&stage, __ATOMIC_SEQ_CST))
		sched_yield();
	return unused;
}

static void *offload(void *unused)
{
	/* Under a sweep there may be no thread. */
	if (ramet_offload(linger, NULL, NULL) < 0)
		CHECK(test_is_swept());
	return unused;
}

TEST(helpers_are_counted_by_lane)
{
	struct ramet_metrics all;
	struct ramet *t[2];

	CHECK_EQ(ramet_offload_limit(RAMET_LANE_USER, 1), 128);
	for (int i = 0; i < 2; i++)
		t[i] = spawn(offload, NULL);
	let_run();
	ramet_get_metrics(&all, NULL, 0);
	CHECK_EQ(all.user.limit, 1);
	CHECK_EQ(all.file.limit, 64);
	CHECK(all.helpers <= 1 && all.user.busy == all.helpers);
	if (!test_is_swept()) {
		CHECK_EQ(all.user.busy, 1);
		CHECK_EQ(all.user.queued, 1);
		CHECK_EQ(all.all.errands, 2);
	}
	__atomic_store_n(&stage, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 2; i++)
		join(t[i]);
}

/* ---- of the program -------------------------------------------------------
 */

static const char *const get_ok[] = {"method", "GET", "text", "a \"b\" \\ \n",
				     NULL};
static const char *const post[] = {"method", "POST", NULL};
static const double bounds[] = {0.25, 0.5, 1};

static struct ramet_metric *counter(const char *name, const char *const *labels)
{
	struct ramet_metric_opts o = {.kind = RAMET_COUNTER,
				      .name = name,
				      .help = "Back\\slash\nand line.",
				      .labels = labels};

	return ramet_metric_new(&o);
}

static struct ramet_metric *histogram(void)
{
	struct ramet_metric_opts o = {.kind = RAMET_HISTOGRAM,
				      .name = "app_seconds",
				      .bounds = bounds,
				      .bound_count = 3};

	return ramet_metric_new(&o);
}

TEST(metrics_take_values)
{
	struct ramet_metric_opts o = {.kind = RAMET_GAUGE, .name = "app_now"};
	struct ramet_metric *c = counter("app_total", NULL);
	struct ramet_metric *g = ramet_metric_new(&o), *h = histogram();

	if (test_is_swept() && (!c || !g || !h))
		return;
	ramet_metric_add(c, 2);
	ramet_metric_add(c, 0.5);
	ramet_metric_add(c, -1);
	ramet_metric_add(c, NAN);
	ramet_metric_set(c, 7);
	CHECK(ramet_metric_value(c) == 2.5);
	ramet_metric_set(g, 7);
	ramet_metric_add(g, -9);
	CHECK(ramet_metric_value(g) == -2);
	ramet_metric_add(h, 0.5);
	ramet_metric_add(h, 8);
	CHECK(ramet_metric_value(h) == 8.5);
	ramet_metric_add(NULL, 1);
	ramet_metric_set(NULL, 1);
	CHECK(ramet_metric_value(NULL) == 0);
}

TEST(bad_metrics_are_refused)
{
	static const double falls[] = {1, 1}, none[] = {INFINITY};
	static const char *const labels[][3] = {{"le", "1"},
						{"__x", "1"},
						{"a-b", "1"},
						{"", "1"},
						{"a"}};
	static const struct ramet_metric_opts bad[] = {
		{.name = NULL},
		{.name = ""},
		{.name = "1a"},
		{.name = "a-b"},
		{.name = "ramet_own"},
		{.name = "a", .kind = (enum ramet_metric_kind)3},
		{.name = "a", .bounds = bounds, .bound_count = 1},
		{.name = "a",
		 .kind = RAMET_HISTOGRAM,
		 .bounds = falls,
		 .bound_count = 2},
		{.name = "a",
		 .kind = RAMET_HISTOGRAM,
		 .bounds = none,
		 .bound_count = 1},
	};
	struct ramet_metric_opts o = {.kind = RAMET_GAUGE, .name = "app_total"};

	CHECK_NULL(ramet_metric_new(NULL), EINVAL);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_NULL(ramet_metric_new(&bad[i]), EINVAL);
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		CHECK_NULL(counter("app_total", labels[i]), EINVAL);
	if (!counter("app_total", post))
		return (void)CHECK(test_is_swept());
	if (!test_is_swept()) {
		CHECK_NULL(counter("app_total", post), EEXIST);
		CHECK_NULL(ramet_metric_new(&o), EEXIST);
		CHECK(counter("app_total", NULL));
	}
}

static struct ramet_metric *shared;

static void *add_many(void *unused)
{
	for (int i = 0; i < 10000; i++)
		ramet_metric_add(shared, 1);
	return unused;
}

TEST(threads_may_add_at_once)
{
	pthread_t threads[4];

	shared = made(counter("app_total", NULL));
	for (int i = 0; i < 4; i++)
		threads[i] = start_thread(add_many, NULL);
	for (int i = 0; i < 4; i++)
		join_thread(threads[i]);
	CHECK(ramet_metric_value(shared) == 40000);
}

/* ---- over HTTP ------------------------------------------------------------
 */

static void answer(struct ramet_http *h, void *unused)
{
	(void)unused;
	if (ramet_http_metrics(h) < 0)
		CHECK(test_is_swept());
}

static const char *ask(const char *method)
{
	struct ramet_http_opts opts = {.handler = answer};
	struct served s = serve(&opts);
	const char *text;
	char line[128];
	int fd;

	start(&s);
	fd = connect_to(&s);
	snprintf(line, sizeof line, "%s / HTTP/1.0\r\nHost: a\r\n\r\n", method);
	say(fd, line);
	text = hear_all(fd);
	ramet_close(fd);
	stop(&s);
	return text;
}

#define SAYS(text, word) CHECK(strstr(text, word) != NULL)

TEST(the_page_has_all_of_it)
{
	struct ramet_metric *h = histogram(), *a, *b;
	const char *text;

	a = counter("app_total", get_ok);
	b = counter("app_total", post);
	setlocale(LC_ALL, "de_DE.UTF-8"); /* if it is there */
	ramet_metric_add(a, 1.5);
	ramet_metric_add(b, 3);
	ramet_metric_add(h, 0.5);
	ramet_metric_add(h, 8);
	text = ask("GET");
	if (test_is_swept())
		return;
	SAYS(text, "HTTP/1.1 200 OK\r\n");
	SAYS(text,
	     "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
	SAYS(text, "\n# TYPE ramet_run_queue gauge\n");
	SAYS(text, "\nramet_ramets{loop=\"1\",state=\"running\"} 1\n");
	SAYS(text, "\n# TYPE ramet_loop_lag_seconds histogram\n");
	SAYS(text,
	     "\nramet_loop_lag_seconds_bucket{loop=\"1\",le=\"0.000001024\"} ");
	SAYS(text, "\nramet_helpers_limit{lane=\"file\"} 64\n");
	SAYS(text, "\nramet_stalls_total 0\n");
	SAYS(text, "\n# HELP app_seconds \n# TYPE app_seconds histogram\n"
		   "app_seconds_bucket{le=\"0.25\"} 0\n"
		   "app_seconds_bucket{le=\"0.5\"} 1\n"
		   "app_seconds_bucket{le=\"1\"} 1\n"
		   "app_seconds_bucket{le=\"+Inf\"} 2\n"
		   "app_seconds_sum 8.5\napp_seconds_count 2\n"
		   "# HELP app_total Back\\\\slash\\nand line.\n"
		   "# TYPE app_total counter\n"
		   "app_total{method=\"GET\",text=\"a \\\"b\\\" \\\\ \\n\"} "
		   "1.5\n"
		   "app_total{method=\"POST\"} 3\n");
}

struct written {
	char text[1 << 16];
	size_t used, calls, most; /* calls, then it ends */
};

static int take_text(void *arg, const char *text, size_t size)
{
	struct written *w = arg;

	CHECK(size > 0 && size < sizeof w->text - w->used);
	memcpy(w->text + w->used, text, size);
	w->used += size;
	return ++w->calls == w->most ? 7 : 0;
}

TEST(they_are_written_piece_by_piece_wherever_wanted)
{
	static struct written all, some;

	if (ramet_write_metrics(take_text, &all) < 0) { /* in the sweep */
		CHECK_EQ(errno, ENOMEM);
		CHECK_EQ(all.calls, 0);
		return;
	}
	CHECK(all.calls > 1);
	CHECK(strstr(all.text,
		     "ramet_ramets{loop=\"1\",state=\"running\"} 1\n"));
	CHECK(strstr(all.text, "ramet_stalls_total 0\n"));
	some.most = 1;
	if (ramet_write_metrics(take_text, &some) == -1)
		return;
	CHECK_EQ(some.calls, 1);
	CHECK(some.used < all.used);
}

TEST(only_reading_is_allowed)
{
	const char *text = ask("POST");

	if (test_is_swept())
		return;
	SAYS(text, "HTTP/1.1 405 ");
	SAYS(text, "\r\nAllow: GET, HEAD\r\n");
	text = ask("HEAD");
	SAYS(text, "HTTP/1.1 200 OK\r\n");
	CHECK(!strstr(text, "ramet_ramets"));
}
