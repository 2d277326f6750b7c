/* st.c - the items of the comparison, on State Threads.
 *
 * It has no yield (a sleep of nothing comes nearest) and no channels (a slot
 * and two condition variables do the same).
 */
#include "bench.h"

#include <st.h>

static st_thread_t start(void *(*fn)(void *), void *arg)
{
	st_thread_t t = st_thread_create(fn, arg, 1, STACK_SIZE);

	if (!t)
		bench_fail("st_thread_create");
	return t;
}

static st_thread_t *start_all(long n, void *(*fn)(void *), void *arg)
{
	st_thread_t *t = malloc((size_t)n * sizeof *t);

	if (!t)
		bench_fail("malloc");
	for (long i = 0; i < n; i++)
		t[i] = start(fn, arg ? arg : (void *)(intptr_t)i);
	return t;
}

static void join_all(st_thread_t *t, long n)
{
	for (long i = 0; i < n; i++)
		st_thread_join(t[i], NULL);
	free(t);
}

/* ---- yield -------------------------------------------------------------- */

static void *yielder(void *p)
{
	long n = *(long *)p;

	for (long i = 0; i <= n; i++)
		st_usleep(0);
	return NULL;
}

static int64_t yields(long n)
{
	long each = n / bench_param;
	st_thread_t *t = start_all(bench_param, yielder, &each);
	int64_t from;

	st_usleep(0);
	from = cpu_ns();
	join_all(t, bench_param);
	return cpu_ns() - from;
}

static void yield(void)
{
	report("", least(yields, bench_param * 50), "ns",
	       "st_usleep(0): it has no yield");
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
		st_thread_join(start(nothing, NULL), NULL);
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

struct slot {
	st_cond_t filled, emptied;
	int full;
	long value;
};

static struct slot there, back;

static void slot_init(struct slot *s)
{
	s->filled = st_cond_new();
	s->emptied = st_cond_new();
	s->full = 0;
}

static void put(struct slot *s, long value)
{
	while (s->full)
		st_cond_wait(s->emptied);
	s->full = 1;
	s->value = value;
	st_cond_signal(s->filled);
}

static long take(struct slot *s)
{
	while (!s->full)
		st_cond_wait(s->filled);
	s->full = 0;
	st_cond_signal(s->emptied);
	return s->value;
}

static void *echo(void *p)
{
	for (long v; (v = take(&there)) >= 0;)
		put(&back, v);
	return p;
}

static int64_t round_trips(long n)
{
	st_thread_t t = start(echo, NULL);
	int64_t from = cpu_ns();

	for (long i = 0; i < n; i++) {
		put(&there, i);
		take(&back);
	}
	from = cpu_ns() - from;
	put(&there, -1);
	st_thread_join(t, NULL);
	return from;
}

static void channel(void)
{
	slot_init(&there);
	slot_init(&back);
	report("", least(round_trips, 1000), "ns",
	       "slot and conditions: it has no channels");
}

static void *sender(void *p)
{
	long n = *(long *)p;

	for (long i = 0; i < n; i++)
		put(&there, i);
	return NULL;
}

static int64_t fan_in(long n)
{
	long each = n / bench_param;
	st_thread_t *t = start_all(bench_param, sender, &each);
	int64_t from;

	st_usleep(0);
	from = cpu_ns();
	for (long i = 0; i < each * bench_param; i++)
		take(&there);
	from = cpu_ns() - from;
	join_all(t, bench_param);
	return from;
}

static void fanin(void)
{
	slot_init(&there);
	report("", least(fan_in, bench_param * 50), "ns",
	       "slot and conditions: it has no channels");
}

/* ---- mutex -------------------------------------------------------------- */

static st_mutex_t lock;
static long locks_each;

static void *contender(void *p)
{
	for (long i = 0; i < locks_each; i++) {
		st_mutex_lock(lock);
		held_by((long)(intptr_t)p);
		st_mutex_unlock(lock);
	}
	return NULL;
}

static int64_t hand_offs(long n)
{
	st_thread_t *t;
	int64_t from;

	locks_each = n / 2;
	st_mutex_lock(lock);
	t = start_all(2, contender, NULL);
	st_usleep(0); /* both wait */
	hand_overs = 0;
	from = cpu_ns();
	st_mutex_unlock(lock);
	join_all(t, 2);
	from = cpu_ns() - from;
	if (hand_overs < n - 2)
		fprintf(stderr, "mutex: %ld hand-overs, not %ld\n", hand_overs,
			n);
	return from;
}

static void mutex(void)
{
	lock = st_mutex_new();
	report("", least(hand_offs, 1000), "ns", "");
}

/* ---- sleep -------------------------------------------------------------- */

static void *sleeper(void *p)
{
	st_usleep(0);
	for (int i = 0; i < bench_rounds; i++) {
		int64_t ns = sleep_length((long)(intptr_t)p, i),
			from = now_ns();

		st_usleep((st_utime_t)(ns / 1000));
		slept(ns / 1000 * 1000, now_ns() - from);
	}
	return NULL;
}

static void sleep_random(void)
{
	st_thread_t *t = start_all(bench_param, sleeper, NULL);

	st_usleep(0);
	sleep_started = cpu_ns();
	join_all(t, bench_param);
	report_sleeps(st_get_eventsys_name());
}

/* ---- park --------------------------------------------------------------- */

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

int main(int argc, char **argv)
{
	static const struct bench_item items[] = {
		{"yield", yield}, {"spawn", spawn}, {"channel", channel},
		{"fanin", fanin}, {"mutex", mutex}, {"sleep", sleep_random},
		{"park", park},   {NULL, NULL},
	};

	st_set_eventsys(ST_EVENTSYS_ALT); /* epoll, but Debian's has none */
	if (!*st_get_eventsys_name())
		st_set_eventsys(ST_EVENTSYS_POLL);
	if (st_init() < 0)
		bench_fail("st_init");
	return bench_main(argc, argv, "st", items);
}
