/* items.h - the items, written once for the programs in C.
 *
 * Before it includes this a program says what its library has for it:
 *
 *     thread, start(fn, arg), join(t)
 *     let_run()                 all others run until they wait or do the same
 *     gate_for(n)               n threads are going to begin together:
 *     pass_gate()               each of them waits here, until
 *     open_gate()               which returns the CPU time when they go on
 *     channel, channel_new(), channel_free(c), put(c, value), take(c)
 *     lock_mutex()
 *     pass_mutex_on()           unlocks it so that who waits for it has it next
 *     sleep_once(ns)            and reports it to slept()
 *     park()                    the item of that name
 *     POOL                      if it has pools: the function of the item "pool"
 *     MORE_ITEMS                what only this library has: {"name", fn},
 */
#ifndef ITEMS_H
#define ITEMS_H

#include "bench.h"

/* What has to be said of the numbers. */
static struct notes {
	const char *yield, *spawn, *channel, *mutex, *sleep;
} notes;

/* n at once; each is given arg, or its number if that is NULL. */
static thread *start_all(long n, void *(*fn)(void *), void *arg)
{
	thread *t = malloc((size_t)n * sizeof *t);

	if (!t)
		bench_fail("malloc");
	for (long i = 0; i < n; i++)
		t[i] = start(fn, arg ? arg : (void *)(intptr_t)i);
	return t;
}

static void join_all(thread *t, long n)
{
	for (long i = 0; i < n; i++)
		join(t[i]);
	free(t);
}

/* ---- yield -------------------------------------------------------------- */

static void *yielder(void *p)
{
	long n = *(long *)p;

	pass_gate();
	for (long i = 0; i < n; i++)
		let_run();
	return NULL;
}

static int64_t yields(long n)
{
	long each = n / bench_param;
	thread *t;
	int64_t from;

	gate_for(bench_param);
	t = start_all(bench_param, yielder, &each);
	from = open_gate();
	join_all(t, bench_param);
	return cpu_ns() - from;
}

static void item_yield(void)
{
	report("", least(yields, bench_param * 50), "ns", notes.yield);
}

/* ---- spawn and join ----------------------------------------------------- */

static void *nothing(void *p)
{
	return p;
}

static int64_t one_by_one(long n)
{
	int64_t from = cpu_ns();

	while (n--)
		join(start(nothing, NULL));
	return cpu_ns() - from;
}

static int64_t batches(long n)
{
	int64_t from = cpu_ns();

	for (; n > 0; n -= bench_param)
		join_all(start_all(bench_param, nothing, NULL), bench_param);
	return cpu_ns() - from;
}

static void item_spawn(void)
{
	report("", least(bench_param == 1 ? one_by_one : batches, bench_param),
	       "ns", notes.spawn);
}

/* ---- channel ------------------------------------------------------------ */

static channel there, back;

static void *echo(void *p)
{
	for (long v; (v = take(there)) >= 0;)
		put(back, v);
	return p;
}

static int64_t round_trips(long n)
{
	thread t;
	int64_t from;

	there = channel_new();
	back = channel_new();
	t = start(echo, NULL);
	from = cpu_ns();
	for (long i = 0; i < n; i++) {
		put(there, i);
		take(back);
	}
	from = cpu_ns() - from;
	put(there, -1);
	join(t);
	channel_free(there);
	channel_free(back);
	return from;
}

static void item_channel(void)
{
	report("", least(round_trips, 1000), "ns", notes.channel);
}

static void *sender(void *p)
{
	long n = *(long *)p;

	pass_gate();
	for (long i = 0; i < n; i++)
		put(there, i);
	return NULL;
}

static int64_t fan_in(long n)
{
	long each = n / bench_param;
	thread *t;
	int64_t from;

	there = channel_new();
	gate_for(bench_param);
	t = start_all(bench_param, sender, &each);
	from = open_gate();
	for (long i = 0; i < each * bench_param; i++)
		take(there);
	from = cpu_ns() - from;
	join_all(t, bench_param);
	channel_free(there);
	return from;
}

static void item_fanin(void)
{
	report("", least(fan_in, bench_param * 50), "ns", notes.channel);
}

/* ---- mutex -------------------------------------------------------------- */

static long locks_each;

static void *contender(void *p)
{
	for (long i = 0; i < locks_each; i++) {
		lock_mutex();
		held_by((long)(intptr_t)p);
		pass_mutex_on();
	}
	return NULL;
}

static int64_t hand_offs(long n)
{
	thread *t;
	int64_t from;

	locks_each = n / 2;
	lock_mutex();
	t = start_all(2, contender, NULL);
	let_run(); /* both wait */
	hand_overs = 0;
	from = cpu_ns();
	pass_mutex_on();
	join_all(t, 2);
	from = cpu_ns() - from;
	return hand_overs ? from * n / hand_overs : INT64_MAX;
}

static void item_mutex(void)
{
	report("", least(hand_offs, 1000), "ns", notes.mutex);
}

/* ---- sleep -------------------------------------------------------------- */

static void *sleeper(void *p)
{
	pass_gate();
	for (int i = 0; i < bench_rounds; i++)
		sleep_once(sleep_length((long)(intptr_t)p, i));
	return NULL;
}

static void item_sleep(void)
{
	thread *t;

	gate_for(bench_param);
	t = start_all(bench_param, sleeper, NULL);
	sleep_started = open_gate();
	join_all(t, bench_param);
	report_sleeps(notes.sleep);
}

/* ---- main --------------------------------------------------------------- */

static int items_main(int argc, char **argv, const char *peer, struct notes n)
{
	static const struct bench_item items[] = {
		{"yield", item_yield},
		{"spawn", item_spawn},
		{"channel", item_channel},
		{"fanin", item_fanin},
		{"mutex", item_mutex},
		{"sleep", item_sleep},
		{"park", park},
#ifdef POOL
		{"pool", POOL},
#endif
#ifdef MORE_ITEMS
		MORE_ITEMS
#endif
		{NULL, NULL},
	};

	notes = n;
	return bench_main(argc, argv, peer, items);
}

#endif
