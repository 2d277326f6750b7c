/* st.c - the items of the comparison, on State Threads.
 *
 * It has no yield (a sleep of nothing comes nearest) and no channels (a slot
 * and two condition variables do the same).
 */
#include "bench.h"

#include <st.h>

typedef st_thread_t thread;

static thread start(void *(*fn)(void *), void *arg)
{
	thread t = st_thread_create(fn, arg, 1, STACK_SIZE);

	if (!t)
		bench_fail("st_thread_create");
	return t;
}

static void join(thread t)
{
	st_thread_join(t, NULL);
}

static void let_run(void)
{
	st_usleep(0);
}

/* All have started when whoever starts them has yielded once. */
static void gate_for(long n)
{
	(void)n;
}

static void pass_gate(void)
{
	st_usleep(0);
}

static int64_t open_gate(void)
{
	st_usleep(0);
	return cpu_ns();
}

typedef struct slot {
	st_cond_t filled, emptied;
	int full;
	long value;
} * channel;

static channel channel_new(void)
{
	channel c = malloc(sizeof *c);

	if (!c)
		bench_fail("malloc");
	c->filled = st_cond_new();
	c->emptied = st_cond_new();
	c->full = 0;
	return c;
}

static void channel_free(channel c)
{
	st_cond_destroy(c->filled);
	st_cond_destroy(c->emptied);
	free(c);
}

static void put(channel c, long value)
{
	while (c->full)
		st_cond_wait(c->emptied);
	c->full = 1;
	c->value = value;
	st_cond_signal(c->filled);
}

static long take(channel c)
{
	while (!c->full)
		st_cond_wait(c->filled);
	c->full = 0;
	st_cond_signal(c->emptied);
	return c->value;
}

static st_mutex_t mutex;

static void lock_mutex(void)
{
	st_mutex_lock(mutex);
}

static void pass_mutex_on(void)
{
	st_mutex_unlock(mutex);
}

static void sleep_once(int64_t ns)
{
	int64_t from = now_ns();

	st_usleep((st_utime_t)(ns / 1000));
	slept(ns / 1000 * 1000, now_ns() - from);
}

static st_cond_t never;

static void *parked(void *p)
{
	st_cond_wait(never);
	return p;
}

static void park(void)
{
	struct memory before = memory_now();
	int64_t cpu;

	never = st_cond_new();
	for (long i = 0; i < bench_param; i++)
		start(parked, NULL);
	st_usleep(0);
	cpu = cpu_ns();
	report_memory(before, cpu, "no guards");
	_Exit(0);
}

#include "items.h"

int main(int argc, char **argv)
{
	st_set_eventsys(ST_EVENTSYS_ALT); /* epoll, but Debian's has none */
	if (!*st_get_eventsys_name())
		st_set_eventsys(ST_EVENTSYS_POLL);
	if (st_init() < 0)
		bench_fail("st_init");
	mutex = st_mutex_new();
	return items_main(argc, argv, "st",
			  (struct notes){.yield = "st_usleep(0): it has no "
						  "yield",
					 .spawn = "",
					 .channel = "slot and conditions: it "
						    "has no channels",
					 .mutex = "",
					 .sleep = st_get_eventsys_name()});
}
