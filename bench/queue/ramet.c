/* ramet.c - queues: a stream from one to another, a round trip over two of
 * them, and a stream between two loops. */
#include "../peers/bench.h"

#include <pthread.h>
#include <ramet.h>

static struct ramet_queue *there, *back;

static struct ramet_queue *make(int shared)
{
	struct ramet_queue_opts opts = {.item_size = sizeof(long),
					.capacity = (size_t)bench_param,
					.shared = shared};
	struct ramet_queue *q = ramet_queue_new(&opts);

	if (!q)
		bench_fail("ramet_queue_new");
	return q;
}

static struct ramet *start(void *(*fn)(void *), void *arg)
{
	struct ramet *t = ramet_spawn(fn, arg);

	if (!t)
		bench_fail("ramet_spawn");
	return t;
}

static void *put_all(void *count)
{
	for (long i = 0; i < *(long *)count; i++)
		ramet_queue_put(there, &i);
	return NULL;
}

static void get_all(long n)
{
	for (long i = 0, v; i < n; i++)
		ramet_queue_get(there, &v);
}

/* ---- in one loop -------------------------------------------------------- */

static int shared_too;

static int64_t stream(long n)
{
	int64_t from = cpu_ns();
	struct ramet *t;

	there = make(shared_too);
	t = start(put_all, &n);
	get_all(n);
	ramet_join(t, NULL);
	ramet_queue_free(there);
	return cpu_ns() - from;
}

static void *echo(void *p)
{
	for (long v; ramet_queue_get(there, &v) == 1;)
		ramet_queue_put(back, &v);
	return p;
}

static int64_t round_trips(long n)
{
	struct ramet *t;
	int64_t from;

	there = make(shared_too);
	back = make(shared_too);
	t = start(echo, NULL);
	from = cpu_ns();
	for (long i = 0, v; i < n; i++) {
		ramet_queue_put(there, &i);
		ramet_queue_get(back, &v);
	}
	from = cpu_ns() - from;
	ramet_queue_shutdown(there, 0);
	ramet_join(t, NULL);
	ramet_queue_free(there);
	ramet_queue_free(back);
	return from;
}

static void item_stream(void)
{
	report("", least(stream, 10000), "ns", "");
	shared_too = 1;
	report("-shared", least(stream, 10000), "ns", "made to be shared");
}

static void item_pingpong(void)
{
	report("", least(round_trips, 1000), "ns", "");
	shared_too = 1;
	report("-shared", least(round_trips, 1000), "ns", "made to be shared");
}

/* ---- between two loops -------------------------------------------------- */

static void *put_from_loop(void *count)
{
	ramet_yield(); /* this thread has a loop now */
	return put_all(count);
}

/* Of the clock: two CPUs are at it. */
static int64_t cross(long n)
{
	int64_t from = now_ns();
	pthread_t t;

	there = make(1);
	if (pthread_create(&t, NULL, put_from_loop, &n))
		bench_fail("pthread_create");
	get_all(n);
	pthread_join(t, NULL);
	ramet_queue_free(there);
	return now_ns() - from;
}

static void item_cross(void)
{
	report("", least(cross, 10000), "ns", "two loops");
}

int main(int argc, char **argv)
{
	static const struct bench_item items[] = {
		{"stream", item_stream},
		{"pingpong", item_pingpong},
		{"cross", item_cross},
		{NULL, NULL},
	};

	ramet_yield();
	return bench_main(argc, argv, "ramet", items);
}
