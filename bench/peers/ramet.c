/* ramet.c - the items of the comparison, on ramet. */
#include "bench.h"

#include <ramet.h>

static void *start(void *(*fn)(void *), void *arg)
{
	struct ramet *t = ramet_spawn(fn, arg);

	if (!t)
		bench_fail("ramet_spawn");
	return t;
}

/* n at once; each is given arg, or its number if that is NULL. */
static struct ramet **start_all(long n, void *(*fn)(void *), void *arg)
{
	struct ramet **t = malloc((size_t)n * sizeof *t);

	if (!t)
		bench_fail("malloc");
	for (long i = 0; i < n; i++)
		t[i] = start(fn, arg ? arg : (void *)(intptr_t)i);
	return t;
}

static void join_all(struct ramet **t, long n)
{
	for (long i = 0; i < n; i++)
		ramet_join(t[i], NULL);
	free(t);
}

/* ---- yield -------------------------------------------------------------- */

static void *yielder(void *p)
{
	long n = *(long *)p;

	for (long i = 0; i <= n; i++)
		ramet_yield();
	return NULL;
}

static int64_t yields(long n)
{
	long each = n / bench_param;
	struct ramet **t = start_all(bench_param, yielder, &each);
	int64_t from;

	ramet_yield(); /* all have started */
	from = cpu_ns();
	join_all(t, bench_param);
	return cpu_ns() - from;
}

static void yield(void)
{
	report("", least(yields, bench_param * 50), "ns", "");
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
		ramet_join(start(nothing, NULL), NULL);
	return cpu_ns() - from;
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
	report("", least(bench_param == 1 ? one_by_one : batches, bench_param),
	       "ns", "");
}

/* ---- channel ------------------------------------------------------------ */

static struct ramet_chan *there, *back;

static void *echo(void *p)
{
	for (long v; ramet_chan_recv(there, &v) > 0;)
		ramet_chan_send(back, &v);
	return p;
}

static int64_t round_trips(long n)
{
	struct ramet *t;
	int64_t from;

	there = ramet_chan_new(sizeof(long), (size_t)bench_param);
	back = ramet_chan_new(sizeof(long), (size_t)bench_param);
	t = start(echo, NULL);
	from = cpu_ns();
	for (long i = 0, v; i < n; i++) {
		ramet_chan_send(there, &i);
		ramet_chan_recv(back, &v);
	}
	from = cpu_ns() - from;
	ramet_chan_close(there);
	ramet_join(t, NULL);
	ramet_chan_free(there);
	ramet_chan_free(back);
	return from;
}

static void channel(void)
{
	report("", least(round_trips, 1000), "ns", "capacity 0");
}

static void *sender(void *p)
{
	long n = *(long *)p;

	for (long i = 0; i < n; i++)
		ramet_chan_send(there, &i);
	return NULL;
}

static int64_t fan_in(long n)
{
	long each = n / bench_param;
	struct ramet **t;
	int64_t from;

	there = ramet_chan_new(sizeof(long), 0);
	t = start_all(bench_param, sender, &each);
	ramet_yield();
	from = cpu_ns();
	for (long i = 0, v; i < each * bench_param; i++)
		ramet_chan_recv(there, &v);
	from = cpu_ns() - from;
	join_all(t, bench_param);
	ramet_chan_free(there);
	return from;
}

static void fanin(void)
{
	report("", least(fan_in, bench_param * 50), "ns", "capacity 0");
}

/* ---- mutex -------------------------------------------------------------- */

static struct ramet_mutex lock;
static long locks_each;

/* Unlock passes the mutex on to who waits, so each lock has to wait. */
static void *contender(void *p)
{
	for (long i = 0; i < locks_each; i++) {
		ramet_mutex_lock(&lock);
		held_by((long)(intptr_t)p);
		ramet_mutex_unlock(&lock);
	}
	return NULL;
}

static int64_t hand_offs(long n)
{
	struct ramet **t;
	int64_t from;

	locks_each = n / 2;
	ramet_mutex_lock(&lock);
	t = start_all(2, contender, NULL);
	ramet_yield(); /* both wait */
	hand_overs = 0;
	from = cpu_ns();
	ramet_mutex_unlock(&lock);
	join_all(t, 2);
	from = cpu_ns() - from;
	if (hand_overs < n - 2)
		fprintf(stderr, "mutex: %ld hand-overs, not %ld\n", hand_overs,
			n);
	return from;
}

static void mutex(void)
{
	report("", least(hand_offs, 1000), "ns", "");
}

/* ---- sleep -------------------------------------------------------------- */

static void *sleeper(void *p)
{
	ramet_yield();
	for (int i = 0; i < bench_rounds; i++) {
		int64_t ns = sleep_length((long)(intptr_t)p, i),
			from = now_ns();

		ramet_sleep(ns);
		slept(ns, now_ns() - from);
	}
	return NULL;
}

static void sleep_random(void)
{
	struct ramet **t = start_all(bench_param, sleeper, NULL);

	ramet_yield();
	sleep_started = cpu_ns();
	join_all(t, bench_param);
	report_sleeps("");
}

/* ---- park --------------------------------------------------------------- */

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

int main(int argc, char **argv)
{
	static const struct bench_item items[] = {
		{"yield", yield}, {"spawn", spawn}, {"channel", channel},
		{"fanin", fanin}, {"mutex", mutex}, {"sleep", sleep_random},
		{"park", park},   {NULL, NULL},
	};

	return bench_main(argc, argv, "ramet", items);
}
