/* trace.c - what the recorder costs, off and on, in what switches most.
 *
 * Built twice: with the library as it is, and as trace-bare with one that has
 * neither hooks nor probes.  Beside the CPU time of an operation it says how
 * many events that is, counted in the ring, which it finds as tools outside do.
 */
#include "../peers/bench.h"

#include "base/record.h"
#include "debug/map.h"

#include <ramet.h>

extern const struct map ramet_map;

/* ---- works: run(n) does n operations and returns their CPU time --------- */

static struct ramet *start(void *(*fn)(void *), void *arg)
{
	struct ramet *t = ramet_spawn(fn, arg);

	if (!t)
		bench_fail("ramet_spawn");
	return t;
}

static void *yield_often(void *count)
{
	for (long n = *(long *)count; n > 0; n--)
		ramet_yield();
	return NULL;
}

static int64_t yields(long n)
{
	long each = n / 2;
	struct ramet *a = start(yield_often, &each);
	struct ramet *b = start(yield_often, &each);
	int64_t from = cpu_ns();

	ramet_join(a, NULL);
	ramet_join(b, NULL);
	return cpu_ns() - from;
}

static void *answer(void *arg)
{
	struct ramet_chan **c = arg;

	for (long v; ramet_chan_recv(c[0], &v) > 0;)
		ramet_chan_send(c[1], &v);
	return NULL;
}

static int64_t round_trips(long n)
{
	struct ramet_chan *c[] = {ramet_chan_new(sizeof(long), 0),
				  ramet_chan_new(sizeof(long), 0)};
	struct ramet *t = start(answer, c);
	int64_t from = cpu_ns();

	for (long v; n > 0; n--) {
		ramet_chan_send(c[0], &n);
		ramet_chan_recv(c[1], &v);
	}
	from = cpu_ns() - from;
	ramet_chan_close(c[0]);
	ramet_join(t, NULL);
	ramet_chan_free(c[0]);
	ramet_chan_free(c[1]);
	return from;
}

static struct ramet_mutex mutex;

static void *lock_often(void *count)
{
	for (long n = *(long *)count; n > 0; n--) {
		ramet_mutex_lock(&mutex);
		ramet_mutex_unlock(&mutex);
	}
	return NULL;
}

/* The other always waits for it. */
static int64_t hand_offs(long n)
{
	long each = n / 2;
	struct ramet *a, *b;
	int64_t from;

	ramet_mutex_lock(&mutex);
	a = start(lock_often, &each);
	b = start(lock_often, &each);
	ramet_yield();
	from = cpu_ns();
	ramet_mutex_unlock(&mutex);
	ramet_join(a, NULL);
	ramet_join(b, NULL);
	return cpu_ns() - from;
}

/* ---- events ------------------------------------------------------------- */

static uint32_t offset(const char *name)
{
	for (uint32_t i = 0; i < ramet_map.value_count; i++)
		if (strcmp(ramet_map.value[i].name, name) == 0)
			return ramet_map.value[i].value;
	fprintf(stderr, "%s is not in the map\n", name);
	exit(1);
}

static void *pointer_at(const void *at)
{
	void *p;

	memcpy(&p, at, sizeof p);
	return p;
}

/* In this thread's loop, the only one. */
static uint64_t events(void)
{
	char *seen = pointer_at((void *)(uintptr_t)ramet_map.seen);
	char *loop = pointer_at(seen + offset("seen.loop"));
	struct record *r = pointer_at(loop + offset("loop.record_ring"));

	return r ? r->written : 0;
}

/* ---- main --------------------------------------------------------------- */

static void compare(int64_t (*run)(long n))
{
	enum { FEW = 10000 };
	uint64_t before;

	report("", least(run, FEW), "ns", "off");
	if (ramet_trace_start("/dev/null") < 0)
		bench_fail("ramet_trace_start");
	report("-on", least(run, FEW), "ns", "on");
	before = events();
	run(FEW);
	report("-events", (double)(events() - before) / FEW, "events", "");
	if (ramet_trace_stop() < 0)
		bench_fail("ramet_trace_stop");
}

static void item_yield(void)
{
	compare(yields);
}

static void item_channel(void)
{
	compare(round_trips);
}

static void item_mutex(void)
{
	compare(hand_offs);
}

int main(int argc, char **argv)
{
	static const struct bench_item items[] = {
		{"yield", item_yield},
		{"channel", item_channel},
		{"mutex", item_mutex},
		{NULL, NULL},
	};

	ramet_yield();
	return bench_main(argc, argv, "ramet", items);
}
