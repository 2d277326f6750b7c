/* bench.h - what the programs in this folder share: CPU time, memory, format.
 *
 * Each program is one peer and runs one item in a process of its own:
 *
 *     PROGRAM ITEM PARAMETER ROUNDS
 *
 * It prints lines of bench, peer, parameter, value, unit and note, separated by
 * tabs.  Times are CPU time of the whole process, the least of the rounds:
 * other load on the machine only ever adds.  script/bench pins the process to
 * one CPU.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS INT64_C(1000000)
#define SEC (1000 * MS)
#define ROUND_NS (20 * MS)
#define STACK_SIZE (64 * 1024) /* for peers that must be told one */

struct bench_item {
	const char *name;
	void (*run)(void);
};

/* What the command line asks for. */
static const char *bench_peer, *bench_name, *bench_text;
static long bench_param;
static int bench_rounds;

static inline int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static inline int64_t cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static inline int64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline void bench_fail(const char *what)
{
	perror(what);
	exit(1);
}

/* One line; the bench's name is the item's with an ending. */
static inline void report(const char *ending, double value, const char *unit,
			  const char *note)
{
	printf("%s%s\t%s\t%s\t%.6g\t%s\t%s\n", bench_name, ending, bench_peer,
	       bench_text, value, unit, note);
	fflush(stdout);
}

/* CPU ns per operation.  run(n) does n of them and returns the CPU time that
 * took, without preparations; n doubles until that is ROUND_NS. */
static inline double least(int64_t (*run)(long n), long n)
{
	int64_t took, best = INT64_MAX;

	while ((took = run(n)) < ROUND_NS)
		n *= 2;
	for (int i = 0; i < bench_rounds; i++) {
		took = run(n);
		if (took < best)
			best = took;
	}
	return (double)best / (double)n;
}

/* ---- mutex: times it changed hands -------------------------------------- */

static long hand_overs, holder;

/* Called by `me` while it holds the mutex. */
static inline void held_by(long me)
{
	if (holder != me) {
		holder = me;
		hand_overs++;
	}
}

/* ---- sleepers ----------------------------------------------------------- */

/* bench_rounds is how often each sleeps. */
static int64_t sleep_late, sleep_earliest = INT64_MAX, sleep_started;
static long sleep_count, sleep_early;

/* How long sleep number i of sleeper `id` takes: anything below a second. */
static inline int64_t sleep_length(long id, int i)
{
	uint64_t x = (uint64_t)id * 1000003 + (uint64_t)i + 1;

	x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 32;
	return (int64_t)(x % SEC);
}

/* A sleep of `asked` took `took`. */
static inline void slept(int64_t asked, int64_t took)
{
	int64_t late = took - asked;

	sleep_late += late;
	sleep_count++;
	if (late < 0)
		sleep_early++;
	if (late < sleep_earliest)
		sleep_earliest = late;
}

static inline void report_sleeps(const char *note)
{
	double n = (double)sleep_count;

	report("", (double)(cpu_ns() - sleep_started) / n / 1e3, "us", note);
	report("-late", (double)sleep_late / n / 1e6, "ms", "mean lateness");
	report("-earliest", (double)sleep_earliest / 1e6, "ms", "");
	report("-early", (double)sleep_early, "sleeps", "ended too early");
}

/* ---- memory ------------------------------------------------------------- */

struct memory {
	double rss, tables, mappings; /* bytes, bytes, count */
	int64_t cpu;
};

static inline double status_kb(const char *field)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	double kb = 0;

	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, field, strlen(field)) == 0)
			kb = strtod(line + strlen(field), NULL);
	if (f)
		fclose(f);
	return kb;
}

static inline struct memory memory_now(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	struct memory m;

	m.rss = status_kb("VmRSS:") * 1024;
	m.tables = status_kb("VmPTE:") * 1024;
	m.mappings = 0;
	for (int c; f && (c = getc(f)) != EOF;)
		m.mappings += c == '\n';
	if (f)
		fclose(f);
	m.cpu = cpu_ns();
	return m;
}

static inline void report_memory(struct memory before, int64_t cpu,
				 const char *note)
{
	struct memory m = memory_now();
	double n = (double)bench_param;
	double rss = (m.rss - before.rss) / n;
	double tables = (m.tables - before.tables) / n;

	report("", rss + tables, "B", note);
	report("-rss", rss, "B", "");
	report("-tables", tables, "B", "page tables");
	report("-mappings", m.mappings, "mappings", "");
	report("-create", (double)(cpu - before.cpu) / n / 1e3, "us", "CPU");
}

/* ---- main --------------------------------------------------------------- */

static inline int bench_main(int argc, char **argv, const char *peer,
			     const struct bench_item *items)
{
	if (argc != 4) {
		fprintf(stderr, "usage: %s ITEM PARAMETER ROUNDS\n", argv[0]);
		return 2;
	}
	bench_peer = peer;
	bench_text = argv[2];
	bench_param = strtol(argv[2], NULL, 10);
	bench_rounds = atoi(argv[3]);
	for (; items->name; items++)
		if (strcmp(items->name, argv[1]) == 0) {
			bench_name = items->name;
			items->run();
			return 0;
		}
	fprintf(stderr, "%s: no item '%s'\n", argv[0], argv[1]);
	return 2;
}

#endif
