/* watchdog.c - what the watchdog costs: CPU time of the process for the same
 * work, with it and without, in turn, in one process.
 *
 * The parameter says how much works: ramets that yield, pairs that send each
 * other 64 bytes, OS threads whose ramets sleep; or for how many seconds
 * nothing does.
 */
#include "../peers/bench.h"

#include <dirent.h>
#include <pthread.h>
#include <ramet.h>
#include <stdbool.h>
#include <sys/socket.h>

enum {
	SETTLE = 100, /* ms: until the thread is there, or gone */
	SLICE = 300,  /* ms: it looks six times */
	SLEEPERS = 10,
	PAIRS_MAX = 100,
};

static uint64_t done; /* atomic */

static void count(void)
{
	__atomic_store_n(&done, done + 1, __ATOMIC_RELAXED);
}

static void spawn(void *(*fn)(void *), void *arg)
{
	if (!ramet_go(NULL, fn, arg))
		bench_fail("ramet_go");
}

/* ---- work, until the process ends --------------------------------------- */

static void *yields(void *unused)
{
	for (;; count())
		ramet_yield();
	return unused;
}

static void start_yields(void)
{
	for (long i = 0; i < bench_param; i++)
		spawn(yields, NULL);
}

static void *asks(void *fd)
{
	char text[64] = "";

	for (;; count())
		if (ramet_send(*(int *)fd, text, sizeof text, 0) < 0 ||
		    ramet_recv(*(int *)fd, text, sizeof text, 0) <= 0)
			bench_fail("asks");
	return NULL;
}

static void *answers(void *fd)
{
	char text[64];

	while (ramet_recv(*(int *)fd, text, sizeof text, 0) > 0)
		ramet_send(*(int *)fd, text, sizeof text, 0);
	return NULL;
}

static void start_echo(void)
{
	static int fds[PAIRS_MAX][2];

	for (long i = 0; i < bench_param && i < PAIRS_MAX; i++) {
		if (ramet_socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]) < 0)
			bench_fail("ramet_socketpair");
		spawn(asks, &fds[i][0]);
		spawn(answers, &fds[i][1]);
	}
}

/* From 1 to 20 ms. */
static void *sleeps(void *number)
{
	for (uint32_t i = (uint32_t)(intptr_t)number;; i++) {
		ramet_sleep((int64_t)(i * 7919 % 20 + 1) * MS);
		__atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *loop_of_sleepers(void *unused)
{
	for (intptr_t i = 0; i < SLEEPERS; i++)
		spawn(sleeps, (void *)i);
	ramet_sleep(RAMET_NEVER);
	return unused;
}

static void start_sleepers(void)
{
	pthread_t thread;

	for (long i = 0; i < bench_param; i++)
		if (pthread_create(&thread, NULL, loop_of_sleepers, NULL))
			bench_fail("pthread_create");
}

/* ---- the watchdog's thread ---------------------------------------------- */

static bool read_line(const char *task, const char *file, char *line, int size)
{
	char path[300];
	FILE *f;
	bool there;

	snprintf(path, sizeof path, "/proc/self/task/%s/%s", task, file);
	f = fopen(path, "r");
	there = f && fgets(line, size, f);
	if (f)
		fclose(f);
	return there;
}

/* ns of the processor that it has used; 0 if it is not there. */
static double its_cpu(void)
{
	DIR *tasks = opendir("/proc/self/task");
	char line[100];
	double ns = 0;

	for (struct dirent *e; tasks && (e = readdir(tasks));)
		if (read_line(e->d_name, "comm", line, sizeof line) &&
		    strcmp(line, "ramet watchdog\n") == 0 &&
		    read_line(e->d_name, "schedstat", line, sizeof line))
			ns = strtod(line, NULL);
	if (tasks)
		closedir(tasks);
	return ns;
}

/* ---- with and without --------------------------------------------------- */

static double its_ns, wall_ns; /* while it was on */

struct slice {
	double each;  /* CPU ns for each thing done */
	double share; /* of a processor */
};

static struct slice slice(bool on)
{
	double its, cpu, wall;
	uint64_t before;

	if (ramet_set_watchdog(on ? 100 * MS : 0) < 0)
		bench_fail("ramet_set_watchdog");
	ramet_sleep(SETTLE * MS);
	its = its_cpu();
	if (on == (its == 0)) {
		fprintf(stderr, "the watchdog is not %s\n", on ? "on" : "off");
		exit(1);
	}
	before = __atomic_load_n(&done, __ATOMIC_RELAXED);
	cpu = (double)cpu_ns();
	wall = (double)now_ns();
	ramet_sleep(SLICE * MS);
	cpu = (double)cpu_ns() - cpu;
	wall = (double)now_ns() - wall;
	before = __atomic_load_n(&done, __ATOMIC_RELAXED) - before;
	if (on) {
		its_ns += its_cpu() - its;
		wall_ns += wall;
	}
	return (struct slice){cpu / (double)before, cpu / wall};
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* One after the other and the other way round: what the same work takes more,
 * of a processor; the median. */
static void compare(void (*begin)(void))
{
	double *more = calloc((size_t)bench_rounds, sizeof *more);
	int n = bench_rounds;
	char spread[80];

	if (!more)
		bench_fail("calloc");
	begin();
	for (int i = 0; i < n; i++) {
		struct slice first = slice(i % 2), second = slice(i % 2 == 0);
		struct slice with = i % 2 ? first : second;
		struct slice without = i % 2 ? second : first;

		more[i] = (with.each / without.each - 1) * without.share * 100;
	}
	qsort(more, (size_t)n, sizeof *more, ascending);
	snprintf(spread, sizeof spread, "%d pairs, half of them %.2f to %.2f",
		 n, more[n / 4], more[n - 1 - n / 4]);
	report("", more[n / 2], "%", spread);
	report("-thread", its_ns / wall_ns * 100, "%", "its thread's");
	_Exit(0);
}

static void item_yield(void)
{
	compare(start_yields);
}

static void item_echo(void)
{
	compare(start_echo);
}

static void item_sleep(void)
{
	compare(start_sleepers);
}

/* ---- nothing to do ------------------------------------------------------ */

static void *waits(void *unused)
{
	ramet_sleep(RAMET_NEVER);
	return unused;
}

static void item_idle(void)
{
	int64_t from, time = bench_param * SEC;

	for (int i = 0; i < 1000; i++)
		spawn(waits, NULL);
	ramet_sleep(MS);
	from = cpu_ns();
	ramet_sleep(time);
	from = cpu_ns() - from;
	report("", (double)from / (double)time * 100, "%", "of a processor");
	_Exit(0);
}

int main(int argc, char **argv)
{
	static const struct bench_item items[] = {
		{"yield", item_yield}, {"echo", item_echo},
		{"sleep", item_sleep}, {"idle", item_idle},
		{NULL, NULL},
	};

	ramet_yield();
	return bench_main(argc, argv, "ramet", items);
}
