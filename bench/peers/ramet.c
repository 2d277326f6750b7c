/* ramet.c - the items of the comparison, on ramet. */
#include "bench.h"

#include <ramet.h>

typedef struct ramet *thread;
typedef struct ramet_chan *channel;

static thread start(void *(*fn)(void *), void *arg)
{
	thread t = ramet_spawn(fn, arg);

	if (!t)
		bench_fail("ramet_spawn");
	return t;
}

static void join(thread t)
{
	ramet_join(t, NULL);
}

static void let_run(void)
{
	ramet_yield();
}

/* All have started when whoever starts them has yielded once. */
static void gate_for(long n)
{
	(void)n;
}

static void pass_gate(void)
{
	ramet_yield();
}

static int64_t open_gate(void)
{
	ramet_yield();
	return cpu_ns();
}

static channel channel_new(void)
{
	return ramet_chan_new(sizeof(long), 0);
}

static void channel_free(channel c)
{
	ramet_chan_free(c);
}

static void put(channel c, long value)
{
	ramet_chan_send(c, &value);
}

static long take(channel c)
{
	long value;

	ramet_chan_recv(c, &value);
	return value;
}

static struct ramet_mutex mutex;

static void lock_mutex(void)
{
	ramet_mutex_lock(&mutex);
}

static void pass_mutex_on(void)
{
	ramet_mutex_unlock(&mutex);
}

static void sleep_once(int64_t ns)
{
	int64_t from = now_ns();

	ramet_sleep(ns);
	slept(ns, now_ns() - from);
}

static struct ramet_event never;

static void *parked(void *p)
{
	ramet_event_wait(&never);
	return p;
}

/* "1000000" or "1000000@64K" */
static void park(void)
{
	const char *size = strchr(bench_text, '@');
	struct memory before;
	int64_t cpu;

	if (size)
		setenv("RAMET_STACK", size + 1, 1);
	ramet_yield(); /* makes the loop */
	before = memory_now();
	for (long i = 0; i < bench_param; i++)
		ramet_detach(start(parked, NULL));
	ramet_yield();
	cpu = cpu_ns();
	report_memory(before, cpu, size ? "slots of 64 KiB" : "default slots");
	_Exit(0);
}

/* A million empty jobs at a time, in a pool of bench_param places. */
enum { JOBS = 1000000 };

static void *jobs[JOBS];

static void *job(void *arg)
{
	return arg;
}

static int64_t map_jobs(long n)
{
	struct ramet_pool *p = ramet_pool_new((size_t)bench_param, NULL);
	int64_t from = cpu_ns();

	for (; n > 0; n -= JOBS)
		if (!p || ramet_pool_map(p, job, jobs, jobs, JOBS) < 0)
			bench_fail("ramet_pool_map");
	from = cpu_ns() - from;
	ramet_pool_free(p);
	return from;
}

static int64_t spawn_jobs(long n)
{
	struct ramet_pool *p = ramet_pool_new((size_t)bench_param, NULL);
	int64_t from = cpu_ns();

	for (; n > 0; n--)
		if (!p || ramet_pool_spawn(p, job, NULL) < 0)
			bench_fail("ramet_pool_spawn");
	ramet_pool_wait(p);
	from = cpu_ns() - from;
	ramet_pool_free(p);
	return from;
}

static void pools(void)
{
	for (size_t i = 0; i < JOBS; i++)
		jobs[i] = (void *)(i + 1); /* the memory is there */
	report("", least(map_jobs, JOBS), "ns", "ramet_pool_map");
	report("-spawn", least(spawn_jobs, JOBS), "ns", "ramet_pool_spawn");
}

#define POOL pools
/* ---- ask ---------------------------------------------------------------- */

static int answers(struct ramet_actor *me, void *arg)
{
	(void)arg;
	for (long v; ramet_receive(me, &v, sizeof v) > 0;)
		ramet_reply(me, &v, sizeof v);
	return 0;
}

static struct ramet_actor *answerer;

static int asks(struct ramet_actor *me, void *arg)
{
	const long n = *(long *)arg;

	(void)me;
	for (long v = 0; v < n; v++) {
		long reply;

		if (ramet_ask(answerer, &v, sizeof v, &reply, sizeof reply) < 0)
			bench_fail("ramet_ask");
	}
	return 0;
}

/* Of one actor by another. */
static int64_t questions(long n)
{
	struct ramet_actor *a;
	int64_t from;

	answerer = ramet_actor_start(answers, NULL, NULL);
	a = ramet_actor_start(asks, &n, NULL);
	if (!a || !answerer)
		bench_fail("ramet_actor_start");
	from = cpu_ns();
	ramet_actor_wait(a, NULL);
	from = cpu_ns() - from;
	ramet_actor_stop(answerer);
	ramet_actor_wait(answerer, NULL);
	ramet_actor_release(a);
	ramet_actor_release(answerer);
	return from;
}

static void ask(void)
{
	report("", least(questions, 1000), "ns", "8 bytes each way");
}

#define MORE_ITEMS {"ask", ask},
#include "items.h"

int main(int argc, char **argv)
{
	return items_main(argc, argv, "ramet",
			  (struct notes){.yield = "",
					 .spawn = "",
					 .channel = "capacity 0",
					 .mutex = "",
					 .sleep = ""});
}
