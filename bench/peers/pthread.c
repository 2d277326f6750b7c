/* pthread.c - the items of the comparison, on kernel threads. */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

static pthread_attr_t attr;

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	errno = pthread_create(&t, &attr, fn, arg);
	if (errno)
		bench_fail("pthread_create");
	return t;
}

static pthread_t *start_all(long n, void *(*fn)(void *), void *arg)
{
	pthread_t *t = malloc((size_t)n * sizeof *t);

	if (!t)
		bench_fail("malloc");
	for (long i = 0; i < n; i++)
		t[i] = start(fn, arg ? arg : (void *)(intptr_t)i);
	return t;
}

static void join_all(pthread_t *t, long n)
{
	for (long i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	free(t);
}

/* Nobody goes on before all have started. */
static pthread_barrier_t gate;

static void gate_for(long n)
{
	pthread_barrier_init(&gate, NULL, (unsigned)n + 1);
}

/* ---- yield -------------------------------------------------------------- */

static void *yielder(void *p)
{
	long n = *(long *)p;

	pthread_barrier_wait(&gate);
	for (long i = 0; i < n; i++)
		sched_yield();
	return NULL;
}

static int64_t yields(long n)
{
	long each = n / bench_param;
	pthread_t *t;
	int64_t from;

	gate_for(bench_param);
	t = start_all(bench_param, yielder, &each);
	from = cpu_ns();
	pthread_barrier_wait(&gate);
	join_all(t, bench_param);
	return cpu_ns() - from;
}

static void yield(void)
{
	report("", least(yields, bench_param * 50), "ns",
	       "sched_yield: with many threads it seldom switches");
}

/* ---- create and join ---------------------------------------------------- */

static void *nothing(void *p)
{
	return p;
}

static int64_t batches(long n)
{
	int64_t from = cpu_ns();

	for (; n > 0; n -= bench_param)
		join_all(start_all(bench_param, nothing, NULL), bench_param);
	return cpu_ns() - from;
}

static void spawn(void)
{
	report("", least(batches, bench_param), "ns", "");
}

/* ---- channel ------------------------------------------------------------ */

struct slot {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	int full;
	long value;
};

#define SLOT                                                                   \
	{                                                                      \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,           \
			PTHREAD_COND_INITIALIZER, 0, 0                         \
	}

static struct slot there = SLOT, back = SLOT;

static void put(struct slot *s, long value)
{
	pthread_mutex_lock(&s->lock);
	while (s->full)
		pthread_cond_wait(&s->emptied, &s->lock);
	s->full = 1;
	s->value = value;
	pthread_cond_signal(&s->filled);
	pthread_mutex_unlock(&s->lock);
}

static long take(struct slot *s)
{
	long value;

	pthread_mutex_lock(&s->lock);
	while (!s->full)
		pthread_cond_wait(&s->filled, &s->lock);
	s->full = 0;
	value = s->value;
	pthread_cond_signal(&s->emptied);
	pthread_mutex_unlock(&s->lock);
	return value;
}

static void *echo(void *p)
{
	for (long v; (v = take(&there)) >= 0;)
		put(&back, v);
	return p;
}

static int64_t round_trips(long n)
{
	pthread_t t = start(echo, NULL);
	int64_t from = cpu_ns();

	for (long i = 0; i < n; i++) {
		put(&there, i);
		take(&back);
	}
	from = cpu_ns() - from;
	put(&there, -1);
	pthread_join(t, NULL);
	return from;
}

static void channel(void)
{
	report("", least(round_trips, 1000), "ns",
	       "slot and conditions: there are no channels");
}

static void *sender(void *p)
{
	long n = *(long *)p;

	pthread_barrier_wait(&gate);
	for (long i = 0; i < n; i++)
		put(&there, i);
	return NULL;
}

static int64_t fan_in(long n)
{
	long each = n / bench_param;
	pthread_t *t;
	int64_t from;

	gate_for(bench_param);
	t = start_all(bench_param, sender, &each);
	from = cpu_ns();
	pthread_barrier_wait(&gate);
	for (long i = 0; i < each * bench_param; i++)
		take(&there);
	from = cpu_ns() - from;
	join_all(t, bench_param);
	return from;
}

static void fanin(void)
{
	report("", least(fan_in, bench_param * 50), "ns",
	       "slot and conditions: there are no channels");
}

/* ---- mutex -------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long locks_each;

/* Unlock does not pass the mutex on: one yield lets the other find it locked, a
 * second lets it have it. */
static void *contender(void *p)
{
	for (long i = 0; i < locks_each; i++) {
		pthread_mutex_lock(&lock);
		held_by((long)(intptr_t)p);
		sched_yield();
		pthread_mutex_unlock(&lock);
		sched_yield();
	}
	return NULL;
}

static int64_t hand_offs(long n)
{
	pthread_t *t;
	int64_t from;

	locks_each = n / 2;
	pthread_mutex_lock(&lock);
	t = start_all(2, contender, NULL);
	hand_overs = 0;
	from = cpu_ns();
	pthread_mutex_unlock(&lock);
	join_all(t, 2);
	from = cpu_ns() - from;
	return hand_overs ? from * n / hand_overs : INT64_MAX;
}

static void mutex(void)
{
	report("", least(hand_offs, 1000), "ns",
	       "per change of owner, with sched_yield before and after unlock");
}

/* ---- sleep -------------------------------------------------------------- */

static pthread_mutex_t sleeps = PTHREAD_MUTEX_INITIALIZER;

static void *sleeper(void *p)
{
	pthread_barrier_wait(&gate);
	for (int i = 0; i < bench_rounds; i++) {
		int64_t ns = sleep_length((long)(intptr_t)p, i),
			from = now_ns();
		struct timespec ts = {0, ns};

		nanosleep(&ts, NULL);
		from = now_ns() - from;
		pthread_mutex_lock(&sleeps);
		slept(ns, from);
		pthread_mutex_unlock(&sleeps);
	}
	return NULL;
}

static void sleep_random(void)
{
	pthread_t *t;

	gate_for(bench_param);
	t = start_all(bench_param, sleeper, NULL);
	sleep_started = cpu_ns();
	pthread_barrier_wait(&gate);
	join_all(t, bench_param);
	report_sleeps("");
}

/* ---- park --------------------------------------------------------------- */

static sem_t reached, never;

static void *parked(void *p)
{
	sem_post(&reached);
	sem_wait(&never);
	return p;
}

static void park(void)
{
	struct memory before = memory_now();
	int64_t cpu;

	sem_init(&reached, 0, 0);
	sem_init(&never, 0, 0);
	for (long i = 0; i < bench_param; i++)
		start(parked, NULL);
	for (long i = 0; i < bench_param; i++)
		sem_wait(&reached);
	cpu = cpu_ns();
	report_memory(before, cpu, "and 16 KiB of kernel stack each");
	_Exit(0);
}

int main(int argc, char **argv)
{
	static const struct bench_item items[] = {
		{"yield", yield}, {"spawn", spawn}, {"channel", channel},
		{"fanin", fanin}, {"mutex", mutex}, {"sleep", sleep_random},
		{"park", park},   {NULL, NULL},
	};

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	return bench_main(argc, argv, "pthread", items);
}
