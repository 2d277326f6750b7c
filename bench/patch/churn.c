/* churn.c - threads that are created, do next to nothing and are joined: how
 * long one takes, and what is left of it.  A plain pthread program:
 *
 *	churn [COUNT]
 *	ramet run churn [COUNT]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SIZES = 20 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Memory in use, in KiB. */
static long resident(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

static void *nothing(void *arg)
{
	return arg;
}

/* What a thread would leave behind: memory from malloc's cache. */
static void *allocate(void *arg)
{
	void *p[SIZES];

	for (size_t i = 0; i < SIZES; i++)
		p[i] = malloc(16 + 24 * i);
	for (size_t i = 0; i < SIZES; i++)
		free(p[i]);
	return arg;
}

static void churn(const char *what, void *(*fn)(void *), long count)
{
	long before;
	double start;

	for (int warm = 0; warm < 2; warm++) {
		before = resident();
		start = now();
		for (long i = 0; i < count; i++) {
			pthread_t t;

			if (pthread_create(&t, NULL, fn, NULL) ||
			    pthread_join(t, NULL))
				exit(1);
		}
	}
	printf("%s: %.0f ns for create and join, %.2f bytes left of each\n",
	       what, (now() - start) * 1e9 / (double)count,
	       (double)(resident() - before) * 1024 / (double)count);
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 1000000;

	churn("nothing", nothing, count);
	churn("20 of malloc", allocate, count);
	return 0;
}
