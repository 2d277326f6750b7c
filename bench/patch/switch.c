/* switch.c - threads that take turns: how long one turn takes.  A plain pthread
 * program:
 *
 *	switch [THREADS [TURNS]]
 *	ramet run switch [THREADS [TURNS]]
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long turns;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *take_turns(void *arg)
{
	for (long i = 0; i < turns; i++)
		sched_yield();
	return arg;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 2;
	pthread_t *t = calloc((size_t)count, sizeof *t);
	double start;

	turns = argc > 2 ? atol(argv[2]) : 5000000 / count;
	start = now();
	for (long i = 0; i < count; i++)
		if (pthread_create(&t[i], NULL, take_turns, NULL))
			return 1;
	for (long i = 0; i < count; i++)
		pthread_join(t[i], NULL);
	printf("%ld threads: %.1f ns for a turn\n", count,
	       (now() - start) * 1e9 / (double)(count * turns));
	free(t);
	return 0;
}
