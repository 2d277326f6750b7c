/* pthread.c - the items of the comparison, on kernel threads. */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

typedef pthread_t thread;

static pthread_attr_t attr;

static thread start(void *(*fn)(void *), void *arg)
{
	thread t;

	errno = pthread_create(&t, &attr, fn, arg);
	if (errno)
		bench_fail("pthread_create");
	return t;
}

static void join(thread t)
{
	pthread_join(t, NULL);
}

static void let_run(void)
{
	sched_yield();
}

static pthread_barrier_t gate;

static void gate_for(long n)
{
	pthread_barrier_init(&gate, NULL, (unsigned)n + 1);
}

static void pass_gate(void)
{
	pthread_barrier_wait(&gate);
}

static int64_t open_gate(void)
{
	int64_t from = cpu_ns();

	pthread_barrier_wait(&gate);
	return from;
}

typedef struct slot {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	int full;
	long value;
} * channel;

static channel channel_new(void)
{
	channel c = malloc(sizeof *c);

	if (!c)
		bench_fail("malloc");
	*c = (struct slot){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
			   PTHREAD_COND_INITIALIZER, 0, 0};
	return c;
}

static void channel_free(channel c)
{
	free(c);
}

static void put(channel c, long value)
{
	pthread_mutex_lock(&c->lock);
	while (c->full)
		pthread_cond_wait(&c->emptied, &c->lock);
	c->full = 1;
	c->value = value;
	pthread_cond_signal(&c->filled);
	pthread_mutex_unlock(&c->lock);
}

static long take(channel c)
{
	long value;

	pthread_mutex_lock(&c->lock);
	while (!c->full)
		pthread_cond_wait(&c->filled, &c->lock);
	c->full = 0;
	value = c->value;
	pthread_cond_signal(&c->emptied);
	pthread_mutex_unlock(&c->lock);
	return value;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void lock_mutex(void)
{
	pthread_mutex_lock(&mutex);
}

/* Unlock does not pass it on: one yield lets the other find it locked, a second
 * lets it have it. */
static void pass_mutex_on(void)
{
	sched_yield();
	pthread_mutex_unlock(&mutex);
	sched_yield();
}

static void sleep_once(int64_t ns)
{
	static pthread_mutex_t sleeps = PTHREAD_MUTEX_INITIALIZER;
	struct timespec ts = {0, ns};
	int64_t from = now_ns();

	nanosleep(&ts, NULL);
	from = now_ns() - from;
	pthread_mutex_lock(&sleeps);
	slept(ns, from);
	pthread_mutex_unlock(&sleeps);
}

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

#include "items.h"

int main(int argc, char **argv)
{
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	return items_main(
		argc, argv, "pthread",
		(struct notes){
			.yield = "sched_yield: with many threads it seldom "
				 "switches",
			.spawn = "",
			.channel = "slot and conditions: there are no channels",
			.mutex = "per change of owner, with sched_yield before "
				 "and after unlock",
			.sleep = ""});
}
