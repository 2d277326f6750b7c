/* ramet.c - how long a loop stands still for a report about it, and one to be
 * looked at from outside, which knows how long it stood still. */
#include "../peers/bench.h"

#include <ramet.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SOCKETS = 1000 }; /* ramets that wait for one, if there are so many */

static int fds[2];

/* At some depths, as in programs: backtraces differ. */
static __attribute__((noinline)) long wait_at(long depth)
{
	char c;

	if (depth > 0)
		return wait_at(depth - 1) + 1;
	if (fds[0] >= 0)
		return ramet_recv(fds[0], &c, 1, 0);
	return ramet_sleep(RAMET_NEVER);
}

static void *wait_somewhere(void *number)
{
	return (void *)wait_at((long)number % 10);
}

static void spawn_all(long n)
{
	struct ramet_opts opts = {.name = "bench"};

	if (ramet_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		bench_fail("ramet_socketpair");
	for (long i = 0; i < n; i++) {
		if (i % SOCKETS == 0)
			ramet_yield();
		if (i == SOCKETS)
			fds[0] = -1;
		if (!ramet_spawn_opts(wait_somewhere, (void *)i, &opts))
			bench_fail("ramet_spawn_opts");
	}
	ramet_yield();
}

/* Into memory: who reads may be slow, but that is not ours. */
static double pause_of(int (*dump)(int))
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	int64_t from = now_ns();

	if (fd < 0 || dump(fd) < 0)
		bench_fail("dump");
	from = now_ns() - from;
	close(fd);
	return (double)from / MS;
}

static double least_pause(int (*dump)(int))
{
	double best = pause_of(dump);

	for (int i = 1; i < bench_rounds; i++) {
		double took = pause_of(dump);

		best = took < best ? took : best;
	}
	return best;
}

static void item_dump(void)
{
	spawn_all(bench_param);
	report("-first", pause_of(ramet_dump), "ms", "names are looked up");
	report("", least_pause(ramet_dump), "ms", "");
	report("-json", least_pause(ramet_dump_json), "ms", "");
}

/* ---- looked at from outside --------------------------------------------- */

static int64_t longest; /* between two of its turns */
static uint64_t turns;

static void *take_turns(void *unused)
{
	for (int64_t before = now_ns(), now;; before = now, turns++) {
		ramet_yield();
		now = now_ns();
		if (now - before > longest)
			longest = now - before;
	}
	return unused;
}

/* For each byte of standard input a line: the longest time between two turns,
 * in ms, and how many turns there were, since the last. */
static void item_watched(void)
{
	char c;

	spawn_all(bench_param);
	if (!ramet_go(NULL, take_turns, NULL))
		bench_fail("ramet_go");
	printf("ready\n");
	fflush(stdout);
	while (ramet_read(0, &c, 1) > 0) {
		printf("%.6f %llu\n", (double)longest / MS,
		       (unsigned long long)turns);
		fflush(stdout);
		longest = 0;
		turns = 0;
	}
	_Exit(0);
}

int main(int argc, char **argv)
{
	static const struct bench_item items[] = {
		{"dump", item_dump},
		{"watched", item_watched},
		{NULL, NULL},
	};

	ramet_yield();
	return bench_main(argc, argv, "ramet", items);
}
